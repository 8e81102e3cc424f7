"""Masks: the units that a localizer selects, and the random masks they are compared with.

top_fraction     the units that rank highest in a contrast: a share of them, or a number
eligible_units   the units that a mask may hold
random_matched   random masks with as many units in each layer
table            all masks of a study as a labelled dataset
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import gammaln

from deeplocalizer import seeding, units

_TURN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "positive": np.positive,
    "negative": np.negative,
    "absolute": np.abs,
}


def top_fraction(contrast: xr.Dataset, localizer: Mapping[str, Any]) -> np.ndarray:
    """Select the units that rank highest in a contrast.

    Parameters
    ----------
    contrast : Dataset
        One contrast of `contrast.welch`: variables on ``unit``.
    localizer : mapping
        ``statistic`` (a variable of the contrast), ``sign`` (``positive``, ``negative`` or ``absolute``), ``scope``
        (``network`` or ``layer``), and either ``fraction`` of the eligible units, rounded up, or ``count``: how many,
        of the network or of each layer.

    Returns
    -------
    ndarray of bool (unit,)
        Units that are not eligible are never selected, nor are units on the wrong side of zero; ties break by unit
        index.

    Raises
    ------
    ValueError
        If fewer than ``count`` units are eligible and on the right side of zero.
    """
    score = _TURN[localizer["sign"]](contrast[localizer["statistic"]].values)
    eligible = eligible_units(contrast)
    each = localizer["scope"] == "layer"
    places = stratum(contrast) if each else np.zeros(len(score), dtype=int)
    selected = np.zeros(len(score), dtype=bool)
    for place in np.unique(places[eligible]):
        members = np.flatnonzero(eligible & (places == place))
        best = members[score[members] > 0]
        if localizer.get("count") is None:
            count = math.ceil(round(localizer["fraction"] * len(members), 9))
        else:
            count = localizer["count"]
            where = f" of layer {str(units.layer_names(contrast.isel(unit=members[:1]))[0])!r}" if each else ""
            _refuse_too_few(localizer, len(best), len(members), where)
        selected[best[np.argsort(-score[best], kind="stable")[:count]]] = True
    return selected


def _refuse_too_few(localizer: Mapping[str, Any], found: int, eligible: int, where: str) -> None:
    if found < localizer["count"]:
        side = {"positive": "greater than 0", "negative": "less than 0", "absolute": "not 0"}[localizer["sign"]]
        raise ValueError(
            f"count is {localizer['count']}, but only {found} of {eligible} eligible units{where} have a "
            f"{localizer['statistic']} that is {side}"
        )


def eligible_units(contrast: xr.Dataset) -> np.ndarray:
    """Say which units a mask may hold, as bool (unit,).

    Those that are not dead, and of a channel that was recorded under several reductions the first: to silence it is to
    silence all of them, so a mask must not count it twice.
    """
    _, first, index = np.unique(_code(contrast, ("layer", "call")), return_index=True, return_inverse=True)
    reduction = contrast["reduction"].values
    return np.asarray(~contrast["dead"].values & (reduction == reduction[first][index]))


def random_matched(
    selected: np.ndarray, eligible: np.ndarray, strata: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw random masks with as many units of each stratum as a target mask.

    Parameters
    ----------
    selected : ndarray of bool (unit,)
        The target mask.
    eligible : ndarray of bool (unit,)
        What may be drawn, the target's own units included: only then is the rank of the target among its controls a
        valid permutation p.
    strata : ndarray of int (unit,)
        Such as the layer of each unit.
    count : int
        Number of masks; no two are equal.
    rng : Generator

    Returns
    -------
    ndarray of bool (mask, unit)

    Raises
    ------
    ValueError
        If there are fewer different masks than asked for.
    """
    pools = [np.flatnonzero(eligible & (strata == s)) for s in np.unique(strata[selected])]
    sizes = [int(np.sum(selected & (strata == s))) for s in np.unique(strata[selected])]
    if (possible := _possible(pools, sizes, max(count, 1))) < count:
        raise ValueError(f"only {possible} different control masks match the target; {count} were asked for")
    masks = np.zeros((count, len(selected)), dtype=bool)
    seen: set[bytes] = set()
    while len(seen) < count:
        mask = np.zeros(len(selected), dtype=bool)
        for pool, size in zip(pools, sizes, strict=True):
            mask[rng.choice(pool, size, replace=False)] = True
        key = hashlib.sha256(np.packbits(mask).tobytes()).digest()
        if key not in seen:
            masks[len(seen)] = mask
            seen.add(key)
    return masks


