"""Run the network intact, under the masks of a localizer and under their controls, on the test split."""

import numpy as np

from deeplocalizer import ablation, hooks, provenance, readout, robustness, store, units
from deeplocalizer.logging import log_to
from deeplocalizer.models import network
from deeplocalizer.moments import localized

with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    parameters = dict(snakemake.params.items())
    jobs = parameters.pop("jobs")  # how many jobs share the work is no part of the result
    values = parameters.pop("values", [parameters["ablation"]["value"]])
    kind = parameters["masks"]
    masks = store.open(snakemake.input.masks, kind)
    others = parameters["contrasts"][parameters["contrast"]]["other"]
    opened = {}
    for name in ("moments", "maps"):
        if snakemake.input.get(name):
            with store.lazy(snakemake.input[name], name) as recorded:
                opened[name] = localized(recorded, others)
    if snakemake.input.get("readouts"):
        opened["readouts"] = store.open(snakemake.input.readouts, "readouts")
    units.align(opened["moments"], masks)
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    with store.lazy(snakemake.input.inputs, "inputs") as inputs:
        tested = inputs.isel(stimulus=np.flatnonzero(inputs["split"].values == "test"))
        # of further values, not all random masks are run
        mine = robustness.fewer(masks, parameters["controls"], parameters) if "controls" in parameters else masks
        size = ablation.group_size(tested.sizes["stimulus"], parameters["ablation"]["batch_size"])
        job = int(snakemake.wildcards.job) if jobs > 1 else 0
        mine = mine.isel(mask=ablation.part(mine.sizes["mask"], size, job, jobs))
        heads = readout.heads(opened["readouts"], tested) if "readouts" in opened else []
        layers = np.unique([*units.layer_names(masks), *(head.layer for head in heads)])
        module = loaded.module.to(device)
        for value, path in zip(values, snakemake.output, strict=True):
            settings = parameters["ablation"] | {"value": value}
            drawn = None
            if "resample" in (value, settings.get("background")):
                drawn = ablation.donors(inputs, tested["stimulus"].values, list(others), parameters["seed"])
            number, masked = tested.sizes["stimulus"], mine.sizes["mask"]
            log.info("running %d stimuli under %d masks by the value %s on %s", number, masked, value, device)
            result = ablation.ablate(
                module,
                hooks.places(module, layers),
                loaded.labels,
                tested,
                mine,
                ablation.filling(settings, opened["moments"], opened.get("maps"), list(others), drawn),
                parameters["tasks"],
                settings["batch_size"],
                device,
                heads=heads,
            )
            title = "Outcomes of each stimulus, intact and ablated"
            called = f"{'series/' if kind == 'series' else ''}masks/{snakemake.wildcards.localizer}"
            sources = {"inputs": inputs, called: masks, **opened}
            stamped = provenance.stamp(result, "outcomes", title, parameters | {"ablation": settings}, sources)
            store.save(stamped, path)
