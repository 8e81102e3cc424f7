"""Measure the effects of ablation, with intervals and p-values."""

from deeplocalizer import effects, outcomes, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    parts = [store.open(path, "outcomes") for path in snakemake.input.outcomes]
    result = effects.measure(
        outcomes.join(parts),
        parameters["tasks"],
        parameters["localizers"],
        parameters["dissociations"],
        parameters["inference"],
        parameters["seed"],
    )
    title = "Effects of ablation on the test split"
    sources = dict(zip(parameters["localizers"], parts, strict=True))
    store.save(provenance.stamp(result, "effects", title, parameters, sources), snakemake.output[0])
