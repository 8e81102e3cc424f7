"""A mask against its random controls: stimuli and masks are both samples."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import effects, inference
from deeplocalizer.effects.specificity import masks
from deeplocalizer.inference import crossed
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
    """Means of the advantage over stimuli, and of the controls over masks."""
    alike = np.full(STIMULI, "one")
    plan = inference.design(alike, alike, np.arange(STIMULI).astype(str))
    boot = inference.resample(plan, RESAMPLES, np.random.default_rng(seed))
    stimuli = boot.means((target - controls.mean(axis=0))[:, None])
    over = masks(MASKS, {"resamples": RESAMPLES}, seed).means(controls.mean(axis=1)[:, None])
    return stimuli, over


def test_both_factors_add_their_variances():
    target, controls = world(np.random.default_rng(0))
    stimuli, over = resampled(target, controls)
    found = crossed(stimuli, over)
    assert found.observed == pytest.approx(target.mean() - controls.mean())
    # the bootstrap's variance of a mean is the plain variance over n, of each factor's means
    expected = (target - controls.mean(axis=0)).var() / STIMULI + controls.mean(axis=1).var() / MASKS
    error = expected * np.sqrt(2 / RESAMPLES)
    assert found.draws.var() == pytest.approx(expected, abs=4 * error)
    assert found.jackknife.shape == (STIMULI + MASKS, 1)
    assert len(np.unique(found.home)) == 2


@pytest.mark.parametrize("method", ["bca", "basic", "percentile"])
def test_the_interval_is_wider_than_one_over_stimuli_alone(method):
    for seed in range(5):
        stimuli, over = resampled(*world(np.random.default_rng(seed)), seed)
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
        stimuli, over = resampled(*world(np.random.default_rng(seed), (0.5, 1.0, 1.0)), seed)
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
    # a single mask tells nothing of others, and the interval says so
    method = str(result["method"].sel(comparison="advantage/one/ab/raw", outcome="margin").values)
    assert method.endswith(", over stimuli")
    assert value(result, "advantage/one/ab/raw", name="low") < value(result, "advantage/one/ab/raw", name="high")


def test_masks_that_harm_nothing_get_a_bounded_advantage():
    perfect = {"ab": 2.0, "xy": 2.0}
    outcomes = study({"intact": perfect, "control": perfect, "one": perfect, "two": perfect})
    result = effects.measure(outcomes, TASKS, LOCALIZERS, [], SETTINGS, seed=0)
    row = result.sel(comparison="advantage/one/ab/raw", outcome="correct")
    assert str(row["method"].values) == "exact binomial bound"
    assert float(row["low"]) < 0 == float(row["estimate"]) < float(row["high"])


def singles(rng, identities=40, controls=20):
    """Every label is one image; a mask fails at 30 % of them, and its controls at 10 %."""
    names = ["intact", "t", *(f"c{i:02d}" for i in range(controls))]
    rate = np.array([0.0, 0.3, *[0.1] * controls])[:, None]
    correct = (rng.random((len(names), identities)) >= rate).astype(np.int8)
    label = np.array([f"l{i:02d}" for i in range(identities)])
    return xr.Dataset(
        {"correct": (("intervention", "stimulus"), correct)},
        coords={
            "intervention": names,
            "localizer": ("intervention", ["", *["one"] * (controls + 1)]),
            "role": ("intervention", ["intact", "target", *["control"] * controls]),
            "stimulus": label,
            **{name: ("stimulus", label) for name in ("label", "category", "group")},
            "split": ("stimulus", ["test"] * identities),
        },
    )


def test_labels_of_one_image_each_get_a_bootstrap_that_covers():
    held, scaled, number, methods = 0, 0, 120, set()
    for seed in range(number):
        outcomes = singles(np.random.default_rng(seed))
        task = {"who": outcomes["label"].values.tolist()}
        found = effects.measure(outcomes, task, {"one": {"task": "who"}}, [], SETTINGS | {"resamples": 400}, seed)
        cell = found.sel(comparison="advantage/one/who/raw", outcome="correct")
        held += float(cell["low"]) <= 0.2 <= float(cell["high"])
        methods.add(str(cell["method"].values))
        cell = found.sel(comparison="harm/one/who/scaled", outcome="correct")
        scaled += float(cell["low"]) <= 0.3 / (1 - 1 / 40) <= float(cell["high"])
        methods.add(str(cell["method"].values))
    error = np.sqrt(0.05 * 0.95 / number)
    assert methods == {"BCa bootstrap, over stimuli and controls", "BCa bootstrap"}
    assert held / number >= 0.93 - 3 * error and scaled / number >= 0.93 - 3 * error


def test_a_share_of_what_is_above_chance_knows_that_this_is_not_exact():
    """A mask that harms nothing: the room of its harm is over the least that the network may have above chance."""
    accuracy = {name: {"ab": 0.8, "xy": 0.8} for name in ("intact", "control", "one", "two")}
    outcomes = study(accuracy)
    for name in outcomes.data_vars:
        outcomes[name][1] = outcomes[name].values[0]
    found = effects.measure(outcomes, TASKS, LOCALIZERS, [], SETTINGS, seed=0)
    raw, scaled = (found.sel(comparison=f"harm/one/ab/{scale}", outcome="correct") for scale in ("raw", "scaled"))
    above = value(found, "intact/ab/raw", name="low") - 0.5
    assert float(scaled["high"]) == pytest.approx(float(raw["high"]) / above)
    assert float(raw["high"]) > 0 and str(scaled["method"].values) == "exact binomial bound"
