"""p-values against enumeration, SciPy, closed forms and simulation."""

from itertools import product

import numpy as np
import pytest
import scipy.stats

from deeplocalizer import inference
from tests.inference.designs import simple

DIFFERENCE = np.array([0.3, 1.0, -0.2, 0.8, 0.5, -0.1, 0.9, 0.4])


def hall(values, axis=-1):
    """The mean over its root mean square, its skewness removed: Hall (1992), as in the docstring, term by term."""
    root = np.sqrt(np.sum(values**2, axis=axis))
    u, k = np.sum(values, axis=axis) / root, np.sum(values**3, axis=axis) / root**3
    return u + k * u**2 / 3 + k**2 * u**3 / 27 + k / 6


def test_few_sign_flips_are_enumerated_as_scipy_does():
    flipped = np.array([np.array(s) * DIFFERENCE for s in product((-1, 1), repeat=8)])
    exact = np.mean(hall(flipped) >= hall(DIFFERENCE) - 1e-12)
    assert inference.sign_flip_p(simple(8), DIFFERENCE, 256, np.random.default_rng(0)) == exact
    theirs = scipy.stats.permutation_test(
        (DIFFERENCE,), hall, permutation_type="samples", alternative="greater", n_resamples=np.inf, vectorized=True
    )
    assert exact == theirs.pvalue


def test_skewed_differences_of_mean_zero_are_found_less_often_than_by_the_mean_alone():
    rng, runs = np.random.default_rng(0), 400
    columns = 1 - rng.exponential(size=(30, runs))
    ours = np.mean(inference.sign_flips(simple(30), columns, 499, rng) <= 0.05)
    student = np.mean(scipy.stats.ttest_1samp(columns, 0, alternative="greater").pvalue <= 0.05)
    assert ours < student and ours <= 0.075 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_random_sign_flips_agree_with_enumeration():
    exact = inference.sign_flip_p(simple(8), DIFFERENCE, 256, np.random.default_rng(0))
    p = [inference.sign_flip_p(simple(8), DIFFERENCE, 255, np.random.default_rng(seed)) for seed in range(200)]
    # the observed one counts as one more
    expected = (1 + 255 * exact) / 256
    assert np.mean(p) == pytest.approx(expected, abs=4 * np.sqrt(exact / 255 / 200))


def test_sign_flips_of_many_columns_are_those_of_each():
    rng = np.random.default_rng(0)
    plan = simple(30, label=np.repeat(["a", "b"], [20, 10]), group=np.arange(30) // 2)
    columns = rng.normal(size=(30, 5)) + 0.3
    together = inference.sign_flips(plan, columns, 400, np.random.default_rng(1))
    alone = [inference.sign_flip_p(plan, column, 400, np.random.default_rng(1)) for column in columns.T]
    assert together.tolist() == alone


def test_a_group_flips_whole_also_across_labels():
    plan = simple(8, label=np.tile(["x", "y"], 4), group=np.repeat(np.arange(4), 2))
    # every group differs upwards: 1 of 16 flips is as extreme
    assert inference.sign_flip_p(plan, np.full(8, 0.5), 100, np.random.default_rng(0)) == 1 / 16


def test_no_difference_at_all_is_not_significant():
    assert inference.sign_flip_p(simple(10), np.zeros(10), 100, np.random.default_rng(0)) == 1
    assert inference.sign_flip_p(simple(100), np.zeros(100), 100, np.random.default_rng(0)) == 1


def test_groups_without_a_difference_do_not_matter():
    padded = np.concatenate([DIFFERENCE, np.zeros(500)])
    exact = inference.sign_flip_p(simple(8), DIFFERENCE, 256, np.random.default_rng(0))
    assert inference.sign_flip_p(simple(508), padded, 256, np.random.default_rng(0)) == exact


def test_the_rank_among_controls_counts_the_target_and_ties():
    assert inference.rank_p(3.0, np.array([1.0, 2.0, 3.0 + 1e-15, 4.0])) == pytest.approx(3 / 5)
    assert inference.rank_p(3.0, np.array([1.0, 2.0, 3.0 - 1e-15, 4.0])) == pytest.approx(3 / 5)
    assert inference.rank_p(9.0, np.arange(9.0)) == pytest.approx(1 / 10)
    assert inference.rank_p(0.0, np.zeros(99)) == 1
    # what is small is not therefore tied
    assert inference.rank_p(9e-12, np.arange(9) * 1e-12) == pytest.approx(1 / 10)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="the target is nan"):
        inference.rank_p(np.nan, np.zeros(3))
    with pytest.raises(ValueError, match="differences must be finite"):
        inference.sign_flip_p(simple(2), np.array([1.0, np.inf]), 10, np.random.default_rng(0))


def test_exceeding_a_threshold_is_a_binomial_test():
    rng = np.random.default_rng(7)
    successes = np.repeat([1.0, 0.0], [24, 6])
    exact = scipy.stats.binomtest(24, 30, 0.6, alternative="greater").pvalue
    assert inference.exceeds_p(simple(30), successes, 0.6, 50_000, rng) == pytest.approx(exact, abs=0.003)
    # two right answers of each of two labels show nothing
    few = simple(4, label=["a", "a", "b", "b"])
    assert inference.exceeds_p(few, np.ones(4), 0.55, 20_000, rng) == pytest.approx(0.55**4, abs=0.01)
    # a network that always answers alike is at chance, however many stimuli there are
    many = simple(400, label=np.repeat(["a", "b"], 200))
    assert inference.exceeds_p(many, np.repeat([1.0, 0.0], 200), 0.55, 2000, rng) > 0.9
    # the null hypothesis is about their mean, so that the smaller label may be better by chance
    uneven = simple(1802, label=np.repeat([f"l{i}" for i in range(10)], [2, *[200] * 9]))
    good = np.concatenate([np.ones(2), np.tile(np.repeat([1.0, 0.0], [30, 170]), 9)])
    found = inference.exceeds_p(uneven, good, 0.19, 4000, rng)
    # such as a half in the label of two, 1.4 / 9 in the others: by simulation how often the mean gets as high
    share = np.array([0.5] + [1.4 / 9] * 9)
    drawn = (rng.binomial([2, *[200] * 9], share, size=(20_000, 10)) / [2, *[200] * 9]).mean(axis=1)
    assert found >= np.mean(drawn >= (1 + 9 * 0.15) / 10 - 1e-12) - 0.02


def test_groups_succeed_or_fail_as_a_whole():
    """One group of 40 and 19 of 2: an observation of most of the weight."""
    group = np.concatenate([np.zeros(40), np.repeat(np.arange(1, 20), 2)])
    plan = simple(78, group=group)
    outcome = np.concatenate([np.ones(40), np.tile([0.0], 38)])
    # the mean is 40 / 78: whenever the large group succeeds it is reached, and hardly ever otherwise
    p = inference.exceeds_p(plan, outcome, 0.3, 20_000, np.random.default_rng(0))
    assert p == pytest.approx(0.3, abs=0.02)
    # matched items in both labels: twenty observations, not forty
    crossing = simple(40, label=np.tile(["a", "b"], 20), group=np.repeat(np.arange(20), 2))
    exact = scipy.stats.binomtest(16, 20, 0.55, alternative="greater").pvalue
    found = inference.exceeds_p(crossing, np.repeat([1.0, 0.0], [32, 8]), 0.55, 20_000, np.random.default_rng(0))
    assert found == pytest.approx(exact, abs=0.01)
