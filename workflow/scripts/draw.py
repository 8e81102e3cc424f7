"""Draw the stimuli of one category from their source."""

from pathlib import Path

from deeplocalizer import provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.stimuli import drawn, sources

with log_to(snakemake.log[0]) as log:
    parameters = dict(snakemake.params.items())
    downloads = Path(parameters.pop("downloads"))
    del parameters["listing"]  # which only says when to draw anew
    name = snakemake.wildcards.category
    result = sources.draw(name, parameters["category"], parameters["seed"], parameters["splits"], downloads)
    for refused in result.refused:
        log.warning("left out: %s: %s", refused.id, refused.reason)
    title = f"Stimuli of the category {name} as their source gives them"
    store.save(provenance.stamp(drawn.table(result), "drawn", title, parameters), snakemake.output[0])
