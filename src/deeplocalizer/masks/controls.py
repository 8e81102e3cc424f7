"""Control masks that are chosen by a rule, not by chance.

Ground           what the controls of one localizer are made from
bottom           the units that rank lowest
opposite         the units that prefer the other categories
untrained        the units that the same localizer selects in another model
shuffled         the units that it selects when labels are exchanged
mean_response    about the mean |response| of each unit to a contrast's categories

Each holds as many units as the target in each place that the localizer ranks in (the network, or each layer), so that
harm can be compared; a percentile range says for itself how many it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer.contrast import shuffling
from deeplocalizer.contrast.groups import LOCALIZE
from deeplocalizer.masks.drawing import pack
from deeplocalizer.masks.places import eligible_units
from deeplocalizer.masks.scores import TURN, highest, members, places_of, score
from deeplocalizer.masks.selection import counts, ranked, rule_of
from deeplocalizer.moments import pool

_SWAPPED = {"positive": "negative", "negative": "positive"}


@dataclass(frozen=True)
class Ground:
    """What the controls of one localizer are made from.

    Parameters
    ----------
    contrast : Dataset
        The localizer's contrast: variables on ``unit``.
    localizer : mapping
    selected, eligible : ndarray of bool (unit,)
        The target mask, and what a mask may hold.
    moments : Dataset, optional
    sides : mapping, optional
        ``preferred``, ``other`` and ``each`` of the contrast.
    """

    contrast: xr.Dataset
    localizer: Mapping[str, Any]
    selected: np.ndarray
    eligible: np.ndarray
    moments: xr.Dataset | None = None
    sides: Mapping[str, Any] | None = None

    def recorded(self, purpose: str) -> tuple[xr.Dataset, Mapping[str, Any]]:
        """Give the moments and the sides of the contrast.

        Raises
        ------
        ValueError
            If they were not given, saying what they are needed for.
        """
        if self.moments is None or self.sides is None:
            raise ValueError(f"{purpose} needs the moments and the categories of the contrast; they were not given")
        return self.moments, self.sides


def bottom(ground: Ground) -> np.ndarray:
    """Take the eligible units that rank lowest by the localizer's score, as bool (unit,).

    For a signed localizer these prefer the other categories most; for ``absolute`` they are the least selective.
    """
    return _alike(ground, -score(ground.contrast, ground.localizer, ground.eligible))


def opposite(ground: Ground) -> np.ndarray:
    """Take the units that prefer the other categories most, as bool (unit,).

    The contrast with its sides exchanged, of which units on the wrong side are never taken: fewer than the target's
    number where fewer prefer the others. Of a conjunction, the units that lose every comparison.

    Raises
    ------
    ValueError
        If the localizer ignores the sign, or no unit prefers the others.
    """
    localizer = ground.localizer
    if localizer["sign"] not in _SWAPPED:
        raise ValueError("a localizer of sign 'absolute' has no opposite; leave 'opposite' out of compare")
    scores = score(ground.contrast, {**localizer, "sign": _SWAPPED[localizer["sign"]]}, ground.eligible)
    found = _alike(ground, scores, above=True)
    if not found.any():
        raise ValueError("no eligible unit prefers the other categories, so there is no opposite mask")
    return found


def untrained(ground: Ground, other: xr.Dataset) -> np.ndarray:
    """Take the units that the localizer selects in another model of the same units, as bool (unit,).

    Parameters
    ----------
    ground : Ground
    other : Dataset
        The contrasts of the untrained model, of the same units. Units that are dead in either model are not taken:
        silencing them would do nothing.

    Raises
    ------
    ValueError
        If it lacks the contrast, or nothing is alive in both.
    """
    name = ground.localizer["contrast"]
    if name not in other["contrast"].values:
        raise ValueError(f"contrast {name!r} is not among those of the untrained model")
    chosen = other.sel(contrast=name)
    eligible = ground.eligible & eligible_units(chosen)
    if not eligible.any():
        raise ValueError("no unit is alive in the untrained model")
    return _alike(ground, score(chosen, ground.localizer, eligible), eligible)


def shuffled(ground: Ground, count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Take the units that the localizer selects when labels are exchanged in half of the folds.

    Parameters
    ----------
    ground : Ground
    count : int
        Number of masks, each of another exchange; fewer if there are fewer (8 folds have 70 balanced exchanges).
    rng : Generator

    Yields
    ------
    ndarray of uint8
        Packed; no two are equal. Where the localizer ranks by ``auroc``, which moments do not hold, these rank by d.

    Raises
    ------
    ValueError
        If there are no two folds to exchange, or moments were not given.
    """
    moments, sides = ground.recorded("the shuffled-label control")
    folds = shuffling.shared_folds(moments, sides)
    signed = ground.localizer["sign"] != "absolute"
    # twice as many as wanted: two exchanges may happen to select the same units
    found = shuffling.patterns(folds, 2 * count, rng, mirrored=signed)
    if not found:
        raise ValueError(f"labels are exchanged by folds, but the contrast has stimuli in {len(folds)} fold only")
    name = "d" if ground.localizer["statistic"] == "auroc" else ground.localizer["statistic"]
    seen: set[bytes] = set()
    for pattern in found:
        if len(seen) == count:
            return
        values = shuffling.shuffled(moments, sides, name, pattern, folds)
        packed = pack(_alike(ground, TURN[ground.localizer["sign"]](values)))
        if packed.tobytes() not in seen:
            seen.add(packed.tobytes())
            yield packed


def mean_response(moments: xr.Dataset, sides: Mapping[str, Any]) -> np.ndarray:
    """Give the mean |response| of each unit over the stimuli of a contrast's categories, as float64 (unit,).

    Of the localize split. Moments do not hold it: this is the root of the mean squared response, which ranks units
    much as the mean |response| does whatever their sign, as the |mean response| does not where responses cancel. The
    variable ``magnitude`` of `contrast.welch` is exact where responses were stored.
    """
    pooled = pool(moments, [*sides["preferred"], *sides["other"]], [LOCALIZE])
    return np.asarray(np.sqrt(np.square(pooled["mean"].values) + pooled["m2"].values / float(pooled["count"])))


def _alike(ground: Ground, scores: np.ndarray, eligible: np.ndarray | None = None, above: bool = False) -> np.ndarray:
    """Take the highest scores, as many as the target has; ``above``: none that is not above 0."""
    allowed = ground.eligible if eligible is None else eligible
    places = places_of(ground.contrast, ground.localizer)
    parts: Sequence[tuple[int, np.ndarray]] = list(members(places, allowed))
    if rule_of(ground.localizer) == "percentile":
        return ranked(scores, [part for _, part in parts], ground.localizer)
    sizes = counts(ground.selected, places)
    selected = np.zeros(len(scores), dtype=bool)
    for place, part in parts:
        candidates = part[scores[part] > 0] if above else part
        selected[candidates[highest(scores[candidates], sizes.get(place, 0))]] = True
    return selected
