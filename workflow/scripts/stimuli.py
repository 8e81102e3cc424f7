"""Gather the stimuli of a study and deal them into splits."""

from deeplocalizer import provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.stimuli import table

with log_to(snakemake.log[0]):
    parameters = dict(snakemake.params.items())
    stimuli = table.gather(parameters["stimuli"], parameters["seed"])
    store.save(provenance.stamp(stimuli, "stimuli", "Stimuli of the study", parameters), snakemake.output[0])
