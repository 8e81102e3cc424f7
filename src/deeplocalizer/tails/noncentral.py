"""Student's t against a minimum effect.

log10_beyond     log10 P(|T'| >= |t|) of the noncentral t

T' = (Z + delta) / s with s² = chi²(df) / df (Johnson, Kotz & Balakrishnan 1995, Continuous Univariate Distributions 2,
31.1), so that P is the integral over s of s's density times P(|Z + delta| >= |t| s). With w = ln s the integrand has
one top and falls off at least exponentially: the trapezoidal rule converges geometrically (Trefethen & Weideman
2014, SIAM Rev 56:385-458). All is done in logarithms. Where P is near 1 its complement is integrated. Few t are
integrated: between them stand polynomials whose error is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
from scipy import special

from deeplocalizer.tails import piecewise

POINTS = 320  # of the trapezoidal rule
DROP = 42.0  # the integrand is followed until it has fallen by exp(-42)
HALVINGS = 24
LEAST_GAP = 1e-300
TOLERANCE = 2e-12
WIDTH = 1.0  # of the intervals of arcsinh(t / sqrt(df)) that are halved
LN10 = float(np.log(10))


def log10_beyond(t: np.ndarray, df: float, noncentrality: float) -> np.ndarray:
    r"""Give log10 of the p of a t against a minimum effect, P(\\|T'\\| >= \\|t\\|).

    Parameters
    ----------
    t : ndarray
        Student's t, by the pooled variance; finite.
    df : float
        Its degrees of freedom (> 0).
    noncentrality : float
        What t would have if the effect were just the minimum: for two samples, d0 sqrt(n1 n2 / (n1 + n2)); 0 or more.

    Returns
    -------
    ndarray
        The largest p over the null hypothesis that the effect, either way, is at most the minimum (Murphy & Myors 1999,
        J Appl Psychol 84:234-248, there as the noncentral F = t² of one degree of freedom). Right to 1e-10 of the
        natural logarithm or, where P is near 1, of the complement's.

    Raises
    ------
    ValueError
        If ``df`` is not above 0, or ``noncentrality`` not from 0 to 4 sqrt(df): beyond, the integrand may have two
        tops.
    """
    if not df > 0 or not 0 <= noncentrality <= 4 * np.sqrt(df):
        raise ValueError(
            f"df is {df} and noncentrality {noncentrality}; expected df > 0 and a noncentrality from 0 to 4 sqrt(df)"
        )
    size = np.abs(np.asarray(t, dtype=float))
    places = np.arcsinh(size.reshape(-1) / np.sqrt(df))
    if not places.size:
        return np.zeros(size.shape)
    intervals = range(1 + int(places.max() / WIDTH))
    pieces = [piece for number in intervals for piece in _pieces(float(df), float(noncentrality), number)]
    values, kinds = piecewise.evaluate(pieces, places)
    result = values / LN10
    near = np.flatnonzero(kinds)
    # as a complement, the polynomial gives ln((1 - P) / t)
    result[near] = np.log1p(-np.exp(values[near]) * size.reshape(-1)[near]) / LN10
    return result.reshape(size.shape)


@lru_cache(maxsize=1024)
def _pieces(df: float, noncentrality: float, number: int) -> tuple[piecewise.Piece, ...]:
    """Cover the interval of a number, from ``number * WIDTH``, of arcsinh(t / sqrt(df))."""

    def face(places: np.ndarray, complement: bool) -> np.ndarray:
        t = np.sqrt(df) * np.sinh(places)
        return _log_within(t, df, noncentrality) - np.log(t) if complement else _log_beyond(t, df, noncentrality)

    def choose(low: float, high: float) -> bool | None:
        log_p = _log_beyond(np.sqrt(df) * np.sinh(np.array([low, high])), df, noncentrality)
        if log_p[1] > np.log(0.05):
            return True
        return False if log_p[0] < np.log(0.9) else None

    return tuple(piecewise.build(face, choose, number * WIDTH, (number + 1) * WIDTH, TOLERANCE))


def _log_beyond(t: np.ndarray, df: float, noncentrality: float) -> np.ndarray:
    """Give ln P(|T'| >= t), t (place,) 0 or more."""

    def log_upper(scaled: np.ndarray) -> np.ndarray:
        return np.logaddexp(special.log_ndtr(noncentrality - scaled), special.log_ndtr(-noncentrality - scaled))

    return _integral(log_upper, t, df, np.minimum(_likeliest(t, df, noncentrality), 1))


def _log_within(t: np.ndarray, df: float, noncentrality: float) -> np.ndarray:
    """Give ln P(|T'| < t), t (place,) greater than 0."""

    def log_inside(scaled: np.ndarray) -> np.ndarray:
        upper, lower = special.log_ndtr(scaled - noncentrality), special.log_ndtr(-scaled - noncentrality)
        return np.asarray(upper + np.log(-np.expm1(np.minimum(lower - upper, -LEAST_GAP))))

    return _integral(log_inside, t, df, np.maximum(_likeliest(t, df, noncentrality), 1))


def _likeliest(t: np.ndarray, df: float, noncentrality: float) -> np.ndarray:
    """Give the s where its density times the normal density at t s - noncentrality is greatest."""
    shift = noncentrality * t
    return np.asarray((shift + np.sqrt(shift**2 + 4 * df * (df + t**2))) / (2 * (df + t**2)))


def _integral(
    log_chance: Callable[[np.ndarray], np.ndarray], t: np.ndarray, df: float, start: np.ndarray
) -> np.ndarray:
    """Give the ln of the integral of exp(log_chance(t s)) over the density of s, for every t; start is near the top."""

    def log_integrand(w: np.ndarray) -> np.ndarray:
        return _log_density(w, df) + log_chance(t[:, None] * np.exp(w))

    return _log_trapezoid(log_integrand, np.log(start), df) - _log_trapezoid(
        partial(_log_density, df=df), np.zeros(1), df
    )


def _log_density(w: np.ndarray, df: float) -> np.ndarray:
    """Give the ln of the density of w = ln s, but for its constant."""
    return np.asarray(df * (w - np.expm1(2 * w) / 2))


def _log_trapezoid(log_integrand: Callable[[np.ndarray], np.ndarray], start: np.ndarray, df: float) -> np.ndarray:
    """Integrate, from where the integrand has fallen by exp(-DROP) on the left to where it has on the right."""
    middle = start[:, None]
    least = log_integrand(middle) - DROP
    farthest = 60 / df + 15 / np.sqrt(df)
    inner, outer = np.zeros((len(start), 2)), np.full((len(start), 2), farthest)
    side = np.array([-1.0, 1.0])
    for _ in range(HALVINGS):
        distance = (inner + outer) / 2
        inside = log_integrand(middle + side * distance) > least
        inner, outer = np.where(inside, distance, inner), np.where(inside, outer, distance)
    low, high = (middle + side * outer).T
    step = (high - low) / (POINTS - 1)
    values = log_integrand(low[:, None] + step[:, None] * np.arange(POINTS))
    return np.asarray(special.logsumexp(values, axis=1) + np.log(step))
