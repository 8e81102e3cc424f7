"""Responses and contrasts written by hand, for what the best units respond to."""

import numpy as np
import xarray as xr

from deeplocalizer import units
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Record
from deeplocalizer.stimuli.table import build

SIDES = {
    "faces": {"preferred": ["faces"], "other": ["objects", "digits"]},
    "digits": {"preferred": ["digits"], "other": ["faces"]},
}


def recorded(values, category, split=None, group=None, layers=None, reductions=("mean",)):
    """Give responses (stimulus, unit) their labels; stimuli are named by number, backwards."""
    values = np.asarray(values, dtype=np.float32)
    count = len(values)
    names = np.array([f"s{count - i:04d}" for i in range(count)], dtype=object)
    labels = {
        "stimulus": names,
        "category": np.asarray(category, dtype=object),
        "split": np.asarray(["test"] * count if split is None else split, dtype=object),
        "group": names if group is None else np.asarray(group, dtype=object),
    }
    layers = layers or [units.Layer("fc", 0, (values.shape[1],))]
    table = units.table(layers, reductions)
    made = table.assign_coords({name: ("stimulus", column) for name, column in labels.items()})
    return made.assign(activation=(("stimulus", "unit"), values))


def contrasted(activations, d, dead=()):
    """Give the units of some responses their d: by contrast, one for each unit."""
    table = activations.drop_vars(["stimulus", "category", "split", "group", "activation"])
    silent = np.isin(np.arange(table.sizes["unit"]), dead)
    return table.assign_coords(contrast=list(d)).assign(
        d=(("contrast", "unit"), np.array(list(d.values()), dtype=float)),
        dead=(("contrast", "unit"), np.tile(silent, (len(d), 1))),
    )


def noise(count=60, width=8, seed=0, **labels):
    """Draw responses of which unit 0 prefers faces and unit 1 digits; of three categories in turn, in two splits."""
    rng = np.random.default_rng(seed)
    category = np.array(["faces", "objects", "digits"], dtype=object)[np.arange(count) % 3]
    values = rng.normal(size=(count, width))
    values[:, 0] += 8 * (category == "faces")
    values[:, 1] += 8 * (category == "digits")
    split = np.array(["select", "test"], dtype=object)[np.arange(count) % 2]
    return recorded(values, category, **{"split": split} | labels)


def two(activations):
    """Give a contrast for faces, in which units 0 and 2 are best, and one for digits, which only unit 1 prefers."""
    width = activations.sizes["unit"]
    faces = np.full(width, -1.0)
    faces[[0, 2]] = 3, 0.5
    digits = np.full(width, -1.0)
    digits[1] = 2
    return contrasted(activations, {"faces": faces, "digits": digits})


def found(**labels) -> xr.Dataset:
    """Find the extremes of `noise`."""
    from deeplocalizer import extremes

    made = noise(**labels)
    return extremes.find(made, two(made), SIDES)


def pictured(made, side=(20, 26)):
    """Draw a picture for each stimulus of some responses."""
    rng = np.random.default_rng(0)
    records = {
        kind: [
            Record(str(name), encode_png(rng.integers(0, 256, (*side, 3), dtype=np.uint8)), "made up", split="test")
            for name in made["stimulus"].values[made["category"].values == kind]
        ]
        for kind in np.unique(made["category"].values)
    }
    return build(records, {"test": 1.0}, 2, seed=0)
