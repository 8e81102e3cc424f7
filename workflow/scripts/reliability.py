"""Compare the contrasts and masks of halves of the stimuli, beside shuffled labels."""

from deeplocalizer import provenance, reliability, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    with store.lazy(snakemake.input.moments, "moments") as recorded:  # of millions of units, each split takes gigabytes
        moments = recorded.sel(split=["localize"]).load()
    result = reliability.measure(
        moments,
        parameters["contrasts"],
        parameters["localizers"],
        parameters["inference"],
        parameters["seed"],
    )
    title = "Agreement of halves of the stimuli about units"
    result = provenance.stamp(result, "reliability", title, parameters, {"moments": moments})
    store.save(result, snakemake.output[0])
