"""Measure the effect sizes of all units beside those with shuffled labels."""

from deeplocalizer import nulls, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    with store.lazy(snakemake.input.moments, "moments") as recorded:  # of millions of units, each split takes gigabytes
        moments = recorded.sel(split=["localize"]).load()
    result = nulls.measure(moments, parameters["contrasts"], parameters["inference"], parameters["seed"])
    title = "Effect sizes of all units beside shuffled labels"
    store.save(provenance.stamp(result, "nulls", title, parameters, {"moments": moments}), snakemake.output[0])
