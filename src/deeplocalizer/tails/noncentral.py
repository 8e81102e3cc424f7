"""Student's t against a minimum effect: the tails of the noncentral t, each t with its own distribution.

Beyond           both one-sided tails, and the two-sided one
log10_beyond     log10 of them

T' = (Z + delta) / s with s² = chi²(df) / df (Johnson, Kotz & Balakrishnan 1995, Continuous Univariate Distributions 2,
31.1), so that P(T' >= t) is the integral over s of s's density times Phi(delta - t s). In u = s^(2/3), which is nearly
normal (Wilson & Hilferty 1931, PNAS 17:684-688), the integrand is log-concave and nearly a normal density: about its
top, scaled by its curvature there, a few points of Gauss and Hermite integrate it (Naylor & Smith 1982, J R Stat Soc C
31:214-225). `trapezoid` integrates the few of which the curve is too skewed. All is relative to the top, so that
nothing underflows.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from deeplocalizer.tails import trapezoid

SLAB = 1 << 13  # elements at a time: the working arrays stay in a core's cache
RULES = ((40.0, 10, 2), (16.0, 16, 3), (8.0, 32, 4))  # from so many df on: points, and steps to the top
NORMAL = 30.0  # Phi is 1 from here on
LEAST_STEP = -1 + 1e-12  # u stays above 0
ROOT = math.sqrt(0.5)
LN10 = float(np.log(10))


class Beyond(NamedTuple):
    r"""log10 of the tails of the noncentral t, ndarray (unit,).

    Parameters
    ----------
    two_sided : ndarray
        Of P(\\|T'\\| >= \\|t\\|): the largest p over the effects that, either way, are at most the minimum.
    greater : ndarray
        Of P(T' >= t): the largest p over the effects up to the minimum.
    less : ndarray
        Of P(T' >= -t): the same of the effect turned round.
    """

    two_sided: np.ndarray
    greater: np.ndarray
    less: np.ndarray


def log10_beyond(t: np.ndarray, df: np.ndarray, noncentrality: np.ndarray) -> Beyond:
    r"""Give log10 of the p of t's against a minimum effect.

    Parameters
    ----------
    t, df, noncentrality : array_like
        The statistic (finite), its degrees of freedom (> 0; of two samples 1 or more), and what t would have if the
        effect were just the minimum (0 or more): for two samples of one variance d0 sqrt(n1 n2 / (n1 + n2)). Broadcast
        against each other.

    Returns
    -------
    Beyond
        The test of a minimum effect (Murphy & Myors 1999, J Appl Psychol 84:234-248, there as the noncentral F = t² of
        one degree of freedom). From df = 1 on the logarithms are right to 1e-8, or to 1e-8 of
        themselves where they are large.

    Raises
    ------
    ValueError
        If a t is not finite, ``df`` not above 0, or ``noncentrality`` below 0; naming the first.
    """
    t, df, noncentrality = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (t, df, noncentrality)))
    _refuse(t, df, noncentrality)
    size, freedom, shift = np.abs(t).reshape(-1), df.reshape(-1), noncentrality.reshape(-1)
    same, opposite = np.empty(t.size), np.empty(t.size)
    for start in range(0, t.size, SLAB):
        part = slice(start, start + SLAB)
        same[part], opposite[part] = _tails(size[part], freedom[part], shift[part])
    both = np.minimum(np.logaddexp(same, opposite), 0)
    both[size == 0] = 0
    same = np.minimum(same, 0)
    turned = np.log1p(-np.exp(opposite))
    positive = t.reshape(-1) >= 0
    found = (both, np.where(positive, same, turned), np.where(positive, turned, same))
    return Beyond(*((values / LN10).reshape(t.shape) for values in found))


def _refuse(t: np.ndarray, df: np.ndarray, noncentrality: np.ndarray) -> None:
    bad = ~(np.isfinite(t) & (df > 0) & (noncentrality >= 0) & np.isfinite(noncentrality))
    if bad.any():
        first = np.unravel_index(int(np.argmax(bad)), t.shape)
        raise ValueError(
            f"t is {t[first]:g}, df {df[first]:g} and noncentrality {noncentrality[first]:g}; expected a finite t, "
            "df > 0 and a noncentrality of 0 or more"
        )


def _tails(t: np.ndarray, df: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give ln P(T' >= t) and ln P(T' <= -t) of a slab, each element by the way that suits it."""
    result = np.empty((2, len(t)))
    waiting = np.ones(len(t), dtype=bool)
    for least, points, steps in RULES:
        chosen = waiting & (df >= least) & (shift * shift <= df)
        waiting &= ~chosen
        if chosen.any():
            where = slice(None) if chosen.all() else chosen
            result[:, where] = _gauss(t[where], df[where], shift[where], points, steps)
    if waiting.any():
        result[:, waiting] = trapezoid.tails(t[waiting], df[waiting], shift[waiting])
    return result[0], result[1]


def _gauss(t: np.ndarray, df: np.ndarray, shift: np.ndarray, points: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Integrate by Gauss and Hermite about the top of the integrand of P(T' >= t)."""
    power = 1.5 * df - 1
    top, width = _top(t, df, shift, power, steps)
    x_top = np.minimum(shift - t * top * np.sqrt(top), NORMAL)
    cube, square = df * top**3 / 2, x_top * x_top / 2
    same, opposite = np.zeros(len(t)), np.zeros(len(t))
    for place, weight in zip(*_hermite(points), strict=True):
        step = np.maximum(width * place / top, LEAST_STEP)
        u = top * (1 + step)
        ts = t * (u * np.sqrt(u))
        x, y = np.minimum(shift - ts, NORMAL), shift + ts
        scaled = power * np.log1p(step) - cube * (step * (3 + step * (3 + step))) + square
        same += weight * np.exp(scaled - x * x / 2) * special.erfcx(-ROOT * x)
        opposite += weight * np.exp(scaled - y * y / 2) * special.erfcx(ROOT * y)
    half = df / 2
    norm = special.gammaln(half) - half * np.log(half) - math.log(3) + math.log(2)
    front = power * np.log(top) - cube - square + np.log(width) - norm
    with np.errstate(divide="ignore"):  # the opposite tail may be nothing
        return front + np.log(same), front + np.log(opposite)


def _top(
    t: np.ndarray, df: np.ndarray, shift: np.ndarray, power: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find by Newton's method where the integrand is greatest, and the width of its normal curve there."""
    s = trapezoid.likeliest(t, df, shift)
    u = np.cbrt(s * s)
    for step in range(steps + 1):
        root = np.sqrt(u)
        x = np.minimum(shift - t * root * u, NORMAL)
        mills = math.sqrt(2 / math.pi) / special.erfcx(-ROOT * x)  # phi / Phi
        slope_of_x = 1.5 * t * root
        curvature = (
            power / (u * u) + 3 * df * u + mills * (0.5 * slope_of_x / u + slope_of_x * slope_of_x * (x + mills))
        )
        if step < steps:
            slope = power / u - 1.5 * df * u * u - slope_of_x * mills
            u = np.maximum(u + slope / curvature, 0.3 * u)
    return u, 1 / np.sqrt(curvature)


def _hermite(points: int) -> tuple[list[float], list[float]]:
    """Give the places and weights that integrate what is nearly a standard normal density, left out of the weights."""
    places, weights = np.polynomial.hermite_e.hermegauss(points)
    return places.tolist(), (weights * np.exp(places * places / 2)).tolist()
