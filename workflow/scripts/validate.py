"""Feed recorded values back into the network, and perturb them."""

import numpy as np

from deeplocalizer import provenance, store, tracing, validation
from deeplocalizer.logging import log_to
from deeplocalizer.models import network
from deeplocalizer.models.feeding import feed

STIMULI = 4

with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    parameters = dict(snakemake.params.items())
    del parameters["shared"]  # which is no part of the result
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    loaded.module.to(device)
    with store.lazy(snakemake.input.inputs, "inputs", verify=False) as inputs:
        some = np.linspace(0, inputs.sizes["stimulus"] - 1, STIMULI).astype(int)
        images = next(feed(inputs, [np.unique(some)], device))
        chosen = tracing.select(loaded.module, parameters["layers"], images[:1])
        result = validation.validate(loaded.module, chosen.places, chosen.layers, images, parameters["seed"])
        silent = result["layer"].values[~result["has_influence"].values]
        log.info("recorded values reproduce the output at all %d layers", result.sizes["layer"])
        log.info("layers without influence on the output: %s", ", ".join(silent) or "none")
        title = "Layers whose recorded values reproduce the output"
        store.save(provenance.stamp(result, "validation", title, parameters, {"inputs": inputs}), snakemake.output[0])
