"""The stimuli of one subject, ready for inference.

Sample           a subject with its design and bootstrap samples
prepare          make one
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deeplocalizer import inference, seeding
from deeplocalizer.effects.runs import Runs
from deeplocalizer.effects.subjects import Subject
from deeplocalizer.inference import Design, Resamples


@dataclass(frozen=True)
class Sample:
    """A subject with its design and bootstrap samples.

    Parameters
    ----------
    subject : Subject
    runs : Runs
    plan : Design
    boot : Resamples
    chance : float
        Balanced accuracy of guessing; NaN without true labels.
    p_able : float
        p of the intact network's doing the task to a meaningful degree; 1 without true labels.
    scalable : bool
        Whether every bootstrap sample of the intact network does so, too.
    """

    subject: Subject
    runs: Runs
    plan: Design
    boot: Resamples
    chance: float
    p_able: float
    scalable: bool

    @property
    def name(self) -> str:
        """The task, readout or category."""
        return self.subject.name

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that are known of it."""
        return tuple(self.subject.columns)

    def mean(self, columns: np.ndarray) -> np.ndarray:
        """Give balanced means, (..., stimulus) to (...), in an order that does not depend on the number of threads."""
        return np.asarray(np.sum(columns * self.plan.weights, axis=-1))

    def level(self, outcome: str, row: int) -> np.ndarray:
        """Give an outcome of one run as float (stimulus,)."""
        return self.subject.columns[outcome][row].astype(np.float64)

    def harm(self, outcome: str, row: int) -> np.ndarray:
        """Give the harm that one run does to every stimulus as float (stimulus,)."""
        return self.harms(outcome, np.array([row]))[0]

    def harms(self, outcome: str, rows: np.ndarray) -> np.ndarray:
        """Give the harm that some runs do to every stimulus as float (run, stimulus)."""
        intact = self.level(outcome, self.runs.intact)
        values = self.subject.columns[outcome][rows].astype(np.float64)
        return values - intact if outcome == "kl" else intact - values


def prepare(subject: Subject, runs: Runs, settings: Mapping[str, Any], seed: int) -> Sample:
    """Balance the stimuli of a subject over its labels, resample them, and see whether the network can do the task.

    Parameters
    ----------
    subject : Subject
    runs : Runs
    settings : mapping
        As `effects.measure` takes them.
    seed : int
    """
    plan = inference.design(subject.category, subject.label, subject.group)
    rng = seeding.generator(seed, "bootstrap", subject.name)
    boot = inference.resample(plan, settings["resamples"], rng)
    if not subject.classes or "correct" not in subject.columns:
        return Sample(subject, runs, plan, boot, float("nan"), 1.0, False)
    chance = 1 / len(subject.classes)
    correct = subject.columns["correct"][runs.intact].astype(np.float64)
    able = chance + settings["least_performance"] * (1 - chance)
    p_able = inference.exceeds_p(plan, correct, able, settings["resamples"], rng)
    # a ratio to what is above chance means nothing where a resample has hardly anything above chance
    scalable = p_able <= settings["alpha"] and bool((boot.means(correct[:, None]).draws > able).all())
    return Sample(subject, runs, plan, boot, chance, p_able, scalable)
