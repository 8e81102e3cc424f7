"""Linear probes: logistic regression on standardised features, its penalty chosen and its accuracy found by folds.

Probe            a fitted probe, for raw features
fit              fit one
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from threadpoolctl import threadpool_limits

from deeplocalizer.readout.logistic import Space, path

STRENGTHS = tuple(10.0**power for power in range(-2, 5))  # prior variances of a logit


@dataclass(frozen=True)
class Probe:
    """A fitted probe.

    Parameters
    ----------
    weight : ndarray of float64 (class, feature)
        For raw features.
    bias : ndarray of float64 (class,)
    penalty : float
        ``C`` of scikit-learn's `LogisticRegression`: the inverse of the penalty, on standardised features.
    accuracy : float
        Balanced accuracy of nested cross-validation.
    converged : bool
        Whether the final fit and every fit that the choice of the penalty and the accuracy rest on did.
    """

    weight: np.ndarray
    bias: np.ndarray
    penalty: float
    accuracy: float
    converged: bool


def fit(features: np.ndarray, codes: np.ndarray, fold: np.ndarray, strengths: Sequence[float] = STRENGTHS) -> Probe:
    """Fit a probe.

    Parameters
    ----------
    features : ndarray (sample, feature)
    codes : ndarray of int (sample,)
        Classes from 0; every class in three folds or more.
    fold : ndarray of int (sample,)
        From 0, three or more.
    strengths : sequence of float
        The penalties among which to choose, ascending, as the variance ``C x features`` that the prior gives a logit of
        standardised features: so one choice fits layers of any width.

    Returns
    -------
    Probe

    Notes
    -----
    `StandardScaler` and `LogisticRegression` of scikit-learn, classes weighted to count alike (``balanced``). The
    penalty is the one with the highest mean log-likelihood of the left-out folds, each class counting alike; of equals
    the strongest. Accuracy is nested (Varma & Simon 2006, BMC Bioinformatics 7:91): the penalty for a left-out fold is
    chosen within the others, each left out in turn, so that the choice cannot inflate it. As the probe without folds
    i and j serves i left out within j and j within i, k folds take k(k-1)/2 + k + 1 paths of fits.

    On one thread, so that the numbers of a machine do not depend on its cores.
    """
    penalties = [strength / features.shape[1] for strength in strengths]
    with threadpool_limits(limits=1):
        outer, inner, converged = _left_out(features, codes, fold, penalties)
        decided = np.empty(len(codes), dtype=np.int64)
        for number in np.unique(fold):
            mine = fold == number
            chosen = _best(inner[number][:, ~mine], codes[~mine])
            decided[mine] = outer[chosen][mine].argmax(axis=1)
        best = _best(_of_truth(outer, codes), codes)
        space = Space.of(features)
        [last] = path(space.coordinates, codes, [penalties[best]])
    weight, bias = space.raw(last.weight, last.bias)
    accuracy = float(np.mean([np.mean(decided[codes == one] == one) for one in np.unique(codes)]))
    return Probe(weight, bias, penalties[best], accuracy, converged and last.converged)


def _left_out(
    features: np.ndarray, codes: np.ndarray, fold: np.ndarray, penalties: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Read every sample with probes that were fitted without its fold, and without its fold and one more.

    Returns
    -------
    ndarray (penalty, sample, class)
        Log probabilities, by the probe without the sample's fold.
    ndarray (fold, penalty, sample)
        Log probability of the true class, by the probe without that fold and the sample's.
    bool
        Whether all fits converged.
    """
    numbers = np.unique(fold).tolist()
    outer = np.full((len(penalties), len(codes), int(codes.max()) + 1), np.nan)
    inner = np.full((len(numbers), len(penalties), len(codes)), np.nan)
    converged = True
    for pair in [*((one,) for one in numbers), *combinations(numbers, 2)]:
        out = np.isin(fold, pair)
        space = Space.of(features[~out])
        seen = space.project(features[out])
        for row, model in enumerate(path(space.coordinates, codes[~out], penalties)):
            read = model.log_probabilities(seen)
            converged &= model.converged
            if len(pair) == 1:
                outer[row, out] = read
            else:
                truth, which = read[np.arange(len(read)), codes[out]], fold[out]
                for one, other in (pair, pair[::-1]):
                    inner[one, row, fold == other] = truth[which == other]
    return outer, inner, converged


def _of_truth(read: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Take the true class of (penalty, sample, class)."""
    return read[:, np.arange(len(codes)), codes]


def _best(likelihood: np.ndarray, codes: np.ndarray) -> int:
    """Choose the penalty with the highest log-likelihood (penalty, sample), each class counting alike."""
    by_class = [likelihood[:, codes == one].mean(axis=1) for one in np.unique(codes)]
    return int(np.mean(by_class, axis=0).argmax())
