"""Balanced means of resamples against weights worked out stimulus by stimulus."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import inference
from deeplocalizer.inference.sums import whole
from tests.inference.designs import simple


def by_hand(plan, times, columns):
    """Work out a balanced mean from how often each group was drawn, one stratum at a time."""
    found = np.zeros(columns.shape[1])
    for stratum, balance in enumerate(plan.balance):
        members = plan.stratum == stratum
        if plan.collapsed[stratum]:
            alike = plan.collapsed & (plan.balance == balance)
            drawn = times[np.unique(plan.group[alike[plan.stratum]])]
            # drawn as often as there are such strata; without one, the others stand in
            times_of_it = times[plan.group[members][0]] * alike.sum() / drawn.sum()
            found += balance * times_of_it * columns[members].mean(axis=0)
            continue
        weights = times[plan.group[members]].astype(float)
        weights = weights if weights.any() else np.ones(members.sum())
        found += balance * np.average(columns[members], axis=0, weights=weights)
    return found


def test_a_mean_is_balanced_over_labels_and_not_over_categories():
    # a label of two categories, one of them three times as frequent, against a label of one stimulus
    plan = simple(5, label=["x", "x", "x", "x", "y"], category=["p", "p", "p", "q", "r"])
    values = np.array([1.0, 2.0, 3.0, 10.0, 100.0])
    assert plan.weights @ values == pytest.approx((16 / 4 + 100) / 2)
    sample = inference.resample(plan, 5, np.random.default_rng(0))
    assert sample.means(values[:, None]).observed == pytest.approx((16 / 4 + 100) / 2)


designs = st.integers(2, 30).flatmap(
    lambda n: st.tuples(
        st.lists(st.sampled_from("ab"), min_size=n, max_size=n),
        st.lists(st.sampled_from("pq"), min_size=n, max_size=n),
        st.lists(st.integers(0, 20), min_size=n, max_size=n),
    )
)


@given(designs, st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_means_are_those_of_the_counts(parts, seed):
    """Whatever strata, and whether or not groups lie within them."""
    label, category, group = parts
    plan = simple(len(label), label, category, group)
    columns = np.random.default_rng(seed).normal(size=(len(label), 3))
    sample = inference.resample(plan, 70, np.random.default_rng(seed))
    means = sample.means(columns)
    expected = [by_hand(plan, times, columns) for times in sample.counts]
    np.testing.assert_allclose(means.draws, expected, atol=1e-12)
    np.testing.assert_allclose(means.observed, plan.weights @ columns, atol=1e-12)
    everyone = np.ones(plan.groups)
    for group in range(plan.groups):
        without = by_hand(plan, everyone - (np.arange(plan.groups) == group), columns)
        np.testing.assert_allclose(means.jackknife[group], without, atol=1e-12)


@given(designs, st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_every_block_draws_as_many_groups_as_it_has(parts, seed):
    plan = simple(len(parts[0]), *parts)
    counts = inference.resample(plan, 70, np.random.default_rng(seed)).counts.astype(int)
    for block in np.unique(plan.home):
        assert (counts[:, plan.home == block].sum(axis=1) == np.sum(plan.home == block)).all()


def test_groups_are_drawn_as_often_as_a_multinomial_says():
    counts = inference.resample(simple(20), 20_000, np.random.default_rng(1)).counts.astype(float)
    error = np.sqrt(1 / 20_000)
    assert counts.mean(axis=0) == pytest.approx(1, abs=5 * error)
    # 20 draws of 1 in 20: variance 19 / 20, covariance -1 / 20
    covariance = np.cov(counts.T)
    assert np.diag(covariance) == pytest.approx(0.95, abs=0.06)
    assert covariance[~np.eye(20, dtype=bool)] == pytest.approx(-0.05, abs=0.04)
    # streams of random numbers differ
    assert len(np.unique(counts, axis=0)) > 19_990


def test_a_group_with_stimuli_of_two_labels_is_drawn_as_one():
    plan = simple(40, label=np.tile(["with", "without"], 20), group=np.repeat(np.arange(20), 2))
    assert plan.groups == 20
    assert plan.groups_of_label.tolist() == [20, 20]
    both = np.repeat(np.random.default_rng(0).normal(size=20), 2)[:, None]
    opposed = both * np.tile([1, -1], 20)[:, None]
    means = inference.resample(plan, 200, np.random.default_rng(0)).means(np.hstack([both, opposed]))
    # what a group has in both labels adds up, or cancels to the last digit
    assert means.draws[:, 0].std() > 0.1
    assert np.abs(means.draws[:, 1]).max() < 1e-12


def test_draws_do_not_depend_on_columns_or_on_what_is_kept(monkeypatch):
    plan = simple(50, label=np.repeat(["a", "b"], 25), group=np.arange(50) // 3)
    columns = np.random.default_rng(0).lognormal(size=(50, 7))
    sample = inference.resample(plan, 300, np.random.default_rng(3))
    together = sample.means(columns).draws
    alone = np.hstack([sample.means(column[:, None]).draws for column in columns.T])
    assert together.tobytes() == alone.tobytes()
    monkeypatch.setattr("deeplocalizer.inference.resampling.KEPT", 0)
    monkeypatch.setattr("deeplocalizer.inference.resampling.BLOCK", 6400)
    anew = inference.Resamples(plan, 300, sample.seed).means(columns)
    assert anew.draws.tobytes() == together.tobytes()
    # more resamples begin with the same ones
    more = inference.Resamples(plan, 500, sample.seed).means(columns)
    assert more.draws[:300].tobytes() == together.tobytes()


SCRIPT = """
import hashlib, numpy as np
from deeplocalizer import inference
rng = np.random.default_rng(0)
label = np.repeat(["a", "b", "c"], 200)
plan = inference.design(label, label, rng.integers(0, 150, size=600).astype(str))
columns = np.hstack([rng.normal(size=(600, 40)), rng.lognormal(size=(600, 40)) * 1e-9])
found = inference.intervals(inference.resample(plan, 1000, rng).means(columns), 0.95)
flips = inference.sign_flips(plan, columns, 500, rng)
print(hashlib.sha256(found.low.tobytes() + found.high.tobytes() + flips.tobytes()).hexdigest())
"""


def test_results_are_the_same_bit_for_bit_for_any_number_of_threads():
    def run(threads):
        environment = dict(os.environ) | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        return subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True).stdout

    assert run("1") == run("2") == run("3")


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50), st.randoms(use_true_random=False))
def test_whole_numbers_add_up_in_any_order(values, random):
    column = np.array(values)[:, None]
    rounded, shift = whole(column, len(values))
    mixed = rounded[:, 0].tolist()
    random.shuffle(mixed)
    forward, backward = 0.0, 0.0
    for one, other in zip(rounded[:, 0].tolist(), mixed, strict=True):
        forward, backward = forward + one, backward + other
    assert forward == backward
    assert np.abs(rounded).sum() <= 2**53
    peak = np.abs(column).max()
    np.testing.assert_allclose(np.ldexp(rounded, -shift), column, rtol=0, atol=peak * len(values) * 2.0**-51)


def test_outcomes_of_few_digits_are_exact():
    counts = np.random.default_rng(0).integers(0, 4, size=(9, 49)).astype(float)
    outcomes = np.random.default_rng(1).integers(0, 2, size=(49, 3)).astype(float)
    rounded, shift = whole(outcomes, 49 * 4)
    assert (np.ldexp(counts @ rounded, -shift) == counts @ outcomes).all()


def test_labels_that_are_one_group_each_are_replicates_of_each_other():
    """Identities of several images each: a bootstrap of the identities' means."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 6, size=12)
    identity = np.repeat(np.arange(12), sizes)
    outcome = rng.normal(size=12)[identity] + rng.normal(size=len(identity))
    plan = simple(len(identity), label=identity.astype(str), group=identity)
    means = inference.resample(plan, 30_000, np.random.default_rng(1)).means(outcome[:, None])
    of_identity = np.bincount(identity, weights=outcome) / sizes
    assert means.observed == pytest.approx(of_identity.mean())
    assert means.draws.std() == pytest.approx(of_identity.std() / np.sqrt(12), rel=0.02)
    expected = (of_identity.sum() - of_identity) / 11
    assert sorted(means.jackknife[:, 0]) == pytest.approx(sorted(expected))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_outcomes_that_are_not_finite_are_refused_by_name(wrong):
    sample = inference.resample(simple(4), 10, np.random.default_rng(0))
    columns = np.zeros((4, 3))
    columns[2, 1] = wrong
    with pytest.raises(ValueError, match=f"column 1 is {wrong} at stimulus 2"):
        sample.means(columns)
    with pytest.raises(ValueError, match=r"of 4 stimuli; given are \(3, 1\)"):
        sample.means(np.zeros((3, 1)))


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="asked for are 0"):
        inference.resample(simple(4), 0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="given are 0 categories"):
        simple(0)
    with pytest.raises(ValueError, match="3 labels"):
        inference.design(np.array(["a"]), np.array(["a", "b", "c"]), np.array(["a"]))
