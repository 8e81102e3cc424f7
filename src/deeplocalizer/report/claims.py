"""What the numbers allow to be said: decisions, without words.

able             does the intact network do a task to a meaningful degree
needed           how well it must do it for that
advantage        does silencing a localizer's units harm a task more than silencing random units
dissociation     do two masks harm their own tasks more than each other's
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import xarray as xr

from deeplocalizer.report.study import Study
from deeplocalizer.summaries import Effect, changed, find


class Finding(Enum):
    """What is found of one localizer and one task."""

    UNAVAILABLE = "there is no number"
    UNABLE = "the intact network does not do the task to a meaningful degree"
    SPECIFIC = "more harm than random units do"
    OPPOSITE = "less harm than random units do, interval below zero"
    NONE = "no more harm than random units do"


class Verdict(Enum):
    """What is found of two localizers."""

    UNAVAILABLE = "there is no number"
    UNABLE = "the intact network does not do one of the tasks to a meaningful degree"
    DOUBLE = "each mask harms its own task more than the other mask does, raw and scaled"
    ONE_SCALE = "the same, but on one of the two scales only"
    UNSCALED = "the same, raw; there is no scaled number"
    SINGLE = "one of the two masks does so, raw and scaled"
    NONE = "neither does"


@dataclass(frozen=True)
class Advantage:
    """One localizer and one task (category, where there are no tasks)."""

    finding: Finding
    localizer: str
    task: str
    chance: float
    p_able: float
    intact: Effect | None
    ablated: Effect | None
    harm: Effect | None
    control: Effect | None
    advantage: Effect | None

    @property
    def complete(self) -> bool:
        """Whether there is a number for everything that a sentence needs."""
        return None not in (self.intact, self.ablated, self.advantage) and self.finding is not Finding.UNAVAILABLE

    @property
    def p(self) -> float:
        """The p that decides: adjusted for the family where the comparison belongs to one."""
        return decisive(self.advantage)


@dataclass(frozen=True)
class Side:
    """One half of a dissociation: harm of a mask to its own task minus harm of the other mask."""

    localizer: str
    other: str
    task: str
    raw: Effect | None
    scaled: Effect | None
    able: bool

    @property
    def reversed(self) -> bool:
        """Whether the mask does less harm than the other mask, interval below zero."""
        return self.raw is not None and self.raw.high < 0

    def holds(self, alpha: float) -> bool:
        """Whether the mask does more harm, on both scales."""
        return all(effect is not None and effect.p <= alpha for effect in (self.raw, self.scaled))


@dataclass(frozen=True)
class Dissociation:
    """Two localizers, each on the task of either."""

    verdict: Verdict
    sides: tuple[Side, Side]
    raw: Effect | None
    scaled: Effect | None


def decisive(effect: Effect | None) -> float:
    """Give the p that decides; NaN where there is none."""
    if effect is None:
        return math.nan
    return effect.p_family if math.isfinite(effect.p_family) else effect.p


def able(effects: xr.Dataset, task: str, alpha: float) -> bool:
    """Say whether the intact network does a task to a meaningful degree; without true labels that is not asked."""
    if not math.isfinite(float(effects["chance"].sel(task_name=task))):
        return True
    return float(effects["p_able"].sel(task_name=task)) <= alpha


def needed(study: Study, chance: float) -> float:
    """Give the balanced accuracy above which a network does a task to a meaningful degree."""
    return chance + float(study.config["inference"]["least_performance"]) * (1 - chance)


def advantage(study: Study, effects: xr.Dataset, localizer: str, task: str) -> Advantage:
    """Decide on one localizer and one task.

    Parameters
    ----------
    study : Study
    effects : Dataset
        Of one of its models.
    localizer, task : str
        A task or a readout; without tasks, a category takes the place of a task.
    """
    outcome = study.measure(task)
    found = {
        kind: find(effects, kind, outcome, localizer=localizer, task=task)
        for kind in ("ablated", "harm", "control", "advantage")
    }
    if outcome == "kept":
        found["harm"] = changed(effects, localizer, task)
    intact = find(effects, "intact", outcome, task=task)
    return Advantage(
        _finding(intact, found["advantage"], able(effects, task, study.alpha), study.alpha),
        localizer,
        task,
        float(effects["chance"].sel(task_name=task)),
        float(effects["p_able"].sel(task_name=task)),
        intact,
        **found,
    )


def dissociation(study: Study, effects: xr.Dataset, pair: Sequence[str]) -> Dissociation:
    """Decide on two localizers.

    Parameters
    ----------
    study : Study
    effects : Dataset
        Of one of its models.
    pair : sequence of str
        Two localizers, each with a task of its own.
    """
    first, second = pair
    sides = (_side(study, effects, first, second), _side(study, effects, second, first))
    raw, scaled = (
        find(effects, "double_dissociation", "correct", localizer=first, other=second, scale=scale)
        for scale in ("raw", "scaled")
    )
    return Dissociation(_verdict(sides, raw, scaled, study.alpha), sides, raw, scaled)


def _finding(intact: Effect | None, effect: Effect | None, can: bool, alpha: float) -> Finding:
    if intact is None:
        return Finding.UNAVAILABLE
    if not can:
        return Finding.UNABLE
    if effect is None or not math.isfinite(effect.p):
        return Finding.UNAVAILABLE
    if decisive(effect) <= alpha:
        return Finding.SPECIFIC
    return Finding.OPPOSITE if effect.high < 0 else Finding.NONE


def _side(study: Study, effects: xr.Dataset, localizer: str, other: str) -> Side:
    task = study.own[localizer]
    raw, scaled = (
        find(effects, "dissociation", "correct", localizer=localizer, other=other, task=task, scale=scale)
        for scale in ("raw", "scaled")
    )
    return Side(localizer, other, task, raw, scaled, able(effects, task, study.alpha))


def _verdict(sides: Sequence[Side], raw: Effect | None, scaled: Effect | None, alpha: float) -> Verdict:
    if not all(side.able for side in sides):
        return Verdict.UNABLE
    if raw is None or not math.isfinite(raw.p):
        return Verdict.UNAVAILABLE
    if scaled is None or not math.isfinite(scaled.p):
        # a claim needs both scales, so that one of them is enough to show that there is none
        return Verdict.UNSCALED if raw.p <= alpha else Verdict.NONE
    held = [effect.p <= alpha for effect in (raw, scaled)]
    if all(held):
        return Verdict.DOUBLE
    if any(held):
        return Verdict.ONE_SCALE
    return Verdict.SINGLE if any(side.holds(alpha) for side in sides) else Verdict.NONE
