"""A conjunction is what its pairs of categories give, one by one, and keeps its level."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from deeplocalizer import contrast
from tests.contrast.made import CATEGORIES, recorded, responses

SIDES = {"preferred": ["faces", "scenes"], "other": ["objects", "digits"], "each": True}
PAIRS = list(itertools.product(SIDES["preferred"], SIDES["other"]))
DECIDED = ("difference", "t", "d", "g", "dprime", "selectivity_index")


def planted(seed=2):
    """Some units win every pair, some lose every pair, most do neither."""
    values, category, fold = responses(seed, 60)
    values += 2.0 * np.where(np.arange(60) < 15, np.isin(category, SIDES["preferred"])[:, None], 0)
    values += 2.0 * np.where(np.arange(60) >= 45, np.isin(category, SIDES["other"])[:, None], 0)
    return values, category, fold


@pytest.fixture(scope="module")
def tables():
    made = recorded(*planted())
    pairs = {f"{one}-{two}": {"preferred": [one], "other": [two]} for one, two in PAIRS}
    return contrast.welch(made, {"c": SIDES}).sel(contrast="c"), contrast.welch(made, pairs)


def test_the_p_of_a_direction_is_the_largest_of_the_pairs(tables):
    got, pairs = tables
    np.testing.assert_allclose(got["log10_p_greater"], pairs["log10_p_greater"].max("contrast"), rtol=1e-12)
    values, category, _ = planted()
    p = [
        scipy.stats.ttest_ind(
            values[category == one], values[category == two], equal_var=False, alternative="greater"
        ).pvalue
        for one, two in PAIRS
    ]
    np.testing.assert_allclose(got["log10_p_greater"], np.log10(np.max(p, axis=0)), rtol=1e-7, atol=1e-15)


def test_two_sided_it_is_twice_the_smaller_p_of_both_directions(tables):
    got, pairs = tables
    greater = 10 ** pairs["log10_p_greater"].values
    smaller = np.minimum(greater.max(axis=0), (1 - greater).max(axis=0))
    expected = np.log10(np.minimum(1, 2 * smaller))
    near = smaller > 1e-5  # 1 - p loses the digits of what is smaller
    assert near.sum() > 20
    np.testing.assert_allclose(got["log10_p"].values[near], expected[near], rtol=1e-6, atol=1e-12)
    assert (got["log10_p"].values[~near] < -4).all()


def test_where_all_pairs_agree_one_of_them_decides_everything(tables):
    got, pairs = tables
    won, lost = ((sign * pairs["t"].values > 0).all(axis=0) for sign in (1, -1))
    assert min(won.sum(), lost.sum(), (~won & ~lost).sum()) > 5
    for unit in np.flatnonzero(won | lost):
        deciding = int(np.argmax(pairs["log10_p"].values[:, unit]))
        for name in (*DECIDED, "df"):
            assert got[name].values[unit] == pytest.approx(pairs[name].values[deciding, unit], rel=1e-12), name
        largest = pairs["log10_p_least"].values[:, unit].max()
        assert got["log10_p_least"].values[unit] == pytest.approx(largest, rel=1e-12)
    for side in ("greater", "less"):
        largest = pairs[f"log10_p_least_{side}"].max("contrast")
        np.testing.assert_allclose(got[f"log10_p_least_{side}"], largest, rtol=1e-12)
    apart = ~won & ~lost
    for name in (*DECIDED, "log10_p", "log10_p_least", "log10_q"):
        assert (got[name].values[apart] == 0).all(), name
    assert (got["log10_p_greater"].values[apart] >= math.log10(0.5)).all()


def test_a_unit_must_win_every_pair(tables):
    got, pairs = tables
    assert ((got["t"].values > 0) == (pairs["t"].values > 0).all(axis=0)).all()
    # pooled, scenes and faces may win on average though one of them loses
    pooled = contrast.compare(recorded(*planted()), {**SIDES, "each": False})
    assert ((pooled.t > 0) & (got["t"].values == 0)).any()


def test_one_pair_is_no_conjunction():
    made = recorded(*planted())
    sides = {"preferred": ["faces"], "other": ["digits"]}
    got = contrast.welch(made, {"each": {**sides, "each": True}, "pooled": sides})
    for name in (*DECIDED, "log10_p", "log10_q", "df"):
        np.testing.assert_array_equal(got[name][0], got[name][1])


def test_dead_and_constant_units_of_a_conjunction():
    category = np.repeat(CATEGORIES, 10)
    preferred = np.isin(category, SIDES["preferred"])
    values = np.stack([np.ones(40), preferred, category == "faces", preferred + np.arange(40) % 3], axis=1).astype(
        float
    )
    got = contrast.compare(recorded(values, category, np.arange(40) % 4), SIDES)
    assert got.dead.tolist() == [True, False, False, False]
    assert got.constant.tolist() == [False, True, True, False]
    assert got.t[0] == got.t[2] == 0
    assert got.t[1] > 1e3
    assert all(np.isfinite(getattr(got, name)).all() for name in (*DECIDED, "df", "log10_p", "log10_p_greater"))


def test_its_level_holds_where_all_but_one_pair_are_won():
    rng = np.random.default_rng(12)
    category = np.repeat(CATEGORIES, 25)
    shift = np.select([category == "faces", category == "scenes", category == "objects"], [9.0, 1.0, 1.0], -9.0)
    values = rng.normal(size=(100, 4000)) + shift[:, None]
    got = contrast.compare(recorded(values, category, np.arange(100) % 4), SIDES)
    # only scenes against objects is null, so the largest p is its own
    rate = (got.log10_p_greater <= math.log10(0.05)).mean()
    assert rate == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 4000))


def test_counts_and_reliability_are_of_all_its_categories(tables):
    got, _ = tables
    assert (int(got["n_preferred"]), int(got["n_other"])) == (70, 120)
    made = recorded(*planted())
    halves = [contrast.compare(made, SIDES, folds).d for folds in ([0, 2], [1, 3])]
    assert float(got["reliability"]) == pytest.approx(np.corrcoef(*halves)[0, 1])
