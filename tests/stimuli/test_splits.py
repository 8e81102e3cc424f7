"""Splits are exact where they can be, seeded, and never part a group."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer.stimuli.splits import deal

SHARES = {"train": 0.4, "localize": 0.2, "select": 0.2, "test": 0.2}


def test_a_hundred_faces_part_40_20_20_20():
    groups = [f"g{i}" for i in range(100)]
    split = deal(["faces"] * 100, groups, SHARES, np.random.default_rng(0))
    names, counts = np.unique(split, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {
        "localize": 20,
        "select": 20,
        "test": 20,
        "train": 40,
    }


@settings(max_examples=60, deadline=None)
@given(
    groups=st.lists(st.integers(0, 12), min_size=1, max_size=80),
    strata=st.integers(1, 3),
    seed=st.integers(0, 100),
)
def test_groups_never_part(groups, strata, seed):
    names = [str(g) for g in groups]
    stratum = [str(i % strata) for i in range(len(groups))]
    split = deal(stratum, names, SHARES, np.random.default_rng(seed))
    for group in set(names):
        assert len({split[i] for i, name in enumerate(names) if name == group}) == 1


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 200), seed=st.integers(0, 1000), strata=st.integers(1, 4))
def test_single_stimuli_part_exactly_within_each_stratum(count, seed, strata):
    stratum = np.array([str(i % strata) for i in range(count)])
    split = deal(stratum, [str(i) for i in range(count)], SHARES, np.random.default_rng(seed))
    for name in set(stratum):
        total = np.sum(stratum == name)
        for share, size in SHARES.items():
            assert abs(np.sum(split[stratum == name] == share) - size * total) < 1


def test_another_seed_deals_otherwise_and_the_same_seed_alike():
    args = (["a"] * 50, [str(i) for i in range(50)], SHARES)
    first, again, other = (deal(*args, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("sizes", [[10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]])
def test_a_large_group_takes_up_the_share_it_fills(sizes):
    groups = [str(g) for g, size in enumerate(sizes) for _ in range(size)]
    split = deal(["a"] * len(groups), groups, {"one": 0.5, "two": 0.5}, np.random.default_rng(0))
    assert np.sum(split == "one") == np.sum(split == "two") == 10


def test_small_strata_do_not_all_give_to_the_same_share():
    """Ten labels of three stimuli: together 12, 6, 6 and 6, though no label can be shared out evenly."""
    strata = [str(i % 10) for i in range(30)]
    split = deal(strata, [str(i) for i in range(30)], SHARES, np.random.default_rng(0))
    counts = {name: int(np.sum(split == name)) for name in SHARES}
    assert counts["train"] in (11, 12, 13)
    assert min(counts.values()) >= 5
    folds = deal(strata[:12], [str(i) for i in range(12)], {str(i): 1.0 for i in range(8)}, np.random.default_rng(0))
    assert np.bincount(folds.astype(int), minlength=8).max() <= 2
