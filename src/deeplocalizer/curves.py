"""Curves: harm by series of masks, of more units and fewer, of one layer alone, or of all but a mask.

measure          harm at every point of every series, beside random masks
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import inference, seeding
from deeplocalizer.effects.asking import Answers, Cell, Key, Request, answer, gated
from deeplocalizer.effects.meaning import bounds, matched
from deeplocalizer.effects.runs import Runs
from deeplocalizer.effects.sample import Sample, prepare
from deeplocalizer.effects.specificity import spread
from deeplocalizer.effects.subjects import subjects
from deeplocalizer.effects.table import ABSENT
from deeplocalizer.outcomes import OUTCOMES

KEEP = "keep"
NUMBERS = {
    "estimate": "harm of the localizer's mask, balanced over the labels of the task",
    "low": "lower end of its interval",
    "high": "upper end of its interval",
    "control": "mean harm of the random masks",
    "control_low": "lower end of the middle of the random masks' harms",
    "control_high": "upper end of the middle of the random masks' harms",
    "p": "one-sided p, the rank among the random masks: of more harm; where the mask is kept, of less",
}
COUNTS = {"n": "number of stimuli", "controls": "number of random masks"}


@dataclass(frozen=True)
class Place:
    """One point of a series: the run of a localizer's mask, and those of its random masks, sorted by name."""

    localizer: str
    series: str
    level: str
    dose: float
    target: int
    controls: np.ndarray


@dataclass(frozen=True)
class _Point:
    place: Place
    task: str
    harm: Mapping[str, Cell]
    control: Mapping[str, Cell]
    stimuli: int
    controls: int


def measure(
    outcomes: xr.Dataset,
    tasks: Mapping[str, Sequence[str]],
    localizers: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
    seed: int,
) -> xr.Dataset:
    """Measure harm at every point of every series, beside random masks.

    Parameters
    ----------
    outcomes : Dataset
        As `ablation.ablate` makes it of series, several localizers joined; on ``intervention`` also ``series``,
        ``level`` and ``dose``. Without a series there is only the intact run.
    tasks, settings, seed
        As `effects.measure` takes them.
    localizers : mapping
        By name; series of others are refused.

    Returns
    -------
    Dataset
        On (point, outcome): ``estimate``, ``low`` and ``high`` (harm of the mask), ``control``, ``control_low`` and
        ``control_high`` (mean and middle of the random masks' harms), ``p``, ``n`` and ``controls``; on ``point``:
        ``localizer``, ``series``, ``level``, ``dose`` and ``task``. Points follow the order of the runs. At a dose of
        0 harm is 0 by definition; there is no such point.

    Raises
    ------
    ValueError
        If random masks are of another matching than the settings say, or a localizer is unknown, naming it.

    Notes
    -----
    ``p`` is (1 + number of random masks at least as extreme) / (1 + number): of those that do at least as much harm,
    or, in the series ``keep``, of those that do at most as much, since there the question is whether the mask suffices
    better than as many random units. For performance outcomes it is at least the p of the network's doing the task at
    all, as in `effects.measure`. It is not adjusted for the number of points. A mask that no random mask matches
    has neither control nor p.
    """
    places = _places(outcomes, matched(settings))
    unknown = sorted({place.localizer for place in places} - set(localizers))
    if unknown:
        raise ValueError(f"series of {unknown[0]!r}, which is none of the localizers {', '.join(localizers)}")
    found: list[_Point] = []
    if places:
        runs = Runs.of(outcomes)
        for subject in subjects(outcomes, tasks):
            found += _of_sample(prepare(subject, runs, settings, seed), places, settings, seed)
    order = {(place.localizer, place.series, place.level): number for number, place in enumerate(places)}
    found.sort(key=lambda one: order[one.place.localizer, one.place.series, one.place.level])
    return _table(found)


