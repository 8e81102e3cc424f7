"""Outcomes: what one stimulus's run gives, from the outputs of a network.

Question         the labels among which each stimulus is decided, and the right one
ask              the questions of a study
decide           the label that one run chooses for each stimulus
score            outcomes of one run, beside the intact one
join             the outcomes of several localizers as one dataset
gather           the outcomes of several jobs of one localizer as one dataset
OUTCOMES         their names and meanings
READOUT          those that a readout has, too
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import log_softmax

OUTCOMES = {
    "correct": "the true label is chosen among the labels of its task (1 yes, 0 no, -1 no true label)",
    "top5": "the true label is among the five highest of its task (1 yes, 0 no, -1 no true label or only 5 labels)",
    "margin": "output of the true label minus the highest other output of its task",
    "log_likelihood": "log probability of the true label among the labels of its task, in nats",
    "kept": "the same label is chosen as in the intact network",
    "kl": "Kullback-Leibler divergence of the outputs, ablated from intact, over all labels, in nats",
}
READOUT = {
    "readout_correct": "the true class is chosen among those of the readout (1 yes, 0 no, -1 not asked)",
    "readout_margin": "logit of the true class minus the highest other logit of the readout",
    "readout_log_likelihood": "log probability of the true class among those of the readout, in nats",
    "readout_kept": "the same class is chosen as in the intact network",
}
_TOP = 5


@dataclass(frozen=True)
class Question:
    """What the network is asked about each stimulus.

    Parameters
    ----------
    alternatives : ndarray of bool (stimulus, label)
        The labels among which the stimulus is decided: those of its task, or all.
    truth : ndarray of int (stimulus,)
        Index of the true label; -1 where there is none.
    """

    alternatives: np.ndarray
    truth: np.ndarray

    def at(self, block: slice) -> Question:
        """Restrict it to some stimuli."""
        return Question(self.alternatives[block], self.truth[block])


def ask(label: np.ndarray, labels: Sequence[str], tasks: Mapping[str, Sequence[str]]) -> Question:
    """Work out the questions of a study.

    Parameters
    ----------
    label : ndarray of str (stimulus,)
        True labels.
    labels : sequence of str
        The label of each output of the network.
    tasks : mapping of sequences of str
        The labels of each task.

    Raises
    ------
    ValueError
        If a task has a label that the network has not, or two tasks have one label.
    """
    names = list(labels)
    task_of: dict[str, str] = {}
    for task, wanted in tasks.items():
        for one in wanted:
            if task_of.setdefault(one, task) != task:
                raise ValueError(f"label {one!r} is of the tasks {task_of[one]!r} and {task!r}; of one was expected")
    alternatives = np.ones((len(label), len(names)), dtype=bool)
    truth = np.full(len(label), -1)
    for task, wanted in tasks.items():
        absent = [name for name in wanted if name not in names]
        if absent:
            raise ValueError(f"task {task!r}: the network has no output for the label {absent[0]!r}")
        members = np.isin(label, wanted)
        alternatives[members] = np.isin(names, wanted)
        truth[members] = [names.index(name) for name in label[members]]
    return Question(alternatives, truth)


def decide(outputs: np.ndarray, question: Question) -> np.ndarray:
    """Give the label that is chosen for each stimulus, among those of its task.

    Parameters
    ----------
    outputs : ndarray (stimulus, label)
        Logits of one run.
    question : Question

    Returns
    -------
    ndarray of int16 or int32 (stimulus,)
        Index of the label with the highest output, of equal ones the first; int32 where there are more labels than
        int16 can count. ``kept`` of `score` says whether two runs choose the same.
    """
    chosen = np.where(question.alternatives, outputs, -np.inf).argmax(axis=1)
    return chosen.astype(np.min_scalar_type(-max(outputs.shape[1], 2**15)))


def score(outputs: np.ndarray, intact: np.ndarray, question: Question) -> dict[str, np.ndarray]:
    """Score one run of some stimuli.

    Parameters
    ----------
    outputs, intact : ndarray (stimulus, label)
        Logits under the intervention and without it.
    question : Question

    Returns
    -------
    dict of ndarray (stimulus,)
        Each of `OUTCOMES`: int8 for ``correct``, ``top5`` and ``kept``, float32 otherwise; -1 or NaN where there is no
        true label. Of equal outputs that of the earlier label counts as higher, in ``correct``, ``top5`` and ``kept``
        alike. In a task of five labels or fewer ``top5`` is -1: it could not be 0.

    Raises
    ------
    ValueError
        If an output is not finite: of NaN none is the highest.
    """
    for name, given in (("outputs", outputs), ("intact outputs", intact)):
        if not np.isfinite(given).all():
            row, place = np.argwhere(~np.isfinite(given))[0]
            raise ValueError(f"{name} must be finite; that of label {place} is {given[row, place]} at stimulus {row}")
    asked = np.where(question.alternatives, outputs.astype(np.float64), -np.inf)
    decided = decide(outputs, question)
    known = question.truth >= 0
    rows, truth = np.arange(len(outputs)), np.where(known, question.truth, 0)
    own = asked[rows, truth]
    ahead = (asked > own[:, None]) | ((asked == own[:, None]) & (np.arange(asked.shape[1]) < truth[:, None]))
    telling = known & (question.alternatives.sum(axis=1) > _TOP)
    others = asked.copy()
    others[rows, truth] = -np.inf
    log_intact, log_outputs = (log_softmax(logits.astype(np.float64), axis=1) for logits in (intact, outputs))
    return {
        "correct": np.where(known, decided == question.truth, -1).astype(np.int8),
        "top5": np.where(telling, ahead.sum(axis=1) < _TOP, -1).astype(np.int8),
        "margin": np.where(known, own - others.max(axis=1), np.nan).astype(np.float32),
        "log_likelihood": np.where(known, log_softmax(asked, axis=1)[rows, truth], np.nan).astype(np.float32),
        "kept": (decided == decide(intact, question)).astype(np.int8),
        # KL(ablated || intact): rounding can push it a hair below zero
        "kl": np.maximum(np.sum(np.exp(log_outputs) * (log_outputs - log_intact), axis=1), 0).astype(np.float32),
    }


def join(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put the outcomes of several localizers together.

    Parameters
    ----------
    parts : sequence of Dataset
        Each as `ablation.ablate` makes it, with an intact run of its own; with or without readouts.

    Returns
    -------
    Dataset
        With one intact run, the first.

    Raises
    ------
    ValueError
        If the parts ran other stimuli, have other readouts, or their intact runs differ.
    """
    for part in parts[1:]:
        _refuse_other_stimuli("localizers", parts[0], part)
        _refuse_other_readouts(parts[0], part)
        for name in [*OUTCOMES, *(name for name in READOUT if name in parts[0])]:
            _refuse_other_intact("localizers", name, parts[0], part)
    return _with_one_intact(parts)


