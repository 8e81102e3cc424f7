"""Halves of the stimuli: their maps and masks, as they are and with labels exchanged.

halvings         the ways to cut folds into two halves
Task             what is measured for one localizer
Half             the maps and the masks of one half
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deeplocalizer.contrast import shuffling
from deeplocalizer.contrast.groups import Cells
from deeplocalizer.masks.drawing import pack
from deeplocalizer.masks.scores import TURN, members
from deeplocalizer.masks.selection import ranked

Bundle = tuple[int, ...]  # folds that stay together
Flip = frozenset[int]  # positions of the bundles that are exchanged
STAY: Flip = frozenset()


def halvings(bundles: Sequence[Bundle], count: int, rng: np.random.Generator) -> list[tuple[list[int], list[int]]]:
    """Choose ways to cut bundles of folds into two halves.

    Parameters
    ----------
    bundles : sequence
    count : int
        How many; all there are if they are fewer.
    rng : Generator

    Returns
    -------
    list of (list of int, list of int)
        Positions of the bundles of either half; of an odd number the first half has one less. No two alike.
    """
    everything = list(range(len(bundles)))
    firsts = list(itertools.combinations(everything, len(bundles) // 2))
    if len(bundles) % 2 == 0:
        firsts = [first for first in firsts if 0 in first]  # the rest are the same halves the other way round
    chosen = [firsts[i] for i in np.sort(rng.permutation(len(firsts))[:count])]
    return [(list(first), [i for i in everything if i not in first]) for first in chosen]


@dataclass(frozen=True)
class Task:
    """What is measured for one localizer."""

    localizer: Mapping[str, Any]
    cells: Cells
    sides: Mapping[str, Any]
    statistic: str
    bundles: Sequence[Bundle]
    halves: Sequence[tuple[list[int], list[int]]]
    flips: Sequence[Flip]
    places: np.ndarray
    first: np.ndarray  # bool (unit,): the first reduction of its channel
    sizes: Mapping[int, int] | None


class Half:
    """The maps of one half of the stimuli under each exchange of its bundles, and the masks they give.

    Exchanges are sets of positions of bundles. Of an exchange and its complement only one map is held: the other is the
    same turned, for every statistic is odd.
    """

    def __init__(self, bundles: Sequence[int], maps: dict[Flip, np.ndarray], alive: np.ndarray) -> None:
        self.bundles = frozenset(bundles)
        self.maps = maps
        self.alive = alive
        self.masks: dict[Flip, tuple[np.ndarray, int]] = {}
        self.row = {flip: row for row, flip in enumerate(maps)}

    @classmethod
    def of(cls, task: Task, bundles: Sequence[int]) -> Half:
        """Contrast a half, as it is and under each exchange that is asked for."""
        whole = frozenset(bundles)
        wanted = list(dict.fromkeys([STAY, *(flip & whole for flip in task.flips)]))
        held: list[Flip] = []
        for flip in wanted:
            if whole - flip not in held:  # to exchange all other bundles turns the map
                held.append(flip)
        units = task.cells.units
        maps = {flip: np.empty(units) for flip in held}
        alive = np.empty(units, dtype=bool)
        folds = [fold for bundle in bundles for fold in task.bundles[bundle]]
        exchanges = [sorted(fold for bundle in flip for fold in task.bundles[bundle]) for flip in held]
        for start in range(0, units, shuffling.SLAB):
            slab = slice(start, start + shuffling.SLAB)
            part = shuffling.Exchanges(task.cells, task.sides, folds, slab)
            for flip, exchange in zip(held, exchanges, strict=True):
                contrasted = part.contrasted(exchange)
                maps[flip][slab] = getattr(contrasted, task.statistic)
                if not flip:
                    alive[slab] = ~contrasted.dead
        return cls(bundles, maps, alive)

    def find(self, flip: Flip) -> tuple[Flip, int]:
        """Give the exchange whose map is held, and 1, or -1 if it is to be turned."""
        own = flip & self.bundles
        return (own, 1) if own in self.row else (self.bundles - own, -1)

    def select(self, task: Task) -> None:
        """Select the units of every map, and of every map turned."""
        parts = list(members(task.places, task.first & self.alive))
        for flip, values in self.maps.items():
            for sign, known in ((1, flip), (-1, self.bundles - flip)):
                if sign == 1 or known not in self.row:
                    self.masks[known] = _mask(task, parts, TURN[task.localizer["sign"]](sign * values))

    def standardise(self, both: np.ndarray) -> None:
        """Centre and scale every map over some units, in place of the map."""
        for flip, values in self.maps.items():
            centred = values[both]
            centred -= centred.mean()
            norm = float(np.sqrt(np.square(centred).sum()))
            if not norm > 0:
                raise ValueError("the map of a half is the same in all units, or not a number: it has no correlation")
            centred /= norm
            self.maps[flip] = centred


def _mask(task: Task, parts: Sequence[tuple[int, np.ndarray]], scores: np.ndarray) -> tuple[np.ndarray, int]:
    if task.sizes is None:
        mask = ranked(scores, [part for _, part in parts], task.localizer)
    else:
        mask = np.zeros(len(scores), dtype=bool)
        for place, part in parts:
            mask |= ranked(scores, [part], {"count": task.sizes[place]})
    return pack(mask), int(mask.sum())
