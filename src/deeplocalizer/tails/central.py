"""The tails of Student's t, in logarithms.

log10_two_sided   log10 P(|T| >= |t|)
log10_greater     log10 P(T >= t)

Four ways lead to P = I_x(df/2, 1/2), x = df / (df + t²) (DLMF 8.17), each where it is exact to the last digits:
near 0 the complement's power series, for many degrees of freedom the series of `expansion`, for few the incomplete beta
function itself, and far out its continued fraction.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from deeplocalizer.tails import expansion

SLAB = 1 << 14  # elements at a time: the working arrays stay in a core's cache
NEAR = 0.05  # t² below which the complement is computed
NEAR_TERMS = 13  # 0.05^13 < 1e-16
DIRECT = -300.0  # ln P down to which the incomplete beta function is taken as it is
TINY = 1e-300
LEVELS = 10_000
LN10 = float(np.log(10))


def log10_two_sided(t: np.ndarray, df: np.ndarray) -> np.ndarray:
    r"""Give log10 of the two-sided p of Student's t.

    Parameters
    ----------
    t, df : array_like
        Statistic and degrees of freedom (> 0); broadcast against each other.

    Returns
    -------
    ndarray
        log10 P(\\|T\\| >= \\|t\\|), right to 1e-10 of itself at least; -inf where t is infinite.
    """
    t, df = np.broadcast_arrays(np.asarray(t, dtype=float), np.asarray(df, dtype=float))
    result = np.empty(t.size)
    flat_t, flat_df = t.reshape(-1), df.reshape(-1)
    for start in range(0, t.size, SLAB):
        part = slice(start, start + SLAB)
        result[part] = _log_two_sided(flat_t[part], flat_df[part])
    return (result / LN10).reshape(t.shape)


def log10_greater(t: np.ndarray, df: np.ndarray, log10_two_sided_p: np.ndarray | None = None) -> np.ndarray:
    """Give log10 of the one-sided p of Student's t, P(T >= t).

    Parameters
    ----------
    t, df : array_like
        Statistic and degrees of freedom (> 0); broadcast against each other.
    log10_two_sided_p : ndarray, optional
        What `log10_two_sided` gives for them, to spare doing it again.

    Returns
    -------
    ndarray
        Where t < 0, log10 of 1 minus half the two-sided p: a tiny negative number, precise to its own last digits.
    """
    t = np.asarray(t, dtype=float)
    two_sided = log10_two_sided(t, df) if log10_two_sided_p is None else log10_two_sided_p
    half = two_sided - np.log10(2)
    return np.asarray(np.where(t >= 0, half, np.log1p(-0.5 * np.exp(LN10 * two_sided)) / LN10))


def _log_two_sided(t: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Give ln of the two-sided p of a slab, each element by the way that suits it."""
    result = np.full(t.shape, np.nan)
    finite = np.isfinite(t)
    square = np.square(np.where(finite, t, 0.0))
    ratio = square / df
    log1p_ratio = np.log1p(ratio)
    near = square < NEAR
    series = ~near & expansion.reaches(df, log1p_ratio)
    rest = ~near & ~series
    ways = ((near, _log_near), (series, None), (rest, _log_rest))
    for chosen, way in ways:
        if not chosen.any():
            continue
        where = slice(None) if chosen.all() else chosen
        if way is None:
            result[where] = expansion.log_two_sided(df[where], log1p_ratio[where])
        else:
            result[where] = way(df[where], ratio[where])
    result[np.isinf(t)] = -np.inf
    result[np.isnan(t)] = np.nan
    return result


def _log_near(df: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Give ln(1 - I_z(1/2, a)) for small z = ratio / (1 + ratio), by its power series (DLMF 8.17.8)."""
    a = df / 2
    z = ratio / (1 + ratio)
    total = np.ones_like(z)
    for k in range(NEAR_TERMS, 0, -1):
        total *= (a + k - 0.5) / (k + 0.5) * z
        total += 1
    scale = 2 * expansion.gamma_ratio(a) / np.sqrt(np.pi)
    return np.asarray(np.log1p(-scale * np.sqrt(z) * np.exp(-a * np.log1p(ratio)) * total))


def _log_rest(df: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Give ln I_x(a, 1/2) for few degrees of freedom or far out."""
    a, log1p_ratio = df / 2, np.log1p(ratio)
    far = (a - 0.25 >= expansion.LEAST_SHIFTED) | (-a * log1p_ratio < DIRECT)
    result = np.empty(a.shape)
    result[far] = _log_beta_tail(a[far], ratio[far])
    result[~far] = np.log(special.betainc(a[~far], 0.5, 1 / (1 + ratio[~far])))
    return result


def _log_beta_tail(a: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Give ln I_x(a, 1/2) for x = 1 / (1 + ratio), where it is small (DLMF 8.17.22)."""
    b = 0.5
    log_norm = np.log(expansion.gamma_ratio(a)) - 0.5 * np.log(np.pi)
    log_front = -a * np.log1p(ratio) - b * np.log1p(1 / ratio) - np.log(a) + log_norm
    return np.asarray(log_front + np.log(_continued_fraction(a, b, 1 / (1 + ratio))))


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
