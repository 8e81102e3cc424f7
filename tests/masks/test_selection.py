"""Masks hold the units that a rule asks for."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from deeplocalizer import contrast, masks, units
from tests.masks.planted import COUNT, RULE, TABLE, T, contrasts


def select(t=T, dead=None, **changes):
    return masks.select(contrasts(t, dead).isel(contrast=0), RULE | changes)


def test_the_top_fraction_is_what_ranks_highest():
    assert set(T[select()]) == set(np.sort(T)[-5:])
    assert set(T[select(sign="negative")]) == set(np.sort(T)[:5])
    assert set(np.abs(T[select(sign="absolute")])) == set(np.sort(np.abs(T))[-5:])


def test_a_share_of_each_layer():
    mask = select(scope="layer")
    layer = units.layer_names(TABLE)
    assert [mask[layer == name].sum() for name in ("one", "two")] == [2, 3]


def test_dead_units_and_units_on_the_wrong_side_are_never_selected():
    dead = T > 10
    assert not (select(dead=dead) & dead).any()
    assert not select(t=-np.abs(T) - 1).any()
    assert select(t=-np.abs(T) - 1, sign="negative").sum() == 5


def test_ties_break_by_index():
    assert np.flatnonzero(select(t=np.ones(20))).tolist() == [0, 1, 2, 3, 4]


def test_a_channel_under_two_reductions_counts_once():
    table = units.table([units.Layer("one", 0, (6, 2, 2)), units.Layer("two", 0, (4,))], ["mean", "max"])
    data = xr.Dataset({"t": ("unit", np.arange(16.0) + 1), "dead": ("unit", np.zeros(16, bool))}, coords=table.coords)
    eligible = masks.eligible_units(data)
    assert np.flatnonzero(eligible).tolist() == [0, 1, 2, 3, 4, 5, 12, 13, 14, 15]
    assert masks.select(data, RULE | {"fraction": 0.5}).sum() == 5


def test_a_count_is_exactly_that_many():
    best = masks.select(contrasts(T).isel(contrast=0), COUNT)
    assert set(T[best]) == set(np.sort(T)[-4:])
    each = masks.select(contrasts(T).isel(contrast=0), COUNT | {"scope": "layer", "sign": "absolute"})
    layer = units.layer_names(TABLE)
    for name in ("one", "two"):
        assert set(np.abs(T[each & (layer == name)])) == set(np.sort(np.abs(T[layer == name]))[-4:])


def ranks(score, eligible):
    """Rank by brute force: the highest first, ties by index."""
    return sorted(np.flatnonzero(eligible), key=lambda unit: (-score[unit], unit))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000), ends=st.tuples(st.integers(0, 20), st.integers(0, 20)).filter(lambda e: e[0] != e[1])
)
def test_percentiles_and_ties_agree_with_brute_force(seed, ends):
    rng = np.random.default_rng(seed)
    t, dead = rng.integers(-3, 4, 20).astype(float), rng.random(20) < 0.2
    low, high = (5.0 * end for end in sorted(ends))
    order = ranks(t, ~dead)
    n = len(order)
    # the best of n has the rank 100, the worst 100 / n
    expected = {unit for place, unit in enumerate(order) if low * n < 100 * (n - place) <= high * n}
    rule = {key: value for key, value in RULE.items() if key != "fraction"} | {"percentile": [low, high]}
    found = masks.select(contrasts(t, dead).isel(contrast=0), rule)
    assert set(np.flatnonzero(found)) == expected
    top = masks.select(contrasts(t, dead).isel(contrast=0), RULE | {"fraction": high / 100})
    expected = order[: int(np.ceil(high * n / 100))]
    assert set(np.flatnonzero(top)) == {unit for unit in expected if t[unit] > 0}


def test_percentiles_of_each_layer_cut_it_into_disjoint_parts():
    found = []
    for low in (0, 25, 50, 75):
        rule = RULE | {"fraction": None, "percentile": [low, low + 25], "scope": "layer"}
        found.append(masks.select(contrasts(T).isel(contrast=0), rule))
    assert (np.sum(found, axis=0) == 1).all()
    layer = units.layer_names(TABLE)
    assert [[int(part[layer == name].sum()) for name in ("one", "two")] for part in found] == [[2, 3]] * 4
    with pytest.raises(ValueError, match=r"percentile is \[50, 50\]; expected 0 <= low < high <= 100"):
        masks.select(contrasts(T).isel(contrast=0), RULE | {"fraction": None, "percentile": [50, 50]})


def test_a_q_selects_all_on_its_side_and_says_how_many_came_near():
    q = np.linspace(0.001, 0.6, 20)
    t = np.where(np.arange(20) % 2, 3.0, -3.0)
    rule = RULE | {"fraction": None, "q": 0.1}
    rates = {f"log10_q{side}": np.log10(q) for side in ("", "_greater", "_less")}
    one = contrasts(t, **rates, log10_q_least_less=np.log10(q) / 2).isel(contrast=0)
    assert set(np.flatnonzero(masks.select(one, rule))) == {1, 3}
    assert set(np.flatnonzero(masks.select(one, rule | {"sign": "negative"}))) == {0, 2}
    assert set(np.flatnonzero(masks.select(one, rule | {"sign": "absolute"}))) == {0, 1, 2, 3}
    assert np.flatnonzero(masks.select(one, rule | {"sign": "negative", "least": True})).tolist() == [0]
    message = (
        "q is 0.01, but none of 20 eligible units has a q so low and a t that is greater than 0: 10 lie on that side, "
        "the lowest q there is 0.0325, and 2 have a q of at most 0.1"
    )
    with pytest.raises(ValueError, match=message):
        masks.select(one, rule | {"q": 0.01})


@pytest.mark.parametrize(("sign", "side"), [("positive", "greater"), ("negative", "less"), ("absolute", "two-sided")])
def test_a_q_is_that_of_the_signs_own_side(sign, side):
    # half of the units respond less: the two-sided q is low because of them, and lets false ones in on the other side
    rng = np.random.default_rng(1)
    one, two = rng.normal(size=(30, 300)), rng.normal(size=(30, 300))
    one[:, :150] -= 1.0
    one[:, 150:160] += 1.0
    test = scipy.stats.ttest_ind(one, two, equal_var=False, alternative=side)
    samples = [
        xr.Dataset({"count": 30, "mean": ("unit", x.mean(0)), "m2": ("unit", x.var(0) * 30)}) for x in (one, two)
    ]
    layout = units.table([units.Layer("one", 0, (300,))], ["mean"])
    found = contrast.two_samples(*samples).assign_coords(layout.coords)
    rule = {"statistic": "t", "sign": sign, "scope": "network", "q": 0.05}
    expected = multipletests(test.pvalue, 0.05, method="fdr_bh")[0]
    np.testing.assert_array_equal(masks.select(found, rule), expected)
    assert 5 < expected.sum() < 200


def test_an_area_is_neutral_at_one_half():
    auroc = np.linspace(0.05, 0.95, 20)
    one = contrasts(T, auroc=auroc).isel(contrast=0)
    rule = RULE | {"statistic": "auroc", "fraction": 0.9}
    assert set(np.flatnonzero(masks.select(one, rule))) == set(range(10, 20))
    assert set(np.flatnonzero(masks.select(one, rule | {"sign": "negative"}))) == set(range(10))
    assert masks.select(one, rule | {"sign": "absolute", "fraction": 0.1})[[0, 19]].all()


@pytest.mark.parametrize(
    ("statistic", "why"),
    [("auroc", "responses were not stored"), ("selectivity_index", "a mean response is negative")],
)
def test_a_statistic_that_is_not_known_is_named(statistic, why):
    values = np.linspace(0.1, 0.9, 20)
    values[[3, 9]] = np.nan
    dead = np.arange(20) == 3
    rule = RULE | {"statistic": statistic}
    with pytest.raises(
        ValueError, match=rf"{statistic} is not known for 1 of 19 eligible units \(first two:1\): .*{why}"
    ):
        masks.select(contrasts(T, dead, **{statistic: values}).isel(contrast=0), rule)
    with pytest.raises(ValueError, match=f"localizer 'a': {statistic} is not known"):
        masks.table(contrasts(T, **{statistic: values}), {"a": rule}, 2, seed=0)
    # nor is a dead unit's missing value a mistake
    dead[9] = True
    assert masks.select(contrasts(T, dead, **{statistic: values}).isel(contrast=0), rule).sum() == 5


def test_exactly_one_rule_is_asked_for():
    with pytest.raises(ValueError, match="expected exactly one of .*; given are fraction, q"):
        select(q=0.05)
    with pytest.raises(ValueError, match="given are none"):
        select(fraction=None)
