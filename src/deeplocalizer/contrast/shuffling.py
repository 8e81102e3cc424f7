"""Contrasts without a preference: labels exchanged by whole folds.

patterns         balanced sets of folds to exchange, each another one
flips            sets of folds to exchange, out of all there are
shared_folds     the folds that can be exchanged
Exchanges        one contrast of some units, again and again with other folds exchanged
shuffled         a statistic of all units with some folds exchanged

Moments do not hold single stimuli, so labels cannot be exchanged one by one. Folds are groups of stimuli drawn by
chance, and to exchange the two sides of a fold is to swap the labels of all its stimuli at once. If neither side is
preferred, that changes nothing but chance: the 2^F exchanges of F folds are a group, and what is computed from the
data as they are is one of 2^F equally likely values (the sign flips of Winkler et al. 2014, NeuroImage 92:381-397,
section "Exchangeability and permutations").

Two sets of exchanges serve two ends. *All* of them, the data as they are included, make a valid test (`flips`). Only
the *balanced* ones, half of the folds exchanged, cancel a real preference, and so show what a localizer finds where
there is none (`patterns`); they are no group, and to take a p from them alone is not valid (Southworth, Kim & Owen
2009, J Comput Biol 16:625-638).

Limits. Of 8 folds there are 70 balanced patterns, 35 if a pattern and its complement count as one, so a p from 8 folds
cannot be below 1/128 for what is blind to the sign. With one fold there is nothing to exchange. Where the two sides or
the folds differ in size the exchanged samples have other sizes than the real ones, and the cancelling and the exactness
hold only nearly. An odd number of folds leaves one fold's worth of preference.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer.contrast.comparison import STATISTICS, Comparison
from deeplocalizer.contrast.conjunction import Conjunction
from deeplocalizer.contrast.groups import LOCALIZE, Cells, Group, plan, pooled

SLAB = 1 << 15  # units contrasted at a time: what they need then fits a core's cache
_LISTED = 20_000  # so many patterns are listed and drawn from; of more, a pattern is drawn fold by fold

Pattern = tuple[int, ...]  # the folds that are exchanged, in ascending order
Weighted = Sequence[tuple[float, tuple[str, ...]]]  # the groups of one comparison


def patterns(folds: Sequence[int], count: int, rng: np.random.Generator, mirrored: bool = True) -> list[Pattern]:
    """Choose balanced sets of folds to exchange.

    Parameters
    ----------
    folds : sequence of int
    count : int
        How many; all there are if they are fewer.
    rng : Generator
    mirrored : bool
        Whether a pattern and its complement count as two: they give a map and the same map turned, which are one to a
        localizer that ignores the sign.

    Returns
    -------
    list of tuple of int
        Each half of the folds (the smaller half of an odd number), no two alike; none if there are fewer than two
        folds.
    """
    ordered = sorted(folds)
    half = len(ordered) // 2
    if half == 0:
        return []
    # the first fold stays where a pattern stands for its complement too
    free = ordered if mirrored or len(ordered) % 2 else ordered[1:]
    if math.comb(len(free), half) <= max(count, _LISTED):
        every = list(itertools.combinations(free, half))
        return [every[i] for i in rng.permutation(len(every))[:count]]
    found: dict[Pattern, None] = {}
    while len(found) < count:
        found[tuple(sorted(rng.choice(free, half, replace=False).tolist()))] = None
    return list(found)


def flips(folds: Sequence[int], count: int, rng: np.random.Generator) -> list[Pattern]:
    """Choose sets of folds to exchange out of all but the empty one, which is the data as they are.

    Parameters
    ----------
    folds : sequence of int
    count : int
        How many; all 2^F - 1 if they are fewer.
    rng : Generator

    Returns
    -------
    list of tuple of int
        No two alike. With the data as they are they are a sample, without repetition, of the group of exchanges, so
        that (1 + number at least as extreme) / (1 + number) is a valid p (Hemerik & Goeman 2018, TEST 27:811-825,
        theorem 2).
    """
    ordered = sorted(folds)
    total = (1 << len(ordered)) - 1
    if total <= max(count, _LISTED):
        codes = (rng.permutation(total) + 1)[:count].tolist()
    else:
        drawn: dict[int, None] = {}
        while len(drawn) < count:
            bits = rng.integers(0, 2, len(ordered))
            code = sum(1 << place for place in np.flatnonzero(bits).tolist())
            if code:
                drawn[code] = None
        codes = list(drawn)
    return [tuple(fold for place, fold in enumerate(ordered) if code >> place & 1) for code in codes]


def shared_folds(moments: xr.Dataset, sides: Mapping[str, Any]) -> list[int]:
    """Give the folds of the localize split in which each group of a contrast has stimuli (see `groups.plan`)."""
    counts = moments["count"].sel(split=LOCALIZE)
    wanted = [categories for comparison in plan(sides) for _, categories in comparison]
    there = [counts.sel(category=list(categories)).sum("category").values > 0 for categories in wanted]
    return [int(fold) for fold in moments["fold"].values[np.logical_and.reduce(there)]]


class Exchanges:
    """One contrast of some units, again and again with other folds exchanged.

    Parameters
    ----------
    cells : Cells
    sides : mapping
        ``preferred``, ``other`` and ``each`` of the contrast.
    folds : sequence of int
        Those that enter.
    units : slice
        Those that are contrasted.

    Notes
    -----
    *Two pooled lists*: the samples are those of swapped labels, exactly. *Conjunctions*: every comparison of a
    preferred with an other category is exchanged by itself, with the same folds. *Weights*: the contrast gets twice as
    many groups. The weighted difference of the folds that stay is added to that of the exchanged folds turned round,
    each by its share of the folds, so that every stimulus still enters once.
    """

    def __init__(
        self, cells: Cells, sides: Mapping[str, Any], folds: Sequence[int], units: slice = slice(None)
    ) -> None:
        self._folds = list(folds)
        self._plan = plan(sides)
        self._groups = {
            (categories, fold): cells.group(1.0, categories, [fold], units)
            for comparison in self._plan
            for _, categories in comparison
            for fold in self._folds
        }

    def contrasted(self, pattern: Collection[int] = ()) -> Comparison | Conjunction:
        """Contrast the units with some folds exchanged.

        Parameters
        ----------
        pattern : collection of int
            The folds to exchange; those that do not enter are passed by.

        Raises
        ------
        ValueError
            If a group is left with fewer than two stimuli, naming its categories.
        """
        turned = [fold for fold in self._folds if fold in pattern]
        stay = [fold for fold in self._folds if fold not in pattern]
        comparisons = [
            Comparison(self._two(groups, stay, turned) if len(groups) == 2 else self._several(groups, stay, turned))
            for groups in self._plan
        ]
        return comparisons[0] if len(comparisons) == 1 else Conjunction(comparisons)

    def _two(self, groups: Weighted, stay: Sequence[int], turned: Sequence[int]) -> list[Group]:
        (one, first), (two, second) = groups
        return [
            self._together(one, [(first, fold) for fold in stay] + [(second, fold) for fold in turned]),
            self._together(two, [(second, fold) for fold in stay] + [(first, fold) for fold in turned]),
        ]

    def _several(self, groups: Weighted, stay: Sequence[int], turned: Sequence[int]) -> list[Group]:
        parts = [(1, stay), (-1, turned)]
        found = [
            self._together(sign * weight * len(folds) / len(self._folds), [(categories, fold) for fold in folds])
            for sign, folds in parts
            if folds
            for weight, categories in groups
        ]
        return sorted(found, key=lambda group: group.weight < 0)  # the preferred first

    def _together(self, weight: float, places: Sequence[tuple[tuple[str, ...], int]]) -> Group:
        found = [self._groups[place] for place in places]
        parts = [(group.count, group.mean, group.m2) for group in found if group.count]
        count = sum(part[0] for part in parts)
        if count < 2:
            names = ", ".join(dict.fromkeys(name for categories, _ in places for name in categories))
            raise ValueError(f"{count} stimuli of {names} in {len(places)} folds; expected two or more")
        return pooled(weight, parts, len(found[0].mean))


def shuffled(
    moments: xr.Dataset,
    sides: Mapping[str, Any],
    name: str,
    pattern: Collection[int],
    folds: Sequence[int] | None = None,
) -> np.ndarray:
    """Give a statistic of a contrast with some folds exchanged.

    Parameters
    ----------
    moments : Dataset
        As `moments.table` makes it.
    sides : mapping
        ``preferred``, ``other`` and ``each`` of the contrast.
    name : str
        One of `comparison.STATISTICS`.
    pattern : collection of int
        The folds to exchange.
    folds : sequence of int, optional
        Those that enter; by default all in which each group has stimuli.

    Returns
    -------
    ndarray (unit,)

    Raises
    ------
    ValueError
        If the statistic does not come from moments, or a group is left with fewer than two stimuli.
    """
    refuse_unknown(name)
    entering = shared_folds(moments, sides) if folds is None else folds
    cells = Cells(moments)
    values = np.empty(cells.units)
    for start in range(0, cells.units, SLAB):
        slab = slice(start, start + SLAB)
        values[slab] = getattr(Exchanges(cells, sides, entering, slab).contrasted(pattern), name)
    return values


def refuse_unknown(name: str) -> None:
    """Raise a ValueError if a statistic does not come from moments."""
    if name not in STATISTICS:
        raise ValueError(f"statistic {name!r} does not come from moments; those that do are {', '.join(STATISTICS)}")
