"""Fit linear readouts to intact responses, on the select split."""

from deeplocalizer import provenance, readout, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    with (
        store.lazy(snakemake.input.activations, "activations") as activations,
        store.lazy(snakemake.input.stimuli, "stimuli") as stimuli,
    ):
        result = readout.fit(activations, stimuli, parameters["readouts"], parameters["seed"])
        title = "Linear readouts of responses"
        sources = {"activations": activations, "stimuli": stimuli}
        store.save(provenance.stamp(result, "readouts", title, parameters, sources), snakemake.output[0])
