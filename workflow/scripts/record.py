"""Record the responses of every unit to every stimulus, and their moments; the whole, or a shard."""

from pathlib import Path

from deeplocalizer import provenance, recorded, recording, store
from deeplocalizer.logging import log_to
from deeplocalizer.models import network

with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    parameters = dict(snakemake.params.items())
    del parameters["shared"]  # which is no part of the result
    shards = parameters.pop("shards")
    shard = (int(snakemake.wildcards.shard), shards) if shards > 1 else None
    loaded = network.load(snakemake.input.weights)
    device = network.pick_device(snakemake.threads)
    loaded.module.to(device)
    known = {"model": snakemake.wildcards.model, "weights_digest": network.digest(loaded.module)}
    with store.lazy(snakemake.input.inputs, "inputs") as inputs:

        def stamp(dataset, kind):
            title = recorded.TITLES[kind]
            return provenance.stamp(dataset.assign_attrs(known), kind, title, parameters, {"inputs": inputs})

        def record(batch_size):
            made = recording.planned(loaded.module, parameters, inputs, batch_size, device)
            log.info("%d stimuli, %d units, on %s", len(made.course.order), made.book.table.sizes["unit"], device)
            bits = parameters["recording"].get("significant_bits")
            recording.record_to(made, *snakemake.output, stamp, shard, bits)

        if shard is None:
            recording.fitting(record, parameters["recording"]["batch_size"], device)
        else:
            record(int(Path(snakemake.input.batch_size).read_text()))
