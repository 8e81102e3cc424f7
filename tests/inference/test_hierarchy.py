"""A target against its controls, over stimuli and masks: closed forms of the two-factor bootstrap."""

import numpy as np
import pytest

from deeplocalizer import inference
from tests.inference.designs import simple


def resampled(target, controls, number=4000, seed=0):
    sample = inference.resample(simple(len(target)), number, np.random.default_rng(seed))
    rng = np.random.default_rng(seed + 1)
    return inference.hierarchical(sample.means(target[:, None]), sample.means(controls), rng)


def test_masks_that_are_alike_leave_the_bootstrap_over_stimuli():
    rng = np.random.default_rng(0)
    target, control = rng.normal(size=(2, 30))
    sample = inference.resample(simple(30), 500, np.random.default_rng(0))
    difference = sample.means((target - control)[:, None])
    both = inference.hierarchical(sample.means(target[:, None]), sample.means(np.tile(control, (9, 1)).T), rng)
    np.testing.assert_allclose(both.draws, difference.draws, atol=1e-12)
    np.testing.assert_allclose(both.jackknife[:30], difference.jackknife, atol=1e-12)
    plain, hierarchical = (inference.intervals(means, 0.95)[0] for means in (difference, both))
    assert (hierarchical.low, hierarchical.high) == pytest.approx((plain.low, plain.high))


def test_stimuli_that_are_alike_leave_the_bootstrap_over_masks():
    masks = np.random.default_rng(0).gamma(1.0, size=25)
    both = resampled(np.full(40, 3.0), np.tile(masks, (40, 1)), number=20_000)
    alone = inference.resample(simple(25), 20_000, np.random.default_rng(5)).means(3 - masks[:, None])
    np.testing.assert_allclose(both.jackknife[40:], alone.jackknife, atol=1e-12)
    ours, expected = (inference.intervals(means, 0.95)[0] for means in (both, alone))
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_the_spread_of_resamples_is_that_of_two_crossed_factors():
    """Given the data, the variances of rows, of columns and of what is left, each over its number."""
    rng = np.random.default_rng(2)
    stimuli, masks = 60, 40
    controls = rng.normal(size=(stimuli, 1)) + 0.5 * rng.normal(size=masks) + 2 * rng.normal(size=(stimuli, masks))
    both = resampled(np.zeros(stimuli), controls, number=40_000)
    of_rows, of_columns = controls.mean(axis=1), controls.mean(axis=0)
    cells = controls - of_rows[:, None] - of_columns + controls.mean()
    expected = of_rows.var() / stimuli + of_columns.var() / masks + cells.var() / (stimuli * masks)
    assert both.draws.var() == pytest.approx(expected, rel=0.04)
    assert both.observed[0] == pytest.approx(-controls.mean())


def test_columns_that_do_not_fit_are_refused():
    sample = inference.resample(simple(5), 10, np.random.default_rng(0))
    one, two = sample.means(np.zeros((5, 1))), sample.means(np.zeros((5, 2)))
    for target, controls in ((two, two), (one, one)):
        with pytest.raises(ValueError, match="one column of a target and two or more of controls"):
            inference.hierarchical(target, controls, np.random.default_rng(0))
