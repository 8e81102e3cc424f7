"""Contrast the categories of a study in every unit."""

from deeplocalizer import contrast, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0]):
    parameters = dict(snakemake.params.items())
    moments = store.open(snakemake.input.moments, "moments")
    result = contrast.welch(moments, parameters["contrasts"])
    title = "Contrasts of categories in every unit"
    result = provenance.stamp(result, "contrast", title, parameters, {"moments": moments})
    store.save(result, snakemake.output[0])
