"""Record the responses of every unit to every stimulus, and their moments."""

from deeplocalizer import hooks, provenance, recording, store
from deeplocalizer.logging import log_to
from deeplocalizer.models import network

with log_to(snakemake.log[0]) as log:
    parameters = dict(snakemake.params.items())
    inputs = store.open(snakemake.input.inputs, "inputs")
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    log.info("recording %d stimuli on %s", inputs.sizes["stimulus"], device)
    modules = hooks.find(loaded.module.to(device), parameters["layers"])
    settings = parameters["recording"]
    activations, moments = recording.record(
        loaded.module, modules, inputs, settings["reductions"], settings["batch_size"], device
    )
    known = {"model": snakemake.wildcards.model, "weights_digest": network.digest(loaded.module)}
    for result, artefact, title in (
        (activations, "activations", "Responses of the units to each stimulus"),
        (moments, "moments", "Moments of the units' responses, by category, split and fold"),
    ):
        result = provenance.stamp(result.assign_attrs(known), artefact, title, parameters, {"inputs": inputs})
        store.save(result, snakemake.output[artefact])
