"""All effects of a study, from its outcomes.

measure          all effects of a study
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import seeding
from deeplocalizer.effects import comparisons
from deeplocalizer.effects.asking import Cell, Key, answer
from deeplocalizer.effects.family import adjusted
from deeplocalizer.effects.meaning import KINDS, matched
from deeplocalizer.effects.runs import Runs
from deeplocalizer.effects.sample import Sample, prepare
from deeplocalizer.effects.specificity import against_random, masks
from deeplocalizer.effects.subjects import names, subjects
from deeplocalizer.effects.table import Row, rows, table
from deeplocalizer.inference import Resamples
from deeplocalizer.outcomes import OUTCOMES

Pairs = Sequence[Sequence[str]]


def measure(
    outcomes: xr.Dataset,
    tasks: Mapping[str, Sequence[str]],
    localizers: Mapping[str, Mapping[str, Any]],
    dissociations: Pairs,
    settings: Mapping[str, Any],
    seed: int,
) -> xr.Dataset:
    """Measure all effects of a study.

    Parameters
    ----------
    outcomes : Dataset
        As `ablation.ablate` makes it: the intact run, and targets and controls of every localizer; with ``readout_*``
        variables on (readout, intervention, stimulus) where the study has readouts.
    tasks : mapping of sequences of str
        The labels of each task; where there are none, each category is looked at by itself. Readouts are further
        tasks, among the classes that their stimuli have.
    localizers : mapping
        By name; ``task`` is the task or readout that the localizer is expected to harm.
    dissociations : sequence of pairs of str
        Localizers to be told apart.
    settings : mapping
        ``confidence``, ``alpha``, ``resamples`` and ``least_performance``: the share of the way from chance to perfect
        that counts as doing a task at all. ``interval`` (``bca``, ``basic`` or ``percentile``), ``adjust`` (``holm`` or
        ``maximum``) and ``matching`` (``layer`` or ``response``: which random controls p-values come from); the first
        of each by default.
    seed : int

    Returns
    -------
    Dataset
        On (comparison, outcome): ``estimate``, ``low``, ``high``, ``p`` (one-sided, for harm), ``p_family`` (adjusted
        over the localizers, each on its own task), ``n``, ``groups`` and ``method``; on ``comparison``: ``kind``,
        ``localizer``, ``other``, ``task`` and ``scale`` (raw, or scaled: of what the intact network has above chance).
        ``control_harm`` (localizer_name, task_name, control, outcome) holds every single random control, sorted by
        name; NaN where another localizer has more.

    Raises
    ------
    ValueError
        If a task, readout, localizer or control that is needed is not there, naming it.

    Notes
    -----
    A network that cannot do a task cannot lose it, yet a random network is often a little above chance by accident. For
    performance outcomes the p of an advantage, of ``against`` or of a dissociation is therefore that of an
    intersection-union test (Berger 1982, Technometrics 24:295-300): the larger of the test's own p and ``p_able``, that
    of the intact network's doing the task to a meaningful degree. So is the p of a double dissociation, the larger of
    two.

    Against a control that is a single mask, or the mean of several (of the shuffled localizers, say), the p is that of
    a paired permutation test over stimuli: it tells whether *these* masks differ, not whether another draw of the
    control would. The rank among shuffled ones could not get below 1 / (1 + their number).

    ``harm`` has no p for ``kept`` and ``kl``: the intact network keeps every decision and does not diverge from itself,
    so that a mask without any effect on performance is expected to differ, too. Ranks among random masks tell of these.

    A dissociation compares two masks on one task, so scaling divides both harms by the same: it changes the estimate
    and its interval, not the sign, and the p is that of the raw one.
    """
    _refuse_unknown(outcomes, tasks, localizers, dissociations)
    runs = Runs.of(outcomes)
    numbers = {len(runs.controls(name, matched(settings))) for name in localizers}
    resampled = {number: masks(number, settings, seed) for number in numbers}
    found: list[Row] = []
    drawn: dict[tuple[str, str], Mapping[str, np.ndarray]] = {}
    told: list[tuple[float, float]] = []
    # one after another: the bootstrap samples of two would not fit beside each other
    for subject in subjects(outcomes, tasks):
        sample = prepare(subject, runs, settings, seed)
        pairs = _pairs(sample.name, localizers, dissociations)
        here, controls = _of_sample(sample, localizers, pairs, resampled, settings, seed)
        found += here
        drawn |= {(name, sample.name): harm for name, harm in controls.items()}
        told.append((sample.chance, sample.p_able))
    order = names(outcomes, tasks)
    result = table(_with_double(found, dissociations)).assign_coords(localizer_name=list(localizers), task_name=order)
    result["control_harm"] = _controls(drawn, list(localizers), order)
    for number, (name, meaning) in enumerate(_TOLD.items()):
        result[name] = ("task_name", [line[number] for line in told], {"long_name": meaning})
    own = {name: localizer["task"] for name, localizer in localizers.items() if localizer.get("task")}
    how = {"long_name": f"p adjusted over the localizers, each on its own task ({settings.get('adjust', 'holm')})"}
    result["p_family"] = (("comparison", "outcome"), adjusted(result, own, settings), how)
    return result


_TOLD = {"chance": "balanced accuracy of guessing", "p_able": "p of doing the task to a meaningful degree"}


def _of_sample(
    sample: Sample,
    localizers: Iterable[str],
    pairs: Pairs,
    resampled: Mapping[int, Resamples],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[list[Row], dict[str, dict[str, np.ndarray]]]:
    """Give the comparisons of one sample, and the harm of every random control."""
    answers, drawn = against_random(sample, localizers, resampled, settings)
    requests = comparisons.intact(sample)
    for name in localizers:
        requests += comparisons.of_localizer(sample, name, settings)
    for one, other in pairs:
        requests += comparisons.dissociation(sample, one, other)
    answers |= answer(sample, requests, settings, seeding.generator(seed, "flips", sample.name))
    order = ["", *localizers]
    kinds = list(KINDS)
    return sorted(
        rows(sample, answers),
        key=lambda row: (order.index(row.key.localizer), row.key.scale, kinds.index(row.key.kind), row.key.other),
    ), drawn


def _pairs(task: str, localizers: Mapping[str, Mapping[str, Any]], dissociations: Pairs) -> Pairs:
    """List the pairs of which the first localizer's own task is the one asked about, each once."""
    both = [pair for first, second in dissociations for pair in ((first, second), (second, first))]
    return [pair for pair in dict.fromkeys(both) if localizers[pair[0]]["task"] == task]


