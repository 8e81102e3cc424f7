"""Masks: the units that a localizer selects, and the random masks they are compared with.

top_fraction     the units that rank highest in a contrast
eligible_units   the units that a mask may hold
random_matched   random masks with as many units in each layer
table            all masks of a study as a labelled dataset
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import seeding

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
        ``statistic`` (a variable of the contrast), ``sign`` (``positive``, ``negative`` or ``absolute``), ``fraction``
        of the eligible units, rounded up, and ``scope``: ``network`` or ``layer``.

    Returns
    -------
    ndarray of bool (unit,)
        Units that are not eligible are never selected, nor are units on the wrong side of zero; ties break by unit
        index.
    """
    score = _TURN[localizer["sign"]](contrast[localizer["statistic"]].values)
    eligible = eligible_units(contrast)
    places = stratum(contrast) if localizer["scope"] == "layer" else np.zeros(len(score), dtype=int)
    selected = np.zeros(len(score), dtype=bool)
    for place in np.unique(places):
        members = np.flatnonzero(eligible & (places == place))
        count = math.ceil(round(localizer["fraction"] * len(members), 9))
        best = members[np.argsort(-score[members], kind="stable")[:count]]
        selected[best[score[best] > 0]] = True
    return selected


def eligible_units(contrast: xr.Dataset) -> np.ndarray:
    """Say which units a mask may hold, as bool (unit,).

    Those that are not dead, and of a channel that was recorded under several reductions the first: to silence it is to
    silence all of them, so a mask must not count it twice.
    """
    place = np.stack([contrast[name].values.astype(np.int64) for name in ("layer", "call")])
    index = np.unique(place, axis=1, return_inverse=True)[1].reshape(-1)
    first = np.unique(index, return_index=True)[1]
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
    possible = math.prod(math.comb(len(pool), size) for pool, size in zip(pools, sizes, strict=True))
    if possible < count:
        raise ValueError(f"only {possible} different control masks match the target; {count} were asked for")
    masks = np.zeros((count, len(selected)), dtype=bool)
    seen: set[bytes] = set()
    while len(seen) < count:
        mask = np.zeros(len(selected), dtype=bool)
        for pool, size in zip(pools, sizes, strict=True):
            mask[rng.choice(pool, size, replace=False)] = True
        key = np.packbits(mask).tobytes()
        if key not in seen:
            masks[len(seen)] = mask
            seen.add(key)
    return masks


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
        ``selected`` (mask, unit); on ``mask``: ``localizer``, ``contrast``, ``rule``,
        ``fraction``, ``role`` (target or control), ``kind`` and ``seed``.

    Raises
    ------
    ValueError
        If a localizer selects no unit, naming it.
    """
    blocks, rows = [], []
    for name, localizer in localizers.items():
        chosen = contrasts.sel(contrast=localizer["contrast"])
        selected = top_fraction(chosen, localizer)
        eligible = eligible_units(chosen)
        if not selected.any():
            raise ValueError(f"localizer {name!r} selects none of {int(eligible.sum())} eligible units")
        rng = seeding.generator(seed, "controls", name)
        try:
            drawn = random_matched(selected, eligible, stratum(contrasts), controls, rng)
        except ValueError as error:
            raise ValueError(f"localizer {name!r}: {error}") from error
        blocks += [selected[None], drawn]
        rows += [_row(name, localizer, role, index, seed) for role, index in _roles(controls)]
    coordinates = {key: ("mask", [row[key] for row in rows]) for key in rows[0]}
    return xr.Dataset(
        {"selected": (("mask", "unit"), np.concatenate(blocks), {"long_name": "the mask holds the unit"})},
        coords={**coordinates, **{k: v for k, v in contrasts.coords.items() if v.dims == ("unit",)}},
        attrs=contrasts.attrs,
    )


def stratum(dataset: xr.Dataset) -> np.ndarray:
    """Number the places that controls are matched in: layer, call and reduction, as int (unit,)."""
    columns = np.stack([dataset[name].values.astype(np.int64) for name in ("layer", "call", "reduction")])
    return np.unique(columns, axis=1, return_inverse=True)[1].reshape(-1)


def _roles(controls: int) -> Sequence[tuple[str, int]]:
    return [("target", 0), *(("control", index) for index in range(controls))]


def _row(name: str, localizer: Mapping[str, Any], role: str, index: int, seed: int) -> dict[str, Any]:
    target = role == "target"
    return {
        "mask": name if target else f"{name}/random-{index:05d}",
        "localizer": name,
        "contrast": localizer["contrast"],
        "rule": "top {fraction:g} of the {scope} by {sign} {statistic}".format(**localizer),
        "fraction": localizer["fraction"],
        "role": role,
        "kind": "localizer" if target else "random matched per layer",
        "seed": seed,
    }
