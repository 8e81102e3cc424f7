"""Made-up stimuli and responses with a planted linear class structure."""

import numpy as np
import xarray as xr

from deeplocalizer import units

SPLITS = ("localize", "select", "test")
LAYERS = [units.Layer("conv", 0, (12, 2, 2)), units.Layer("wide", 0, (90, 2, 2)), units.Layer("fc", 0, (6,))]
ATTRIBUTES = ("hat", "beard", "scarf")


def stimuli(count=180, classes=3, per_group=1, seed=0):
    """Label stimuli by turns; groups lie in one split and have stimuli of all labels where they have several."""
    rng = np.random.default_rng(seed)
    number = np.arange(count)
    group = number // per_group
    split = np.array(SPLITS, dtype=object)[group % 3]
    has = rng.integers(-1, 2, (count, len(ATTRIBUTES))).astype(np.int8)
    text = {
        "category": np.where(number // 3 % 2, "faces", "objects"),
        "label": np.array([f"k{i}" for i in rng.permuted(number % classes)]),
        "split": split,
        "group": np.array([f"g{i:04d}" for i in group]),
    }
    return xr.Dataset(
        {"has_attribute": (("stimulus", "attribute"), has)},
        coords={
            "stimulus": [f"s{i:04d}" for i in number],
            "attribute": list(ATTRIBUTES),
            **{name: ("stimulus", column.astype(object)) for name, column in text.items()},
        },
        attrs={"stimuli_digest": "s"},
    )


def activations(known, strength=0.0, by="label", reductions=("mean", "max"), layers=LAYERS, seed=1):
    """Respond to the stimuli in an order of their own; each class moves the mean of every unit by its own amount."""
    rng = np.random.default_rng(seed)
    where = units.table(layers, reductions)
    words, codes = np.unique(known[by].values.astype(str), return_inverse=True)
    planted = strength * rng.normal(size=(len(words), where.sizes["unit"]))
    values = rng.normal(size=(len(codes), where.sizes["unit"])) + planted[codes]
    values = (values * rng.uniform(0.1, 10, where.sizes["unit"]) + rng.normal(size=where.sizes["unit"])).astype("f4")
    table = xr.Dataset(
        {"activation": (("stimulus", "unit"), values)},
        coords={**{name: known[name] for name in ("stimulus", "category", "label", "split", "group")}, **where.coords},
        attrs={**where.attrs, "stimuli_digest": "s"},
    )
    return table.isel(stimulus=rng.permutation(len(codes)))


def readout(**given):
    return {"layer": "conv", "reduction": "mean", "classes": "label", "folds": 4} | given
