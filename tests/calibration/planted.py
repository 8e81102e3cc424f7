"""A subnetwork that was planted is found and shows a dissociation; with permuted labels nothing is claimed.

A layer of a small network holds units that prefer faces, by d = 1.5, and units that prefer objects; the others are
independent noise, as all of a second layer are. What the network says of a face it reads from the face units alone, and
of an object from the object units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer import ablation, contrast, effects, hooks, masks, recording, seeding
from tests.benchmarks.made import one_thread
from tests.calibration.counting import Row, error, seeds

LEVEL = 0.05
WIDTH = 256  # units of each of two layers
CPU = torch.device("cpu")
TASKS = {"faces": ["anna", "ben"], "objects": ["cup", "key"]}
CONTRASTS = {
    "faces": {"preferred": ["faces"], "other": ["objects"]},
    "objects": {"preferred": ["objects"], "other": ["faces"]},
}
ABLATION = {"controls": 39, "matching": "layer", "bins": 5, "compare": [], "shuffles": 1}
INFERENCE = {
    "alpha": LEVEL,
    "confidence": 0.95,
    "resamples": 1000,
    "least_performance": 0.1,
    "interval": "bca",
    "adjust": "holm",
    "matching": "layer",
}
CLAIMS = ("advantage/faces/faces/raw", "advantage/objects/objects/raw", "double_dissociation/faces/objects/raw")


class Network(nn.Module):
    """Two layers side by side, of which the outputs read one."""

    def __init__(self, faces: np.ndarray, objects: np.ndarray) -> None:
        super().__init__()
        self.planted, self.noise = nn.Identity(), nn.Identity()
        self.read = nn.Linear(WIDTH, 4)
        weight = np.zeros((4, WIDTH))
        weight[0], weight[1], weight[2], weight[3] = -faces, faces, -objects, objects
        with torch.no_grad():
            self.read.weight.copy_(torch.from_numpy(weight))
            self.read.bias.zero_()
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Give an output for each label."""
        flat = images.flatten(1)
        return self.read(self.planted(flat[:, :WIDTH])) + 0 * self.noise(flat[:, WIDTH:]).sum(1, keepdim=True)


def world(
    rng: np.random.Generator, each: int, units: int, d: float
) -> tuple[Network, xr.Dataset, dict[str, np.ndarray]]:
    """Make a network, stimuli, and say which units prefer what."""
    chosen = rng.permutation(WIDTH)[: 2 * units]
    members = {"faces": chosen[:units], "objects": chosen[units:]}
    axis = {name: np.zeros(WIDTH) for name in members}
    category = np.repeat(["faces", "objects"], each)
    sign = rng.choice([-1, 1], 2 * each)
    values = rng.standard_normal((2 * each, 2 * WIDTH))
    strength = 0.6  # by which a unit tells the labels of its category apart
    for name, held in members.items():
        # as many of each sign: the preference itself says nothing about the label
        axis[name][held] = rng.permutation(np.arange(units) % 2 * 2 - 1)
        rows = category == name
        # d is in units of the spread within categories, in one of which labels differ
        values[np.ix_(rows, held)] += d * np.sqrt(1 + strength**2 / 2)
        values[rows, :WIDTH] += strength * sign[rows, None] * axis[name]
    label = np.array([TASKS[name][int(one > 0)] for name, one in zip(category, sign, strict=True)])
    pixels = np.clip(np.round(128 + 20 * values), 0, 255).astype(np.uint8).reshape(2 * each, 1, 2, WIDTH)
    split = np.where(rng.permutation(2 * each) % 2, "localize", "test")
    made = xr.Dataset(
        {
            "pixel_values": (("stimulus", "channel", "y", "x"), pixels),
            "mean": ("channel", [128 / 255]),
            "std": ("channel", [20 / 255]),
        },
        coords={
            "stimulus": [f"s{number:05d}" for number in range(2 * each)],
            "category": ("stimulus", category),
            "label": ("stimulus", label),
            "split": ("stimulus", split),
            "fold": ("stimulus", (np.arange(2 * each) % 8).astype(np.int8)),
            "group": ("stimulus", [f"s{number:05d}" for number in range(2 * each)]),
        },
    )
    return Network(axis["faces"], axis["objects"]), made, members


def study(rng: np.random.Generator, permuted: bool, each: int = 240, units: int = 24, d: float = 1.5) -> dict[str, Any]:
    """Run a whole study of one planted network: recall and precision of each localizer, and p of each claim."""
    network, made, members = world(rng, each, units, d)
    seed = int(rng.integers(2**31))
    shown = made
    if permuted:
        order = seeding.generator(seed, "permuted").permutation(made.sizes["stimulus"])
        shown = made.assign_coords(category=("stimulus", made["category"].values[order]))
    places = hooks.find(network, ["planted", "noise"])
    _, moments = recording.record(network, places, shown, ["mean"], 64, CPU)
    rule = {"count": units} if permuted else {"q": 0.01}
    localizers = {
        name: {"contrast": name, "statistic": "t", "sign": "positive", "scope": "network", "task": name, **rule}
        for name in CONTRASTS
    }
    drawn = masks.table(contrast.welch(moments, CONTRASTS), localizers, ABLATION, seed, moments=moments)
    tested = made.isel(stimulus=np.flatnonzero(made["split"].values == "test"))
    labels = [label for names in TASKS.values() for label in names]
    zeros = np.zeros(drawn.sizes["unit"])
    outcomes = ablation.ablate(network, places, labels, tested, drawn, zeros, TASKS, 512, CPU)
    found = effects.measure(outcomes, TASKS, localizers, [["faces", "objects"]], INFERENCE, seed)
    p = found["p"].sel(comparison=list(CLAIMS), outcome="correct").values
    targets = drawn["selected"].values[drawn["role"].values == "target"][:, :WIDTH]
    hits = [mask[members[name]].sum() for name, mask in zip(CONTRASTS, targets, strict=True)]
    return {
        "recall": min(hit / units for hit in hits),
        "precision": min(hit / max(mask.sum(), 1) for hit, mask in zip(hits, targets, strict=True)),
        "p": p,
    }


def simulate(permuted: bool, runs: int) -> Row:
    """Run studies of one kind."""
    kind = "permuted" if permuted else "planted"
    with one_thread():
        found = [study(rng, permuted) for rng in seeds(kind, runs)]
    claimed = np.array([one["p"] for one in found]) <= LEVEL
    names = ("faces", "objects", "dissociation")
    return {
        "labels": kind,
        "runs": runs,
        "recall": float(np.mean([one["recall"] for one in found])),
        "precision": float(np.mean([one["precision"] for one in found])),
        **{f"claimed {name}": float(share) for name, share in zip(names, claimed.mean(axis=0), strict=True)},
        "error": error(LEVEL, runs),
    }


def main(share: float = 1.0) -> list[Row]:
    """Give the table."""
    return [simulate(False, max(3, int(20 * share))), simulate(True, max(10, int(120 * share)))]
