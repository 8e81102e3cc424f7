"""The table of all contrasts of a study, with all their statistics.

welch            every statistic of every contrast in every unit, from moments
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import multiplicity
from deeplocalizer.contrast.comparison import Comparison
from deeplocalizer.contrast.conjunction import Conjunction
from deeplocalizer.contrast.groups import Cells, Group, Plan, plan, pooled
from deeplocalizer.contrast.meanings import described
from deeplocalizer.contrast.sampled import FLAGS, TWO_SAMPLES, built

FAMILIES = ("network", "layer")
SLAB = 1 << 14  # units at a time: what is computed of them stays in a core's cache


def welch(
    moments: xr.Dataset,
    contrasts: Mapping[str, Mapping[str, Any]],
    *,
    least_d: float = 0.2,
    fdr: str = "benjamini_hochberg",
    family: str = "network",
    auroc: xr.DataArray | None = None,
) -> xr.Dataset:
    r"""Contrast categories in every unit, on the localize split.

    Parameters
    ----------
    moments : Dataset
        As `moments.table` makes it.
    contrasts : mapping
        By name: ``preferred`` and ``other``, each a list of categories, whose stimuli are pooled, or a mapping of
        categories to weights, whose means are averaged; with ``each`` true, a conjunction: a unit must win the
        comparison of every preferred with every other category (see `Conjunction`).
    least_d : float
        The minimum effect: log10_p_least and log10_q_least are against \\|d\\| <= least_d in the population.
    fdr : str
        One of `multiplicity.METHODS`.
    family : str
        The tests among which the false discovery rate is controlled: all units of the ``network``, or each ``layer``
        by itself. Dead units count.
    auroc : DataArray (contrast, unit), optional
        Of the units whose responses were stored, as `auroc.of` gives it.

    Returns
    -------
    Dataset
        On (contrast, unit): ``difference``, ``t``, ``df``, ``log10_p``, ``log10_p_greater``, ``log10_q``, ``d``, ``g``,
        ``dprime``, ``selectivity_index``, ``auroc``, ``log10_p_least``, ``log10_q_least``, ``dead`` and ``constant``;
        on (contrast,): ``n_preferred``, ``n_other`` and ``reliability``. What each is, `Comparison` says.

    Raises
    ------
    ValueError
        If a group of stimuli has fewer than two of them, a weight is not above 0, or an option is unknown; the contrast
        is named.
    KeyError
        If a category was not recorded, or a contrast is missing from ``auroc``.
    """
    if family not in FAMILIES:
        raise ValueError(f"family {family!r} is unknown; allowed are {', '.join(FAMILIES)}")
    if not least_d >= 0:
        raise ValueError(f"least_d is {least_d}; expected 0 or more")
    cells = Cells(moments)
    shape = (len(contrasts), cells.units)
    made = {name: np.empty(shape) for name in (*TWO_SAMPLES, "log10_p_least")}
    made |= {name: np.empty(shape, dtype=bool) for name in FLAGS}
    numbers: dict[str, list[float]] = {"n_preferred": [], "n_other": [], "reliability": []}
    for row, (name, sides) in enumerate(contrasts.items()):
        with _named(name):
            wanted = plan(sides)
            rows = {variable: values[row] for variable, values in made.items()}
            numbers["reliability"].append(_fill(cells, wanted, rows, least_d))
        for side, sign in (("preferred", 1), ("other", -1)):
            numbers[f"n_{side}"].append(cells.count(_categories(wanted, sign)))
    families = moments["layer"].values if family == "layer" else None
    for suffix in ("", "_least"):
        made[f"log10_q{suffix}"] = np.stack(
            [multiplicity.log10_q(log10_p, fdr, families) for log10_p in made[f"log10_p{suffix}"]]
        )
    result = xr.Dataset(
        {name: (("contrast", "unit"), values, described(name)) for name, values in made.items()}
        | {name: ("contrast", values, described(name)) for name, values in numbers.items()},
        coords={"contrast": list(contrasts), **_of_units(moments)},
        attrs=moments.attrs,
    )
    result["auroc"] = _aligned(auroc, result)
    for name in ("log10_p_least", "log10_q_least"):
        result[name].attrs["least_d"] = float(least_d)
    for name in ("log10_q", "log10_q_least"):
        result[name].attrs.update(method=fdr, family=family)
    return result


def _fill(cells: Cells, wanted: Plan, rows: Mapping[str, np.ndarray], least_d: float) -> float:
    """Fill the statistics of one contrast in, slab by slab; return its reliability."""
    maps = np.zeros((2, cells.units))
    usable = np.zeros(cells.units, dtype=bool)
    reliable = min(cells.count(names, half) for half in cells.halves for group in wanted for _, names in group) >= 2

    for start in range(0, cells.units, SLAB):
        units = slice(start, min(start + SLAB, cells.units))
        whole, halves = _taken(cells, wanted, units, reliable)
        for name in (*TWO_SAMPLES, *FLAGS):
            rows[name][units] = getattr(whole, name)
        rows["log10_p_least"][units] = whole.log10_p_least(least_d)
        for half, found in enumerate(halves):
            maps[half, units] = found.d
        usable[units] = np.logical_and.reduce([~found.still for found in halves])

    if not reliable or usable.sum() < 3:
        return float("nan")
    return float(np.corrcoef(maps[0][usable], maps[1][usable])[0, 1])


def _taken(
    cells: Cells, wanted: Plan, units: slice, reliable: bool
) -> tuple[Comparison | Conjunction, list[Comparison | Conjunction]]:
    """Build a contrast of a slab of units, and those of its even and odd folds."""
    known: dict[tuple[str, ...], list[Group]] = {}

    def of(half: int) -> Callable[[float, tuple[str, ...]], Group]:
        def take(weight: float, names: tuple[str, ...]) -> Group:
            if names not in known:
                parts = [cells.group(weight, names, folds, units) for folds in cells.halves]
                filled = [(part.count, part.mean, part.m2) for part in parts if part.count]
                known[names] = [*parts, pooled(weight, filled, len(parts[0].mean))]
            group = known[names][half]
            return Group(weight, group.count, group.mean, group.m2)

        return take

    halves = [built(wanted, of(half)) for half in (0, 1)] if reliable else []
    return built(wanted, of(2)), halves


def _categories(wanted: Plan, sign: int) -> list[str]:
    """List the categories of a side once each."""
    groups = itertools.chain.from_iterable(wanted)
    return list(dict.fromkeys(name for weight, names in groups if weight * sign > 0 for name in names))


def _of_units(moments: xr.Dataset) -> dict[str, xr.Variable]:
    return {str(name): column.variable for name, column in moments.coords.items() if column.dims == ("unit",)}


def _aligned(auroc: xr.DataArray | None, result: xr.Dataset) -> xr.DataArray:
    """Give the areas of all units, NaN where there are none."""
    if auroc is None:
        return xr.DataArray(np.full(result["t"].shape, np.nan), dims=("contrast", "unit"), attrs=described("auroc"))
    there = auroc["contrast"].values.tolist()
    absent = [name for name in result["contrast"].values.tolist() if name not in there]
    if absent:
        raise KeyError(f"auroc has no contrast {absent[0]!r}; it has {', '.join(there)}")
    foreign = ~np.isin(auroc["unit"].values, result["unit"].values)
    if foreign.any():
        raise KeyError(f"auroc has unit {auroc['unit'].values[foreign][0]}, which the moments do not have")
    columns = np.searchsorted(result["unit"].values, auroc["unit"].values)
    values = np.full(result["t"].shape, np.nan)
    values[:, columns] = auroc.sel(contrast=result["contrast"].values).transpose("contrast", "unit").values
    return xr.DataArray(values, dims=("contrast", "unit"), attrs=described("auroc") | auroc.attrs)


@contextlib.contextmanager
def _named(contrast: str) -> Iterator[None]:
    """Say which contrast a value is wrong in."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"contrast {contrast!r}: {error}") from error
