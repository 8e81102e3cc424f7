"""Inference against closed forms, SciPy, enumeration and simulation."""

from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from deeplocalizer import inference


def simple(count, label=None, category=None, group=None):
    label = np.array(["a"] * count) if label is None else np.asarray(label)
    category = label if category is None else np.asarray(category)
    group = np.array([f"g{i}" for i in range(count)]) if group is None else np.asarray(group)
    return inference.design(category, label, group)


def first(means):
    return means[..., 0]


def test_a_mean_is_balanced_over_labels_and_not_over_categories():
    # a label of two categories, one of them three times as frequent, against a label of one stimulus
    plan = simple(5, label=["x", "x", "x", "x", "y"], category=["p", "p", "p", "q", "r"])
    values = np.array([1.0, 2.0, 3.0, 10.0, 100.0])
    assert plan.weights @ values == pytest.approx((16 / 4 + 100) / 2)


@given(st.lists(st.sampled_from("ab"), min_size=2, max_size=30), st.integers(0, 100))
def test_weights_of_every_sample_sum_to_one_within_each_label(labels, seed):
    plan = simple(len(labels), label=labels)
    sample = inference.bootstrap(plan, 20, np.random.default_rng(seed))
    for weights in (sample.observed[None], sample.resampled, sample.jackknife):
        np.testing.assert_allclose(weights.sum(axis=1), 1)
        for name in set(labels):
            np.testing.assert_allclose(weights[:, np.array(labels) == name].sum(axis=1), 1 / len(set(labels)))


def test_groups_are_drawn_whole():
    group = np.array(["g", "g", "g", "h", "i"])
    sample = inference.bootstrap(simple(5, group=group), 500, np.random.default_rng(0))
    inside = sample.resampled[:, :3]
    assert (inside == inside[:, :1]).all()
    assert (inside[:, 0] == 0).any()


def test_the_interval_agrees_with_scipys_bca():
    values = np.random.default_rng(0).gamma(1.0, size=40)
    sample = inference.bootstrap(simple(40), 20_000, np.random.default_rng(1))
    ours = inference.interval(sample, values[:, None], first, 0.95)
    theirs = scipy.stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=2).confidence_interval
    assert ours.estimate == pytest.approx(values.mean())
    assert ours.method == "BCa bootstrap"
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.015)


def test_the_interval_of_a_ratio_agrees_with_scipys_bca():
    rng = np.random.default_rng(3)
    values = rng.gamma(2.0, size=(50, 2))
    sample = inference.bootstrap(simple(50), 20_000, np.random.default_rng(1))
    ours = inference.interval(sample, values, lambda m: m[..., 0] / m[..., 1], 0.9)

    def ratio(a, b, axis=-1):
        return np.mean(a, axis=axis) / np.mean(b, axis=axis)

    theirs = scipy.stats.bootstrap(
        (values[:, 0], values[:, 1]),
        ratio,
        paired=True,
        n_resamples=20_000,
        confidence_level=0.9,
        method="BCa",
        rng=2,
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.02)


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_cover_the_truth_as_often_as_they_say(grouped, capsys):
    """Two labels of 30 skewed stimuli each; the population mean must lie inside 95 % of the intervals."""
    rng = np.random.default_rng(4)
    runs, hits = 600, 0
    label = np.repeat(["a", "b"], 30)
    group = np.repeat(np.arange(30), 2).astype(str) if grouped else np.arange(60).astype(str)
    plan = simple(60, label=label, group=group)
    for _ in range(runs):
        noise = rng.gamma(2.0, size=60)
        shared = np.repeat(rng.gamma(2.0, size=30), 2) if grouped else 0
        sample = inference.bootstrap(plan, 600, rng)
        found = inference.interval(sample, (noise + shared)[:, None], first, 0.95)
        hits += found.low <= (4 if grouped else 2) <= found.high
    coverage, error = hits / runs, np.sqrt(0.95 * 0.05 / runs)
    with capsys.disabled():
        print(f"\ncoverage of 95 % BCa intervals, groups {grouped}: {coverage:.3f} +- {error:.3f} (Monte Carlo)")
    assert 0.95 - 0.03 - 2 * error < coverage < 0.95 + 3 * error


def test_a_constant_sample_gets_a_named_exact_interval():
    plan = simple(20)
    sample = inference.bootstrap(plan, 100, np.random.default_rng(0))
    constant = inference.interval(sample, np.ones((20, 1)), first, 0.95)
    assert (constant.estimate, constant.low, constant.high) == pytest.approx((1, 1, 1))
    assert constant.method == "constant"
    exact = inference.exact_interval(plan, np.ones(20), (0.0, 1.0), 0.95)
    assert (exact.low, exact.high) == pytest.approx(scipy.stats.binomtest(20, 20).proportion_ci(0.95))
    none = inference.exact_interval(plan, np.zeros(20), (-1.0, 1.0), 0.95)
    assert (none.low, none.high) == pytest.approx((-none.high, 1 - 0.025 ** (1 / 20)))
    # ten groups of two are worth ten observations
    grouped = simple(20, group=np.repeat(np.arange(10), 2).astype(str))
    assert inference.exact_interval(grouped, np.ones(20), (0.0, 1.0), 0.95).low == pytest.approx(0.025 ** (1 / 10))


