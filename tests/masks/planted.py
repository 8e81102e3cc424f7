"""Studies of which some units prefer a category, as moments and contrasts."""

import numpy as np
import scipy.stats
import xarray as xr

from deeplocalizer import contrast, moments, units

SIDES = {"c": {"preferred": ["faces"], "other": ["objects"], "each": False}}
CATEGORIES = ("faces", "objects", "scenes")


def recorded(seed=0, layers=(40, 60), preferring=(), effect=2.0, stimuli=16, folds=8, shift=0.0):
    """Give moments of noise, in which some units respond more to faces; so many stimuli of each category and fold."""
    rng = np.random.default_rng(seed)
    where = units.table([units.Layer(f"layer{i}", 0, (n,)) for i, n in enumerate(layers)], ["mean"])
    cells = np.repeat(np.arange(len(CATEGORIES) * folds), stimuli)
    responses = rng.normal(size=(len(cells), where.sizes["unit"])) + shift
    responses[np.ix_(cells < folds, list(preferring))] += effect
    found = moments.of(responses, cells, len(CATEGORIES) * folds)
    return moments.table(found, where, CATEGORIES, ["localize"], folds)


def contrasted(recorded, sides=SIDES):
    """Contrast them."""
    return contrast.welch(recorded, sides)


RULE = {"contrast": "c", "statistic": "t", "sign": "positive", "fraction": 0.25, "scope": "network"}
TABLE = units.table([units.Layer("one", 0, (8,)), units.Layer("two", 0, (12,))], ["mean"])


def contrasts(t, dead=None, **more):
    dead = np.zeros(20, dtype=bool) if dead is None else dead
    p = np.log10(np.maximum(scipy.stats.norm.sf(t), 1e-300))
    columns = {"t": t, "dead": dead, "df": np.full(20, 30.0), "log10_p": p, "log10_p_greater": p} | more
    parts = {name: (("contrast", "unit"), [column]) for name, column in columns.items()}
    return xr.Dataset(parts, coords={"contrast": ["c"], **TABLE.coords}, attrs=TABLE.attrs)


T = np.random.default_rng(0).permutation(np.arange(20.0)) - 5
COUNT = {"contrast": "c", "statistic": "t", "sign": "positive", "count": 4, "scope": "network"}
