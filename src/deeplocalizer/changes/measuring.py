"""All changes of a study, from its outcomes.

measure          what the masks do to each category, and the stimuli that change their label
ASKED            the variables of outcomes that are looked at
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer.changes import table
from deeplocalizer.changes.listing import changed, transitions
from deeplocalizer.changes.shares import Share, categories, shares
from deeplocalizer.effects.meaning import matched
from deeplocalizer.effects.runs import Runs
from deeplocalizer.effects.subjects import Subject

ASKED = ("kept", "correct", "kl", "decided")


def measure(
    parts: Mapping[str, xr.Dataset], tasks: Mapping[str, Sequence[str]], settings: Mapping[str, Any], seed: int
) -> xr.Dataset:
    """Measure what the mask of each localizer does to each category, and list the stimuli that change their label.

    Parameters
    ----------
    parts : mapping of Dataset
        For each localizer its outcomes, as `ablation.ablate` makes them: the intact run, the target and random masks.
    tasks : mapping of sequences of str
        The labels of each task.
    settings : mapping
        ``confidence``, ``alpha``, ``resamples``, ``least_performance``, ``interval`` and ``matching``, as
        `effects.measure` takes them.
    seed : int

    Returns
    -------
    Dataset
        On (localizer_name, category, outcome): ``estimate``, ``low``, ``high``, ``method``, ``control``,
        ``control_low``, ``control_high`` and ``p``; ``category`` begins with all stimuli together, named `EVERY`, and
        ``outcome`` is of `OUTCOMES`. On (localizer_name, category): ``intact`` and ``ablated``, the shares that are
        decided right. On category: ``n`` and ``groups``. On localizer_name: ``value`` (what replaces the units),
        ``controls`` (random masks), ``changed`` and ``transitions`` (how many there are). On ``change``: of each
        localizer the first `LISTED` stimuli that change their label, most specific first; on ``transition``: of each
        the first `LISTED` ways in which labels change, most frequent first. ``outputs`` and ``named``: how many
        outputs the network has, and whether they have names; ``commonest`` and ``commonest_share``: the label that
        the intact network chooses most, and for which share of the stimuli.

    Raises
    ------
    ValueError
        If a localizer has no target or random masks, a stimulus is not of the test split, the localizers have other
        stimuli, or the outcomes do not tell which label was chosen.

    Notes
    -----
    ``p`` is (1 + number of random masks at least as extreme) / (1 + number), for each category by itself: it is not
    adjusted for their number. Unlike in effects, stimuli are not balanced over the labels of a task: shares are of the
    stimuli that can be listed. A mask is compared with the intact run of its own job, so that what changes is always
    one label that becomes another one.
    """
    if not parts:
        raise ValueError("there are no outcomes to find changes in")
    kind = matched(settings)
    first = next(iter(parts.values()))
    for name, outcomes in parts.items():
        if not np.array_equal(outcomes["stimulus"].values, first["stimulus"].values):
            raise ValueError(f"the outcomes of localizer {name!r} are of other stimuli than those of the first")
    numbers = {name: _numbers(name, outcomes, settings, seed) for name, outcomes in parts.items()}
    return xr.merge(
        [
            table.of_categories(numbers, list(categories(first))),
            table.of_localizers(parts, kind),
            table.of_changes({name: changed(outcomes, name, kind) for name, outcomes in parts.items()}),
            table.of_transitions({name: transitions(outcomes, name, kind) for name, outcomes in parts.items()}),
            table.of_outputs(first, tasks),
        ],
        compat="equals",
        join="exact",
    )


def _numbers(
    localizer: str, outcomes: xr.Dataset, settings: Mapping[str, Any], seed: int
) -> list[tuple[dict[str, Share], tuple[float, float]]]:
    """Give the numbers of every category, and which shares are decided right intact and under the mask."""
    runs = Runs.of(outcomes)
    keeps = table.value(outcomes, localizer) == "keep"
    return [
        (shares(subject, runs, localizer, keeps, settings, seed), _right(subject, runs, localizer))
        for subject in categories(outcomes)
    ]


def _right(subject: Subject, runs: Runs, localizer: str) -> tuple[float, float]:
    column = subject.columns.get("correct")
    if column is None:
        return float("nan"), float("nan")
    intact, ablated = (float(column[row].mean(dtype=np.float64)) for row in (runs.intact, runs.target(localizer)))
    return intact, ablated
