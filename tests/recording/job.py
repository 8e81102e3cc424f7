"""A job that records into files, to be killed.

plan, stamp      what it records, and how its files are stamped
main             the job
"""

import logging
import time

import torch

from deeplocalizer import provenance, recorded, recording
from deeplocalizer.recording import passes
from tests.recording.examples import CPU, images, small

PATTERNS = ["**", "add()"]
STIMULI, BATCH = 150, 3


def stimuli(seed=0, count=STIMULI):
    """Make stimuli of cells whose edges do not fall between blocks."""
    return images(count, (1, 6, 7), seed, cells=3)


def stamp(dataset, kind, weights="w"):
    """Stamp as the workflow does: the weights count."""
    return provenance.stamp(dataset.assign_attrs(weights_digest=weights), kind, recorded.TITLES[kind], {"seed": 0})


def plan(model, inputs=None, batch=BATCH, patterns=PATTERNS):
    """Plan a recording of channel and position units, both kept."""
    inputs = stimuli() if inputs is None else inputs
    return recording.prepare(model, patterns, inputs, ["mean", "position"], batch, CPU, keep=["mean", "position"])


def main(folder, shard, shards, most, told):
    """Record a shard; tell of each pass, of waiting and of the end, through a connection; halt after so many passes."""
    passes.EVERY = passes.SHARE = 0  # an entry in the journal whenever the one before is written
    torch.set_num_threads(1)
    model = small()
    made = plan(model)
    done = []

    def tell(*_):
        done.append("pass")
        told.send("pass")
        if len(done) == most:
            time.sleep(1e6)  # what was recorded is still being written

    waiting = logging.Handler(logging.WARNING)
    waiting.emit = lambda record: told.send("waits") if "waited for" in record.getMessage() else None
    logging.getLogger("deeplocalizer").addHandler(waiting)
    model.register_forward_hook(tell)
    recording.record_to(made, f"{folder}/activations.nc", f"{folder}/moments.nc", stamp, shards and (shard, shards))
    told.send("done")
