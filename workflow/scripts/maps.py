"""Average the maps of the layers that masks lie in, over the localize split."""

from deeplocalizer import ablation, hooks, provenance, recording, store
from deeplocalizer.logging import log_to
from deeplocalizer.models import network

with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    parameters = dict(snakemake.params.items())
    masks = store.open(snakemake.input.masks, "masks")
    sites = ablation.masked_sites(masks, every=parameters["kept"])
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    loaded.module.to(device)
    places = hooks.places(loaded.module, [site.name for site in sites])
    batch_size = recording.first_size(parameters["batch_size"], device)
    with store.lazy(snakemake.input.inputs, "inputs") as inputs:
        log.info("averaging the maps of %d layers on %s", len(sites), device)
        wanted = parameters["categories"]
        result = ablation.mean_maps(loaded.module, places, inputs, wanted, batch_size, device, sites)
        title = "Mean maps of layers in the localize split"
        sources = {"inputs": inputs, "masks": masks}
        store.save(provenance.stamp(result, "maps", title, parameters, sources), snakemake.output[0])
