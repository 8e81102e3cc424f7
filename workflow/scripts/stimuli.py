"""Compose the stimuli of a study: match them and deal them into splits."""

from pathlib import Path

from deeplocalizer import provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.stimuli import table

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    del parameters["shared"]  # which is no part of the result
    drawn = {Path(path).stem: store.open(path, "drawn") for path in snakemake.input.drawn}
    stimuli = table.compose(drawn, parameters["stimuli"], parameters["seed"])
    result = provenance.stamp(stimuli, "stimuli", "Stimuli of the study", parameters, drawn)
    store.save(result, snakemake.output[0])
