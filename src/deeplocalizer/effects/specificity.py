"""A mask against its random controls: how specific its harm is.

masks            control masks, resampled
against_random   harm of the controls, and how much more a mask does
spread           the mean of random masks, and between what values they lie
crossed          resamples over stimuli and over masks, added
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
from deeplocalizer.inference import Means, Resamples


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
    """One outcome under a mask and its controls, by stimulus and by control; exact where all of them agree."""

    localizer: str
    outcome: str
    harm: float
    column: np.ndarray
    drawn: np.ndarray
    exact: Cell | None


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
            answers[Key("advantage", one.localizer), one.outcome] = replace(one.exact or cell, p=p)
            drawn.setdefault(one.localizer, {})[one.outcome] = one.drawn
    return answers, drawn


def _compared(sample: Sample, localizer: str, outcome: str, settings: Mapping[str, Any]) -> _Compared:
    rows, target = sample.runs.controls(localizer, matched(settings)), sample.runs.target(localizer)
    harm, every = sample.harm(outcome, target), sample.harms(outcome, rows)
    column, room, exact = harm - every.mean(axis=0), bounds(outcome, "difference"), None
    if np.isfinite(room).all() and all(inference.constant_within_strata(sample.plan, one) for one in (harm, *every)):
        found = inference.exact_interval(sample.plan, column, room, settings["confidence"])
        exact = Cell(found.estimate, found.low, found.high, found.method)
    return _Compared(localizer, outcome, float(sample.mean(harm)), column, sample.mean(every), exact)


def spread(drawn: np.ndarray, confidence: float) -> Cell:
    """Give the mean of the harms of random masks, and between what values they lie."""
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Cell(float(drawn.mean()), float(low), float(high), "quantiles of the control masks")


def crossed(stimuli: Means, masks: Means) -> Means:
    """Give resamples of a mask's harm minus the mean harm of its controls, over stimuli and control masks.

    Parameters
    ----------
    stimuli : Means
        Of the harm of the mask minus the mean harm of its controls, stimuli resampled.
    masks : Means
        Of the harm of the controls, balanced over all stimuli, masks resampled; the same columns and number.

    Returns
    -------
    Means
        The errors of both added. The masks are one more stratum of what is resampled.

    Notes
    -----
    The mean over two crossed factors, of n stimuli and K masks, has a variance of ``a / n + b / K + e / (n K)``: of
    what is particular to a stimulus, to a mask, and to a stimulus under a mask (Owen 2007, Ann Appl Stat 1:386-411).
    Stimuli resampled alone give ``a / n + e / (n K)``, masks alone ``b / K + e / (n K)``, in expectation and for large
    n and K; their sum counts e twice, which is a little too wide. To resample both at once ("pigeonhole bootstrap")
    counts it three times (theorem 1 there), as `inference.hierarchical` does, and needs the harm of every mask in every
    resample; this does not, and a thousand masks cost little more than one.
    """
    error = masks.draws - masks.observed
    without = stimuli.observed - (masks.jackknife - masks.observed)
    home = np.concatenate([stimuli.home, masks.home + stimuli.home.max() + 1])
    return Means(stimuli.observed, stimuli.draws - error, np.concatenate([stimuli.jackknife, without]), home)


def _intervals(
    sample: Sample, compared: Sequence[_Compared], controls: Resamples, settings: Mapping[str, Any]
) -> list[Cell]:
    columns, drawn = (np.stack([getattr(one, name) for one in compared], axis=1) for name in ("column", "drawn"))
    means = crossed(sample.boot.means(columns), controls.means(drawn))
    found = inference.intervals(means, settings["confidence"], method(settings))
    low, high = np.clip([found.low, found.high], *np.array([bounds(one.outcome, "difference") for one in compared]).T)
    ends = zip(found.estimate.tolist(), low.tolist(), high.tolist(), found.method.astype(str).tolist(), strict=True)
    return [Cell(estimate, least, most, f"{how}, over stimuli and controls") for estimate, least, most, how in ends]
