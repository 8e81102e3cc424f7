"""The table of all contrasts of a study, with all their statistics.

welch            every statistic of every contrast in every unit, from moments
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import multiplicity, tails
from deeplocalizer.contrast.comparison import Comparison
from deeplocalizer.contrast.conjunction import Conjunction
from deeplocalizer.contrast.groups import Cells, Group, Plan, plan, pooled
from deeplocalizer.contrast.meanings import described
from deeplocalizer.contrast.sampled import FLAGS, TWO_SAMPLES, built

FAMILIES = ("network", "layer")
SIDES = ("", "_greater", "_less")
LEAST = {f"log10_p_least{side}": part for side, part in zip(SIDES, tails.Beyond._fields, strict=True)}
SLAB = 1 << 14  # units at a time: what is computed of them stays in a core's cache


def welch(
    moments: xr.Dataset,
    contrasts: Mapping[str, Mapping[str, Any]],
    *,
    least_d: float = 0.2,
    fdr: str = "benjamini_hochberg",
    family: str = "network",
    auroc: xr.DataArray | None = None,
    magnitude: xr.DataArray | None = None,
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
        The minimum effect: log10_p_least and log10_q_least are against \\|d\\| <= least_d in the population,
        log10_p_least_greater and log10_q_least_greater against d <= least_d, and so on.
    fdr : str
        One of `multiplicity.METHODS`.
    family : str
        The tests among which the false discovery rate is controlled: all units of the ``network``, or each ``layer``
        by itself. Dead units count.
    auroc, magnitude : DataArray (contrast, unit), optional
        Of the units whose responses were stored, as `auroc.streamed` gives them.

    Returns
    -------
    Dataset
        On (contrast, unit): ``difference``, ``t``, ``df``, ``log10_p``, ``log10_p_greater``, ``d``, ``g``, ``dprime``,
        ``selectivity_index``, ``auroc``, ``log10_p_least``, ``log10_p_least_greater``, ``log10_p_least_less``,
        ``magnitude``, ``dead`` and ``constant``; ``log10_q`` and ``log10_q_least``, each also with ``_greater`` and
        ``_less``: the false discovery rate of the two-sided p is not that of the units of one side alone, so each side
        has its own. On (contrast,): ``n_preferred``, ``n_other`` and ``reliability``. What each is, `Comparison` says.
        ``magnitude`` is the mean \\|response\\| to the contrast's stimuli or, where responses were not stored, the root
        of their mean square, which ranks units much as it does whatever their sign.

    Raises
    ------
    ValueError
        If a group of stimuli has fewer than two of them, a weight is not above 0, or an option is unknown; the contrast
        is named.
    KeyError
        If a category was not recorded, or a contrast is missing from ``auroc`` or ``magnitude``.
    """
    if family not in FAMILIES:
        raise ValueError(f"family {family!r} is unknown; allowed are {', '.join(FAMILIES)}")
    if not least_d >= 0:
        raise ValueError(f"least_d is {least_d}; expected 0 or more")
    cells = Cells(moments)
    shape = (len(contrasts), cells.units)
    made = {name: np.empty(shape) for name in (*TWO_SAMPLES, "log10_p_less", *LEAST, "magnitude")}
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
    rates = [f"log10_q{least}{side}" for least in ("", "_least") for side in SIDES]
    for name in rates:
        made[name] = _rates(made[name.replace("_q", "_p")], fdr, families)
    del made["log10_p_less"]  # greater says it
    result = xr.Dataset(
        {name: (("contrast", "unit"), values, described(name)) for name, values in made.items()}
        | {name: ("contrast", values, described(name)) for name, values in numbers.items()},
        coords={"contrast": list(contrasts), **_of_units(moments)},
        attrs=moments.attrs,
    )
    result["auroc"] = result["t"].copy(data=np.full(shape, np.nan)).assign_attrs(described("auroc"))
    for name, given in (("auroc", auroc), ("magnitude", magnitude)):
        if given is not None:
            _put(name, given, result)
    for name in rates:
        result[name].attrs.update(method=fdr, family=family)
    for variable, values in result.data_vars.items():
        if "_least" in str(variable):
            values.attrs["least_d"] = float(least_d)
    return result


