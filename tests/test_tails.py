"""Tail probabilities against mpmath and SciPy, also where doubles end."""

import mpmath
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from deeplocalizer import tails


def exact(t, df):
    with mpmath.workdps(60):
        t, df = mpmath.mpf(t), mpmath.mpf(df)
        return float(mpmath.log10(mpmath.betainc(df / 2, mpmath.mpf(1) / 2, 0, df / (df + t * t), regularized=True)))


@pytest.mark.parametrize("df", [1.5, 8.3, 30, 998, 9998, 123456.7])
@pytest.mark.parametrize("t", [0.01, 0.7, 2.5, 9.0, 40.0, 300.0, 5000.0])
def test_log_p_is_right_to_ten_digits(t, df):
    assert tails.log10_two_sided(t, df) == pytest.approx(exact(t, df), rel=1e-10, abs=1e-13)


def test_the_two_branches_meet():
    t = np.linspace(20, 45, 400)
    values = tails.log10_two_sided(t, np.full(t.shape, 400.0))
    assert (np.diff(values) < 0).all()
    assert np.abs(np.diff(values, 2)).max() < 0.05


def test_one_sided_agrees_with_scipy():
    t = np.linspace(-8, 8, 33)
    np.testing.assert_allclose(tails.log10_greater(t, 25.0), scipy.stats.t.logsf(t, 25.0) / np.log(10), rtol=1e-9)


def test_zero_and_infinity():
    assert tails.log10_two_sided(0.0, 5.0) == 0
    assert tails.log10_two_sided(np.inf, 5.0) == -np.inf


@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=50))
def test_q_agrees_with_scipy(p):
    expected = scipy.stats.false_discovery_control(p)
    np.testing.assert_allclose(10 ** tails.log10_q(np.log10(p)), expected, rtol=1e-9)


def test_q_does_not_underflow():
    assert tails.log10_q(np.array([-4000.0, -3.0])).tolist() == pytest.approx([-4000 + np.log10(2), -3.0])


def test_far_tails_of_very_different_shape_converge_together():
    df = np.array([6e4, 1e5, 2.5e5, 4e5, 6e5, 7e5, 9e5, 30.0, 1e3])
    t = np.array([27.0, 190.0, 60.0, 45.0, 150.0, 88.0, 33.0, 1e8, 500.0])
    together = tails.log10_two_sided(t, df)
    alone = [float(tails.log10_two_sided(a, b)) for a, b in zip(t, df, strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert together[0] == pytest.approx(exact(27.0, 6e4), rel=1e-10)
