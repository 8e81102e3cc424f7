"""Contrast categories in every unit."""

from deeplocalizer import contrast, provenance, store, units
from deeplocalizer.contrast import auroc
from deeplocalizer.logging import log_to
from deeplocalizer.moments import localized

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    sides = parameters["contrasts"][snakemake.wildcards.contrast]
    with store.lazy(snakemake.input.moments, "moments") as recorded:
        moments = localized(recorded, [*sides["preferred"], *sides["other"]])
    with store.lazy(snakemake.input.activations, "activations") as activations:
        units.within(activations, moments)
        stored = auroc.streamed(activations, parameters["contrasts"])
        sources = {"moments": moments, "activations": activations}
        known = {"auroc": stored["auroc"], "magnitude": stored["magnitude"]}
        result = contrast.welch(moments, parameters["contrasts"], **known, **parameters["inference"])
        title = f"Contrast {snakemake.wildcards.contrast} in every unit"
        store.save(provenance.stamp(result, "contrast", title, parameters, sources), snakemake.output[0])
