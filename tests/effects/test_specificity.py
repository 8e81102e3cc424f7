"""A mask against its random controls: stimuli and masks are both samples."""

import numpy as np
import pytest

from deeplocalizer import effects, inference
from deeplocalizer.effects.specificity import crossed, masks
from tests.effects.studies import BOTH, LOCALIZERS, SETTINGS, TASKS, study, value

STIMULI, MASKS, RESAMPLES = 40, 30, 1000


def world(rng, spread=(1.0, 0.3, 1.0)):
    """Harm of a target and of its controls: of stimuli, of masks, and of a stimulus under a mask; true advantage: 1."""
    stimulus, mask, both = spread
    target = 1 + rng.normal(size=STIMULI) * stimulus
    ease = rng.normal(size=STIMULI) * stimulus
    controls = ease + rng.normal(size=(MASKS, 1)) * mask + rng.normal(size=(MASKS, STIMULI)) * both
    return target, controls


def resampled(target, controls, seed=0):
    """Means of the advantage over stimuli, of the controls over masks, and both factors by `inference.hierarchical`."""
    alike = np.full(STIMULI, "one")
    plan = inference.design(alike, alike, np.arange(STIMULI).astype(str))
    boot = inference.resample(plan, RESAMPLES, np.random.default_rng(seed))
    stimuli = boot.means((target - controls.mean(axis=0))[:, None])
    over = masks(MASKS, {"resamples": RESAMPLES}, seed).means(controls.mean(axis=1)[:, None])
    pigeonhole = inference.hierarchical(
        boot.means(target[:, None]), boot.means(controls.T), np.random.default_rng(seed + 1)
    )
    return stimuli, over, pigeonhole


def test_both_factors_add_their_variances():
    target, controls = world(np.random.default_rng(0))
    stimuli, over, pigeonhole = resampled(target, controls)
    found = crossed(stimuli, over)
    assert found.observed == pytest.approx(target.mean() - controls.mean())
    # the bootstrap's variance of a mean is the plain variance over n, of each factor's means
    expected = (target - controls.mean(axis=0)).var() / STIMULI + controls.mean(axis=1).var() / MASKS
    error = expected * np.sqrt(2 / RESAMPLES)
    assert found.draws.var() == pytest.approx(expected, abs=4 * error)
    # resampling both at once counts what is particular to a stimulus under a mask once more
    residual = controls - controls.mean(axis=0) - controls.mean(axis=1, keepdims=True) + controls.mean()
    more = residual.var() / (STIMULI * MASKS)
    assert pigeonhole.draws.var() == pytest.approx(expected + more, abs=4 * error)
    assert found.jackknife.shape == (STIMULI + MASKS, 1)
    assert len(np.unique(found.home)) == 2


@pytest.mark.parametrize("method", ["bca", "basic", "percentile"])
def test_the_interval_is_wider_than_one_over_stimuli_alone(method):
    for seed in range(5):
        stimuli, over, _ = resampled(*world(np.random.default_rng(seed)), seed)
        alone, both = (inference.intervals(one, 0.95, method)[0] for one in (stimuli, crossed(stimuli, over)))
        assert both.high - both.low > alone.high - alone.low
    plain = effects.measure(study(BOTH), TASKS, LOCALIZERS, [], SETTINGS | {"interval": method}, seed=0)
    row = plain.sel(comparison="advantage/one/ab/raw", outcome="margin")
    assert str(row["method"].values).endswith("over stimuli and controls")
    assert float(row["low"]) < float(row["estimate"]) < float(row["high"])


def test_the_interval_covers_what_it_promises(capsys):
    """Over masks and stimuli drawn anew; where masks differ much, stimuli alone promise too much."""
    covered = np.zeros(2)
    number = 300
    for seed in range(number):
        stimuli, over, _ = resampled(*world(np.random.default_rng(seed), (0.5, 1.0, 1.0)), seed)
        for place, means in enumerate((stimuli, crossed(stimuli, over))):
            found = inference.intervals(means, 0.95)[0]
            covered[place] += found.low <= 1 <= found.high
    shares, error = covered / number, np.sqrt(0.05 * 0.95 / number)
    with capsys.disabled():
        print(f"\n95 % intervals over stimuli cover {shares[0]:.3f}, over both {shares[1]:.3f} +- {error:.3f}")
    assert abs(shares[1] - 0.95) <= 0.02 + 3 * error
    assert shares[0] < 0.85


def test_one_control_is_enough_for_an_interval():
    outcomes = study(BOTH)
    first = ["intact", "one0", "one1", "two0", "two1"]
    result = effects.measure(outcomes.sel(intervention=first), TASKS, LOCALIZERS, [], SETTINGS, seed=0)
    assert value(result, "advantage/one/ab/raw", name="p") == 0.5
    assert value(result, "advantage/one/ab/raw", name="low") < value(result, "advantage/one/ab/raw", name="high")


def test_masks_that_harm_nothing_get_a_bounded_advantage():
    perfect = {"ab": 2.0, "xy": 2.0}
    outcomes = study({"intact": perfect, "control": perfect, "one": perfect, "two": perfect})
    result = effects.measure(outcomes, TASKS, LOCALIZERS, [], SETTINGS, seed=0)
    row = result.sel(comparison="advantage/one/ab/raw", outcome="correct")
    assert str(row["method"].values) == "exact binomial bound"
    assert float(row["low"]) < 0 == float(row["estimate"]) < float(row["high"])
