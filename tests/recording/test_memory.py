"""Memory does not grow with the number of stimuli: measured in processes of their own, with inputs read from a file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deeplocalizer import provenance, store
from tests.recording.examples import images

ROOT = Path(__file__).parents[2]
ALLOWED = 150e6  # bytes: a slab of 64 MiB that is hashed at a time, its copy, and what an allocator leaves about
JOB = """
import resource, sys
import torch
from torch import nn
from deeplocalizer import provenance, recorded, recording, store
torch.set_num_threads(1)
torch.manual_seed(0)
folder, keep = sys.argv[1], sys.argv[2].split()
model = nn.Sequential(nn.Conv2d(3, 256, 8, stride=8), nn.ReLU(inplace=True), nn.Conv2d(256, 512, 3)).eval()

def stamp(dataset, kind):
    return provenance.stamp(dataset, kind, recorded.TITLES[kind], {})

with store.lazy(f"{folder}/inputs.nc", "inputs") as inputs:
    made = recording.prepare(model, ["**"], inputs, ["mean", "position"], 20, torch.device("cpu"), keep=keep)
    recording.record_to(made, f"{folder}/activations.nc", f"{folder}/moments.nc", stamp)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def peak(folder, count, keep):
    """Give the most memory that a recording of some stimuli had, in bytes."""
    folder.mkdir()
    block = images(100, (3, 48, 48), cells=2)
    template = block.drop_vars("pixel_values").isel(stimulus=np.arange(count) % 100)
    template = template.assign_coords(stimulus=[f"s{i:05d}" for i in range(count)])
    shape = {"stimulus": count, "channel": 3, "y": 48, "x": 48}
    stamped = provenance.stamp(template, "inputs", "Inputs", {})
    large = {"pixel_values": store.Large(shape, "uint8", {"long_name": "pixels"})}
    with store.stream(folder / "inputs.nc", stamped, large) as stream:
        for start in range(0, count, 100):
            stream.write("pixel_values", start, block["pixel_values"].values)
    done = subprocess.run(
        [sys.executable, "-c", JOB, folder, keep], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


@pytest.mark.parametrize("keep", ["", "mean position"])
def test_memory_is_flat_from_100_to_3000_stimuli(tmp_path, keep):
    few, many = peak(tmp_path / "few", 100, keep), peak(tmp_path / "many", 3000, keep)
    assert not keep or (tmp_path / "many" / "activations.nc").stat().st_size > 2 * ALLOWED
    assert many - few < ALLOWED, f"{few / 1e6:.0f} MB for 100 stimuli, {many / 1e6:.0f} MB for 3000"


@pytest.mark.slow
def test_memory_is_flat_from_1000_to_10000_stimuli(tmp_path):
    few, many = peak(tmp_path / "few", 1000, "mean position"), peak(tmp_path / "many", 10000, "mean position")
    assert (tmp_path / "many" / "activations.nc").stat().st_size > 7 * ALLOWED
    assert many - few < ALLOWED / 3, f"{few / 1e6:.0f} MB for 1000 stimuli, {many / 1e6:.0f} MB for 10000"
