"""Run the network intact, under the mask of a localizer and under its controls, on the test split."""

import numpy as np

from deeplocalizer import ablation, hooks, provenance, store, units
from deeplocalizer.logging import log_to
from deeplocalizer.models import network

with log_to(snakemake.log[0]) as log:
    parameters = dict(snakemake.params.items())
    moments = store.open(snakemake.input.moments, "moments")
    masks = store.open(snakemake.input.masks, "masks")
    units.align(moments, masks)
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    others = parameters["contrasts"][parameters["contrast"]]["other"]
    settings = parameters["ablation"]
    mine = masks.isel(mask=(masks["localizer"] == snakemake.wildcards.localizer).values)
    with store.lazy(snakemake.input.inputs, "inputs") as inputs:
        tested = inputs.isel(stimulus=np.flatnonzero(inputs["split"].values == "test"))
        log.info("running %d stimuli under %d masks on %s", tested.sizes["stimulus"], mine.sizes["mask"], device)
        result = ablation.ablate(
            loaded.module.to(device),
            hooks.places(loaded.module, np.unique(units.layer_names(masks))),
            loaded.labels,
            tested,
            mine,
            ablation.replacements(settings["value"], moments, others),
            parameters["tasks"],
            settings["batch_size"],
            device,
        )
        title = "Outcomes of each stimulus, intact and ablated"
        sources = {"inputs": inputs, "moments": moments, "masks": masks}
        store.save(provenance.stamp(result, "outcomes", title, parameters, sources), snakemake.output[0])
