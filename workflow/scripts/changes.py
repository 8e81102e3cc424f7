"""Find what each mask does to each category, and which images change their label."""

from deeplocalizer import changes, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0]):
    parameters = dict(snakemake.params.items())
    opened = [store.open(path, "outcomes") for path in snakemake.input.outcomes]
    parts = dict(zip(parameters["localizers"], opened, strict=True))
    result = changes.measure(parts, parameters["tasks"], parameters["inference"], parameters["seed"])
    title = "Labels that change under ablation on the test split"
    store.save(provenance.stamp(result, "changes", title, parameters, parts), snakemake.output[0])