def gather(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put the outcomes of several jobs of one localizer together.

    Parameters
    ----------
    parts : sequence of Dataset
        Each as `ablation.ablate` makes it, in the order of the jobs, with an intact run of its own.

    Returns
    -------
    Dataset
        With one intact run, the first.

    Raises
    ------
    ValueError
        If there are no parts, they ran other stimuli, their intact runs differ, or a mask is there twice.
    """
    if not parts:
        raise ValueError("there are no outcomes to gather")
    first = parts[0]
    for part in parts[1:]:
        _refuse_other_stimuli("jobs", first, part)
        if set(part.data_vars) != set(first.data_vars):
            odd = sorted({str(name) for name in set(part.data_vars) ^ set(first.data_vars)})
            raise ValueError(f"the outcomes of the jobs differ: {odd[0]!r} is not in all of them")
        for name in first.data_vars:
            _refuse_other_intact("jobs", str(name), first, part)
    names = [str(name) for part in parts for name in part["intervention"].values[1:]]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(f"mask {twice[0]!r} is in the outcomes of two jobs")
    return _with_one_intact(parts)


def _with_one_intact(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    ablated = [part.isel(intervention=slice(1, None)) for part in parts[1:]]
    return xr.concat([parts[0], *ablated], "intervention", coords="minimal", compat="override", data_vars="minimal")


def _refuse_other_stimuli(whose: str, first: xr.Dataset, part: xr.Dataset) -> None:
    if not np.array_equal(part["stimulus"].values, first["stimulus"].values):
        raise ValueError(f"the outcomes of the {whose} are of different stimuli")


def _refuse_other_intact(whose: str, name: str, first: xr.Dataset, part: xr.Dataset) -> None:
    some = [one[name].isel(intervention=0) if "intervention" in one[name].dims else one[name] for one in (first, part)]
    one, other = (each.values for each in some)
    # equal on one device; jobs may have run on two
    numbers = one.dtype.kind == "f"
    same = np.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True) if numbers else np.array_equal(one, other)
    if not same:
        raise ValueError(f"the intact runs of the {whose} differ in {name!r}")


def _refuse_other_readouts(first: xr.Dataset, part: xr.Dataset) -> None:
    names, others = (one["readout"].values.tolist() if "readout" in one.coords else [] for one in (first, part))
    if names != others:
        raise ValueError(f"the outcomes of the localizers have different readouts: {names} and {others}")
    if names and not np.array_equal(first["readout_label"].values, part["readout_label"].values):
        raise ValueError("the readouts of the localizers have different true classes")
