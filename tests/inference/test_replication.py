"""Effects over models against SciPy."""

from itertools import product

import numpy as np
import pytest
import scipy.stats

from deeplocalizer import inference


@pytest.mark.parametrize("models", [2, 3, 5, 12, 40])
def test_the_interval_and_p_are_scipys(models):
    estimates = np.random.default_rng(models).normal(0.3, size=(models, 4))
    found = inference.replicate(estimates, 0.9)
    test = scipy.stats.ttest_1samp(estimates, 0)
    assert found.p == pytest.approx(scipy.stats.ttest_1samp(estimates, 0, alternative="greater").pvalue)
    assert found.low == pytest.approx(test.confidence_interval(0.9).low)
    assert found.high == pytest.approx(test.confidence_interval(0.9).high)
    assert found.estimate == pytest.approx(estimates.mean(axis=0))
    assert (found.n == models).all() and (found.method == "t over models").all()


def test_the_p_of_signs_is_enumerated_or_near_it():
    few = np.array([0.4, 1.1, -0.2, 0.6, 0.3])
    exact = np.mean([np.dot(s, few) >= few.sum() - 1e-12 for s in product((-1, 1), repeat=5)])
    assert inference.replicate(few, 0.95).p_sign == exact
    many = np.random.default_rng(0).normal(0.2, size=16)
    theirs = scipy.stats.permutation_test(
        (many,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    ).pvalue
    assert inference.replicate(many, 0.95).p_sign == pytest.approx(theirs, abs=5 * np.sqrt(theirs / 2**14))


def test_one_model_has_no_interval_and_says_so():
    found = inference.replicate(np.array([[0.5, -0.5]]), 0.95)
    assert found.method.tolist() == ["one model", "one model"]
    assert found.low.tolist() == [-np.inf, -np.inf] and found.high.tolist() == [np.inf, np.inf]
    assert found.p.tolist() == found.p_sign.tolist() == [0.5, 1]


def test_models_that_agree_to_the_last_digit_do_not_give_a_p_of_zero():
    found = inference.replicate(np.full(4, 0.25), 0.95)
    assert (found.low, found.high, found.p, found.method) == (0.25, 0.25, 1 / 16, "constant")
    assert inference.replicate(np.zeros(4), 0.95).p == 1
    # of outcomes with bounds, what four models do not show is the bound of Clopper and Pearson
    bounded = inference.replicate(np.ones((4, 2)), 0.95, np.array([0.0, -np.inf]), np.array([1.0, np.inf]))
    low = scipy.stats.binomtest(4, 4).proportion_ci(0.95).low
    assert (bounded.low[0], bounded.high[0]) == pytest.approx((low, 1))
    assert bounded.method.tolist() == ["exact binomial bound", "constant"]


def test_no_interval_leaves_the_bounds():
    estimates = np.array([0.9, 1.0, 0.2])
    free, bounded = inference.replicate(estimates, 0.95), inference.replicate(estimates, 0.95, 0.0, 1.0)
    assert free.low < 0 and free.high > 1
    assert (bounded.low, bounded.high, bounded.p) == (0, 1, free.p)
    one = inference.replicate(np.array([0.5]), 0.95, 0.0, 1.0)
    assert (one.low, one.high, one.method) == (0, 1, "one model")


def test_models_without_the_effect_are_left_out():
    estimates = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan], [1.5, np.nan]])
    found = inference.replicate(estimates, 0.95)
    assert found.n.tolist() == [3, 0]
    assert found.p[0] == pytest.approx(scipy.stats.ttest_1samp([1, 2, 1.5], 0, alternative="greater").pvalue)
    assert np.isnan(found.estimate[1]) and found.method[1] == ""


def test_infinite_estimates_and_no_models_are_refused():
    with pytest.raises(ValueError, match="one is infinite"):
        inference.replicate(np.array([1.0, np.inf]), 0.95)
    with pytest.raises(ValueError, match="one model or more"):
        inference.replicate(np.zeros((0, 3)), 0.95)
