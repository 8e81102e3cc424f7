"""Labels exchanged by whole folds: what is drawn, and what an exchange does to a contrast."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import moments, units
from deeplocalizer.contrast import compare, shuffling
from deeplocalizer.contrast.groups import Cells

CATEGORIES = ("a", "b", "c", "d")
LISTS = {"preferred": ["a", "b"], "other": ["c"], "each": False}
WEIGHTS = {"preferred": {"a": 3.0, "b": 1.0}, "other": {"c": 1.0, "d": 1.0}, "each": False}
EACH = {"preferred": ["a"], "other": ["c", "d"], "each": True}
UNITS = 12


def study(seed=0, folds=4, size=5, unequal=False):
    """Give responses, the category and fold of each stimulus, and their moments."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 9, len(CATEGORIES) * folds) if unequal else np.full(len(CATEGORIES) * folds, size)
    cell = np.repeat(np.arange(len(sizes)), sizes)
    responses = rng.normal(size=(len(cell), UNITS)) + np.arange(4)[cell // folds][:, None]
    where = units.table([units.Layer("one", 0, (UNITS,))], ["mean"])
    table = moments.table(moments.of(responses, cell, len(sizes)), where, CATEGORIES, ["localize"], folds)
    return responses, np.array(CATEGORIES)[cell // folds], cell % folds, table


@settings(max_examples=50, deadline=None)
@given(folds=st.integers(2, 20), count=st.integers(1, 80), mirrored=st.booleans(), seed=st.integers(0, 99))
def test_patterns_are_balanced_and_differ(folds, count, mirrored, seed):
    names = list(range(10, 10 + folds))
    found = shuffling.patterns(names, count, np.random.default_rng(seed), mirrored)
    total = math.comb(folds, folds // 2)
    if not mirrored and folds % 2 == 0:
        total //= 2
        assert not any(tuple(sorted({*names} - {*one})) in found for one in found)
    assert len(found) == len(set(found)) == min(count, total)
    assert all(len(one) == folds // 2 and {*one} <= {*names} and list(one) == sorted(one) for one in found)


def test_eight_folds_have_seventy_patterns_and_one_fold_none():
    rng = np.random.default_rng(0)
    assert set(shuffling.patterns(range(8), 1000, rng)) == set(itertools.combinations(range(8), 4))
    assert shuffling.patterns([3], 5, rng) == []
    # more than can be listed: drawn fold by fold
    many = shuffling.patterns(range(64), 50, rng)
    assert len(set(many)) == 50
    assert all(len(one) == 32 for one in many)


def test_flips_are_all_sets_of_folds_but_none():
    rng = np.random.default_rng(0)
    every = {one for size in range(1, 5) for one in itertools.combinations(range(4), size)}
    assert set(shuffling.flips(range(4), 100, rng)) == every
    assert set(shuffling.flips(range(4), 6, rng)) < every
    many = shuffling.flips(range(40), 300, rng)
    assert len(set(many)) == 300
    share = np.mean([len(one) for one in many]) / 40
    assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(300 * 40)


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("pattern", [(), (1,), (0, 3), (0, 1, 2, 3)])
def test_an_exchange_of_pooled_lists_is_welch_of_swapped_labels(pattern, unequal):
    responses, category, fold, table = study(unequal=unequal)
    sides = np.select([np.isin(category, ["a", "b"]), category == "c"], [1, -1], 0) * np.where(
        np.isin(fold, pattern), -1, 1
    )
    expected = scipy.stats.ttest_ind(responses[sides == 1], responses[sides == -1], equal_var=False).statistic
    np.testing.assert_allclose(shuffling.shuffled(table, LISTS, "t", pattern), expected, rtol=1e-10)


def test_an_exchange_of_a_conjunction_exchanges_every_comparison():
    responses, category, fold, table = study(seed=3)
    responses = responses.copy()
    pattern = (1, 2)
    found = shuffling.shuffled(table, EACH, "t", pattern)
    pairs = []
    for other in ("c", "d"):
        sides = np.select([category == "a", category == other], [1, -1], 0) * np.where(np.isin(fold, pattern), -1, 1)
        pairs.append(scipy.stats.ttest_ind(responses[sides == 1], responses[sides == -1], equal_var=False))
    t, p = (np.array([getattr(pair, name) for pair in pairs]) for name in ("statistic", "pvalue"))
    agree = (t > 0).all(axis=0) | (t < 0).all(axis=0)
    expected = np.where(agree, np.take_along_axis(t, p.argmax(axis=0)[None], 0)[0], 0)
    assert agree.any()
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def test_an_exchange_of_weights_is_the_weighted_difference_fold_by_fold():
    responses, category, fold, table = study(seed=4)
    weight = {"a": 0.75, "b": 0.25, "c": -0.5, "d": -0.5}
    pattern = (0, 2)
    expected = np.zeros(UNITS)
    for one in range(4):
        sign = -1 if one in pattern else 1
        expected += (
            sign / 4 * sum(w * responses[(category == n) & (fold == one)].mean(axis=0) for n, w in weight.items())
        )
    np.testing.assert_allclose(shuffling.shuffled(table, WEIGHTS, "difference", pattern), expected, rtol=1e-10)


@pytest.mark.parametrize("sides", [LISTS, WEIGHTS, EACH])
@pytest.mark.parametrize("name", ["t", "d", "g", "dprime", "difference"])
def test_to_exchange_the_other_folds_turns_the_map(sides, name):
    table = study(seed=5)[-1]
    one, two = (shuffling.shuffled(table, sides, name, pattern) for pattern in ((0, 1), (2, 3)))
    np.testing.assert_allclose(one, -two, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        shuffling.shuffled(table, sides, name, ()), getattr(compare(table, sides), name), rtol=1e-9
    )


@pytest.mark.parametrize("sides", [LISTS, WEIGHTS, EACH])
def test_balanced_exchanges_cancel_a_preference(sides):
    # categories differ by 1 to 3 standard deviations, the same in all folds
    table = study(seed=6, folds=8, size=60)[-1]
    real = np.abs(shuffling.shuffled(table, sides, "d", ()))
    rng = np.random.default_rng(0)
    found = [np.abs(shuffling.shuffled(table, sides, "d", one)) for one in shuffling.patterns(range(8), 10, rng)]
    assert real.mean() > 1
    assert np.mean(found) < 0.1


def test_only_the_folds_that_are_asked_for_enter():
    responses, category, fold, table = study()
    keep = fold < 2
    first, second = (responses[keep & np.isin(category, names)] for names in (["a", "b"], ["c"]))
    expected = scipy.stats.ttest_ind(first, second, equal_var=False).statistic
    np.testing.assert_allclose(shuffling.shuffled(table, LISTS, "t", (3,), [0, 1]), expected, rtol=1e-10)


def test_folds_without_a_side_are_not_exchanged():
    table = study()[-1]
    table["count"].values[2, 0, 1] = 0
    assert shuffling.shared_folds(table, LISTS) == [0, 2, 3]
    assert shuffling.shared_folds(table, {"preferred": ["a"], "other": ["d"]}) == [0, 1, 2, 3]


def test_mistakes_are_named():
    table = study(size=1)[-1]
    with pytest.raises(ValueError, match="1 stimuli of c in 1 folds; expected two or more"):
        shuffling.Exchanges(Cells(table), LISTS, [0]).contrasted()
    with pytest.raises(ValueError, match="statistic 'auroc' does not come from moments; those that do are t, d"):
        shuffling.shuffled(table, LISTS, "auroc", ())
