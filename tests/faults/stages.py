"""Work on the disk, by a process that kills itself at some step of it.

JOBS             what is written, by name: a function of the folder
killed           do it in a process that is killed at its k-th step; say whether it got so far
done             do it to its end
"""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from matplotlib.figure import Figure

from deeplocalizer import gathering, inputs, provenance, recording, store, whole
from deeplocalizer.logging import log_to
from deeplocalizer.models import network, specification
from deeplocalizer.plots import drawing
from deeplocalizer.recording import passes
from deeplocalizer.stimuli import table
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Record
from tests.recording.examples import images, small
from tests.recording.job import plan, stamp

STIMULI = 12
SERVER = multiprocessing.get_context("forkserver")  # each process is a fork of one that has loaded PyTorch
SERVER.set_forkserver_preload(["tests.faults.stages"])


def saving(folder):
    """Save a dataset."""
    dataset = xr.Dataset({"value": ("unit", np.arange(5000.0))})
    store.save(provenance.stamp(dataset, "contrast", "t", {}), folder / "contrast.nc")


def recording_whole(folder, shard=None, bits=None):
    """Record."""
    torch.set_num_threads(1)
    made = plan(small(), images(STIMULI, (1, 6, 7), cells=2))
    recording.record_to(made, folder / "activations.nc", folder / "moments.nc", stamp, shard, bits)


def recording_rounded(folder):
    """Record in reduced precision: the responses are written twice."""
    recording_whole(folder, bits=9)


def gathering_shards(folder):
    """Put shards together that lie in a folder beside."""
    parts = [folder.parents[1] / "shards" / str(index) for index in range(2)]
    paths = [[part / f"{kind}.nc" for part in parts] for kind in ("activations", "moments")]
    gathering.gather(*paths, (folder / "activations.nc", folder / "moments.nc"), stamp)


def decoding(folder):
    """Write inputs, image by image."""
    image = encode_png(np.arange(64, dtype=np.uint8).reshape(8, 8))
    records = [Record(f"s{index}", image, "made") for index in range(9)]
    stimuli = table.build({"a": records}, {"localize": 0.4, "select": 0.3, "test": 0.3}, 2, seed=0)
    grey = inputs.Preprocessing("L", 8, 8, "bilinear", (0.5,), (0.5,))
    described = provenance.stamp(inputs.table(stimuli, grey), "inputs", "t", {})
    inputs.write(stimuli.assign_attrs(content_digest=""), grey, described, folder / "inputs.nc")


def describing(folder):
    """Write what a model is."""
    model = specification.Specification("timm", "vit", "", {"a": [1] * 999}, ("a", "b"), {"size": [8, 8]})
    specification.write(model, folder / "model.json")


def weighing(folder):
    """Write weights."""
    network.save(network.build("small_cnn", ["a", "b"], 0), folder / "weights.safetensors", {})


def drawing_both(folder):
    """Write a figure as SVG and as PDF."""
    made = Figure(figsize=(2, 2), layout="constrained")
    made.subplots().plot([0, 1])
    drawing.save(made, [folder / "figure.svg", folder / "figure.pdf"], "a line")


def listing(folder):
    """Write a table, as a job with a log."""
    with log_to(str(folder.parent / "logs" / "table.log")):
        whole.write("unit\n" + "0\n" * 1000, folder / "table.csv")


JOBS = {
    job.__name__: job
    for job in (
        saving,
        recording_whole,
        recording_rounded,
        gathering_shards,
        decoding,
        describing,
        weighing,
        drawing_both,
        listing,
    )
}


class Steps:
    """Count what a process does on the disk, within a folder, and kill it at one of these steps."""

    def __init__(self, folder, last):
        self.folder, self.left = str(folder), last

    def step(self):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event, arguments):
        """Opened for writing, renamed, removed, made: before it happens."""
        changes = event in ("os.rename", "os.remove", "os.mkdir", "os.chmod") or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if changes and str(arguments[0]).startswith(self.folder):
            self.step()

    def halved(self, write):
        """Put half of the bytes on the disk before the process may be killed."""

        def halving(file, content, offset):
            if self.left == 1:
                write(file, bytes(content)[: len(bytes(content)) // 2], offset)
            self.step()
            return write(file, content, offset)

        return halving


def main(name, folder, last):
    """Do some work; end with status 0, or be killed."""
    folder.mkdir(parents=True, exist_ok=True)
    if last:
        passes.EVERY = passes.SHARE = 0  # an entry in the journal after every block, of which the last run makes none
        steps = Steps(folder.parent, last)
        os.pwrite = steps.halved(os.pwrite)
        sync = os.fsync
        os.fsync = lambda file: (steps.step(), sync(file))
        sys.addaudithook(steps.audit)
    JOBS[name](Path(folder))


def _status(name, folder, last):
    process = SERVER.Process(target=main, args=(name, folder, last))
    process.start()
    process.join()
    return process.exitcode


def killed(name, folder, last):
    """Do some work, killed at a step; say whether there was this step."""
    status = _status(name, folder, last)
    assert status in (0, -signal.SIGKILL), (name, last, status)
    return status != 0


def done(name, folder):
    """Do some work to its end."""
    assert _status(name, folder, 0) == 0, name
