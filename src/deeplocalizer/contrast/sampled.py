"""Contrasts of moments that are at hand, without the table of all statistics.

compare          the statistics of a contrast, from moments of cells, each computed when it is asked for
two_samples      all statistics of two pooled samples, as a dataset
statistic        one statistic of two pooled samples
built            the comparison of groups, or the conjunction of several comparisons
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import multiplicity
from deeplocalizer.contrast.comparison import FLOAT32, STATISTICS, Comparison
from deeplocalizer.contrast.conjunction import Conjunction
from deeplocalizer.contrast.groups import Cells, Group, Plan, plan
from deeplocalizer.contrast.meanings import described

TWO_SAMPLES = ("difference", "t", "df", "log10_p", "log10_p_greater", "d", "g", "dprime", "selectivity_index")
FLAGS = ("dead", "constant")


def compare(
    moments: xr.Dataset, sides: Mapping[str, Any], folds: Sequence[int] | None = None
) -> Comparison | Conjunction:
    """Contrast categories on the localize split, or on some of its folds.

    Parameters
    ----------
    moments : Dataset
        As `moments.table` makes it.
    sides : mapping
        One contrast; see `welch`.
    folds : sequence of int, optional
        All by default.

    Returns
    -------
    Comparison or Conjunction
        With the attributes t, d, g, dprime, difference, selectivity_index, df, log10_p, log10_p_greater, log10_p_less
        (each computed when it is first asked for), dead and constant, ndarray (unit,).

    Raises
    ------
    ValueError
        If a group has fewer than two stimuli, naming its categories.
    KeyError
        If a category or fold was not recorded, naming it.
    """
    wanted, cells = plan(sides), Cells(moments)
    chosen = cells.folds if folds is None else folds
    return built(wanted, lambda weight, names: cells.group(weight, names, chosen, slice(None)))


def built(wanted: Plan, take: Callable[[float, tuple[str, ...]], Group]) -> Comparison | Conjunction:
    """Build what a plan says, taking each group by its weight and its categories.

    Raises
    ------
    ValueError
        If a group has fewer than two stimuli, naming its categories.
    """
    comparisons = []
    for groups in wanted:
        taken = [take(weight, names) for weight, names in groups]
        for group, (weight, names) in zip(taken, groups, strict=True):
            if group.count < 2:
                side = "preferred" if weight > 0 else "other"
                raise ValueError(f"{side} has {group.count} stimuli of {', '.join(names)}; expected two or more")
        comparisons.append(Comparison(taken))
    return comparisons[0] if len(comparisons) == 1 else Conjunction(comparisons)


def statistic(preferred: xr.Dataset, other: xr.Dataset, name: str, resolution: float = FLOAT32) -> np.ndarray:
    """Compute one statistic of two pooled samples, and nothing that it does not need.

    Parameters
    ----------
    preferred, other : Dataset
        ``count``, ``mean`` and ``m2`` (unit,), as `moments.pool` gives them; two stimuli or more each.
    name : str
        One of `STATISTICS`.
    resolution : float
        As for `two_samples`.

    Returns
    -------
    ndarray (unit,)

    Raises
    ------
    ValueError
        If the statistic is not one that moments give.
    """
    if name not in STATISTICS:
        raise ValueError(f"statistic {name!r} does not come from moments; allowed are {', '.join(STATISTICS)}")
    return np.asarray(getattr(_samples(preferred, other, resolution), name))


def two_samples(preferred: xr.Dataset, other: xr.Dataset, resolution: float = FLOAT32) -> xr.Dataset:
    """Compare two samples in every unit.

    Parameters
    ----------
    preferred, other : Dataset
        ``count``, ``mean`` and ``m2`` (unit,), as `moments.pool` gives them; two stimuli or more each.
    resolution : float
        Relative precision of the responses; a smaller spread is taken for rounding.

    Returns
    -------
    Dataset
        On ``unit``: ``difference``, ``t``, ``df``, ``log10_p`` (two-sided), ``log10_p_greater``, ``log10_q``,
        ``log10_q_greater`` and ``log10_q_less`` (Benjamini-Hochberg, over all), ``d``, ``g``, ``dprime``,
        ``selectivity_index``, ``dead`` and ``constant``, as
        `Comparison` says.
    """
    comparison = _samples(preferred, other, resolution)
    values = {name: getattr(comparison, name) for name in (*TWO_SAMPLES, *FLAGS)}
    for side in ("", "_greater", "_less"):
        values[f"log10_q{side}"] = multiplicity.log10_q(getattr(comparison, f"log10_p{side}"))
    variables = {name: ("unit", value, described(name)) for name, value in values.items()}
    return xr.Dataset(variables, coords=preferred["mean"].coords)


def _samples(preferred: xr.Dataset, other: xr.Dataset, resolution: float) -> Comparison:
    samples = ((1.0, preferred), (-1.0, other))
    groups = [
        Group(weight, int(sample["count"]), np.asarray(sample["mean"]), np.asarray(sample["m2"]))
        for weight, sample in samples
    ]
    return Comparison(groups, resolution)