def _places(outcomes: xr.Dataset, kind: str) -> list[Place]:
    """List the points of all series, in the order of the runs."""
    runs = Runs.of(outcomes)
    targets = np.flatnonzero(runs.role == "target")
    if not len(targets):
        return []
    names = {"localizer": runs.localizer} | {key: outcomes[key].values.astype(str) for key in ("series", "level")}
    codes = np.stack([np.unique(column, return_inverse=True)[1] for column in names.values()])
    dose = outcomes["dose"].values.astype(float)
    random = runs.role == "control"
    if others := sorted(set(runs.kind[random].tolist()) - {kind}):
        raise ValueError(f"series have controls of kind {others[0]!r}; of the matching {kind!r} was expected")
    places = []
    for row in targets:
        localizer, series, level = (str(column[row]) for column in names.values())
        controls = np.flatnonzero(random & (codes == codes[:, [row]]).all(axis=0))
        controls = controls[np.argsort(runs.name[controls], kind="stable")]
        places.append(Place(localizer, series, level, float(dose[row]), int(row), controls))
    return places


def _of_sample(sample: Sample, places: Sequence[Place], settings: Mapping[str, Any], seed: int) -> list[_Point]:
    requests = [
        Request(Key("harm", here.localizer, str(number)), name, sample.harm(name, here.target), bounds(name, "harm"))
        for number, here in enumerate(places)
        for name in sample.outcomes
    ]
    # no permutation test is asked for, so that nothing is drawn
    answers = answer(sample, requests, settings, seeding.generator(seed, "curves", sample.name))
    return [_point(sample, here, number, answers, settings) for number, here in enumerate(places)]


def _point(sample: Sample, place: Place, number: int, answers: Answers, settings: Mapping[str, Any]) -> _Point:
    harm, control = {}, {}
    for name in sample.outcomes:
        harm[name] = cell = answers[Key("harm", place.localizer, str(number)), name]
        if not len(place.controls):
            control[name] = ABSENT
            continue
        drawn = sample.mean(sample.harms(name, place.controls))
        control[name] = spread(drawn, settings["confidence"])
        turn = -1.0 if place.series == KEEP else 1.0
        p = inference.rank_p(turn * cell.estimate, turn * drawn)
        harm[name] = replace(cell, p=gated(sample, name, p))
    return _Point(place, sample.name, harm, control, len(sample.plan.stratum), len(place.controls))


def _table(found: Sequence[_Point]) -> xr.Dataset:
    shape = len(found), len(OUTCOMES)
    columns = {name: np.full(shape, np.nan) for name in NUMBERS} | {
        name: np.zeros(shape, dtype=np.int32) for name in COUNTS
    }
    for row, point in enumerate(found):
        for column, outcome in enumerate(OUTCOMES):
            if outcome in point.harm:
                for name, value in _numbers(point, outcome).items():
                    columns[name][row, column] = value
    meanings = NUMBERS | COUNTS
    text = {
        "localizer": [point.place.localizer for point in found],
        "series": [point.place.series for point in found],
        "level": [point.place.level for point in found],
        "task": [point.task for point in found],
    }
    doses = np.array([point.place.dose for point in found], dtype=float)
    return xr.Dataset(
        {name: (("point", "outcome"), columns[name], {"long_name": meanings[name]}) for name in columns},
        coords={
            "outcome": ("outcome", list(OUTCOMES), {"comment": "; ".join(f"{n}: {m}" for n, m in OUTCOMES.items())}),
            **{name: ("point", np.array(column, dtype=str)) for name, column in text.items()},
            "dose": ("point", doses, {"long_name": "share of the eligible units in the mask"}),
        },
    )


def _numbers(point: _Point, outcome: str) -> dict[str, float]:
    harm, control = point.harm[outcome], point.control[outcome]
    ends = {name: getattr(harm, name) for name in ("estimate", "low", "high", "p")}
    middle = {"control": control.estimate, "control_low": control.low, "control_high": control.high}
    return ends | middle | {"n": point.stimuli, "controls": point.controls}
