"""Outcomes: what one stimulus's run gives, from the outputs of a network.

Question         the labels among which each stimulus is decided, and the right one
ask              the questions of a study
score            outcomes of one run, beside the intact one
join             the outcomes of several localizers as one dataset
OUTCOMES         their names and meanings
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import log_softmax

OUTCOMES = {
    "correct": "the true label is chosen among the labels of its task (1 yes, 0 no, -1 no true label)",
    "margin": "output of the true label minus the highest other output of its task",
    "log_likelihood": "log probability of the true label among the labels of its task, in nats",
    "kept": "the same label is chosen as in the intact network",
    "kl": "Kullback-Leibler divergence of the outputs, ablated from intact, over all labels, in nats",
}


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
        If a task has a label that the network has not.
    """
    names = list(labels)
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
        Each of `OUTCOMES`: int8 for ``correct`` and ``kept``, float32 otherwise; NaN where there is no true label.
    """
    asked = np.where(question.alternatives, outputs.astype(np.float64), -np.inf)
    asked_intact = np.where(question.alternatives, intact.astype(np.float64), -np.inf)
    decided = asked.argmax(axis=1)
    known = question.truth >= 0
    rows, truth = np.arange(len(outputs)), np.where(known, question.truth, 0)
    others = asked.copy()
    others[rows, truth] = -np.inf
    log_intact, log_outputs = (log_softmax(logits.astype(np.float64), axis=1) for logits in (intact, outputs))
    return {
        "correct": np.where(known, decided == question.truth, -1).astype(np.int8),
        "margin": np.where(known, asked[rows, truth] - others.max(axis=1), np.nan).astype(np.float32),
        "log_likelihood": np.where(known, log_softmax(asked, axis=1)[rows, truth], np.nan).astype(np.float32),
        "kept": (decided == asked_intact.argmax(axis=1)).astype(np.int8),
        # KL(ablated || intact): rounding can push it a hair below zero
        "kl": np.maximum(np.sum(np.exp(log_outputs) * (log_outputs - log_intact), axis=1), 0).astype(np.float32),
    }


def join(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put the outcomes of several localizers together.

    Parameters
    ----------
    parts : sequence of Dataset
        Each as `ablation.ablate` makes it, with an intact run of its own.

    Returns
    -------
    Dataset
        With one intact run, the first.

    Raises
    ------
    ValueError
        If the parts ran other stimuli, or their intact runs differ.
    """
    first = parts[0]
    for part in parts[1:]:
        if not np.array_equal(part["stimulus"].values, first["stimulus"].values):
            raise ValueError("the outcomes of the localizers are of different stimuli")
        for name in OUTCOMES:
            # equal on one device; the jobs of a study may have run on two
            if not np.allclose(part[name].values[0], first[name].values[0], rtol=1e-3, atol=1e-4, equal_nan=True):
                raise ValueError(f"the intact runs of the localizers differ in {name!r}")
    ablated = [part.isel(intervention=slice(1, None)) for part in parts[1:]]
    return xr.concat([first, *ablated], "intervention", coords="minimal", compat="override", data_vars="minimal")
