"""Measure the effects of more and fewer units."""

from deeplocalizer import curves, outcomes, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    parts = [store.open(path, "outcomes") for path in snakemake.input.outcomes]
    result = curves.measure(
        outcomes.join(parts),
        parameters["tasks"],
        parameters["localizers"],
        parameters["inference"],
        parameters["seed"],
    )
    title = "Effects of more and fewer units on the test split"
    sources = dict(zip(parameters["localizers"], parts, strict=True))
    store.save(provenance.stamp(result, "curves", title, parameters, sources), snakemake.output[0])
