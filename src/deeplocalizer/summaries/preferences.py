"""What the contrasts find.

selectivity      by contrast and place: how many units prefer, and how much
directions       which units respond more, or less, to the preferred categories
strongest        the units that a contrast tells apart most
highest          the positions of the highest of some values
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from deeplocalizer.summaries.places import places


def selectivity(contrasts: xr.Dataset, alpha: float) -> xr.Dataset:
    """Summarise contrasts by place.

    Parameters
    ----------
    contrasts : Dataset
        As `contrast.welch` makes it.
    alpha : float
        False discovery rate up to which a unit counts.

    Returns
    -------
    Dataset
        On (contrast, place): ``units``, ``dead``, ``preferring`` and ``opposing`` (units that respond more, or less, to
        the preferred categories, with the one-sided q of that side at most alpha; see `directions`) and ``median_d`` of
        the units that are not dead (NaN without any).
    """
    where = places(contrasts)
    dead = contrasts["dead"].values
    preferring, opposing = directions(contrasts, alpha)
    d = contrasts["d"].values
    counts = {
        "units": np.ones_like(dead),
        "dead": dead,
        "preferring": preferring,
        "opposing": opposing,
    }
    columns = {name: where.count(members) for name, members in counts.items()}
    median = np.full(columns["units"].shape, np.nan)
    for row in range(len(d)):
        for place in range(len(where.names)):
            live = d[row, (where.of_unit == place) & ~dead[row]]
            median[row, place] = np.median(live) if len(live) else np.nan
    table = {name: (("contrast", "place"), column) for name, column in (columns | {"median_d": median}).items()}
    names = contrasts["contrast"].values.astype(str)
    return xr.Dataset(table, coords={"contrast": names, "place": list(where.names)})


def directions(contrasts: xr.Dataset, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Find the units that respond more to the preferred categories, and those that respond less.

    Parameters
    ----------
    contrasts : Dataset
        One or several, as `contrast.welch` makes them.
    alpha : float
        False discovery rate among the units of either side, each by itself.

    Returns
    -------
    preferring, opposing : ndarray of bool
        Of the shape of ``d``.
    """
    dead, d = contrasts["dead"].values, contrasts["d"].values
    greater, less = (contrasts[f"log10_q_{side}"].values <= np.log10(alpha) for side in ("greater", "less"))
    return greater & (d > 0) & ~dead, less & (d < 0) & ~dead


def strongest(one: xr.Dataset, number: int) -> np.ndarray:
    """Find the units that respond more to the preferred categories and do so most.

    Parameters
    ----------
    one : Dataset
        One contrast: ``d`` and ``dead`` on ``unit``.
    number : int
        How many, at most.

    Returns
    -------
    ndarray of int
        Positions, the highest ``d`` first; ties in the order of the units.
    """
    d = np.where(one["dead"].values, -np.inf, one["d"].values)
    return highest(d, number, np.flatnonzero(d > 0))


def highest(values: np.ndarray, number: int, among: np.ndarray) -> np.ndarray:
    """Find the positions of the highest of some values, the highest first; ties in the order of the positions."""
    if len(among) > number:
        least = np.partition(values[among], len(among) - number)[len(among) - number]
        among = among[values[among] >= least]
    return np.asarray(among[np.argsort(-values[among], kind="stable")][:number])
