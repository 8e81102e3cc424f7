"""Inference about balanced means of paired outcomes.

Design           which stimuli count how much, and which belong together
design           a design balanced over labels, stratified, with groups kept whole
bootstrap        weights of the stimuli in every bootstrap sample
interval         a statistic of balanced means with its BCa interval
sign_flip_p      is a paired difference greater than zero
rank_p           does a target exceed its random controls
exact_interval   the interval where every stimulus of a label has the same outcome
exceeds_p        is a balanced share of successes above a threshold
holm             p-values of a family

A balanced mean is a weighted sum over stimuli, so a bootstrap sample is a row of weights, and any statistic of any
number of columns of outcomes comes from one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

Statistic = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Design:
    """Which stimuli count how much, and which belong together.

    Parameters
    ----------
    balance : ndarray (stratum,)
        Weight of each stratum in the mean; sums to 1.
    stratum : ndarray of int (stimulus,)
    group : ndarray of int (stimulus,)
        What is resampled as one; a group lies in one stratum.
    label : ndarray of int (stratum,)
        The label that the stratum belongs to.
    """

    balance: np.ndarray
    stratum: np.ndarray
    group: np.ndarray
    label: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """Weight of each stimulus in the balanced mean, (stimulus,)."""
        return (self.balance / np.bincount(self.stratum))[self.stratum]

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1

    @property
    def groups_of_label(self) -> np.ndarray:
        """Number of groups of each label, (label,)."""
        home = np.zeros(self.groups, dtype=int)
        home[self.group] = self.label[self.stratum]
        return np.bincount(home)


@dataclass(frozen=True)
class Bootstrap:
    """Weights of the stimuli in bootstrap and jackknife samples.

    Parameters
    ----------
    observed : ndarray (stimulus,)
    resampled : ndarray (resample, stimulus)
    jackknife : ndarray (group, stimulus)
        Without each group in turn.
    share : ndarray (group,)
        One over the number of groups in the group's stratum.
    """

    observed: np.ndarray
    resampled: np.ndarray
    jackknife: np.ndarray
    share: np.ndarray


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval and the method that gave it."""

    estimate: float
    low: float
    high: float
    method: str


def design(category: np.ndarray, label: np.ndarray, group: np.ndarray) -> Design:
    """Balance stimuli over labels, and stratify them by category within each label.

    Parameters
    ----------
    category, label, group : ndarray of str (stimulus,)
        Every label weighs alike; within a label, every stimulus does.
    """
    # a unit separator between the parts; NumPy would strip a NUL at the end of a string
    pairs = np.char.add(np.char.add(label.astype(str), "\x1f"), category.astype(str))
    names, stratum = np.unique(pairs, return_inverse=True)
    labels = np.array([name.split("\x1f")[0] for name in names])
    label_of_stratum = np.unique(labels, return_inverse=True)[1]
    size = np.bincount(stratum)
    of_label = np.bincount(label_of_stratum, weights=size)
    balance = size / of_label[label_of_stratum] / len(of_label)
    # a group that spans strata is resampled within each of them
    inside = np.char.add(np.char.add(pairs, "\x1f"), group.astype(str))
    return Design(balance, stratum, np.unique(inside, return_inverse=True)[1], label_of_stratum)


def bootstrap(plan: Design, resamples: int, rng: np.random.Generator) -> Bootstrap:
    """Resample groups within strata, with replacement.

    Parameters
    ----------
    plan : Design
    resamples : int
    rng : Generator
    """
    stimuli = len(plan.stratum)
    size = np.bincount(plan.group)
    home = np.zeros(plan.groups, dtype=int)
    home[plan.group] = plan.stratum
    times = np.zeros((resamples, plan.groups))
    for stratum in range(len(plan.balance)):
        members = np.flatnonzero(home == stratum)
        times[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=resamples)
    left_out = 1 - np.eye(plan.groups)
    count = np.bincount(home, minlength=len(plan.balance))
    # a stratum of a single group cannot lose it
    left_out[np.arange(plan.groups), np.arange(plan.groups)] = count[home] == 1
    observed = plan.weights
    resampled, jackknife = (_weigh(counts, plan, home, size).reshape(-1, stimuli) for counts in (times, left_out))
    return Bootstrap(observed, resampled, jackknife, 1 / count[home])


def interval(sample: Bootstrap, outcomes: np.ndarray, statistic: Statistic, confidence: float) -> Interval:
    """Give a statistic of balanced means with its BCa interval.

    Parameters
    ----------
    sample : Bootstrap
    outcomes : ndarray (stimulus, column)
    statistic : callable
        Takes balanced means (…, column), gives (…).
    confidence : float

    Returns
    -------
    Interval
        By the bias-corrected and accelerated bootstrap (Efron 1987, JASA 82:171-185), with the acceleration of a
        stratified sample (Davison & Hinkley 1997, section 5.3). Where every resample gives the same value, the estimate
        itself, as method ``constant``; see `exact_interval` for outcomes with bounds.
    """
    estimate = float(statistic(sample.observed @ outcomes))
    draws = statistic(sample.resampled @ outcomes)
    if np.ptp(draws) <= 1e-12 * max(1.0, abs(estimate)):
        return Interval(estimate, estimate, estimate, "constant")
    # ties count half: outcomes such as correct are discrete
    tolerance = 1e-12 * max(1.0, abs(estimate))
    below = np.mean(draws < estimate - tolerance) + np.mean(np.abs(draws - estimate) <= tolerance) / 2
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if not 0 < below < 1:
        low, high = np.quantile(draws, tails)
        return Interval(estimate, float(low), float(high), "percentile bootstrap")
    bias = norm.ppf(below)
    shifted = bias + norm.ppf(tails)
    levels = norm.cdf(bias + shifted / (1 - _acceleration(sample, outcomes, statistic) * shifted))
    low, high = np.quantile(draws, levels)
    return Interval(estimate, float(low), float(high), "BCa bootstrap")


