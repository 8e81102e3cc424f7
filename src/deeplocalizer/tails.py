"""Tail probabilities that never underflow, and their correction for multiple tests.

log10_two_sided   log10 of the two-sided p of Student's t
log10_greater     log10 of the one-sided p of Student's t
log10_q           q-values of Benjamini & Hochberg, from log10 p
"""

from __future__ import annotations

import numpy as np
from scipy import special

DIRECT = 1e-150  # down to here the incomplete beta function is taken as it is; below, its logarithm
TINY = 1e-300
LEVELS = 10_000


def log10_two_sided(t: np.ndarray, df: np.ndarray) -> np.ndarray:
    r"""Give log10 of the two-sided p of Student's t.

    Parameters
    ----------
    t, df : array_like
        Statistic and degrees of freedom (> 0); broadcast against each other.

    Returns
    -------
    ndarray
        log10 P(\\|T\\| >= \\|t\\|), from the regularised incomplete beta function: P = I_x(df/2, 1/2) with
        x = df / (df + t²) (DLMF 8.17); far out, its continued fraction (DLMF 8.17.22) in logarithms.
    """
    t, df = np.broadcast_arrays(np.asarray(t, dtype=float), np.asarray(df, dtype=float))
    finite = np.isfinite(t)
    ratio = np.where(finite, t, 0.0) ** 2 / df
    # of x and 1 - x, pass the one that is small: the other has lost its last digits
    direct = np.where(
        ratio < 1,
        special.betaincc(0.5, df / 2, ratio / (1 + ratio)),
        special.betainc(df / 2, 0.5, 1 / (1 + ratio)),
    )
    result = np.log10(np.maximum(direct, TINY))
    far = np.asarray(direct < DIRECT) & finite
    if far.any():
        result = np.where(far, 0.0, result)
        result[far] = _log_beta_tail(df[far] / 2, ratio[far]) / np.log(10)
    return np.asarray(np.where(finite, result, -np.inf))


def log10_greater(t: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Give log10 of the one-sided p of Student's t, P(T >= t)."""
    t = np.asarray(t, dtype=float)
    half = log10_two_sided(t, df) - np.log10(2)
    return np.asarray(np.where(t >= 0, half, np.log1p(-(10.0**half)) / np.log(10)))


def log10_q(log10_p: np.ndarray) -> np.ndarray:
    """Adjust p-values for the false discovery rate (Benjamini & Hochberg 1995, J R Stat Soc B 57:289-300).

    Parameters
    ----------
    log10_p : ndarray (test,)

    Returns
    -------
    ndarray (test,)
        log10 q, at most 0.
    """
    count = len(log10_p)
    order = np.argsort(log10_p, kind="stable")
    scaled = log10_p[order] + np.log10(count) - np.log10(np.arange(1, count + 1))
    result = np.empty(count)
    result[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 0)
    return result


def _log_beta_tail(a: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Give ln I_x(a, 1/2) for x = 1 / (1 + ratio), where it is tiny."""
    b = 0.5
    x = 1 / (1 + ratio)
    log_front = -a * np.log1p(ratio) + b * (np.log(ratio) - np.log1p(ratio)) - np.log(a) - special.betaln(a, b)
    return np.asarray(log_front + np.log(_continued_fraction(a, b, x)))


def _continued_fraction(a: np.ndarray, b: float, x: np.ndarray) -> np.ndarray:
    """Evaluate the continued fraction of the incomplete beta function by Lentz's method (Press et al. 2007, 6.4)."""
    c = np.ones_like(x)
    d = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    result = d.copy()
    going = np.ones(x.shape, dtype=bool)
    for m in range(1, LEVELS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for coefficient in (even, odd):
            d = 1 / _away_from_zero(1 + coefficient * d)
            c = _away_from_zero(1 + coefficient / c)
            result = np.where(going, result * c * d, result)
        # an element that has converged is left alone: rounding would never let all of them stand still at once
        going &= np.abs(c * d - 1) >= 1e-15
        if not going.any():
            return result
    raise ArithmeticError(f"the incomplete beta function did not converge in {LEVELS} levels")


def _away_from_zero(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) < TINY, TINY, values)
