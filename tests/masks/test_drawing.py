"""Random controls match the target and are drawn uniformly."""

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import masks


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


def test_controls_of_a_million_units_are_drawn_in_seconds():
    # the number of such masks has more digits than can be written down
    selected, strata = np.arange(1_000_000) < 10_000, np.arange(1_000_000) % 16
    drawn = masks.random_matched(selected, np.ones(1_000_000, bool), strata, 3, np.random.default_rng(0))
    for stratum in range(16):
        assert (drawn[:, strata == stratum].sum(axis=1) == 625).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), bins=st.integers(1, 6), levels=st.sampled_from([2, 5, 1000]))
def test_binned_strata_match_responses_and_leave_room(seed, bins, levels):
    rng = np.random.default_rng(seed)
    strata, eligible = rng.integers(0, 3, 120), rng.random(120) < 0.9
    response = rng.integers(0, levels, 120).astype(float)
    selected = eligible & (rng.random(120) < 0.3)
    found = masks.binned(strata, eligible, selected, response, bins)
    assert not found[~eligible].any()
    for stratum in range(3):
        inside = eligible & (strata == stratum)
        numbers = np.unique(found[inside])
        assert 1 <= len(numbers) <= bins
        assert not np.isin(found[eligible & (strata != stratum)], numbers).any()
        spans = [(response[found == number].min(), response[found == number].max()) for number in numbers]
        assert all(low[1] < high[0] for low, high in itertools.pairwise(sorted(spans)))
        held = (selected & inside).sum()
        if len(numbers) > 1:
            assert all((found == n).sum() >= max(5, 2 * held) for n in numbers)
    # which units the target holds plays no part, only how many
    other = np.zeros(120, dtype=bool)
    for stratum in range(3):
        inside = np.flatnonzero(eligible & (strata == stratum))
        other[rng.choice(inside, selected[inside].sum(), replace=False)] = True
    np.testing.assert_array_equal(masks.binned(strata, eligible, other, response, bins), found)


def test_bins_are_quantiles_merged_where_the_target_could_fill_them():
    response = np.random.default_rng(0).permutation(100).astype(float)
    none = np.zeros(100, dtype=bool)
    found = masks.binned(np.zeros(100, int), ~none, none, response, 10)
    np.testing.assert_array_equal(found, 1 + response.astype(int) // 10)
    # 5 units fill no more than half of a bin of 10; 15 take bins of 30, and what is left at the bottom is 40
    found = masks.binned(np.zeros(100, int), ~none, response >= 95, response, 10)
    np.testing.assert_array_equal(found, 1 + response.astype(int) // 10)
    found = masks.binned(np.zeros(100, int), ~none, response >= 85, response, 10)
    np.testing.assert_array_equal(found, 1 + np.maximum(response.astype(int) - 10, 0) // 30)
    found = masks.binned(np.zeros(100, int), ~none, response >= 45, response, 10)
    assert (found == 1).all()
    with pytest.raises(ValueError, match="bins is 0; expected 1 or more"):
        masks.binned(np.zeros(100, int), ~none, none, response, 0)


@pytest.mark.parametrize("response", [None, "bins"])
def test_the_rank_among_controls_is_a_valid_p(response):
    # a target that is chosen by chance from its own bins: its p is uniform on 1/20, 2/20, ...
    rng = np.random.default_rng(5)
    strata = np.repeat([0, 1], [60, 90])
    harm = rng.exponential(size=150)
    size = rng.random(150) if response else np.zeros(150)
    everything, p = np.ones(150, bool), []
    fine = masks.binned(strata, everything, np.zeros(150, bool), size, 3)
    for _ in range(400):
        selected = np.zeros(150, bool)
        for number in np.unique(fine):
            selected[rng.choice(np.flatnonzero(fine == number), 3, replace=False)] = True
        places = masks.binned(strata, everything, selected, size, 3)
        drawn = masks.random_matched(selected, everything, places, 19, rng)
        p.append((1 + np.sum(drawn @ harm >= selected @ harm)) / 20)
    counts = np.bincount(np.round(20 * np.array(p)).astype(int), minlength=21)[1:]
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(("units", "held", "power"), [(20, 3, 6), (20, 6, 1), (20, 6, -6), (30, 6, 6), (40, 12, 6)])
def test_the_rank_among_controls_of_tiny_layers_is_a_valid_p(units, held, power):
    # the harm of a unit follows its response: bins that depended on the target would tell it from its controls
    harm = np.arange(1.0, units + 1) ** power
    everything, p = np.ones(units, bool), []
    for run in range(2000):
        rng = np.random.default_rng([units, held, run])
        selected = np.zeros(units, bool)
        selected[rng.choice(units, held, replace=False)] = True
        places = masks.binned(np.zeros(units, int), everything, selected, np.arange(units), 10)
        if masks.drawing.possible(selected, everything, places, 19) < 19:
            p.append(1.0)
            continue
        drawn = masks.random_matched(selected, everything, places, 19, rng)
        p.append((1 + np.sum(drawn @ harm >= selected @ harm)) / 20)
    for level in (0.05, 0.1, 0.2):
        assert np.mean(np.array(p) <= level) <= level + 3 * np.sqrt(level * (1 - level) / len(p))


def test_all_masks_are_found_when_all_are_asked_for():
    selected = np.array([True, True, False, False, False])
    drawn = masks.random_matched(selected, np.ones(5, bool), np.zeros(5, int), 10, np.random.default_rng(0))
    assert {tuple(np.flatnonzero(mask)) for mask in drawn} == set(itertools.combinations(range(5), 2))
    with pytest.raises(ValueError, match="only 10 different control masks match the target; 11 were asked for"):
        masks.random_matched(selected, np.ones(5, bool), np.zeros(5, int), 11, np.random.default_rng(0))
