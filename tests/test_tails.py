"""Tail probabilities against mpmath and SciPy, also where doubles end."""

import math

import mpmath
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import tails
from deeplocalizer.tails import noncentral

DF = [1, 1.5, 3, 8.3, 20, 39.9, 40.4, 40.6, 60, 250.5, 998, 9998, 123456.7, 1e6]
T = [1e-6, 0.01, 0.2236, 0.2237, 0.7, 2.5, 9.0, 40.0, 300.0, 5000.0, 1e4]


def exact(t, df, side="both"):
    """Give log10 of a p of Student's t from 80 digits; None where mpmath's incomplete beta does not converge."""
    with mpmath.workdps(80):
        t, df, half = mpmath.mpf(t), mpmath.mpf(df), mpmath.mpf(1) / 2
        try:
            if t < 1:
                inside = mpmath.betainc(half, df / 2, 0, t * t / (df + t * t), regularized=True)
                both = mpmath.log1p(-inside)
            else:
                both = mpmath.log(mpmath.betainc(df / 2, half, 0, df / (df + t * t), regularized=True))
        except (ValueError, mpmath.libmp.NoConvergence):
            return None
        if side == "both":
            return float(both / mpmath.log(10))
        if side == "greater":
            return float((both - mpmath.log(2)) / mpmath.log(10))
        return float(mpmath.log1p(-mpmath.exp(both) / 2) / mpmath.log(10))


def integrated(t, df, noncentrality):
    """Give log10 P(|T'| >= t) by quadrature over s, with T' = (Z + noncentrality) / s."""
    with mpmath.workdps(20):
        t, df, delta = mpmath.mpf(t), mpmath.mpf(df), mpmath.mpf(noncentrality)
        norm = mpmath.log(2) + df / 2 * mpmath.log(df / 2) - mpmath.loggamma(df / 2)

        def integrand(w):
            s = mpmath.exp(w)
            upper, lower = (mpmath.erfc((t * s + shift) / mpmath.sqrt(2)) / 2 for shift in (-delta, delta))
            return mpmath.exp(norm + df * w - df / 2 * s * s) * (upper + lower)

        top = min(0.0, math.log((delta * t + math.sqrt((delta * t) ** 2 + 4 * df * (df + t * t))) / (2 * (df + t * t))))
        width = 1 / math.sqrt(2 * df)
        edges = np.linspace(
            top - 13 * width - 60 / float(df), top + 13 * width + (1 if df < 20 else 0), 41 if df < 20 else 25
        )
        scale = integrand(mpmath.mpf(top))  # quad stops at an absolute error
        area = mpmath.quad(lambda w: integrand(w) / scale, [mpmath.mpf(edge) for edge in edges])
        return float(mpmath.log10(area * scale))


@pytest.mark.parametrize("df", DF)
@pytest.mark.parametrize("t", T)
def test_log_p_is_right_to_ten_digits(t, df):
    if (expected := exact(t, df)) is None:
        expected = integrated(t, df, 0)
    assert tails.log10_two_sided(t, df) == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("df", [1, 8.3, 40.6, 998, 9998])
@pytest.mark.parametrize("t", [1e-6, 0.2, 0.7, 5.0, 20.0, 36.0])
def test_one_sided_log_p_is_right_to_ten_digits_on_either_side(t, df):
    assert tails.log10_greater(t, df) == pytest.approx(exact(t, df, "greater"), rel=1e-12, abs=0)
    # p is nearly 1 here: its logarithm is tiny, and must be right nevertheless
    assert tails.log10_greater(-t, df) == pytest.approx(exact(t, df, "less"), rel=1e-11, abs=0)


def test_one_sided_agrees_with_scipy():
    t = np.linspace(-8, 8, 33)
    np.testing.assert_allclose(tails.log10_greater(t, 25.0), scipy.stats.t.logsf(t, 25.0) / np.log(10), rtol=1e-9)


@pytest.mark.parametrize("df", [2.0, 30.0, 41.0, 400.0, 1e5])
def test_the_ways_meet_without_a_step(df):
    t = np.linspace(0.01, 60, 5000)
    values = tails.log10_two_sided(t, np.full(t.shape, df))
    assert (np.diff(values) < 0).all()
    assert np.abs(np.diff(values, 3)[20:]).max() < 1e-4


