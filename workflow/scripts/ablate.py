"""Run the network intact, under the masks of a localizer and under their controls, on the test split."""

import numpy as np

from deeplocalizer import ablation, hooks, provenance, readout, store, units
from deeplocalizer.logging import log_to
from deeplocalizer.models import network

with log_to(snakemake.log[0]) as log:
    parameters = dict(snakemake.params.items())
    jobs = parameters.pop("jobs")  # how many jobs share the work is no part of the result
    kinds = {"moments": "moments", "masks": parameters["masks"], "maps": "maps", "readouts": "readouts"}
    opened = {
        name: store.open(snakemake.input[name], kind) for name, kind in kinds.items() if snakemake.input.get(name)
    }
    masks = opened["masks"]
    units.align(opened["moments"], masks)
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    others = parameters["contrasts"][parameters["contrast"]]["other"]
    settings = parameters["ablation"]
    with store.lazy(snakemake.input.inputs, "inputs") as inputs:
        tested = inputs.isel(stimulus=np.flatnonzero(inputs["split"].values == "test"))
        mine = masks.isel(mask=np.flatnonzero(masks["localizer"].values == snakemake.wildcards.localizer))
        size = ablation.group_size(tested.sizes["stimulus"], settings["batch_size"])
        job = int(snakemake.wildcards.job) if jobs > 1 else 0
        mine = mine.isel(mask=ablation.part(mine.sizes["mask"], size, job, jobs))
        heads = readout.heads(opened["readouts"], tested) if "readouts" in opened else []
        layers = np.unique([*units.layer_names(masks), *(head.layer for head in heads)])
        drawn = None
        if "resample" in (settings["value"], settings["background"]):
            drawn = ablation.donors(inputs, tested["stimulus"].values, list(others), parameters["seed"])
        log.info("running %d stimuli under %d masks on %s", tested.sizes["stimulus"], mine.sizes["mask"], device)
        result = ablation.ablate(
            loaded.module.to(device),
            hooks.places(loaded.module, layers),
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
        sources = {"inputs": inputs, **opened}
        store.save(provenance.stamp(result, "outcomes", title, parameters, sources), snakemake.output[0])
