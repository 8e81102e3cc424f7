"""Select units by their contrasts and draw control masks."""

from deeplocalizer import masks, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    sources = {name: store.open(path, name) for name, path in snakemake.input.items() if name != "untrained" and path}
    if snakemake.input.get("untrained"):
        sources["untrained"] = store.open(snakemake.input.untrained, "contrast")
    settings = dict(parameters["ablation"])
    if "untrained" not in sources:  # not every model has a twin
        settings["compare"] = [kind for kind in settings["compare"] if kind != "untrained"]
    result = masks.table(
        sources["contrast"],
        parameters["localizers"],
        settings,
        parameters["seed"],
        moments=sources["moments"],
        sides=parameters["contrasts"],
        untrained=sources.get("untrained"),
        alpha=parameters["alpha"],
    )
    title = "Target masks of the localizers and their controls"
    store.save(provenance.stamp(result, "masks", title, parameters, sources), snakemake.output[0])
