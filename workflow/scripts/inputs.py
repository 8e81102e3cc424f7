"""Decode the stimuli once, at the size that a model wants."""

from deeplocalizer import inputs, provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.models import specification
from deeplocalizer.models.pipelines import pipeline

with (
    log_to(snakemake.log[0], snakemake.input, snakemake.output),
    store.lazy(snakemake.input.stimuli, "stimuli") as stimuli,
):
    model = specification.read(snakemake.input.model)
    preprocessing = pipeline(model.preprocessing)
    parameters = {"architecture": model.architecture, "preprocessing": model.preprocessing}
    described = inputs.table(stimuli, preprocessing)
    described = provenance.stamp(described, "inputs", "Inputs of the model", parameters, {"stimuli": stimuli})
    inputs.write(stimuli, preprocessing, described, snakemake.output[0])
