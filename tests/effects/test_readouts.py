"""A readout is a task like any other."""

import numpy as np
import pytest

from deeplocalizer import effects
from tests.effects.studies import BOTH, LOCALIZERS, SETTINGS, TASKS, study, value, with_readouts, without_labels

OUTCOMES = ["correct", "margin", "log_likelihood", "kept"]


def test_a_readout_has_the_effects_of_a_task_of_the_same_data():
    outcomes = study(BOTH)
    expected = effects.measure(outcomes, TASKS, LOCALIZERS, [("one", "two")], SETTINGS, seed=0)
    probed = without_labels(with_readouts(outcomes, TASKS))
    found = effects.measure(probed, {}, LOCALIZERS, [("one", "two")], SETTINGS, seed=0)
    same = found.sel(comparison=expected["comparison"], outcome=OUTCOMES, task_name=["ab", "xy"])
    for name in ("estimate", "low", "high", "p", "p_family", "n", "method", "control_harm", "chance", "p_able"):
        wanted = expected[name].sel(outcome=OUTCOMES) if "outcome" in expected[name].dims else expected[name]
        np.testing.assert_array_equal(same[name].values, wanted.values, err_msg=name)
    assert value(found, "double_dissociation/one/two/raw", name="p") < 0.05
    for absent in ("kl", "top5"):
        row = found.sel(comparison="harm/one/ab/raw", outcome=absent)
        assert np.isnan(float(row["estimate"]))
        assert (str(row["method"].values), int(row["n"])) == ("", 0)


def test_categories_stay_beside_readouts_and_tasks_do():
    probed = without_labels(with_readouts(study(BOTH), TASKS))
    found = effects.measure(probed, {}, {"one": {"task": "ab"}, "two": {}}, [], SETTINGS, seed=0)
    assert found["task_name"].values.tolist() == ["a", "b", "x", "y", "ab", "xy"]
    assert np.isfinite(found["chance"].values).tolist() == [False] * 4 + [True] * 2
    assert value(found, "advantage/one/a/raw", "kept", "p") < 0.05
    # the family is of localizers on their own tasks, here one
    assert np.isfinite(found["p_family"].values).any(axis=1).sum() == 1
    both = with_readouts(study(BOTH), {"same": ["a", "b", "x", "y"]})
    found = effects.measure(both, TASKS, LOCALIZERS, [], SETTINGS, seed=0)
    assert found["task_name"].values.tolist() == ["ab", "xy", "same"]
    assert float(found["chance"].sel(task_name="same")) == 0.25


@pytest.mark.parametrize(("tasks", "name", "what"), [(TASKS, "ab", "task"), ({}, "x", "category")])
def test_a_name_is_of_one_thing(tasks, name, what):
    probed = with_readouts(study(BOTH), {name: ["a", "b"]})
    with pytest.raises(ValueError, match=f"readout '{name}' has the name of a {what}"):
        effects.measure(probed, tasks, {"one": {}, "two": {}}, [], SETTINGS, seed=0)


def test_a_readout_without_a_stimulus_is_named():
    probed = with_readouts(study(BOTH), {"who": ["nobody"]})
    with pytest.raises(ValueError, match="readout 'who': it is asked about no stimulus"):
        effects.measure(probed, TASKS, LOCALIZERS, [], SETTINGS, seed=0)
