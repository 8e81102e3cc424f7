"""Draw the stimuli of one category from their source."""

from pathlib import Path

from deeplocalizer import provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.stimuli import drawn, sources

with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    parameters = dict(snakemake.params.items())
    del parameters["shared"]  # which is no part of the result
    downloads = Path(snakemake.config["downloads"])  # where things lie does not change what they are
    del parameters["listing"]  # which only says when to draw anew
    name = snakemake.wildcards.category
    result = sources.draw(name, parameters["category"], parameters["seed"], parameters["splits"], downloads)
    for refused in result.refused:
        log.warning("left out: %s: %s", refused.id, refused.reason)
    title = f"Stimuli of the category {name} as their source gives them"
    store.save(provenance.stamp(drawn.table(result), "drawn", title, parameters), snakemake.output[0])
