"""Responses of a few units to stimuli of a few categories, and the moments that are made of them."""

import numpy as np

from deeplocalizer import moments, units

CATEGORIES = ("digits", "faces", "objects", "scenes")
COUNTS = (70, 30, 50, 40)
FOLDS = 4


def recorded(values, category, fold, categories=CATEGORIES, layers=None):
    """Give moments of responses (stimulus, unit) on the localize split."""
    code = np.searchsorted(categories, category)
    layout = units.table(layers or [units.Layer("a", 0, (values.shape[1],))], ["mean"])
    made = moments.of(values, code * FOLDS + fold, len(categories) * FOLDS)
    return moments.table(made, layout, categories, ["localize"], FOLDS)


def responses(seed=0, columns=12):
    """Draw non-negative responses (stimulus, unit), the category of each stimulus and its fold."""
    rng = np.random.default_rng(seed)
    category = np.repeat(CATEGORIES, COUNTS)
    values = rng.gamma(2.0, size=(len(category), columns)) * rng.uniform(0.5, 3, columns)
    for name in CATEGORIES:
        values[category == name] += rng.gamma(1.0, size=columns) * (rng.random(columns) < 0.6)
    return values, category, rng.integers(0, FOLDS, len(category))
