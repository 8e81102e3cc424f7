"""A target against its controls, over stimuli and masks: closed forms of two crossed factors."""

import numpy as np
import pytest

from deeplocalizer import inference
from tests.inference.designs import simple


def resampled(target, controls, number=4000, seed=0):
    """Cross a target (stimulus,) with controls (stimulus, mask)."""
    stimuli = inference.resample(simple(len(target)), number, np.random.default_rng(seed))
    masks = inference.resample(simple(controls.shape[1]), number, np.random.default_rng(seed + 1))
    difference = target - controls.mean(axis=1)
    return inference.crossed(stimuli.means(difference[:, None]), masks.means(controls.mean(axis=0)[:, None]))


def test_masks_that_are_alike_leave_the_bootstrap_over_stimuli():
    rng = np.random.default_rng(0)
    target, control = rng.normal(size=(2, 30))
    sample = inference.resample(simple(30), 500, np.random.default_rng(0))
    difference = sample.means((target - control)[:, None])
    both = resampled(target, np.tile(control, (9, 1)).T, number=500)
    np.testing.assert_allclose(both.draws, difference.draws, atol=1e-12)
    np.testing.assert_allclose(both.jackknife[:30], difference.jackknife, atol=1e-12)
    assert np.ptp(both.jackknife[30:]) < 1e-12


def test_stimuli_that_are_alike_leave_the_bootstrap_over_masks():
    masks = np.random.default_rng(0).gamma(1.0, size=25)
    both = resampled(np.full(40, 3.0), np.tile(masks, (40, 1)), number=20_000)
    alone = inference.resample(simple(25), 20_000, np.random.default_rng(5)).means(3 - masks[:, None])
    np.testing.assert_allclose(both.jackknife[40:], alone.jackknife, atol=1e-12)
    ours, expected = (inference.intervals(means, 0.95)[0] for means in (both, alone))
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=0.03)


def test_the_spread_of_resamples_adds_both_factors():
    """Given the data, the variances of rows and of columns, each over its number; what is left counts in both."""
    rng = np.random.default_rng(2)
    stimuli, masks = 60, 40
    controls = rng.normal(size=(stimuli, 1)) + 0.5 * rng.normal(size=masks) + 2 * rng.normal(size=(stimuli, masks))
    both = resampled(np.zeros(stimuli), controls, number=40_000)
    expected = controls.mean(axis=1).var() / stimuli + controls.mean(axis=0).var() / masks
    assert both.draws.var() == pytest.approx(expected, rel=0.04)
    assert both.observed[0] == pytest.approx(-controls.mean())


def test_what_does_not_fit_is_refused():
    sample = inference.resample(simple(5), 10, np.random.default_rng(0))
    with pytest.raises(ValueError, match="as many resamples and columns of stimuli as of masks"):
        inference.crossed(sample.means(np.zeros((5, 2))), sample.means(np.zeros((5, 1))))
