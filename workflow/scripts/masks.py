"""Put the masks of a model together, with bounds on how many of their units truly prefer."""

from contextlib import ExitStack

from deeplocalizer import joining, masks, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output), ExitStack() as opened:
    parameters = dict(snakemake.params.items())
    contrasts = opened.enter_context(store.lazy(snakemake.input.contrast, "contrast"))
    parts = {
        f"masks/{name}": opened.enter_context(store.lazy(path, "masks"))
        for name, path in zip(parameters["localizers"], snakemake.input.masks, strict=True)
    }
    joined = joining.along("mask", list(parts.values()))
    result = masks.bounded(joined, contrasts, parameters["localizers"], parameters["alpha"])
    title = "Target masks of the localizers and their controls"
    sources = {"contrast": contrasts, **parts}
    store.save(provenance.stamp(result, "masks", title, parameters, sources), snakemake.output[0])
