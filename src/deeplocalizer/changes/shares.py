"""What one localizer's mask does to each category, with intervals, beside random masks.

EVERY            the name of all stimuli together
OUTCOMES         what is measured: for each outcome, what its harm is
Share            one number with its interval and its random masks
categories       all stimuli, then those of each category
shares           all numbers of one category
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import inference, seeding
from deeplocalizer.effects.asking import Key, Request, answer
from deeplocalizer.effects.meaning import bounds, matched
from deeplocalizer.effects.runs import Runs
from deeplocalizer.effects.sample import Sample, prepare
from deeplocalizer.effects.specificity import spread
from deeplocalizer.effects.subjects import Subject, subjects

EVERY = ""
BLOCK = 2**22  # numbers of random masks that are averaged at once
OUTCOMES = {
    "kept": "share of the stimuli whose label changes",
    "correct": "share of the stimuli that are decided right intact, less that under the mask",
    "kl": "mean Kullback-Leibler divergence of the outputs, ablated from intact, in nats",
}


@dataclass(frozen=True)
class Share:
    """One number of a category: its interval, the mean and spread of its random masks, and its rank among them."""

    estimate: float
    low: float
    high: float
    method: str
    control: float
    control_low: float
    control_high: float
    p: float


def categories(outcomes: xr.Dataset) -> Iterator[Subject]:
    """List all stimuli together, by the name `EVERY`, then those of each category.

    Parameters
    ----------
    outcomes : Dataset
        As `ablation.ablate` makes it.

    Raises
    ------
    ValueError
        If a stimulus is not of the test split.
    """
    plain = outcomes.drop_dims("readout", errors="ignore")
    category = plain["category"].values.astype(str)
    together = plain.assign_coords(category=("stimulus", np.full(len(category), EVERY)))
    for source in (together, plain):
        for subject in subjects(source, {}):
            here = np.flatnonzero((category == subject.name) | (subject.name == EVERY))
            here = here[np.argsort(plain["stimulus"].values.astype(str)[here], kind="stable")]
            right = plain["correct"].transpose("intervention", "stimulus").values[:, here]
            known = {"correct": right} if (right >= 0).all() else {}
            yield replace(subject, category=category[here], columns={**subject.columns, **known})


def shares(
    subject: Subject, runs: Runs, localizer: str, keeps: bool, settings: Mapping[str, Any], seed: int
) -> dict[str, Share]:
    """Give all numbers of one category, or of all stimuli, under the mask of one localizer.

    Parameters
    ----------
    subject : Subject
        Every stimulus weighs alike.
    runs : Runs
    localizer : str
    keeps : bool
        Whether the mask's units are those that are kept: then p asks for less harm, not more.
    settings : mapping
        As `changes.measure` takes them.
    seed : int

    Returns
    -------
    dict of Share
        By outcome, as `OUTCOMES` names them; ``correct`` only where every stimulus has a true label.
    """
    sample = prepare(subject, runs, settings, seed)
    names = [name for name in OUTCOMES if name in sample.outcomes]
    target, controls = runs.target(localizer), runs.controls(localizer, matched(settings))
    requests = [Request(Key("harm"), name, sample.harm(name, target), bounds(name, "harm")) for name in names]
    # no permutation test is asked for, so that nothing is drawn
    answers = answer(sample, requests, settings, seeding.generator(seed, "changes", subject.name))
    turn = -1.0 if keeps else 1.0
    found = {}
    for name in names:
        cell, drawn = answers[Key("harm"), name], _means(sample, name, controls)
        random = spread(drawn, settings["confidence"])
        found[name] = Share(
            *(cell.estimate, cell.low, cell.high, cell.method),
            *(random.estimate, random.low, random.high),
            inference.rank_p(turn * cell.estimate, turn * drawn),
        )
    return found


def _means(sample: Sample, outcome: str, rows: np.ndarray) -> np.ndarray:
    """Give the mean harm of each of some runs (run,), a few at a time: a thousand of all stimuli are a gigabyte."""
    step = max(1, BLOCK // max(1, len(sample.subject.label)))
    parts = [sample.mean(sample.harms(outcome, rows[start : start + step])) for start in range(0, len(rows), step)]
    return np.concatenate(parts)
