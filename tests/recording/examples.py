"""Stimuli and small networks that are hard to record.

images           stimuli as `inputs.prepare` makes them
small            a network with maps, tokens and a vector
"""

import numpy as np
import torch
import xarray as xr
from torch import nn

CPU = torch.device("cpu")


def images(count, shape=(3, 32, 32), seed=0, cells=1):
    """Make noise; with more cells than one, categories, splits and folds alternate and are of unequal size."""
    rng = np.random.default_rng(seed)
    chance = rng.integers(0, cells, (3, count))
    return xr.Dataset(
        {
            "pixel_values": (("stimulus", "channel", "y", "x"), rng.integers(0, 256, (count, *shape), dtype=np.uint8)),
            "mean": ("channel", [0.5] * shape[0]),
            "std": ("channel", [0.25] * shape[0]),
        },
        coords={
            "stimulus": [f"s{i:05d}" for i in range(count)],
            "category": ("stimulus", np.array(["a", "b", "c", "d"], dtype=object)[chance[0]]),
            "label": ("stimulus", np.array([""] * count, dtype=object)),
            "split": ("stimulus", np.array(["localize", "select", "test", "x"], dtype=object)[chance[1]]),
            "fold": ("stimulus", chance[2].astype(np.int8)),
            "group": ("stimulus", np.array([f"s{i:05d}" for i in range(count)], dtype=object)),
        },
    )


class Small(nn.Module):
    """Maps, tokens and a vector; one ReLU that works in place and is used twice; an addition."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.relu = nn.ReLU(inplace=True)
        self.token = nn.Linear(3, 5)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        kept = self.norm(self.conv(x))
        y = self.relu(kept)
        y = y + x
        return self.head(self.relu(self.token(y.flatten(2).transpose(1, 2))).mean(dim=1))


def small(seed=0):
    """Make the network with weights that depend on a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Small().eval()
        network.norm.running_mean.normal_(0, 0.1)
        return network
