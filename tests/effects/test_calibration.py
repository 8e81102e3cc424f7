"""Error rates and coverage over many simulated studies."""

import numpy as np
import pytest

from deeplocalizer import effects
from tests.effects.studies import CONTROLS, LOCALIZERS, SETTINGS, TASKS, study

pytestmark = [pytest.mark.slow, pytest.mark.long]
LEVELS = (0.01, 0.05, 0.1)
NUMBER = 500


def null(seed):
    """Every mask, target or control, fails at stimuli of its own, some masks more often than others."""
    good = {"ab": 0.95, "xy": 0.95}
    outcomes = study({name: good for name in ("intact", "control", "one", "two")}, seed=seed)
    rng = np.random.default_rng(10_000 + seed)
    rate = rng.beta(4, 36, size=(outcomes.sizes["intervention"] - 1, 1))
    spared = rng.random((len(rate), outcomes.sizes["stimulus"])) >= rate
    outcomes["correct"][1:] = outcomes["correct"].values[0] * spared
    outcomes["margin"][1:] = outcomes["margin"].values[0] - rate + rng.normal(0, 0.2, spared.shape)
    return outcomes


def test_claims_keep_their_level_where_masks_are_alike(capsys):
    """Advantages over masks drawn anew, their family by both adjustments; p of discrete outcomes are conservative."""
    found = {key: [] for key in ("advantage", "holm", "maximum")}
    for seed in range(NUMBER):
        outcomes = null(seed)
        for adjust in ("holm", "maximum"):
            settings = SETTINGS | {"adjust": adjust, "resamples": 100}
            result = effects.measure(outcomes, TASKS, LOCALIZERS, [], settings, seed).sel(outcome=["correct", "margin"])
            found[adjust].append(np.nanmin(result["p_family"].values, axis=0))
        own = result.sel(comparison="advantage/one/ab/raw")
        found["advantage"].append(own["p"].values)
    rows = []
    for name, p in found.items():
        for column, outcome in enumerate(("correct", "margin")):
            for level in LEVELS:
                share, error = np.mean(np.array(p)[:, column] <= level), np.sqrt(level * (1 - level) / NUMBER)
                rows.append((name, outcome, level, share, error))
    with capsys.disabled():
        print(f"\n{NUMBER} studies without an effect, {CONTROLS} controls: share of p at most the level")
        for name, outcome, level, share, error in rows:
            print(f"{name:10} {outcome:8} {level:5.2f} {share:.3f} +- {error:.3f}")
    assert all(share <= level + 3 * error for *_, level, share, error in rows)


def test_the_advantage_covers_the_mean_over_masks_and_stimuli(capsys):
    """The true advantage of a mask that fails at a fifth more of the stimuli than masks do on average."""
    covered, number = 0, 500
    for seed in range(number):
        outcomes = null(seed)
        rng = np.random.default_rng(20_000 + seed)
        row = int(np.flatnonzero(outcomes["intervention"].values == "one0")[0])
        outcomes["margin"][row] = outcomes["margin"].values[0] - 0.3 + rng.normal(0, 0.2, outcomes.sizes["stimulus"])
        settings = SETTINGS | {"resamples": 1000}
        result = effects.measure(outcomes, TASKS, LOCALIZERS, [], settings, seed)
        cell = result.sel(comparison="advantage/one/ab/raw", outcome="margin")
        covered += float(cell["low"]) <= 0.3 - 0.1 <= float(cell["high"])
    share, error = covered / number, np.sqrt(0.05 * 0.95 / number)
    with capsys.disabled():
        print(f"\n95 % intervals of an advantage cover {share:.3f} +- {error:.3f}")
    assert abs(share - 0.95) <= 0.02 + 3 * error
