"""Find the layers that will be recorded, before anything else is done with the model."""

from deeplocalizer import architecture, provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.models import network, specification

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    del parameters["shared"]  # which is no part of the result
    built = network.initial(specification.read(snakemake.input.model), seed=0)
    result = architecture.table(built, parameters["layers"])
    result = provenance.stamp(result, "architecture", "Layers of the model", parameters)
    store.save(result, snakemake.output[0])