def _rates(log10_p: np.ndarray, fdr: str, families: np.ndarray | None) -> np.ndarray:
    """Give the false discovery rates of p (contrast, unit), each contrast by itself."""
    rates = np.empty(log10_p.shape)
    for row, values in zip(rates, log10_p, strict=True):
        row[:] = multiplicity.log10_q(values, fdr, families)
    return rates


def _fill(cells: Cells, wanted: Plan, rows: Mapping[str, np.ndarray], least_d: float) -> float:
    """Fill the statistics of one contrast in, slab by slab; return its reliability."""
    maps = np.zeros((2, cells.units))
    usable = np.zeros(cells.units, dtype=bool)
    reliable = min(cells.count(names, half) for half in cells.halves for group in wanted for _, names in group) >= 2

    for start in range(0, cells.units, SLAB):
        units = slice(start, min(start + SLAB, cells.units))
        whole, halves, rows["magnitude"][units] = _taken(cells, wanted, units, reliable)
        for name in (*TWO_SAMPLES, "log10_p_less", *FLAGS):
            rows[name][units] = getattr(whole, name)
        least = whole.least(least_d)
        for name, part in LEAST.items():
            rows[name][units] = getattr(least, part)
        for half, found in enumerate(halves):
            maps[half, units] = found.d
        usable[units] = np.logical_and.reduce([~found.still for found in halves])

    if not reliable or usable.sum() < 3:
        return float("nan")
    return float(np.corrcoef(maps[0][usable], maps[1][usable])[0, 1])


def _taken(
    cells: Cells, wanted: Plan, units: slice, reliable: bool
) -> tuple[Comparison | Conjunction, list[Comparison | Conjunction], np.ndarray]:
    """Build a contrast of a slab of units, and those of its even and odd folds; give also the root mean square."""
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
    whole = built(wanted, of(2))
    return whole, halves, _root_mean_square([groups[2] for groups in known.values()])


def _root_mean_square(groups: Sequence[Group]) -> np.ndarray:
    """Give the root of the mean squared response (unit,) to all stimuli of groups."""
    total = np.add.reduce([group.count * group.mean**2 + group.m2 for group in groups])
    return np.asarray(np.sqrt(total / sum(group.count for group in groups)))


def _categories(wanted: Plan, sign: int) -> list[str]:
    """List the categories of a side once each."""
    groups = itertools.chain.from_iterable(wanted)
    return list(dict.fromkeys(name for weight, names in groups if weight * sign > 0 for name in names))


def _of_units(moments: xr.Dataset) -> dict[str, xr.Variable]:
    return {str(name): column.variable for name, column in moments.coords.items() if column.dims == ("unit",)}


def _put(name: str, given: xr.DataArray, result: xr.Dataset) -> None:
    """Put in what is known of the units whose responses were stored."""
    there = given["contrast"].values.tolist()
    absent = [one for one in result["contrast"].values.tolist() if one not in there]
    if absent:
        raise KeyError(f"{name} has no contrast {absent[0]!r}; it has {', '.join(there)}")
    foreign = ~np.isin(given["unit"].values, result["unit"].values)
    if foreign.any():
        raise KeyError(f"{name} has unit {given['unit'].values[foreign][0]}, which the moments do not have")
    columns = np.searchsorted(result["unit"].values, given["unit"].values)
    rows = given.sel(contrast=result["contrast"].values).transpose("contrast", "unit").values
    result[name].values[:, columns] = rows
    result[name].attrs.update(given.attrs)


@contextlib.contextmanager
def _named(contrast: str) -> Iterator[None]:
    """Say which contrast a value is wrong in."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"contrast {contrast!r}: {error}") from error
