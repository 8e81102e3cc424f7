"""Masks against controls of several kinds."""

import numpy as np
import pytest

from deeplocalizer import effects
from tests.effects.studies import BOTH, LOCALIZERS, SETTINGS, TASKS, study, value, with_kinds

KINDS = {"random": 30, "random_response": 20, "bottom": 1, "opposite": 1, "shuffled": 8}


def run(outcomes, name):
    return int(np.flatnonzero(outcomes["intervention"].values == name)[0])


def balanced(outcomes, column):
    label = outcomes["label"].values
    return np.mean([column[label == name].mean() for name in ("a", "b")])


def test_each_other_kind_is_one_control():
    outcomes = with_kinds(study(BOTH), KINDS)
    opposite = run(outcomes, "one52")
    assert str(outcomes["kind"].values[opposite]) == "opposite"
    target = run(outcomes, "one0")
    for name in ("correct", "kept", "margin", "kl", "log_likelihood"):
        outcomes[name][opposite] = outcomes[name].values[target]
    result = effects.measure(outcomes, TASKS, LOCALIZERS, [], SETTINGS, seed=0)
    rows = result.isel(comparison=(result["kind"].values == "against") & (result["localizer"].values == "one"))
    assert sorted(set(rows["other"].values.tolist())) == ["bottom", "opposite", "random_response", "shuffled"]
    correct = outcomes["correct"].values.astype(float)
    harm = correct[0] - correct[target]
    for kind, members in (
        ("bottom", [run(outcomes, "one51")]),
        ("shuffled", range(run(outcomes, "one53"), target + 61)),
    ):
        assert set(outcomes["kind"].values[list(members)]) == {kind}
        expected = balanced(outcomes, harm - np.mean([correct[0] - correct[row] for row in members], axis=0))
        assert value(result, f"against/one/{kind}/ab/raw") == pytest.approx(expected)
        assert value(result, f"against/one/{kind}/ab/raw", name="p") < 0.01
    assert value(result, "against/one/opposite/ab/raw") == 0
    assert value(result, "against/one/opposite/ab/raw", name="p") == 1
    # the random masks that are matched are those of the rank
    assert value(result, "advantage/one/ab/raw", name="p") == pytest.approx(1 / 31)
    assert result.sizes["control"] == 30


def test_matching_says_which_random_masks_count():
    outcomes = with_kinds(study(BOTH), KINDS)
    settings = SETTINGS | {"matching": "response"}
    result = effects.measure(outcomes, TASKS, LOCALIZERS, [], settings, seed=0)
    assert value(result, "advantage/one/ab/raw", name="p") == pytest.approx(1 / 21)
    assert "against/one/random/ab/raw" in result["comparison"].values
    assert "against/one/random_response/ab/raw" not in result["comparison"].values
    with pytest.raises(ValueError, match="matching is 'size'; allowed are layer, response"):
        effects.matched({"matching": "size"})
    with pytest.raises(ValueError, match=r"localizer 'one': .* no control of kind 'random_response'; kinds: random$"):
        effects.measure(study(BOTH), TASKS, LOCALIZERS, [], settings, seed=0)


def test_a_network_that_cannot_do_a_task_loses_it_to_no_control():
    chance = {"ab": 0.52, "xy": 0.52}
    planted = {"intact": chance, "control": chance, "one": {"ab": 0.2, "xy": 0.5}, "two": chance}
    result = effects.measure(with_kinds(study(planted), KINDS), TASKS, LOCALIZERS, [], SETTINGS, seed=0)
    able = float(result["p_able"].sel(task_name="ab"))
    assert able > 0.05
    assert value(result, "against/one/bottom/ab/raw", name="p") >= able
    assert value(result, "against/one/bottom/ab/raw", "kept", "p") < 0.05


def test_unequal_numbers_of_controls_are_padded():
    outcomes = study(BOTH)
    fewer = outcomes.isel(intervention=slice(None, -10))
    result = effects.measure(fewer, TASKS, LOCALIZERS, [], SETTINGS, seed=0)
    counts = np.isfinite(result["control_harm"].sel(task_name="ab", outcome="correct")).sum("control")
    assert counts.values.tolist() == [60, 50]
    with pytest.raises(ValueError, match="localizer 'two' has 50 random controls, another one 60"):
        effects.measure(fewer, TASKS, LOCALIZERS, [], SETTINGS | {"adjust": "maximum"}, seed=0)
