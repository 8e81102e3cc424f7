"""Student's tail for many degrees of freedom: an incomplete beta function as a series of incomplete gamma functions.

reaches          where the series holds to the last digits of a double
log_two_sided    ln P(|T| >= |t|) there
gamma_ratio      gamma(a + 1/2) / gamma(a), without the cancellation of two logarithms

With v = -ln s, the tail I_x(a, 1/2) is an integral of exp(-T v) v^(-1/2) (sinh(v/2) / (v/2))^(-1/2) over v >= u, where
u = -ln x and T = a - 1/4 (DiDonato & Morris 1992, ACM Trans Math Softw 18:360-373, their BGRAT for b = 1/2). The last
factor is a power series in v²; term by term the integral is an incomplete gamma function of half an odd number, and the
first of these the scaled complementary error function: nothing underflows. The same series from u = 0 is 1 in all, and
so norms it.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from scipy import special

LEAST_SHIFTED = 20.0  # T from which 10 terms leave less than 1e-16
FARTHEST = 1.0  # u up to which they do: terms fall as (u / 2 pi)^2
TERMS = 10


def _coefficients(terms: int) -> list[float]:
    """Expand (sinh(v/2) / (v/2))^(-1/2) in powers of v² (the power of a series: Knuth 1997, vol 2, 4.7, eq 9)."""
    base = [Fraction(1, 4**n * math.factorial(2 * n + 1)) for n in range(terms)]
    power = Fraction(-1, 2)
    result = [Fraction(1)]
    for n in range(1, terms):
        terms_below = (((power + 1) * k / n - 1) * base[k] * result[n - k] for k in range(1, n + 1))
        result.append(sum(terms_below, Fraction(0)))
    return [float(value) for value in result]


_SERIES = _coefficients(TERMS)
_WHOLE = [c * math.gamma(2 * n + 0.5) for n, c in enumerate(_SERIES)]  # the terms' integrals from 0, times T^(2n)


def reaches(df: np.ndarray, log1p_ratio: np.ndarray) -> np.ndarray:
    """Say where `log_two_sided` may be used, for df and ln(1 + t²/df)."""
    return np.asarray((df / 2 - 0.25 >= LEAST_SHIFTED) & (log1p_ratio <= FARTHEST))


def log_two_sided(df: np.ndarray, log1p_ratio: np.ndarray) -> np.ndarray:
    """Give ln P(|T| >= |t|) where `reaches` holds.

    Parameters
    ----------
    df, log1p_ratio : ndarray
        Degrees of freedom, and ln(1 + t²/df).
    """
    shifted = df / 2 - 0.25
    exponent = shifted * log1p_ratio
    root = np.sqrt(exponent)
    inverse = 1 / shifted
    # gamma(m + 1/2, exponent) exp(exponent) / T^m, from the recurrence gamma(s + 1, y) = s gamma(s, y) + y^s exp(-y)
    gamma = math.sqrt(math.pi) * special.erfcx(root)
    power = root * inverse
    total = gamma.copy()
    for m in range(2 * TERMS - 2):
        gamma *= (m + 0.5) * inverse
        gamma += power
        power *= log1p_ratio
        if m % 2:
            total += _SERIES[(m + 1) // 2] * gamma
    return np.asarray(np.log(total / _whole(inverse)) - exponent)


def gamma_ratio(a: np.ndarray | float) -> np.ndarray:
    """Give gamma(a + 1/2) / gamma(a) for a > 0, to the last digits however large a is."""
    a = np.asarray(a, dtype=float)
    shifted = np.maximum(a - 0.25, LEAST_SHIFTED)
    far = np.sqrt(math.pi * shifted) / _whole(1 / shifted)
    near = np.minimum(a, LEAST_SHIFTED + 1)
    return np.asarray(np.where(a - 0.25 >= LEAST_SHIFTED, far, special.gamma(near + 0.5) / special.gamma(near)))


def _whole(inverse: np.ndarray) -> np.ndarray:
    """Sum the series from 0, at 1 / T."""
    square = inverse * inverse
    total = np.full_like(square, _WHOLE[-1])
    for coefficient in _WHOLE[-2::-1]:
        total *= square
        total += coefficient
    return total
