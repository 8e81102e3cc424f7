"""Find the layers that will be recorded, before anything else is done with the model."""

from deeplocalizer import architecture, provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.models import network, specification

with log_to(snakemake.log[0]):
    parameters = dict(snakemake.params.items())
    built = network.initial(specification.read(snakemake.input.model), seed=0)
    result = architecture.table(built, parameters["layers"])
    result = provenance.stamp(result, "architecture", "Layers of the model", parameters)
    store.save(result, snakemake.output[0])
