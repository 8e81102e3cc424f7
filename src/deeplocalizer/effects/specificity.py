"""A mask against its random controls: how specific its harm is.

masks            control masks, resampled
against_random   harm of the controls, and how much more a mask does
spread           the mean of random masks, and between what values they lie
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deeplocalizer import inference, seeding
from deeplocalizer.effects.asking import Answers, Cell, Key, gated, method
from deeplocalizer.effects.meaning import bounds, matched
from deeplocalizer.effects.sample import Sample
from deeplocalizer.inference import Resamples


def masks(controls: int, settings: Mapping[str, Any], seed: int) -> Resamples:
    """Resample control masks, in the same way for all comparisons of a study: it takes longest.

    Parameters
    ----------
    controls : int
        How many there are.
    settings : mapping
        ``resamples``.
    seed : int
    """
    alike = np.full(controls, "control")
    plan = inference.design(alike, alike, np.arange(controls).astype(str))
    return inference.resample(plan, settings["resamples"], seeding.generator(seed, "controls", controls))


@dataclass(frozen=True)
class _Compared:
    """One outcome under a mask and its controls, by stimulus and by control; and whether all controls agree."""

    localizer: str
    outcome: str
    harm: float
    column: np.ndarray
    drawn: np.ndarray
    agree: bool


def against_random(
    sample: Sample, localizers: Iterable[str], resampled: Mapping[int, Resamples], settings: Mapping[str, Any]
) -> tuple[Answers, dict[str, dict[str, np.ndarray]]]:
    """Compare masks with their random controls.

    Parameters
    ----------
    sample : Sample
    localizers : iterable of str
    resampled : mapping of Resamples
        By the number of controls, see `masks`.
    settings : mapping
        As `effects.measure` takes them.

    Returns
    -------
    answers : dict of Cell
        ``control``, the mean of the controls and their spread; and ``advantage``.
    drawn : dict of dict of ndarray (control,)
        The balanced harm of every control by localizer and outcome.
    """
    compared = [_compared(sample, name, outcome, settings) for name in localizers for outcome in sample.outcomes]
    answers: Answers = {}
    drawn: dict[str, dict[str, np.ndarray]] = {}
    # a single product for all masks that have as many controls
    for number in sorted({len(one.drawn) for one in compared}):
        alike = [one for one in compared if len(one.drawn) == number]
        for one, cell in zip(alike, _intervals(sample, alike, resampled[number], settings), strict=True):
            p = gated(sample, one.outcome, inference.rank_p(one.harm, one.drawn))
            answers[Key("control", one.localizer), one.outcome] = spread(one.drawn, settings["confidence"])
            answers[Key("advantage", one.localizer), one.outcome] = replace(cell, p=p)
            drawn.setdefault(one.localizer, {})[one.outcome] = one.drawn
    return answers, drawn


def _compared(sample: Sample, localizer: str, outcome: str, settings: Mapping[str, Any]) -> _Compared:
    rows, target = sample.runs.controls(localizer, matched(settings)), sample.runs.target(localizer)
    harm, every = sample.harm(outcome, target), sample.harms(outcome, rows)
    agree = bool((every == every[:1]).all())
    return _Compared(localizer, outcome, float(sample.mean(harm)), harm - every.mean(axis=0), sample.mean(every), agree)


def spread(drawn: np.ndarray, confidence: float) -> Cell:
    """Give the mean of the harms of random masks, and between what values they lie."""
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Cell(float(drawn.mean()), float(low), float(high), "quantiles of the control masks")


def _intervals(
    sample: Sample, compared: Sequence[_Compared], controls: Resamples, settings: Mapping[str, Any]
) -> list[Cell]:
    columns, drawn = (np.stack([getattr(one, name) for one in compared], axis=1) for name in ("column", "drawn"))
    means = inference.crossed(sample.boot.means(columns), controls.means(drawn))
    over = ", over stimuli and controls" if controls.plan.groups > 1 else ", over stimuli"
    cells: dict[int, Cell] = {}
    for room in {bounds(one.outcome, "difference") for one in compared}:
        places = [place for place, one in enumerate(compared) if bounds(one.outcome, "difference") == room]
        some = means[places]
        if np.isfinite(room).all():
            found = inference.intervals(replace(some, lone=False), settings["confidence"], method(settings))
            found = inference.widened(sample.boot, columns[:, places], found, room, settings["confidence"])
        else:
            found = inference.intervals(some, settings["confidence"], method(settings))
        for number, place in enumerate(places):
            one = found[number]
            exact = one.method == inference.EXACT and compared[place].agree
            low, high = np.clip([one.low, one.high], *room).tolist()
            cells[place] = Cell(one.estimate, low, high, one.method if exact else f"{one.method}{over}")
    return [cells[place] for place in range(len(compared))]
