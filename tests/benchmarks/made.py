"""What is recorded in benchmarks: pictures of noise and networks with random weights.

inputs           inputs in memory
written          inputs in a file, written piece by piece
resnet           a ResNet as torchvision has it
Small            three convolutions: a forward pass that costs little
stamp            stamp what a recording leaves
one_thread       compute on one thread, for as long as the context lasts
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torchvision
import xarray as xr
from torch import nn

from deeplocalizer import provenance, recorded, store

PIECE = 256  # pictures made at a time
PIXELS = {"long_name": "image, 0 to 255"}


def inputs(count: int, side: int) -> xr.Dataset:
    """Make inputs in memory."""
    return _table(count).assign(pixel_values=(("stimulus", "channel", "y", "x"), _noise(0, count, side), PIXELS))


def written(path: Path, count: int, side: int) -> None:
    """Write inputs into an artefact, piece by piece."""
    dims = {"stimulus": count, "channel": 3, "y": side, "x": side}
    described = provenance.stamp(_table(count), "inputs", "Inputs", {"side": side})
    with store.stream(path, described, {"pixel_values": store.Large(dims, "uint8", PIXELS)}) as pieces:
        for start in range(0, count, PIECE):
            pieces.write("pixel_values", start, _noise(start, min(PIECE, count - start), side))


def _table(count: int) -> xr.Dataset:
    """Give all but the pixels: one category, so that its moments are written once."""
    names = np.array([f"s{i:06d}" for i in range(count)], dtype=object)
    same = {"category": "noise", "label": "", "split": "localize"}
    columns = {name: ("stimulus", np.full(count, word, dtype=object)) for name, word in same.items()}
    return xr.Dataset(
        {
            "mean": ("channel", [0.5] * 3, {"comment": "subtracted after division by 255"}),
            "std": ("channel", [0.25] * 3, {"comment": "divides after the subtraction"}),
        },
        coords={
            "stimulus": names,
            **columns,
            "fold": ("stimulus", np.zeros(count, dtype=np.int8)),
            "group": ("stimulus", names),
        },
    )


def _noise(seed: int, count: int, side: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, side, side), dtype=np.uint8)


def resnet(name: str) -> nn.Module:
    """Give a ResNet whose batch norms do something: fresh ones leave their input as it is."""
    torch.manual_seed(0)
    network = getattr(torchvision.models, name)(weights=None).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network


class Small(nn.Sequential):
    """Three convolutions: a forward pass that costs little."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(
            nn.Conv2d(3, 16, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 16, 3, padding=1, stride=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 16, 3, padding=1),
        )
        self.eval()


def stamp(dataset: xr.Dataset, kind: str) -> xr.Dataset:
    """Stamp what a recording leaves."""
    return provenance.stamp(dataset, kind, recorded.TITLES[kind], {})


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, for as long as the context lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
