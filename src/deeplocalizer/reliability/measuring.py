"""Measures of split-half reliability.

measure          correlation of the map, and Dice of the mask, between halves of the localize split, with a null
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import seeding
from deeplocalizer.contrast import shuffling, welch
from deeplocalizer.contrast.groups import Cells
from deeplocalizer.masks.drawing import unpack
from deeplocalizer.masks.places import eligible_units
from deeplocalizer.masks.scores import members, places_of
from deeplocalizer.masks.selection import naming, rule_of, select
from deeplocalizer.reliability.halves import STAY, Flip, Half, Task, halvings
from deeplocalizer.reliability.layout import Measured, lay_out

HALVES = 35  # all halvings of 8 folds
EXCHANGES = 255  # all exchanges of 8 folds but none
BUNDLES = 8  # more folds are joined: the maps of a half under all its exchanges must fit in memory
WORK = 14_000_000  # units times halvings, unless the settings say how many halvings
SMALL = 0.05  # a p that cannot be so low is warned of
LOG = logging.getLogger("deeplocalizer")


def measure(
    moments: xr.Dataset,
    contrasts: Mapping[str, Mapping[str, Any]],
    localizers: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
    seed: int,
) -> xr.Dataset:
    """Measure how alike the maps and the masks of localizers are in two halves of the stimuli.

    Parameters
    ----------
    moments : Dataset
        As `moments.table` makes it.
    contrasts, localizers : mapping
        As configured, by name.
    settings : mapping
        ``halves``: the number of halvings, drawn without repetition (all 35 of 8 folds by default; fewer where there
        are more than 400,000 units, 10 of 1.4 million). ``exchanges``: the number of exchanges that p comes from
        (255 by default: all of 8 folds). ``fdr``, ``family`` and ``least_d`` as in `contrast.welch`: a localizer that
        selects by q takes as many units in each half as in all stimuli.
    seed : int

    Returns
    -------
    Dataset
        On (localizer, half): ``correlation``, Pearson's r of the map over units that live in both halves, and
        ``dice`` of the two masks (Dice 1945, Ecology 26:297-302; 0 if both are empty). On (localizer, shuffle):
        ``correlation_null`` and ``dice_null``, the same of single halvings where labels are exchanged in half of the
        folds of either half, so that a preference cancels: what is seen where nothing is preferred; ``dice_chance``
        (localizer, half) is its mean by halving (of fewer than four folds, of which no half has two, what two random
        masks of as many units in each place share), while correlations cancel to 0. On (localizer, exchange):
        ``correlation_exchanged`` and ``dice_exchanged``, means over the halvings under every kind of exchange. On
        (localizer,): ``correlation_mean`` and ``dice_mean``, ``spearman_brown`` (2r / (1 + r); Spearman 1910, Brown
        1910, Br J Psychol 3:271-295, 296-322), ``correlation_p`` and ``dice_p``: (1 + number of exchanges
        whose mean reaches the observed one) / (1 + number of exchanges), where equal Dice, as of masks that a few
        exchanged folds leave as they are, is ranked by the correlation. Of few folds no p can be small, which is
        logged: of two folds that of the correlation is 0.5 at least. The map is that of the localizer's statistic;
        for ``auroc``, which moments do not hold, that of d, as ``statistic`` says.

    Raises
    ------
    ValueError
        If a contrast has fewer than two folds, or a half has fewer than two stimuli of a side or three live units;
        naming the localizer.
    """
    measured = []
    for name, localizer in localizers.items():
        with naming(name):
            task = _task(name, localizer, moments, contrasts[localizer["contrast"]], settings, seed)
            measured.append(_measure(task))
    return lay_out(list(localizers), measured, moments)


def _task(
    name: str,
    localizer: Mapping[str, Any],
    moments: xr.Dataset,
    sides: Mapping[str, Any],
    settings: Mapping[str, Any],
    seed: int,
) -> Task:
    folds = shuffling.shared_folds(moments, sides)
    if len(folds) < 2:
        raise ValueError(f"its contrast has stimuli of both sides in {len(folds)} folds; expected two or more")
    bundles = [tuple(folds[start::BUNDLES]) for start in range(min(BUNDLES, len(folds)))]
    if (lowest := 2 / 2 ** len(bundles)) > SMALL:
        LOG.warning(
            f"localizer {name!r}: its contrast has stimuli of both sides in {len(folds)} folds only, so the p of its "
            f"correlation cannot be below {lowest:g}"
        )
    units = moments.sizes["unit"]
    count = settings.get("halves") or min(HALVES, max(1, round(WORK / units)))
    halves = halvings(bundles, count, seeding.generator(seed, "halves", name))
    exchanges = settings.get("exchanges") or EXCHANGES
    flips = shuffling.flips(range(len(bundles)), exchanges, seeding.generator(seed, "flips", name))
    statistic = "d" if localizer["statistic"] == "auroc" else localizer["statistic"]
    shuffling.refuse_unknown(statistic)
    nothing_dead = xr.Dataset({"dead": ("unit", np.zeros(units, dtype=bool))}, coords=moments.coords)
    places = places_of(nothing_dead, localizer)
    sizes = None
    if rule_of(localizer) == "q":
        given = {key: settings[key] for key in ("fdr", "family", "least_d") if key in settings}
        whole = welch(moments, {localizer["contrast"]: sides}, **given).isel(contrast=0)
        selected = select(whole, {**localizer, "statistic": statistic})
        sizes = {place: int(selected[part].sum()) for place, part in members(places, np.ones(units, dtype=bool))}
    return Task(
        localizer, Cells(moments), sides, statistic, bundles, halves, [frozenset(flip) for flip in flips], places,
        eligible_units(nothing_dead), sizes,
    )  # fmt: skip


def _measure(task: Task) -> Measured:
    observed = np.empty((2, len(task.halves)))
    exchanged = np.zeros((2, len(task.flips)))
    chance = np.empty(len(task.halves))
    null: list[tuple[float, float]] = []
    for number, halves in enumerate(task.halves):
        first, second = (Half.of(task, half) for half in halves)
        both = task.first & first.alive & second.alive
        if int(both.sum()) < 3:
            raise ValueError(f"{int(both.sum())} units live in both halves; expected three or more")
        for half in (first, second):
            half.select(task)
            half.standardise(both)
        correlations, overlaps = _correlations(first, second), _overlaps(first, second)
        values = [_look_up(first, second, correlations, overlaps, flip) for flip in (STAY, *task.flips)]
        observed[:, number] = values[0]
        exchanged += np.array(values[1:]).reshape(-1, 2).T / len(task.halves)
        pairs = itertools.product(_balanced(first), _balanced(second))
        balanced = [_look_up(first, second, correlations, overlaps, one | two) for one, two in pairs]
        by_chance = [dice for _, dice in balanced] or [_random_dice(task, first, second)]
        chance[number] = np.mean(by_chance)
        null += balanced
    return Measured(observed, np.array(null).reshape(-1, 2).T, chance, exchanged, task.statistic)


def _correlations(first: Half, second: Half) -> np.ndarray:
    # sums of products without BLAS: the order of its sums may depend on the number of threads
    return np.array([[float(np.einsum("i,i->", a, b)) for b in second.maps.values()] for a in first.maps.values()])


def _overlaps(first: Half, second: Half) -> dict[tuple[Flip, Flip], float]:
    found = {}
    for (one, (a, size)), (two, (b, other)) in itertools.product(first.masks.items(), second.masks.items()):
        shared = int(np.bitwise_count(a & b).sum(dtype=np.int64))
        found[one, two] = 2 * shared / (size + other) if size + other else 0.0
    return found


def _look_up(
    first: Half,
    second: Half,
    correlations: np.ndarray,
    overlaps: Mapping[tuple[Flip, Flip], float],
    flip: Flip,
) -> tuple[float, float]:
    (one, sign), (two, other) = first.find(flip), second.find(flip)
    r = sign * other * float(correlations[first.row[one], second.row[two]])
    return r, overlaps[flip & first.bundles, flip & second.bundles]


def _random_dice(task: Task, first: Half, second: Half) -> float:
    """Expect the Dice of two masks drawn from the units that live in each half, as many of each place as selected."""
    masks, alive = [], []
    for half in (first, second):
        masks.append(unpack(half.masks[STAY][0], len(task.places)))
        alive.append(task.first & half.alive)
    shared = 0.0
    for _, part in members(task.places, alive[0] & alive[1]):
        place = task.places == task.places[part[0]]
        shares = [mask[place].sum() / living[place].sum() for mask, living in zip(masks, alive, strict=True)]
        shared += len(part) * float(shares[0] * shares[1])
    size = int(sum(mask.sum() for mask in masks))
    return 2 * shared / size if size else 0.0


def _balanced(half: Half) -> list[Flip]:
    """Give the exchanges of half of the bundles of a half; of an odd number, of one more and one less than that."""
    size = len(half.bundles)
    return [flip for flip in half.masks if 0 < len(flip) < size and len(flip) in (size // 2, size - size // 2)]