def exact_interval(plan: Design, outcome: np.ndarray, bounds: tuple[float, float], confidence: float) -> Interval:
    """Give the interval of a balanced mean when the stimuli of each label have the same outcome.

    Parameters
    ----------
    plan : Design
    outcome : ndarray (stimulus,)
        Constant within each label.
    bounds : tuple of float
        Lowest and highest value that an outcome can take.
    confidence : float

    Returns
    -------
    Interval
        If a share p of each of L labels' populations differed, none of g groups a label would show it with probability
        (1 - p) ** (g L), so the mean share is at most ``1 - tail ** (1 / (g L))``, with g of the smallest label. For
        one label that is the bound of Clopper & Pearson (1934, Biometrika 26:404-413) for no success.
    """
    groups, tail = plan.groups_of_label, (1 - confidence) / 2
    label = plan.label[plan.stratum]
    value = np.bincount(label, weights=outcome) / np.bincount(label)
    low = value.mean() - _unseen(value - bounds[0], groups, tail)
    high = value.mean() + _unseen(bounds[1] - value, groups, tail)
    return Interval(float(value.mean()), float(low), float(high), "exact binomial bound")


def _unseen(room: np.ndarray, groups: np.ndarray, tail: float) -> float:
    """Give the most by which differences that did not show may move the mean over labels, each by its room at most."""
    moving = room > 0
    if not moving.any():
        return 0.0
    share = 1 - tail ** (1 / (groups[moving].min() * moving.sum()))
    return float(share * room.max() * moving.mean())


def constant_within_labels(plan: Design, outcome: np.ndarray) -> bool:
    """Say whether the stimuli of each label have the same outcome."""
    label = plan.label[plan.stratum]
    return all(np.ptp(outcome[label == one]) == 0 for one in np.unique(label))


def sign_flip_p(plan: Design, difference: np.ndarray, flips: int, rng: np.random.Generator) -> float:
    """Test whether the balanced mean of a paired difference is greater than zero.

    Parameters
    ----------
    plan : Design
    difference : ndarray (stimulus,)
    flips : int
    rng : Generator

    Returns
    -------
    float
        One-sided p of the paired permutation test: under the null hypothesis the two conditions of a group can be
        exchanged, which turns the sign of its differences. The observed one counts as one of the permutations (Phipson
        & Smyth 2010, Stat Appl Genet Mol Biol 9:39).
    """
    content = np.bincount(plan.group, weights=plan.weights * difference, minlength=plan.groups)
    signs = rng.integers(0, 2, size=(flips, plan.groups), dtype=np.int8) * 2 - 1
    return rank_p(float(content.sum()), signs @ content)


def rank_p(target: float, controls: np.ndarray) -> float:
    """Give the one-sided p of a target among its controls: (1 + number at least as extreme) / (1 + number).

    Rounding must not part what is equal, so controls within 1e-9 of the target count as equal.
    """
    tolerance = 1e-9 * max(1.0, abs(target))
    return float((1 + np.sum(controls >= target - tolerance)) / (1 + len(controls)))


def exceeds_p(plan: Design, outcome: np.ndarray, threshold: float, draws: int, rng: np.random.Generator) -> float:
    """Test whether a balanced share of successes exceeds a threshold.

    Parameters
    ----------
    plan : Design
    outcome : ndarray (stimulus,)
        0 or 1.
    threshold : float
    draws : int
    rng : Generator

    Returns
    -------
    float
        One-sided p of a Monte Carlo binomial test: each label succeeds as often as the threshold says, and has as many
        independent observations as groups. Right also for a few stimuli, where a bootstrap is not.
    """
    groups = plan.groups_of_label
    null = (rng.binomial(groups, threshold, size=(draws, len(groups))) / groups).mean(axis=1)
    return rank_p(float(plan.weights @ outcome), null)


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust the p-values of a family (Holm 1979, Scand J Stat 6:65-70)."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(adjusted, 1)
    return result


def _weigh(times: np.ndarray, plan: Design, home: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Turn how often each group was drawn into weights of the stimuli."""
    drawn = np.stack([(times * size)[:, home == stratum].sum(axis=1) for stratum in range(len(plan.balance))], axis=1)
    each = times * (plan.balance / np.maximum(drawn, 1))[:, home]
    return each[:, plan.group]


def _acceleration(sample: Bootstrap, outcomes: np.ndarray, statistic: Statistic) -> float:
    influence = statistic(sample.observed @ outcomes) - statistic(sample.jackknife @ outcomes)
    # (groups - 1) / groups of the stratum turns a jackknife step into an influence
    influence = influence * (1 - sample.share)
    spread = np.sum(influence**2)
    return 0.0 if spread == 0 else float(np.sum(influence**3) / (6 * spread**1.5))