def test_zero_infinity_and_nan():
    assert tails.log10_two_sided(0.0, 5.0) == 0
    assert tails.log10_two_sided(np.inf, 5.0) == -np.inf
    assert tails.log10_two_sided(-np.inf, 500.0) == -np.inf
    assert np.isnan(tails.log10_two_sided(np.nan, 500.0))
    assert tails.log10_greater(0.0, 5.0) == pytest.approx(-np.log10(2))
    assert tails.log10_two_sided(np.zeros((2, 0)), 5.0).shape == (2, 0)


def test_far_tails_of_very_different_shape_converge_together():
    df = np.array([6e4, 1e5, 2.5e5, 4e5, 6e5, 7e5, 9e5, 30.0, 1e3])
    t = np.array([27.0, 190.0, 60.0, 45.0, 150.0, 88.0, 33.0, 1e8, 500.0])
    together = tails.log10_two_sided(t, df)
    alone = [float(tails.log10_two_sided(a, b)) for a, b in zip(t, df, strict=True)]
    np.testing.assert_array_equal(together, alone)
    assert together[0] == pytest.approx(exact(27.0, 6e4), rel=1e-12)


@given(st.floats(0.01, 1e7))
def test_the_ratio_of_gamma_functions_is_mpmaths(a):
    with mpmath.workdps(40):
        expected = float(mpmath.gammaprod([mpmath.mpf(a) + 0.5], [a]))
    assert float(tails.gamma_ratio(a)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("df", "noncentrality"),
    [(2, 0.2), (998, 0.2 * math.sqrt(250)), (9998, 10.0), (2e5, 44.7), (10, 8.0)],
)
def test_the_tail_beyond_a_minimum_effect_is_right_to_ten_digits(df, noncentrality):
    t = np.array([0.5, 3.0, 12.0, 1e4])
    got = tails.log10_beyond(t, df, noncentrality)
    expected = [integrated(value, df, noncentrality) for value in t]
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize(("df", "noncentrality"), [(2, 0.2), (18, 1.0), (60, 3.0), (998, 3.16)])
def test_the_tail_beyond_a_minimum_effect_is_scipys_where_that_reaches(df, noncentrality):
    t = np.linspace(-12, 12, 97)
    size = np.abs(t)
    p = scipy.stats.nct.sf(size, df, noncentrality) + scipy.stats.nct.cdf(-size, df, noncentrality)
    reached = p > 1e-8
    assert reached.sum() > 40
    np.testing.assert_allclose(10 ** tails.log10_beyond(t, df, noncentrality)[reached], p[reached], rtol=1e-6)


@pytest.mark.parametrize("df", [2.0, 50.0, 5e4])
def test_without_a_minimum_it_is_students_t(df):
    t = np.geomspace(1e-5, 3e3, 400)
    np.testing.assert_allclose(tails.log10_beyond(t, df, 0.0), tails.log10_two_sided(t, df), rtol=2e-11, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(st.floats(2, 1e6), st.floats(0, 1), st.lists(st.floats(0, 1e3), min_size=1, max_size=20))
def test_between_the_polynomials_knots_it_is_the_integral(df, share, t):
    noncentrality = share * min(4 * math.sqrt(df), 60)
    t = np.array(t)
    direct = noncentral._log_beyond(t, df, noncentrality) / np.log(10)
    np.testing.assert_allclose(tails.log10_beyond(t, df, noncentrality), direct, rtol=1e-10, atol=1e-11)


def test_a_p_against_a_minimum_effect_does_not_depend_on_the_other_units():
    t = np.array([0.3, 4.0, 11.0])
    alone = tails.log10_beyond(t, 300.0, 2.0)
    np.testing.assert_array_equal(tails.log10_beyond(np.append(t, 1e6), 300.0, 2.0)[:3], alone)


def test_the_p_against_a_minimum_effect_is_kept_at_its_level():
    rng = np.random.default_rng(5)
    draws, n = 4000, 40
    one, two = rng.normal(0.2, 1, (draws, n)), rng.normal(0, 1, (draws, n))
    t = scipy.stats.ttest_ind(one, two, axis=1).statistic
    p = 10 ** tails.log10_beyond(t, 2 * n - 2, 0.2 * math.sqrt(n / 2))
    # an effect of just the minimum is the least favourable one: there p is uniform
    assert scipy.stats.kstest(p, "uniform").pvalue > 1e-3
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / draws))


def test_a_noncentrality_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"df is 4 and noncentrality 9\.0; expected .* 0 to 4 sqrt\(df\)"):
        tails.log10_beyond(np.ones(2), 4, 9.0)
    with pytest.raises(ValueError, match="df is 0 and noncentrality"):
        tails.log10_beyond(np.ones(2), 0, 0.0)
