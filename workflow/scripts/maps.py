"""Average the maps of the recorded layers over the localize split."""

import numpy as np

from deeplocalizer import ablation, hooks, provenance, recording, store
from deeplocalizer.logging import log_to
from deeplocalizer.models import network

with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    parameters = dict(snakemake.params.items())
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    loaded.module.to(device)
    batch_size = recording.first_size(parameters["batch_size"], device)
    with (
        store.lazy(snakemake.input.inputs, "inputs") as inputs,
        store.lazy(snakemake.input.moments, "moments", verify=False) as moments,  # its units are all that counts
    ):
        sites = ablation.unit_sites(moments)
        # of all categories: a further contrast changes no map
        wanted = np.unique(inputs["category"].values[inputs["split"].values == "localize"].astype(str)).tolist()
        places = hooks.places(loaded.module, [site.name for site in sites])
        log.info("averaging the maps of %d layers on %s", len(sites), device)
        result = ablation.mean_maps(loaded.module, places, inputs, wanted, batch_size, device, sites)
        title = "Mean maps of layers in the localize split"
        sources = {"inputs": inputs, "moments": moments}
        store.save(provenance.stamp(result, "maps", title, parameters, sources), snakemake.output[0])