def _possible(pools: Sequence[np.ndarray], sizes: Sequence[int], enough: int) -> int:
    """Count the different masks, but not beyond what is enough: of a million units there are too many to write down."""
    possible = 1
    for pool, size in zip(pools, sizes, strict=True):
        about = gammaln(len(pool) + 1) - gammaln(size + 1) - gammaln(len(pool) - size + 1)
        possible *= enough if about > math.log(enough) + 1 else math.comb(len(pool), size)
    return possible


def table(contrasts: xr.Dataset, localizers: Mapping[str, Mapping[str, Any]], controls: int, seed: int) -> xr.Dataset:
    """Make the target masks of all localizers and their controls.

    Parameters
    ----------
    contrasts : Dataset
        As `contrast.welch` makes it.
    localizers : mapping
        By name; see `top_fraction`.
    controls : int
        Number of random masks for each localizer.
    seed : int

    Returns
    -------
    Dataset
        ``selected`` (mask, unit); on ``mask``: ``localizer``, ``contrast``, ``rule``, ``fraction`` (of the eligible
        units, as asked for or as it comes to), ``role`` (target or control), ``kind`` and ``seed``.

    Raises
    ------
    ValueError
        If a localizer selects no unit, or fewer than its ``count``, naming it.
    """
    strata = stratum(contrasts)
    masks = np.empty((len(localizers) * (1 + controls), contrasts.sizes["unit"]), dtype=bool)
    rows: list[dict[str, Any]] = []
    for name, localizer in localizers.items():
        chosen = contrasts.sel(contrast=localizer["contrast"])
        eligible = eligible_units(chosen)
        rng = seeding.generator(seed, "controls", name)
        with _naming(name):
            selected = top_fraction(chosen, localizer)
        if not selected.any():
            raise ValueError(f"localizer {name!r} selects none of {int(eligible.sum())} eligible units")
        masks[len(rows)] = selected
        with _naming(name):
            masks[len(rows) + 1 : len(rows) + 1 + controls] = random_matched(selected, eligible, strata, controls, rng)
        share = localizer.get("fraction")
        fraction = float(selected.sum() / eligible.sum()) if share is None else share
        rows += [_row(name, localizer, fraction, role, index, seed) for role, index in _roles(controls)]
    coordinates = {key: ("mask", [row[key] for row in rows]) for key in rows[0]}
    return xr.Dataset(
        {"selected": (("mask", "unit"), masks, {"long_name": "the mask holds the unit"})},
        coords={**coordinates, **{k: v for k, v in contrasts.coords.items() if v.dims == ("unit",)}},
        attrs=contrasts.attrs,
    )


def stratum(dataset: xr.Dataset) -> np.ndarray:
    """Number the places that controls are matched in: layer, call and reduction, as int (unit,)."""
    return np.unique(_code(dataset, ("layer", "call", "reduction")), return_inverse=True)[1]


def _code(dataset: xr.Dataset, names: Sequence[str]) -> np.ndarray:
    """Give every combination of some coordinates a number of its own, in the order of the combinations."""
    code = np.zeros(dataset.sizes["unit"], dtype=np.int64)
    for name in names:
        column = dataset[name].values.astype(np.int64)
        code = code * (int(column.max(initial=0)) + 1) + column
    return code


@contextlib.contextmanager
def _naming(localizer: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"localizer {localizer!r}: {error}") from error


def _roles(controls: int) -> Sequence[tuple[str, int]]:
    return [("target", 0), *(("control", index) for index in range(controls))]


def _row(name: str, localizer: Mapping[str, Any], fraction: float, role: str, index: int, seed: int) -> dict[str, Any]:
    target = role == "target"
    return {
        "mask": name if target else f"{name}/random-{index:05d}",
        "localizer": name,
        "contrast": localizer["contrast"],
        "rule": _rule(localizer),
        "fraction": fraction,
        "role": role,
        "kind": "localizer" if target else "random matched per layer",
        "seed": seed,
    }


def _rule(localizer: Mapping[str, Any]) -> str:
    ranking = "by {sign} {statistic}".format(**localizer)
    if localizer.get("count") is None:
        return "top {fraction:g} of the {scope} ".format(**localizer) + ranking
    place = "each layer" if localizer["scope"] == "layer" else "the network"
    return f"top {localizer['count']} units of {place} {ranking}"
