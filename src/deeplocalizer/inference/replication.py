"""An effect in several models, with the model as the replicate.

Replicated       mean effects over models with their intervals and p-values
replicate        from the effects in each model
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from deeplocalizer import seeding
from deeplocalizer.inference.bounded import EXACT as EXACT_BOUND

EXACT = 14  # models up to which every flip of signs is taken
FLIPS = 2**EXACT - 1


@dataclass(frozen=True)
class Replicated:
    """Mean effects over models, each (…).

    Parameters
    ----------
    estimate, low, high : ndarray
        Mean over models and its t interval.
    p : ndarray
        One-sided, of Student's t test.
    p_sign : ndarray
        One-sided, of flipping the models' signs.
    n : ndarray of int
        Models that have the effect.
    method : ndarray of str
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    p_sign: np.ndarray
    n: np.ndarray
    method: np.ndarray


def replicate(
    estimates: np.ndarray, confidence: float, low: np.ndarray | float = -np.inf, high: np.ndarray | float = np.inf
) -> Replicated:
    """Test an effect over models, each of which counts once however many stimuli it saw.

    Parameters
    ----------
    estimates : ndarray (model, …)
        NaN where a model does not have the effect.
    confidence : float
    low, high : ndarray (…) or float
        Lowest and highest value that the effect can have; endless by default. No interval leaves them.

    Returns
    -------
    Replicated
        Interval and p by Student's t with n - 1 degrees of freedom (as `scipy.stats.ttest_1samp`). ``p_sign`` makes no
        assumption but symmetry: all 2 ** n flips up to 14 models, random ones beyond; with n models it is at least
        2 ** -n. Method is ``t over models``; ``one model``, whose interval
        is endless and whose p that of the sign; where all models agree to the last digit, whose p is that of the signs,
        ``exact binomial bound``: what a share of other models would change that n models do not show (Clopper & Pearson
        1934, Biometrika 26:404-413), or ``constant`` without bounds, whose interval is the estimate; or empty, where no
        model has the effect (the estimate is NaN).

    Raises
    ------
    ValueError
        If there is no model, or an estimate is infinite.
    """
    estimates = np.asarray(estimates, dtype=float)
    if estimates.ndim < 1 or len(estimates) < 1:
        raise ValueError(f"estimates must be (model, …) of one model or more; given are {estimates.shape}")
    if np.isinf(estimates).any():
        raise ValueError("estimates must be finite, or NaN where a model does not have the effect; one is infinite")
    shape = estimates.shape[1:]
    ends = zip(*(np.broadcast_to(end, shape).reshape(-1).tolist() for end in (low, high)), strict=True)
    columns_of = estimates.reshape(len(estimates), -1).T
    cells = [_one(column[~np.isnan(column)], confidence, room) for column, room in zip(columns_of, ends, strict=True)]
    kinds = (float, float, float, float, float, int, object)
    columns: list[np.ndarray] = [
        np.array(column, dtype=kind) for column, kind in zip(zip(*cells, strict=True), kinds, strict=True)
    ]
    return Replicated(*(column.reshape(shape) for column in columns))


def _one(
    values: np.ndarray, confidence: float, room: tuple[float, float]
) -> tuple[float, float, float, float, float, int, str]:
    n = len(values)
    if not n:
        return np.nan, np.nan, np.nan, np.nan, np.nan, 0, ""
    mean, sign = float(values.mean()), _sign_p(values)
    if n == 1:
        return mean, *room, sign, sign, 1, "one model"
    if np.ptp(values) <= 1e-12 * np.abs(values).max():
        if not np.isfinite(room).all():
            return mean, mean, mean, sign, sign, n, "constant"
        share = 1 - float(((1 - confidence) / 2) ** (1 / n))
        ends = mean - share * (mean - room[0]), mean + share * (room[1] - mean)
        return mean, *ends, sign, sign, n, EXACT_BOUND
    error = float(values.std(ddof=1) / np.sqrt(n))
    reach = error * float(t.ppf((1 + confidence) / 2, n - 1))
    low, high = max(mean - reach, room[0]), min(mean + reach, room[1])
    return mean, low, high, float(t.sf(mean / error, n - 1)), sign, n, "t over models"


def _sign_p(values: np.ndarray) -> float:
    n = len(values)
    if n <= EXACT:
        signs = (np.arange(2**n)[:, None] >> np.arange(n) & 1) * 2 - 1
    else:
        flips = seeding.generator(0, "replicates", n).integers(0, 2, size=(FLIPS, n)) * 2 - 1
        signs = np.concatenate([np.ones((1, n), dtype=flips.dtype), flips])
    return float(np.mean((signs * values).sum(axis=1) >= values.sum() - 1e-12 * np.abs(values).sum()))
