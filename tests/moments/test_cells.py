"""Moments are exact, mergeable and safe for large means."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import moments, units


def by_hand(values, cell, cells):
    groups = [values[cell == c].astype(np.float64) for c in range(cells)]
    mean = np.stack([g.mean(axis=0) if len(g) else np.zeros(values.shape[1]) for g in groups])
    m2 = np.stack([g.var(axis=0) * len(g) if len(g) else np.zeros(values.shape[1]) for g in groups])
    return np.array([len(g) for g in groups]), mean, m2


@settings(max_examples=50, deadline=None)
@given(
    count=st.integers(1, 60),
    cut=st.integers(1, 20),
    seed=st.integers(0, 10_000),
    shift=st.sampled_from([0.0, 1e3, -1e4]),
)
def test_blocks_merge_to_the_whole(count, cut, seed, shift):
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(count, 7)) + shift).astype(np.float32)
    cell = rng.integers(0, 3, count)
    total = None
    for start in range(0, count, cut):
        part = moments.of(values[start : start + cut], cell[start : start + cut], 3)
        total = part if total is None else moments.merge(total, part)
    expected = by_hand(values, cell, 3)
    np.testing.assert_array_equal(total.count, expected[0])
    np.testing.assert_allclose(total.mean, expected[1], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(total.m2, expected[2], rtol=1e-8, atol=1e-8)


def test_a_unit_that_wakes_late_keeps_its_variance():
    # silent in the first block, then mean/sd of 1e4: sums shifted by the first block's mean lose this
    rng = np.random.default_rng(0)
    values = np.concatenate([np.zeros((64, 1)), rng.normal(1e4, 1, size=(640, 1))]).astype(np.float32)
    cell = np.repeat([0, 1], [64, 640])
    total = None
    for start in range(0, len(values), 64):
        part = moments.of(values[start : start + 64], cell[start : start + 64], 2)
        total = part if total is None else moments.merge(total, part)
    exact = values[64:].astype(np.float64).var() * 640
    assert total.m2[1, 0] == pytest.approx(exact, rel=1e-9)


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    values, cell = rng.normal(size=(200, 3)), rng.integers(0, 8, 200)
    layout = units.table([units.Layer("a", 0, (3,))], ["mean"])
    return (
        values,
        cell,
        moments.table(moments.of(values, cell, 8), layout, ["x", "y"], ["localize", "test"], 2),
    )


def test_cells_keep_their_labels(table):
    values, cell, labelled = table
    # category y, split localize, fold 1 is cell (1 * 2 + 0) * 2 + 1
    chosen = labelled.sel(category="y", split="localize", fold=1)
    np.testing.assert_allclose(chosen["mean"], values[cell == 5].mean(axis=0))
    assert int(chosen["count"]) == np.sum(cell == 5)


def test_pooling_is_the_same_as_computing_together(table):
    values, cell, labelled = table
    pooled = moments.pool(labelled, ["x", "y"], ["localize"])
    together = values[np.isin(cell, [0, 1, 4, 5])]
    np.testing.assert_allclose(pooled["mean"], together.mean(axis=0))
    np.testing.assert_allclose(pooled["m2"], together.var(axis=0) * len(together))
    assert int(pooled["count"]) == len(together)
    half = moments.pool(labelled, ["x"], ["test"], [1])
    np.testing.assert_allclose(half["mean"], values[cell == 3].mean(axis=0))


def test_what_was_not_recorded_is_named(table):
    with pytest.raises(KeyError, match="category 'z' was not recorded; recorded are x, y"):
        moments.pool(table[2], ["z"], ["localize"])
    with pytest.raises(KeyError, match="split 'train'"):
        moments.pool(table[2], ["x"], ["train"])
    assert isinstance(table[2], xr.Dataset)


def test_adding_a_block_is_bitwise_merging_its_moments_whatever_the_slab(monkeypatch):
    rng = np.random.default_rng(2)
    blocks = [(rng.normal(3, 1, (20, 50)).astype(np.float32), rng.integers(0, 5, 20)) for _ in range(4)]
    merged = None
    for values, cell in blocks:
        part = moments.of(values, cell, 6)
        merged = part if merged is None else moments.merge(merged, part)
    for slab in (7, 50, 8192):
        monkeypatch.setattr(moments.cells, "SLAB", slab)
        added = moments.empty(6, 50)
        for values, cell in blocks:
            moments.add(added, values, cell)
        for name in ("count", "mean", "m2"):
            np.testing.assert_array_equal(getattr(added, name), getattr(merged, name))
    assert added.count[5] == 0
    assert not added.mean[5].any()


def test_a_million_units_cost_little_more_than_their_moments():
    values, cell = np.ones((32, 1_000_000), np.float32), np.arange(32) % 2
    where = units.table([units.Layer("a", 0, (1_000_000,))], ["mean"])
    total = moments.empty(2, 1_000_000)
    tracemalloc.start()
    moments.add(total, values, cell)
    labelled = moments.table(total, where, ["x", "y"], ["s"], 1)
    # nothing like the 256 MB of the block in float64, nor a second copy of the moments
    assert tracemalloc.get_traced_memory()[1] < 8e6
    assert np.shares_memory(labelled["mean"].values, total.mean)
    moments.pool(labelled, ["x", "y"], ["s"])
    assert tracemalloc.get_traced_memory()[1] < 5.5 * 8e6  # five arrays of a float64 for each unit
    tracemalloc.stop()


def test_pooling_of_no_stimuli_is_zero(table):
    none = moments.pool(table[2].isel(category=[0]) * 0, ["x"], ["test"])
    assert int(none["count"]) == 0
    assert not none["mean"].any()
    assert int(moments.pool(table[2], ["x", "y"], ["test"], [])["count"]) == 0
