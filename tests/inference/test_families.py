"""Families against statsmodels, brute force and simulation."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from deeplocalizer import inference, reach


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p):
    adjusted = inference.holm(np.array(p))
    np.testing.assert_allclose(adjusted, multipletests(p, method="holm")[1], atol=1e-15)


def test_holm_of_a_published_example():
    # Holm's step-down by hand: 4 x .01, 3 x .02, 2 x .03, 1 x .04, made monotone
    assert inference.holm(np.array([0.01, 0.04, 0.03, 0.02])).tolist() == pytest.approx([0.04, 0.06, 0.06, 0.06])
    with pytest.raises(ValueError, match="between 0 and 1"):
        inference.holm(np.array([0.5, np.nan]))


def closed(rows):
    """Give adjusted p by testing every set of hypotheses with its maximum: what a step-down must equal."""
    standard = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    columns = range(rows.shape[1])
    sets = [s for size in range(1, rows.shape[1] + 1) for s in combinations(columns, size)]
    p = {s: np.mean(standard[:, s].max(axis=1) >= standard[0, s].max() - 1e-9) for s in sets}
    return [max(p[s] for s in sets if column in s) for column in columns]


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(2, 30))
def test_the_maximum_is_closed_testing_by_brute_force(seed, comparisons, controls):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(controls + 1, comparisons)) + rng.normal(size=(controls + 1, 1))
    rows[0] += rng.choice([0, 2], size=comparisons)
    assert inference.maximum(rows[0], rows[1:]).tolist() == pytest.approx(closed(rows))


def test_the_maximum_of_one_comparison_is_its_rank():
    rng = np.random.default_rng(0)
    for _ in range(20):
        target, controls = rng.normal(), rng.integers(-2, 3, size=30).astype(float)
        assert inference.maximum(np.array([target]), controls[:, None])[0] == inference.rank_p(target, controls)


def test_scales_do_not_matter():
    rng = np.random.default_rng(0)
    targets, controls = rng.normal(size=4) + 1, rng.normal(size=(50, 4))
    scale, shift = np.array([1e-6, 1, 30, 1e5]), np.array([0, 5, -3, 1e4])
    found = inference.maximum(targets * scale + shift, controls * scale + shift)
    assert found.tolist() == inference.maximum(targets, controls).tolist()


def test_ties_count_against_the_target():
    assert inference.maximum(np.zeros(3), np.zeros((20, 3))).tolist() == [1, 1, 1]
    # a comparison that tells nothing does not spoil the others
    controls = np.column_stack([np.arange(19.0), np.full(19, 7.0)])
    assert inference.maximum(np.array([50.0, 7.0]), controls).tolist() == [0.05, 1]


@pytest.mark.parametrize("adjust", ["holm", "maximum"])
@pytest.mark.parametrize("comparisons", [1, 3, 8])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_as_many_controls_as_are_needed_reach_the_level_and_one_fewer_do_not(adjust, comparisons, alpha):
    def smallest(controls):
        targets, drawn = np.full(comparisons, 1e6), np.random.default_rng(0).normal(size=(controls, comparisons))
        if adjust == "maximum":
            return inference.maximum(targets, drawn).min()
        return inference.holm(
            np.array([inference.rank_p(one, column) for one, column in zip(targets, drawn.T, strict=True)])
        ).min()

    least = reach.least_controls(alpha, comparisons, adjust)
    assert smallest(least) <= alpha < smallest(least - 1)


@given(st.integers(1, 1000), st.integers(1, 50))
def test_the_least_number_of_controls_is_exact(thousandths, comparisons):
    if thousandths == 1000:
        return
    least = reach.least_controls(thousandths / 1000, comparisons, "holm")
    assert Fraction(comparisons, 1 + least) <= Fraction(thousandths, 1000)
    assert least == 0 or Fraction(comparisons, least) > Fraction(thousandths, 1000)


def test_mistakes_are_refused_by_name():
    with pytest.raises(ValueError, match="no adjustment 'sidak'"):
        reach.least_controls(0.05, 3, "sidak")
    with pytest.raises(ValueError, match="given is 5"):
        reach.least_controls(5, 3, "holm")
    with pytest.raises(ValueError, match="given are 0"):
        reach.least_controls(0.05, 0, "holm")
    with pytest.raises(ValueError, match=r"given are \(2,\) and \(9, 3\)"):
        inference.maximum(np.zeros(2), np.zeros((9, 3)))
    with pytest.raises(ValueError, match="must be finite"):
        inference.maximum(np.array([np.nan]), np.zeros((9, 1)))
