"""Select the units of a localizer by their contrast and draw control masks."""

from deeplocalizer import masks, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    contrast = store.open(snakemake.input.contrast, "contrast")
    moments = store.open(snakemake.input.moments, "moments")
    sources = {f"contrasts/{contrast['contrast'].item()}": contrast, "moments": moments}
    untrained = None
    if snakemake.input.get("untrained"):
        untrained = sources["untrained"] = store.open(snakemake.input.untrained, "contrast")
    settings = dict(parameters["ablation"])
    if untrained is None:  # not every model has a twin
        settings["compare"] = [kind for kind in settings["compare"] if kind != "untrained"]
    result = masks.table(
        contrast,
        parameters["localizers"],
        settings,
        parameters["seed"],
        moments=moments,
        sides=parameters["contrasts"],
        untrained=untrained,
        alpha=None,
    )
    title = f"Target mask of the localizer {snakemake.wildcards.localizer} and its controls"
    store.save(provenance.stamp(result, "masks", title, parameters, sources), snakemake.output[0])
