"""Select more and fewer units of a localizer, and draw random masks of as many."""

from deeplocalizer import masks, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    contrast = store.open(snakemake.input.contrast, "contrast")
    result = masks.series(contrast, parameters["localizers"], parameters["ablation"], parameters["seed"], alpha=None)
    title = f"Masks of more and fewer units of the localizer {snakemake.wildcards.localizer}, and their controls"
    sources = {f"contrasts/{contrast['contrast'].item()}": contrast}
    store.save(provenance.stamp(result, "series", title, parameters, sources), snakemake.output[0])