def _with_double(found: Sequence[Row], dissociations: Pairs) -> list[Row]:
    """Put dissociations last, both sides together; a double dissociation holds only if both of them do."""
    rest = [row for row in found if row.key.kind != "dissociation"]
    for first, second in dissociations:
        for scale in ("raw", "scaled"):
            keys = [Key("dissociation", *pair, scale) for pair in ((first, second), (second, first))]
            sides = [row for key in keys for row in found if row.key == key]
            rest += [*sides, _double(*sides)] if len(sides) == 2 else sides
    return rest


def _double(one: Row, other: Row) -> Row:
    cells = {}
    for outcome in one.cells.keys() & other.cells.keys():
        pair = one.cells[outcome], other.cells[outcome]
        # the lower of two bounds bounds the smaller of two effects
        estimate, low, high = (min(getattr(cell, part) for cell in pair) for part in ("estimate", "low", "high"))
        cells[outcome] = Cell(estimate, low, high, "intersection-union", max(cell.p for cell in pair))
    key = Key("double_dissociation", one.key.localizer, one.key.other, one.key.scale)
    return Row(key, "", cells, one.stimuli + other.stimuli, one.groups + other.groups)


def _controls(
    drawn: Mapping[tuple[str, str], Mapping[str, np.ndarray]], localizers: Sequence[str], tasks: Sequence[str]
) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
    most = max(len(one) for harm in drawn.values() for one in harm.values())
    harms = np.full((len(localizers), len(tasks), most, len(OUTCOMES)), np.nan)
    for (name, task), harm in drawn.items():
        for outcome, values in harm.items():
            place = localizers.index(name), tasks.index(task), slice(len(values)), list(OUTCOMES).index(outcome)
            harms[place] = values
    dims = ("localizer_name", "task_name", "control", "outcome")
    return dims, harms, {"long_name": "harm by each random control mask"}


def _refuse_unknown(
    outcomes: xr.Dataset,
    tasks: Mapping[str, Sequence[str]],
    localizers: Mapping[str, Mapping[str, Any]],
    dissociations: Pairs,
) -> None:
    known = names(outcomes, tasks)
    for name, localizer in localizers.items():
        if localizer.get("task") and localizer["task"] not in known:
            raise ValueError(f"localizer {name!r}: {localizer['task']!r} is none of the tasks {', '.join(known)}")
    for name in [name for pair in dissociations for name in pair]:
        if name not in localizers or not localizers[name].get("task"):
            raise ValueError(f"dissociation of {name!r}: a localizer with a task of its own was expected")
    for one, other in dissociations:
        if localizers[one]["task"] == localizers[other]["task"]:
            raise ValueError(
                f"dissociation of {one!r} and {other!r}: both have the task {localizers[one]['task']!r}; two tasks "
                "were expected"
            )
