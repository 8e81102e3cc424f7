"""Exact intervals of degenerate samples against Clopper and Pearson, closed forms and simulation."""

import numpy as np
import pytest
import scipy.stats

from deeplocalizer import inference
from tests.inference.designs import simple


def test_a_constant_sample_gets_a_named_exact_interval():
    plan = simple(20)
    sample = inference.resample(plan, 100, np.random.default_rng(0))
    constant = inference.intervals(sample.means(np.ones((20, 1))), 0.95)[0]
    assert (constant.estimate, constant.low, constant.high) == (1, 1, 1)
    assert constant.method == "constant"
    exact = inference.exact_interval(plan, np.ones(20), (0.0, 1.0), 0.95)
    assert (exact.low, exact.high) == pytest.approx(scipy.stats.binomtest(20, 20).proportion_ci(0.95))
    none = inference.exact_interval(plan, np.zeros(20), (-1.0, 1.0), 0.95)
    assert (none.low, none.high) == pytest.approx((-none.high, 1 - 0.025 ** (1 / 20)))
    # ten groups of two are worth ten observations
    grouped = simple(20, group=np.repeat(np.arange(10), 2))
    assert inference.exact_interval(grouped, np.ones(20), (0.0, 1.0), 0.95).low == pytest.approx(0.025 ** (1 / 10))


def test_labels_that_are_constant_one_by_one_do_not_give_a_point():
    """A network that always answers "a": every a is right, every b wrong."""
    plan = simple(40, label=np.repeat(["a", "b"], 20))
    always = np.repeat([1.0, 0.0], 20)
    found = inference.exact_interval(plan, always, (0.0, 1.0), 0.95)
    assert found.estimate == 0.5
    # only the a can get worse, and only the b better
    bound = 1 - 0.025 ** (1 / 20)
    assert (found.low, found.high) == pytest.approx((0.5 - bound / 2, 0.5 + bound / 2))


def test_categories_that_are_constant_one_by_one_do_not_give_a_point():
    plan = simple(40, label=["a"] * 40, category=np.repeat(["p", "q"], [30, 10]))
    outcome = np.repeat([1.0, 0.0], [30, 10])
    sample = inference.resample(plan, 100, np.random.default_rng(0))
    found = inference.balanced(sample, outcome[:, None], 0.95, bounds=(0.0, 1.0))[0]
    assert found.method == "exact binomial bound"
    assert found.low == pytest.approx(0.75 - 0.75 * (1 - 0.025 ** (1 / 30)))
    assert found.high == pytest.approx(0.75 + 0.25 * (1 - 0.025 ** (1 / 10)))


def test_strata_that_share_groups_share_their_number():
    plan = simple(40, label=np.tile(["with", "without"], 20), group=np.repeat(np.arange(20), 2))
    assert inference.exact_interval(plan, np.ones(40), (0.0, 1.0), 0.95).low == pytest.approx(0.025 ** (1 / 20))


@pytest.mark.parametrize("sizes", [(20, 20), (10, 40), (36, 35, 37, 36), (5, 200, 30)])
def test_exact_bounds_hold_for_any_share_that_could_have_stayed_unseen(sizes):
    """Whatever the labels' shares of failures, if none shows with probability above the tail, the bound covers it."""
    plan = simple(sum(sizes), label=np.repeat([f"l{i}" for i in range(len(sizes))], sizes))
    low = inference.exact_interval(plan, np.ones(sum(sizes)), (0.0, 1.0), 0.95).low
    shares = np.random.default_rng(8).beta(0.3, 8, size=(200_000, len(sizes)))
    unseen = np.prod((1 - shares) ** np.array(sizes), axis=1) > 0.025
    assert unseen.any()
    worst = (1 - shares[unseen]).mean(axis=1).min()
    assert low <= worst
    # and it is no looser than it must be
    assert worst - low < 0.05


