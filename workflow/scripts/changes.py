"""Find what each mask does to each category, and which images change their label."""

from deeplocalizer import changes, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    parts = {}
    for name, path in zip(parameters["localizers"], snakemake.input.outcomes, strict=True):
        with store.lazy(path, "outcomes") as outcomes:  # half of what it holds is of no concern here
            parts[name] = outcomes[list(changes.ASKED)].load()
    result = changes.measure(parts, parameters["tasks"], parameters["inference"], parameters["seed"])
    title = "Labels that change under ablation on the test split"
    store.save(provenance.stamp(result, "changes", title, parameters, parts), snakemake.output[0])
