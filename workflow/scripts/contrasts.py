"""Put the contrasts of a model together."""

from contextlib import ExitStack

from deeplocalizer import joining, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output), ExitStack() as opened:
    parameters = dict(snakemake.params.items())
    parts = {
        f"contrasts/{name}": opened.enter_context(store.lazy(path, "contrast"))
        for name, path in zip(parameters["contrasts"], snakemake.input, strict=True)
    }
    result = joining.along("contrast", list(parts.values()))
    title = "Contrasts of categories in every unit"
    store.save(provenance.stamp(result, "contrast", title, parameters, parts), snakemake.output[0])