def test_sign_flips_agree_with_enumeration():
    difference = np.array([0.3, 1.0, -0.2, 0.8, 0.5, -0.1, 0.9, 0.4])
    exact = np.mean([np.dot(s, difference) >= difference.sum() - 1e-12 for s in product((-1, 1), repeat=8)])
    p = inference.sign_flip_p(simple(8), difference, 40_000, np.random.default_rng(0))
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact / 40_000))


def test_sign_flips_keep_their_level_and_have_power(capsys):
    rng = np.random.default_rng(5)
    plan = simple(40, label=np.repeat(["a", "b"], [30, 10]), group=np.repeat(np.arange(20), 2).astype(str))
    levels = {}
    for shift in (0.0, 0.8):
        p = [
            inference.sign_flip_p(plan, np.repeat(rng.normal(size=20), 2) + rng.normal(size=40) + shift, 199, rng)
            for _ in range(800)
        ]
        levels[shift] = np.mean(np.array(p) <= 0.05)
    error = np.sqrt(0.05 * 0.95 / 800)
    with capsys.disabled():
        print(f"\nsign flips at 5 %: level {levels[0.0]:.3f} +- {error:.3f}, power at 0.8 sd {levels[0.8]:.2f}")
    assert levels[0.0] <= 0.05 + 3 * error
    assert levels[0.8] > 0.7


def test_no_difference_at_all_is_not_significant():
    assert inference.sign_flip_p(simple(10), np.zeros(10), 100, np.random.default_rng(0)) == 1


def test_the_rank_among_controls_counts_the_target_and_ties():
    assert inference.rank_p(3.0, np.array([1.0, 2.0, 3.0 + 1e-15, 4.0])) == pytest.approx(3 / 5)
    assert inference.rank_p(9.0, np.arange(9.0)) == pytest.approx(1 / 10)


def test_the_rank_of_an_exchangeable_target_is_uniform():
    rng = np.random.default_rng(6)
    p = [inference.rank_p(draw[0], draw[1:]) for draw in rng.normal(size=(4000, 20))]
    counts = np.bincount(np.round(np.array(p) * 20).astype(int), minlength=21)[1:]
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_labels_that_are_constant_one_by_one_do_not_give_a_point():
    """A network that always answers "a": every a is right, every b wrong."""
    plan = simple(40, label=np.repeat(["a", "b"], 20))
    always = np.repeat([1.0, 0.0], 20)
    assert inference.constant_within_labels(plan, always)
    found = inference.exact_interval(plan, always, (0.0, 1.0), 0.95)
    assert found.estimate == 0.5
    # only the a can get worse, and only the b better
    bound = 1 - 0.025 ** (1 / 20)
    assert (found.low, found.high) == pytest.approx((0.5 - bound / 2, 0.5 + bound / 2))


@pytest.mark.parametrize("sizes", [(20, 20), (10, 40), (36, 35, 37, 36)])
def test_exact_bounds_hold_for_any_share_that_could_have_stayed_unseen(sizes):
    """Whatever the labels' shares of failures, if none shows with probability above the tail, the bound covers it."""
    plan = simple(sum(sizes), label=np.repeat([f"l{i}" for i in range(len(sizes))], sizes))
    low = inference.exact_interval(plan, np.ones(sum(sizes)), (0.0, 1.0), 0.95).low
    shares = np.random.default_rng(8).beta(0.3, 8, size=(200_000, len(sizes)))
    unseen = np.prod((1 - shares) ** np.array(sizes), axis=1) > 0.025
    assert unseen.any()
    assert (1 - shares[unseen]).mean(axis=1).min() >= low


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


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_monotone_bounded_and_bonferroni_at_the_smallest(p):
    adjusted = inference.holm(np.array(p))
    assert ((adjusted >= p) & (adjusted <= 1)).all()
    assert adjusted.min() == pytest.approx(min(1, min(p) * len(p)))
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-15).all()


def test_holm_of_a_published_example():
    # Holm's step-down by hand: 4 x .01, 3 x .02, 2 x .03, 1 x .04, made monotone
    assert inference.holm(np.array([0.01, 0.04, 0.03, 0.02])).tolist() == pytest.approx([0.04, 0.06, 0.06, 0.06])
