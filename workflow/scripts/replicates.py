"""Compare the effects of models that replicate one another."""

from deeplocalizer import provenance, replicates, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    found = zip(parameters["models"], snakemake.input.effects, strict=True)
    effects = {model: store.open(path, "effects") for model, path in found}
    result = replicates.table(effects, parameters["inference"])
    title = "Effects over models that replicate one another"
    store.save(provenance.stamp(result, "replicates", title, parameters, effects), snakemake.output[0])