def test_columns_that_vary_keep_their_bootstrap_interval():
    plan = simple(30)
    columns = np.column_stack([np.ones(30), np.arange(30) % 2])
    sample = inference.resample(plan, 500, np.random.default_rng(0))
    found = inference.balanced(sample, columns, 0.95, bounds=(0.0, 1.0))
    assert found.method.tolist() == ["exact binomial bound", "BCa bootstrap"]
    assert found[1] == inference.intervals(sample.means(columns), 0.95)[1]
    assert inference.balanced(sample, columns, 0.95).method.tolist() == ["constant", "BCa bootstrap"]


def test_outcomes_that_differ_or_leave_their_bounds_are_refused():
    with pytest.raises(ValueError, match="the same throughout each stratum"):
        inference.exact_interval(simple(4), np.array([0.0, 0.0, 0.0, 1.0]), (0.0, 1.0), 0.95)
    with pytest.raises(ValueError, match="outside their bounds"):
        inference.exact_interval(simple(4), np.full(4, 2.0), (0.0, 1.0), 0.95)


def test_labels_of_one_stimulus_are_alike_only_if_they_agree():
    """Of forty identities with one image each, every stratum trivially has a single value."""
    plan = simple(40, label=[f"l{i:02d}" for i in range(40)])
    mixed = np.repeat([1.0, 0.0], [28, 12])
    assert inference.constant_within_strata(plan, np.ones(40)) and not inference.constant_within_strata(plan, mixed)
    with pytest.raises(ValueError, match="these differ"):
        inference.exact_interval(plan, mixed, (0.0, 1.0), 0.95)
    exact = inference.exact_interval(plan, np.ones(40), (0.0, 1.0), 0.95)
    assert exact.low == pytest.approx(scipy.stats.binomtest(40, 40).proportion_ci(0.95).low)


def test_a_label_without_failures_leaves_room_for_them():
    """Half of one label fails, none of the other: the other's Clopper-Pearson room is added below, not above."""
    plan = simple(60, label=np.repeat(["a", "b"], [50, 10]))
    columns = np.concatenate([np.tile([0.0, 1.0], 25), np.ones(10)])[:, None]
    sample = inference.resample(plan, 2000, np.random.default_rng(0))
    plain = inference.intervals(sample.means(columns), 0.95)[0]
    found = inference.balanced(sample, columns, 0.95, bounds=(0.0, 1.0))[0]
    missed = 1 - scipy.stats.binomtest(10, 10).proportion_ci(0.95).low
    assert found.low == pytest.approx(plain.low - missed / 2)
    assert found.high == plain.high
    assert found.method.endswith(", with binomial bounds")


def test_a_label_of_one_group_is_named_and_gets_the_room_of_its_bounds():
    plan = simple(31, label=np.repeat(["a", "b"], [30, 1]))
    columns = np.random.default_rng(0).normal(size=(31, 1))
    sample = inference.resample(plan, 500, np.random.default_rng(0))
    endless = inference.balanced(sample, columns, 0.95)[0]
    assert (endless.low, endless.high) == (-np.inf, np.inf)
    assert endless.method == "BCa bootstrap, label of one group"
    right = np.concatenate([np.tile([0.0, 1.0], 15), [1.0]])[:, None]
    found = inference.balanced(sample, right, 0.95, bounds=(0.0, 1.0))[0]
    # Markov: a single right answer excludes shares below a fortieth
    assert found.low < 0.75 - 0.975 / 2 and found.high < 0.9
    assert found.method == "BCa bootstrap, label of one group"
    # a group of several images counts as one, whatever is within it
    grouped = simple(34, label=np.repeat(["a", "b"], [30, 4]), group=np.minimum(np.arange(34), 30))
    mixed = np.concatenate([np.tile([0.0, 1.0], 15), [1, 1, 1, 0]])[:, None]
    found = inference.balanced(inference.resample(grouped, 500, np.random.default_rng(0)), mixed, 0.95, bounds=(0, 1))[
        0
    ]
    assert found.method == "BCa bootstrap, label of one group" and found.high - found.low > 0.5
