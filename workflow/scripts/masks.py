"""Select units by their contrasts and draw random control masks."""

from deeplocalizer import masks, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0]):
    parameters = dict(snakemake.params.items())
    contrast = store.open(snakemake.input.contrast, "contrast")
    result = masks.table(contrast, parameters["localizers"], parameters["controls"], parameters["seed"])
    title = "Target masks of the localizers and their random controls"
    result = provenance.stamp(result, "masks", title, parameters, {"contrast": contrast})
    store.save(result, snakemake.output[0])
