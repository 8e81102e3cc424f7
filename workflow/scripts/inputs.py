"""Decode the stimuli once, at the size that a model wants."""

from deeplocalizer import inputs, provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.models.catalogue import architecture

with log_to(snakemake.log[0]):
    stimuli = store.open(snakemake.input.stimuli, "stimuli")
    parameters = dict(snakemake.params.items())
    result = inputs.prepare(stimuli, architecture(parameters["architecture"]).preprocessing)
    result = provenance.stamp(result, "inputs", "Inputs of the model", parameters, {"stimuli": stimuli})
    store.save(result, snakemake.output[0])
