"""Put the shards of a recording together."""

from deeplocalizer import gathering, provenance, recorded, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    del parameters["shared"]  # which is no part of the result
    with store.lazy(snakemake.input.inputs, "inputs", verify=False) as inputs:

        def stamp(dataset, kind):
            return provenance.stamp(dataset, kind, recorded.TITLES[kind], parameters, {"inputs": inputs})

        gathering.gather(snakemake.input.activations, snakemake.input.parts, snakemake.output, stamp)
