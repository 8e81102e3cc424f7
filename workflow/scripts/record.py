"""Record the responses of every unit to every stimulus, and their moments."""

from deeplocalizer import hooks, provenance, recording, store
from deeplocalizer.logging import log_to
from deeplocalizer.models import network

with log_to(snakemake.log[0]) as log:
    parameters = dict(snakemake.params.items())
    inputs = store.open(snakemake.input.inputs, "inputs")
    settings = parameters["recording"]
    chosen = recording.of_splits(inputs, settings["splits"])
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    log.info("recording %d of %d stimuli on %s", chosen.sizes["stimulus"], inputs.sizes["stimulus"], device)
    modules = hooks.find(loaded.module.to(device), parameters["layers"])
    activations, moments = recording.record(
        loaded.module, modules, chosen, settings["reductions"], settings["batch_size"], device
    )
    log.info("recorded %d units, responses of %d of them", moments.sizes["unit"], activations.sizes["unit"])
    known = {"model": snakemake.wildcards.model, "weights_digest": network.digest(loaded.module)}
    for result, artefact, title in (
        (activations, "activations", "Responses of the units to each stimulus"),
        (moments, "moments", "Moments of the units' responses, by category, split and fold"),
    ):
        result = provenance.stamp(result.assign_attrs(known), artefact, title, parameters, {"inputs": inputs})
        store.save(result, snakemake.output[artefact])
