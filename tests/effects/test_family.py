"""The family of localizers on their own tasks: Holm's adjustment and the maximum statistic."""

import numpy as np
import pytest
import xarray as xr
from statsmodels.stats.multitest import multipletests

from deeplocalizer import effects
from deeplocalizer.effects.family import adjusted
from tests.effects.studies import BOTH, CONTROLS, LOCALIZERS, SETTINGS, TASKS, study

NAMES = [f"l{i}" for i in range(5)]
OWN = {name: f"t{i}" for i, name in enumerate(NAMES)}


def drawn(targets, controls, outcome="kept", able=1.0):
    """Effects of localizers on their own tasks, from harms: targets (localizer,), controls (localizer, control)."""
    p = (1 + (controls >= targets[:, None]).sum(axis=1)) / (1 + controls.shape[1])
    keys = [(kind, name) for kind in ("harm", "advantage") for name in NAMES]
    harm = np.full((5, 5, controls.shape[1], 1), np.nan)
    harm[np.arange(5), np.arange(5), :, 0] = controls
    return xr.Dataset(
        {
            "estimate": (("comparison", "outcome"), np.tile(targets, 2)[:, None]),
            "p": (("comparison", "outcome"), np.tile(p, 2)[:, None]),
            "control_harm": (("localizer_name", "task_name", "control", "outcome"), harm),
            "p_able": ("task_name", np.full(5, able)),
        },
        coords={
            "comparison": [f"{kind}/{name}/{OWN[name]}/raw" for kind, name in keys],
            "kind": ("comparison", [kind for kind, _ in keys]),
            "localizer": ("comparison", [name for _, name in keys]),
            "task": ("comparison", [OWN[name] for _, name in keys]),
            "scale": ("comparison", ["raw"] * 10),
            "outcome": [outcome],
            "localizer_name": NAMES,
            "task_name": list(OWN.values()),
        },
    )


def test_holm_agrees_with_statsmodels():
    rng = np.random.default_rng(0)
    made = drawn(rng.normal(1, 1, 5), rng.normal(size=(5, 99)))
    found = adjusted(made, OWN, {"adjust": "holm"})
    assert np.isnan(found[:5]).all()
    np.testing.assert_allclose(found[5:, 0], multipletests(made["p"].values[5:, 0], method="holm")[1])


def test_the_maximum_reaches_what_holm_cannot():
    """With 60 controls Holm's smallest p of two is 2 / 61, that of the maximum 1 / 61."""
    for adjust, least in (("holm", 2 / (CONTROLS + 1)), ("maximum", 1 / (CONTROLS + 1))):
        settings = SETTINGS | {"adjust": adjust}
        result = effects.measure(study(BOTH), TASKS, LOCALIZERS, [], settings, seed=0)
        found = result["p_family"].sel(comparison="advantage/one/ab/raw", outcome="kept")
        assert float(found) == pytest.approx(least)


def test_the_maximum_is_the_share_of_controls_that_reach_it():
    rng = np.random.default_rng(1)
    targets, controls = rng.normal(1.5, 1, 5), rng.normal(size=(5, 199))
    every = np.concatenate([targets[:, None], controls], axis=1)
    standard = (every - every.mean(axis=1, keepdims=True)) / every.std(axis=1, keepdims=True)
    found = adjusted(drawn(targets * 3, controls * 3), OWN, {"adjust": "maximum"})[5:, 0]
    best = int(standard[:, 0].argmax())
    assert found[best] == pytest.approx(np.mean(standard.max(axis=0) >= standard[best, 0]))


@pytest.mark.parametrize("kind", ["independent", "alike", "opposite"])
def test_the_maximum_keeps_its_level_however_masks_depend(kind, capsys):
    rng, number = np.random.default_rng(2), 400
    found = []
    for _ in range(number):
        targets = rng.normal(size=5)
        if kind != "independent":
            targets = targets[0] * (np.ones(5) if kind == "alike" else np.array([1, -1, 1, -1, 1]))
        made = drawn(targets * np.arange(1, 6), rng.normal(size=(5, 99)) * np.arange(1, 6)[:, None])
        found.append(np.nanmin(adjusted(made, OWN, {"adjust": "maximum"})) <= 0.05)
    share, error = np.mean(found), np.sqrt(0.05 * 0.95 / number)
    with capsys.disabled():
        print(f"\nfamily-wise error of the maximum at 5 %, {kind} masks: {share:.3f} +- {error:.3f}")
    assert share <= -np.log(0.95) + 3 * error


def test_the_maximum_asks_whether_the_network_can_do_the_tasks():
    rng = np.random.default_rng(3)
    targets, controls = np.full(5, 9.0), rng.normal(size=(5, 99))
    settings = {"adjust": "maximum"}
    # each of two parts at half the level: twice the larger of 0.01 and Holm's adjustment of five p of 0.004, 0.02
    for outcome, able, least in (("correct", 0.5, 1.0), ("correct", 0.004, 0.04), ("kept", 0.5, 0.01)):
        found = adjusted(drawn(targets, controls, outcome, able), OWN, settings)[5:, 0]
        np.testing.assert_allclose(found, least)
    # of two localizers Holm's method on the larger p is never behind
    pair = dict(list(OWN.items())[:2])
    found = adjusted(drawn(targets, controls, "correct", 0.004), pair, settings)[5:7, 0]
    np.testing.assert_allclose(found, multipletests([0.01, 0.01], method="holm")[1])


@pytest.mark.parametrize("shifted", [1, 2, 4])
def test_two_ways_to_err_do_not_add_up(shifted, capsys):
    """Some networks cannot do the task but their masks harm more than random ones; the other masks are as random."""
    rng, number, false = np.random.default_rng(4), 600, 0
    for _ in range(number):
        targets, able = rng.normal(size=5), np.full(5, 1e-9)
        targets[:shifted], able[:shifted] = 50.0, rng.random(shifted)
        made = drawn(targets, rng.normal(size=(5, 99)), "correct")
        made["p_able"] = ("task_name", able)
        false += np.nanmin(adjusted(made, OWN, {"adjust": "maximum"})) <= 0.05
    error = np.sqrt(0.05 * 0.95 / number)
    with capsys.disabled():
        print(f"\nfamily-wise error with {shifted} networks unable: {false / number:.3f} +- {error:.3f}")
    assert false / number <= 0.05 + 3 * error


def test_an_unknown_adjustment_is_named():
    made = drawn(np.zeros(5), np.zeros((5, 9)))
    with pytest.raises(ValueError, match="adjust is 'none'; allowed are holm, maximum"):
        adjusted(made, OWN, {"adjust": "none"})
