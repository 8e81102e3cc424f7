"""q-values are those of SciPy and statsmodels, bounds on true discoveries those of closed testing and of nilearn."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn.glm.thresholding import _compute_hommel_value, _true_positive_fraction
from statsmodels.stats.multitest import multipletests

from deeplocalizer import multiplicity

ALPHA = Fraction(1, 20)
METHODS = {"benjamini_hochberg": ("bh", "fdr_bh"), "benjamini_yekutieli": ("by", "fdr_by")}


@pytest.mark.parametrize("method", METHODS)
@given(p=st.lists(st.floats(1e-12, 1) | st.sampled_from([1.0, 0.5, 0.01]), min_size=1, max_size=60))
def test_q_agrees_with_scipy_and_statsmodels(method, p):
    got = 10 ** multiplicity.log10_q(np.log10(p), method)
    np.testing.assert_allclose(got, scipy.stats.false_discovery_control(p, method=METHODS[method][0]), rtol=1e-9)
    np.testing.assert_allclose(got, multipletests(p, method=METHODS[method][1])[1], rtol=1e-9)


def test_q_does_not_underflow():
    got = multiplicity.log10_q(np.array([-4000.0, -3.0]))
    assert got.tolist() == pytest.approx([-4000 + np.log10(2), -3.0])
    assert (multiplicity.log10_q(np.array([-4000.0, -3.0]), "benjamini_yekutieli") - got) == pytest.approx(
        np.log10(1.5)
    )


@pytest.mark.parametrize("method", METHODS)
def test_each_family_is_adjusted_by_itself(method):
    rng = np.random.default_rng(0)
    families = rng.choice([7, 0, 3], 300)
    log10_p = -rng.exponential(size=300)
    got = multiplicity.log10_q(log10_p, method, families)
    for family in (0, 3, 7):
        alone = scipy.stats.false_discovery_control(10 ** log10_p[families == family], method=METHODS[method][0])
        np.testing.assert_allclose(10 ** got[families == family], alone, rtol=1e-9)


def test_no_tests_have_no_q():
    assert multiplicity.log10_q(np.array([])).shape == (0,)
    assert multiplicity.log10_q(np.array([]), families=np.array([], dtype=int)).shape == (0,)


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match="fdr method 'holm' is unknown; allowed are benjamini_hochberg, benjamini_y"):
        multiplicity.log10_q(np.zeros(2), "holm")
    with pytest.raises(ValueError, match="log10 p of test 1 is nan; expected 0 or less"):
        multiplicity.log10_q(np.array([0.0, np.nan]))
    with pytest.raises(ValueError, match="log10 p of test 0 is 0.5; expected 0 or less"):
        multiplicity.true_discoveries(np.array([0.5]), np.array([True]))
    with pytest.raises(ValueError, match="families has 1 entries; expected one for each of 2 tests"):
        multiplicity.log10_q(np.zeros(2), families=np.zeros(1, dtype=int))
    with pytest.raises(ValueError, match="alpha is 1; expected a number between 0 and 1"):
        multiplicity.ClosedSimes(np.zeros(2), 1)
    with pytest.raises(ValueError, match=r"selected has type int64 and shape \(2,\); expected a boolean for each of 3"):
        multiplicity.true_discoveries(np.zeros(3), np.array([0, 1]))


def rejected_by_simes(p, alpha):
    return any(value <= alpha * (j + 1) / len(p) for j, value in enumerate(sorted(p)))


def brute_force(p, selected, alpha):
    """Close the tests: what is left of the selection in the largest intersection that is not rejected may be null."""
    chosen = {i for i, flag in enumerate(selected) if flag}
    spared = 0
    for size in range(1, len(p) + 1):
        for subset in itertools.combinations(range(len(p)), size):
            if not rejected_by_simes([p[i] for i in subset], alpha):
                spared = max(spared, len(chosen & set(subset)))
    return len(chosen) - spared


# in steps that fall on Simes' bounds, so that ties and equalities occur; some far below what a double holds
P = (
    st.integers(1, 60).map(lambda i: Fraction(i, 600))
    | st.integers(1, 10).map(lambda i: ALPHA * i / 10)
    | st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(1, 10**400), Fraction(1, 10**9)])
)


def log10(p):
    return np.array([np.log10(value.numerator / value.denominator) if value > 1e-9 else exponent(value) for value in p])


def exponent(value):
    return -float(len(str(value.denominator)) - 1)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_bound_is_that_of_closed_testing(data):
    p = data.draw(st.lists(P, min_size=1, max_size=8))
    selected = data.draw(st.lists(st.booleans(), min_size=len(p), max_size=len(p)))
    got = multiplicity.true_discoveries(log10(p), np.array(selected), float(ALPHA))
    assert got == brute_force(p, selected, ALPHA)


@pytest.mark.parametrize("seed", range(4))
def test_ten_tests_are_closed_testing_for_every_selection_of_one_closure(seed):
    rng = np.random.default_rng(seed)
    p = [Fraction(float(value)) for value in rng.beta(0.3, 2.0, 10)]
    closed = multiplicity.ClosedSimes(np.log10([float(value) for value in p]), 0.1)
    spared = [
        set(subset)
        for size in range(1, 11)
        for subset in itertools.combinations(range(10), size)
        if not rejected_by_simes([p[i] for i in subset], Fraction(1, 10))
    ]
    assert closed.hommel == max((len(subset) for subset in spared), default=0)
    for code in range(1 << 10):
        selected = np.array([bool(code >> i & 1) for i in range(10)])
        chosen = set(np.flatnonzero(selected).tolist())
        expected = len(chosen) - max((len(chosen & subset) for subset in spared), default=0)
        assert closed.among(selected) == expected


@pytest.mark.parametrize("effect", [0.0, 2.0, 3.5, 6.0])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_the_bound_is_nilearns(effect, alpha):
    rng = np.random.default_rng(int(10 * effect))
    z = rng.normal(size=5000)
    z[:800] += effect
    closed = multiplicity.ClosedSimes(scipy.stats.norm.logsf(z) / np.log(10), alpha)
    hommel = _compute_hommel_value(z, alpha)
    assert closed.hommel == hommel
    for least in (-np.inf, 0.0, 1.0, 2.0, 3.0):
        selected = z > least
        share = _true_positive_fraction(z[selected], hommel, alpha)
        assert closed.among(selected) == round(share * selected.sum())


def test_tiny_p_are_told_apart_from_none():
    log10_p = np.array([-4000.0] * 5 + [0.0] * 5)
    closed = multiplicity.ClosedSimes(log10_p, 0.05)
    assert closed.hommel == 5
    assert closed.among(np.ones(10, dtype=bool)) == 5
    assert closed.among(np.array([True] * 3 + [False] * 7)) == 3
    assert closed.among(np.zeros(10, dtype=bool)) == 0


def test_if_all_are_rejected_all_are_discoveries():
    closed = multiplicity.ClosedSimes(np.full(6, -3.0), 0.05)
    assert (closed.hommel, closed.among(np.ones(6, dtype=bool))) == (0, 6)


def test_of_true_nulls_the_bound_is_above_none_no_more_often_than_alpha():
    rng = np.random.default_rng(8)
    draws = 2000
    everything = np.ones(200, dtype=bool)
    wrong = sum(multiplicity.true_discoveries(np.log10(rng.random(200)), everything, 0.05) > 0 for _ in range(draws))
    # for independent tests the error of Simes' test is alpha exactly
    assert wrong / draws == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / draws))
