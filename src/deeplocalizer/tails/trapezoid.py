"""The noncentral t by the trapezoidal rule, for few degrees of freedom or a large noncentrality.

tails            ln P(T' >= t) and ln P(T' <= -t)
likeliest        about where the integrand of `noncentral` is greatest

In w = ln s the integrand has one top and falls off at least exponentially: the trapezoidal rule converges geometrically
(Trefethen & Weideman 2014, SIAM Rev 56:385-458). It is exact and slow.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

SLAB = 1 << 9  # elements at a time, each with all its points
POINTS = 160  # up to a noncentrality of 2
DROP = 32.0  # the integrand is followed until it has fallen by exp(-32)
HALVINGS = 24
MILLS = math.sqrt(2 / math.pi)  # phi / Phi at 0, and the most by which it is above -x where x < 0


def tails(t: np.ndarray, df: np.ndarray, noncentrality: np.ndarray) -> np.ndarray:
    """Give ln P(T' >= t) and ln P(T' <= -t).

    Parameters
    ----------
    t, df, noncentrality : ndarray (unit,)
        t and noncentrality 0 or more, df above 0.

    Returns
    -------
    ndarray (2, unit)
    """
    result = np.empty((2, len(t)))
    # Phi falls from 1 within 1 / noncentrality: by classes, lest the points of one depend on others
    doublings = np.ceil(np.log2(np.maximum(noncentrality / 2, 1))).astype(np.int64)
    for doubling in np.unique(doublings):
        chosen = np.flatnonzero(doublings == doubling)
        for start in range(0, len(chosen), SLAB >> doubling or 1):
            part = chosen[start : start + (SLAB >> doubling or 1)]
            points = POINTS << int(doubling)
            result[:, part] = _integrals(t[part, None], df[part, None], noncentrality[part, None], points)
    return result


def likeliest(t: np.ndarray, df: np.ndarray, noncentrality: np.ndarray) -> np.ndarray:
    """Give the s, up to 1, where its density times the normal density at t s - noncentrality is greatest."""
    shift, spread = noncentrality * t, df + t * t
    return np.asarray(np.minimum((shift + np.sqrt(shift * shift + 4 * df * spread)) / (2 * spread), 1))


def _integrals(t: np.ndarray, df: np.ndarray, noncentrality: np.ndarray, points: int) -> np.ndarray:
    """Integrate, t (unit, 1), from where the integrand has fallen on the left to where it has on the right."""
    middle = _top(t, df, noncentrality)
    least = _log_density(middle, df) + special.log_ndtr(noncentrality - t * np.exp(middle)) - DROP
    farthest = 50 / df + 15 / np.sqrt(df)
    inner, outer = np.zeros((len(t), 2)), np.repeat(farthest, 2, axis=1)
    side = np.array([-1.0, 1.0])
    for _ in range(HALVINGS):
        w = middle + side * (distance := (inner + outer) / 2)
        inside = _log_density(w, df) + special.log_ndtr(noncentrality - t * np.exp(w)) > least
        inner, outer = np.where(inside, distance, inner), np.where(inside, outer, distance)
    low, high = middle - outer[:, :1], middle + outer[:, 1:]
    step = (high - low) / (points - 1)
    w = low + step * np.arange(points)
    scaled, density = t * np.exp(w), _log_density(w, df)
    half = df[:, 0] / 2
    # the integral of the density alone: gamma(df/2) exp(df/2) / (2 (df/2)^(df/2))
    norm = special.gammaln(half) + half - half * np.log(half) - math.log(2)
    sums = [
        special.logsumexp(density + special.log_ndtr(sign * noncentrality - scaled), axis=1) + np.log(step[:, 0])
        for sign in (1, -1)
    ]
    return np.stack(sums) - norm


def _top(t: np.ndarray, df: np.ndarray, noncentrality: np.ndarray) -> np.ndarray:
    """Halve the interval in which the integrand is greatest, by the sign of its slope."""
    spread = df + t * t
    lowest = (np.sqrt(MILLS**2 * t * t + 4 * df * spread) - MILLS * t) / (2 * spread)
    low, high = np.log(lowest), np.log(likeliest(t, df, noncentrality))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        s = np.exp(middle)
        mills = MILLS / special.erfcx((t * s - noncentrality) * math.sqrt(0.5))
        rising = df * (1 - s * s) > t * s * mills
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return np.asarray((low + high) / 2)


def _log_density(w: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Give the ln of the density of w = ln s, but for its constant."""
    return np.asarray(df * (w - np.expm1(2 * w) / 2))
