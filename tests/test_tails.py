"""Tail probabilities against mpmath and SciPy, also where doubles end."""

import math

import mpmath
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import tails

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


def integrated(t, df, noncentrality, signs=(-1, 1)):
    """Give log10 P(|T'| >= t), or of one of its tails, by quadrature over s, with T' = (Z + noncentrality) / s."""
    with mpmath.workdps(20):
        t, df, delta = mpmath.mpf(t), mpmath.mpf(df), mpmath.mpf(noncentrality)
        norm = mpmath.log(2) + df / 2 * mpmath.log(df / 2) - mpmath.loggamma(df / 2)

        def integrand(w):
            s = mpmath.exp(w)
            chance = sum(mpmath.erfc((t * s + sign * delta) / mpmath.sqrt(2)) / 2 for sign in signs)
            return mpmath.exp(norm + df * w - df / 2 * s * s) * chance

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


EFFECTS = [
    (2, 0.2),
    (998, 0.2 * math.sqrt(250)),
    (9998, 10.0),
    (2e5, 44.7),
    (10, 8.0),
    (11.3, 0.7),
    (25.8, 1.3),
    (64.2, 2),
]


@pytest.mark.parametrize(("df", "noncentrality"), EFFECTS)
def test_the_tails_beyond_a_minimum_effect_are_mpmaths(df, noncentrality):
    t = np.array([0.5, 3.0, 12.0, 1e4])
    got = tails.log10_beyond(t, df, noncentrality)
    for name, signs in (("two_sided", (-1, 1)), ("greater", (-1,))):
        expected = [integrated(value, df, noncentrality, signs) for value in t]
        np.testing.assert_allclose(getattr(got, name), expected, rtol=1e-9, atol=1e-9, err_msg=name)
    turned = tails.log10_beyond(-t, df, noncentrality)
    np.testing.assert_array_equal(turned.less, got.greater)
    np.testing.assert_array_equal(turned.two_sided, got.two_sided)
    # the other tail is what is missing to 1
    opposite = [10 ** integrated(value, df, noncentrality, (1,)) for value in t[:3]]
    np.testing.assert_allclose(10 ** got.less[:3], 1 - np.array(opposite), rtol=1e-9)


@pytest.mark.parametrize(("low", "high"), [(2, 8), (8, 16), (16, 40), (40, 300)])
def test_every_t_has_its_own_distribution_scipys_where_that_reaches(low, high):
    rng = np.random.default_rng(low)
    t, df, delta = rng.uniform(-9, 9, 400), rng.uniform(low, high, 400), rng.uniform(0, 4, 400)
    got, size = tails.log10_beyond(t, df, delta), np.abs(t)
    p = scipy.stats.nct.sf(size, df, delta) + scipy.stats.nct.cdf(-size, df, delta)
    for found, truth in (
        (got.two_sided, p),
        (got.greater, scipy.stats.nct.sf(t, df, delta)),
        (got.less, scipy.stats.nct.sf(-t, df, delta)),
    ):
        reached = truth > 1e-7
        assert reached.sum() > 200
        np.testing.assert_allclose(10 ** found[reached], truth[reached], rtol=1e-6)


@pytest.mark.parametrize("df", [1.0, 2.0, 9.0, 20.0, 50.0, 5e4])
def test_without_a_minimum_it_is_students_t(df):
    t = np.geomspace(1e-5, 3e3, 400)
    got = tails.log10_beyond(t, df, 0.0)
    np.testing.assert_allclose(got.two_sided, tails.log10_two_sided(t, df), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(got.greater, tails.log10_greater(t, df), rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 1e6), st.floats(0, 30), st.lists(st.floats(0, 1e3), min_size=2, max_size=20))
def test_a_larger_t_or_a_smaller_effect_is_less_likely(df, noncentrality, t):
    t = np.sort(np.array(t))
    got = tails.log10_beyond(t, df, noncentrality)
    for values in (got.two_sided, got.greater, -got.less):
        assert np.isfinite(values).all() and (np.diff(values) <= 1e-8 * (1 + np.abs(values[1:]))).all()
    more = tails.log10_beyond(t, df, noncentrality + 1)
    assert (more.greater >= got.greater - 1e-8 * (1 + np.abs(got.greater))).all()


def test_a_p_against_a_minimum_effect_does_not_depend_on_the_other_units():
    t, df = np.array([0.3, 4.0, 11.0]), np.array([3.0, 300.0, 20.0])
    alone = tails.log10_beyond(t, df, 2.0)
    together = tails.log10_beyond(np.append(t, 1e6), np.append(df, 2.0), np.array([2.0, 2.0, 2.0, 40.0]))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other[:3], one, rtol=1e-13)


def test_the_p_against_a_minimum_effect_is_kept_at_its_level():
    rng = np.random.default_rng(5)
    draws, n = 4000, 40
    one, two = rng.normal(0.2, 1, (draws, n)), rng.normal(0, 1, (draws, n))
    t = scipy.stats.ttest_ind(one, two, axis=1).statistic
    # an effect of just the minimum is the least favourable one: there p is uniform
    for p in tails.log10_beyond(t, 2 * n - 2, 0.2 * math.sqrt(n / 2))[:2]:
        assert scipy.stats.kstest(10**p, "uniform").pvalue > 1e-3
        assert (10**p <= 0.05).mean() == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / draws))


def test_what_has_no_distribution_is_refused():
    with pytest.raises(ValueError, match=r"t is 1, df 4 and noncentrality -9; expected a finite t, df > 0"):
        tails.log10_beyond(np.ones(2), 4, np.array([0.0, -9.0]))
    with pytest.raises(ValueError, match="t is 1, df 0 and noncentrality 0"):
        tails.log10_beyond(np.ones(2), 0, 0.0)
    with pytest.raises(ValueError, match="t is inf"):
        tails.log10_beyond(np.inf, 5, 0.0)
