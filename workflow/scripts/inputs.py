"""Decode the stimuli once, at the size that a model wants."""

from deeplocalizer import inputs, provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.models import specification
from deeplocalizer.models.pipelines import pipeline

with log_to(snakemake.log[0]):
    stimuli = store.open(snakemake.input.stimuli, "stimuli")
    model = specification.read(snakemake.input.model)
    result = inputs.prepare(stimuli, pipeline(model.preprocessing))
    parameters = {"architecture": model.architecture, "preprocessing": model.preprocessing}
    result = provenance.stamp(result, "inputs", "Inputs of the model", parameters, {"stimuli": stimuli})
    store.save(result, snakemake.output[0])
