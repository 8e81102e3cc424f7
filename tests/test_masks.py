"""Masks hold the best units; controls match them and are drawn uniformly."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import masks, units

RULE = {"contrast": "c", "statistic": "t", "sign": "positive", "fraction": 0.25, "scope": "network"}
TABLE = units.table([units.Layer("one", 0, (8,)), units.Layer("two", 0, (12,))], ["mean"])


def contrasts(t, dead=None):
    dead = np.zeros(20, dtype=bool) if dead is None else dead
    parts = {"t": (("contrast", "unit"), [t]), "dead": (("contrast", "unit"), [dead])}
    return xr.Dataset(parts, coords={"contrast": ["c"], **TABLE.coords}, attrs=TABLE.attrs)


T = np.random.default_rng(0).permutation(np.arange(20.0)) - 5


def select(t=T, dead=None, **changes):
    return masks.top_fraction(contrasts(t, dead).isel(contrast=0), RULE | changes)


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


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), share=st.floats(0.05, 0.6))
def test_controls_match_in_count_per_stratum_and_differ(seed, share):
    rng = np.random.default_rng(seed)
    strata, eligible = rng.integers(0, 3, 60), rng.random(60) < 0.9
    selected = eligible & (rng.random(60) < share)
    if selected.sum() < 3:
        return
    drawn = masks.random_matched(selected, eligible, strata, 20, rng)
    for stratum in range(3):
        assert (drawn[:, strata == stratum].sum(axis=1) == selected[strata == stratum].sum()).all()
    assert not drawn[:, ~eligible].any()
    assert len({mask.tobytes() for mask in drawn}) == 20


def test_controls_are_uniform_over_all_eligible_units_the_targets_own_included():
    selected = np.arange(30) < 6
    drawn = masks.random_matched(selected, np.ones(30, bool), np.zeros(30, int), 3000, np.random.default_rng(1))
    assert scipy.stats.chisquare(drawn.sum(axis=0)).pvalue > 1e-3
    assert drawn[:, :6].any()


def test_the_table_names_what_made_each_mask():
    table = masks.table(contrasts(T), {"a": RULE, "b": RULE | {"sign": "negative"}}, 7, seed=0)
    assert table.sizes["mask"] == 16
    assert table["mask"].values[[0, 1, 8]].tolist() == ["a", "a/random-00000", "b"]
    assert table["rule"].values[8] == "top 0.25 of the network by negative t"
    assert (table["selected"].sum("unit") == 5).all()
    again = masks.table(contrasts(T), {"b": RULE | {"sign": "negative"}}, 7, seed=0)
    # the controls of one localizer do not depend on which others there are
    np.testing.assert_array_equal(again["selected"].values, table["selected"].values[8:])


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="localizer 'a' selects none of 20 eligible units"):
        masks.table(contrasts(-np.abs(T) - 1), {"a": RULE}, 5, seed=0)
    with pytest.raises(ValueError, match="localizer 'a': only 220 different control masks .* 500 were asked for"):
        t = np.where(units.layer_names(TABLE) == "two", T + 100, -T - 100)
        masks.table(contrasts(t), {"a": RULE | {"fraction": 0.15}}, 500, seed=0)


def test_a_channel_under_two_reductions_counts_once():
    table = units.table([units.Layer("one", 0, (6, 2, 2)), units.Layer("two", 0, (4,))], ["mean", "max"])
    data = xr.Dataset({"t": ("unit", np.arange(16.0) + 1), "dead": ("unit", np.zeros(16, bool))}, coords=table.coords)
    eligible = masks.eligible_units(data)
    assert np.flatnonzero(eligible).tolist() == [0, 1, 2, 3, 4, 5, 12, 13, 14, 15]
    assert masks.top_fraction(data, RULE | {"fraction": 0.5}).sum() == 5


COUNT = {"contrast": "c", "statistic": "t", "sign": "positive", "count": 4, "scope": "network"}


def test_a_count_is_exactly_that_many():
    best = masks.top_fraction(contrasts(T).isel(contrast=0), COUNT)
    assert set(T[best]) == set(np.sort(T)[-4:])
    each = masks.top_fraction(contrasts(T).isel(contrast=0), COUNT | {"scope": "layer", "sign": "absolute"})
    layer = units.layer_names(TABLE)
    for name in ("one", "two"):
        assert set(np.abs(T[each & (layer == name)])) == set(np.sort(np.abs(T[layer == name]))[-4:])


def test_the_table_says_what_a_count_comes_to():
    dead = np.zeros(20, dtype=bool)
    dead[np.argsort(T)[:4]] = True
    localizers = {"a": COUNT, "b": COUNT | {"scope": "layer", "count": 2}}
    table = masks.table(contrasts(T, dead), localizers, 3, seed=0)
    assert table["rule"].values[[0, 4]].tolist() == [
        "top 4 units of the network by positive t",
        "top 2 units of each layer by positive t",
    ]
    np.testing.assert_allclose(table["fraction"], 4 / 16)
    assert (table["selected"].sum("unit") == 4).all()


def test_a_count_that_cannot_be_had_is_named():
    with pytest.raises(ValueError, match="localizer 'a': count is 15, but only 14 of 20 eligible units have a t that"):
        masks.table(contrasts(T), {"a": COUNT | {"count": 15}}, 3, seed=0)
    dead = units.layer_names(TABLE) == "one"
    dead[0] = False
    wanted = COUNT | {"scope": "layer", "count": 2, "sign": "absolute"}
    with pytest.raises(
        ValueError, match="count is 2, but only 1 of 1 eligible units of layer 'one' have a t that is not"
    ):
        masks.table(contrasts(np.abs(T) + 1, dead), {"a": wanted}, 3, seed=0)
    with pytest.raises(ValueError, match="only 0 of 20 eligible units have a t that is less than 0"):
        masks.table(contrasts(np.abs(T)), {"a": COUNT | {"sign": "negative"}}, 3, seed=0)


def test_controls_of_a_million_units_are_drawn_in_seconds():
    # the number of such masks has more digits than can be written down
    selected, strata = np.arange(1_000_000) < 10_000, np.arange(1_000_000) % 16
    drawn = masks.random_matched(selected, np.ones(1_000_000, bool), strata, 3, np.random.default_rng(0))
    for stratum in range(16):
        assert (drawn[:, strata == stratum].sum(axis=1) == 625).all()
