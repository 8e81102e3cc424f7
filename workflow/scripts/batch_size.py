"""Find the batch size that fits into memory, so that every shard has the same."""

from deeplocalizer import recording, store, whole
from deeplocalizer.logging import log_to
from deeplocalizer.models import network

with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    parameters = dict(snakemake.params.items())
    del parameters["shared"]  # which is no part of the result
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    loaded.module.to(device)
    with store.lazy(snakemake.input.inputs, "inputs", verify=False) as inputs:

        def attempt(batch_size):
            return recording.try_out(recording.planned(loaded.module, parameters, inputs, batch_size, device))

        found = recording.fitting(attempt, parameters["recording"]["batch_size"], device)
    log.info("batches of %d stimuli on %s", found, device)
    whole.write(f"{found}\n", snakemake.output[0])
