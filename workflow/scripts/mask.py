"""Select the units of a localizer by their contrast and draw control masks."""

from pathlib import Path

from deeplocalizer import masks, provenance, store
from deeplocalizer.logging import log_to
from deeplocalizer.moments import localized

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    contrast = store.open(snakemake.input.contrast, "contrast")
    name = contrast["contrast"].item()
    sides = parameters["contrasts"][name]
    sources = {f"contrasts/{name}": contrast}
    settings = dict(parameters["ablation"])
    moments = untrained = None
    if snakemake.input.get("moments"):  # labels are to be shuffled
        with store.lazy(snakemake.input.moments, "moments") as recorded:
            moments = sources["moments"] = localized(recorded, [*sides["preferred"], *sides["other"]])
    if snakemake.input.get("untrained"):
        untrained = store.open(snakemake.input.untrained, "contrast")
        twin = Path(snakemake.input.untrained).parents[1].name
        sources[f"{twin}/contrasts/{name}"] = untrained
    else:  # not every model has a twin
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
