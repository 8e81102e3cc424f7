"""Measures of split-half reliability.

measure          correlation of the map, and Dice of the mask, between halves of the localize split, with a null
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import seeding
from deeplocalizer.contrast import shuffling, welch
from deeplocalizer.contrast.groups import Cells
from deeplocalizer.masks.places import eligible_units
from deeplocalizer.masks.scores import members, places_of
from deeplocalizer.masks.selection import naming, rule_of, select
from deeplocalizer.reliability.halves import STAY, Flip, Half, Task, halvings

HALVES = 35  # all halvings of 8 folds
EXCHANGES = 255  # all exchanges of 8 folds but none
BUNDLES = 8  # more folds are joined: the maps of a half under all its exchanges must fit in memory
WORK = 14_000_000  # units times halvings, unless the settings say how many halvings
_TIE = 1e-12  # two values of one exchange may differ by rounding


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
        (localizer, half) is its mean by halving, while correlations cancel to 0. On (localizer, exchange):
        ``correlation_exchanged`` and ``dice_exchanged``, means over the halvings under every kind of exchange. On
        (localizer,): ``correlation_mean`` and ``dice_mean``, ``spearman_brown`` (2r / (1 + r); Spearman 1910, Brown
        1910, Br J Psychol 3:271-295, 296-322), ``correlation_p`` and ``dice_p``: (1 + number of exchanges
        whose mean reaches the observed one) / (1 + number of exchanges), where equal Dice, as of masks that a few
        exchanged folds leave as they are, is ranked by the correlation. The map is that of the localizer's statistic;
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
    return _lay_out(list(localizers), measured, moments)


@dataclass(frozen=True)
class _Measured:
    """Correlation and Dice: observed, under balanced exchanges (and Dice's mean) and all; what the map was of."""

    observed: np.ndarray
    null: np.ndarray
    chance: np.ndarray
    exchanged: np.ndarray
    statistic: str


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


def _measure(task: Task) -> _Measured:
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
        chance[number] = np.mean([dice for _, dice in balanced]) if balanced else np.nan
        null += balanced
    return _Measured(observed, np.array(null).reshape(-1, 2).T, chance, exchanged, task.statistic)


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


def _balanced(half: Half) -> list[Flip]:
    """Give the exchanges of half of the bundles of a half; of an odd number, of one more and one less than that."""
    size = len(half.bundles)
    return [flip for flip in half.masks if 0 < len(flip) < size and len(flip) in (size // 2, size - size // 2)]


def _p(one: _Measured, row: int) -> float:
    """Rank the observed mean among those of the exchanges; equal ones by their correlation."""
    mean, null = one.observed.mean(axis=1), one.exchanged
    above, level = null[row] > mean[row] + _TIE, np.abs(null[row] - mean[row]) <= _TIE
    return float((1 + np.sum(above | (level & (null[0] >= mean[0] - _TIE)))) / (1 + null.shape[1]))


def _columns(measured: Sequence[_Measured]) -> Iterator[tuple[str, tuple[str, ...], np.ndarray, str]]:
    words = (("correlation", "correlation of the map between two halves"), ("dice", "Dice of the masks of two halves"))
    for row, (name, meaning) in enumerate(words):
        yield name, ("localizer", "half"), _filled([one.observed[row] for one in measured]), meaning
        null = _filled([one.null[row] for one in measured])
        yield f"{name}_null", ("localizer", "shuffle"), null, f"{meaning}, exchanged labels cancelling a preference"
        exchanged = _filled([one.exchanged[row] for one in measured])
        yield f"{name}_exchanged", ("localizer", "exchange"), exchanged, f"{meaning}, labels exchanged; mean"
        mean = np.array([one.observed[row].mean() for one in measured])
        yield f"{name}_mean", ("localizer",), mean, f"{meaning}, mean over the halvings"
        p = np.array([_p(one, row) for one in measured])
        yield f"{name}_p", ("localizer",), p, f"{meaning}: p among all exchanges of labels"
    chance = _filled([one.chance for one in measured])
    yield "dice_chance", ("localizer", "half"), chance, "mean Dice where exchanged labels cancel a preference"


def _filled(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Lay rows side by side; a localizer with fewer folds has fewer values, and the rest are not numbers."""
    result = np.full((len(rows), max((len(values) for values in rows), default=0)), np.nan)
    for row, values in zip(result, rows, strict=True):
        row[: len(values)] = values
    return result


def _lay_out(names: Sequence[str], measured: Sequence[_Measured], moments: xr.Dataset) -> xr.Dataset:
    variables = {name: (dims, values, {"long_name": words}) for name, dims, values, words in _columns(measured)}
    mean = variables["correlation_mean"][1]
    with np.errstate(divide="ignore"):
        whole = 2 * mean / (1 + mean)
    words = "correlation expected between the map of all stimuli and that of as many others (Spearman-Brown)"
    dataset = xr.Dataset(variables | {"spearman_brown": (("localizer",), whole, {"long_name": words})})
    dataset = dataset.assign_coords(
        localizer=("localizer", np.array(names, dtype=str), {"long_name": "localizer"}),
        half=("half", np.arange(dataset.sizes["half"]), {"long_name": "way to halve the folds"}),
        shuffle=("shuffle", np.arange(dataset.sizes["shuffle"]), {"long_name": "exchange that cancels a preference"}),
        exchange=("exchange", np.arange(dataset.sizes["exchange"]), {"long_name": "exchange of labels"}),
        statistic=(
            "localizer",
            np.array([one.statistic for one in measured], dtype=str),
            {"long_name": "statistic of the map"},
        ),
    )
    return dataset.assign_attrs(moments.attrs)
