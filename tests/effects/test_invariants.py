"""What holds of effects whatever the outcomes are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import effects
from tests.effects.studies import CONTROLS, LOCALIZERS, SETTINGS, TASKS, study

FEW = SETTINGS | {"resamples": 200}
PAIR = [("one", "two")]
shares = st.fixed_dictionaries({"ab": st.floats(0, 1), "xy": st.floats(0, 1)})
planted = st.fixed_dictionaries({name: shares for name in ("intact", "control", "one", "two")})


def balanced(values, label, classes):
    return np.mean([values[..., label == name].mean(axis=-1) for name in classes], axis=0)


@settings(max_examples=12, deadline=None)
@given(accuracy=planted, seed=st.integers(0, 99))
def test_effects_are_differences_of_balanced_means(accuracy, seed):
    outcomes = study(accuracy, count=40, seed=seed)
    result = effects.measure(outcomes, TASKS, LOCALIZERS, PAIR, FEW, seed=seed)
    label, role, owner = (outcomes[name].values for name in ("label", "role", "localizer"))
    for outcome in ("correct", "margin", "kept", "kl"):
        values = outcomes[outcome].values.astype(float)
        turn = -1 if outcome == "kl" else 1
        for name in LOCALIZERS:
            for task, classes in TASKS.items():
                means = balanced(values, label, classes)
                harm = turn * (means[0] - means)
                own, random = harm[(role == "target") & (owner == name)][0], harm[(role == "control") & (owner == name)]
                found = {
                    kind: result.sel(comparison=f"{kind}/{name}/{task}/raw", outcome=outcome)
                    for kind in ("harm", "control", "advantage", "ablated")
                }
                assert float(found["harm"]["estimate"]) == pytest.approx(own, abs=1e-9)
                assert float(found["control"]["estimate"]) == pytest.approx(random.mean(), abs=1e-9)
                assert float(found["advantage"]["estimate"]) == pytest.approx(own - random.mean(), abs=1e-9)
                rank = (1 + np.sum(random >= own - 1e-9)) / (1 + CONTROLS)
                able = float(result["p_able"].sel(task_name=task))
                expected = max(rank, able) if outcome in effects.PERFORMANCE else rank
                assert float(found["advantage"]["p"]) == pytest.approx(expected)
    there = result["method"].values != ""
    low, estimate, high = (result[name].values[there] for name in ("low", "estimate", "high"))
    assert (low <= high).all() and np.isfinite(estimate).all()
    # of what the intact network may have nothing above chance, a share has no end
    raw = np.broadcast_to((result["scale"].values == "raw")[:, None], there.shape)[there]
    assert np.isfinite([low[raw], high[raw]]).all()


@settings(max_examples=8, deadline=None)
@given(accuracy=planted, seed=st.integers(0, 99))
def test_the_unit_of_an_outcome_does_not_matter(accuracy, seed):
    """Four times the margin is four times the effect, to the last digit, with the same p."""
    outcomes = study(accuracy, count=40, seed=seed)
    scaled = outcomes.assign(margin=outcomes["margin"] * 4)
    one, four = (effects.measure(made, TASKS, LOCALIZERS, PAIR, FEW, seed=0) for made in (outcomes, scaled))
    one, four = (result.sel(outcome="margin") for result in (one, four))
    for name in ("estimate", "low", "high"):
        np.testing.assert_array_equal(4 * one[name].values, four[name].values)
    for name in ("p", "p_family", "method"):
        np.testing.assert_array_equal(one[name].values, four[name].values)


@settings(max_examples=8, deadline=None)
@given(accuracy=planted, seed=st.integers(0, 99))
def test_a_dissociation_turned_round_has_the_opposite_sign(accuracy, seed):
    outcomes = study(accuracy, count=40, seed=seed)
    swapped = {"one": {"task": "xy"}, "two": {"task": "ab"}}
    there, back = (
        effects.measure(outcomes, TASKS, of, PAIR, FEW, seed=0).sel(comparison=f"dissociation/{pair}/ab/raw")
        for of, pair in ((LOCALIZERS, "one/two"), (swapped, "two/one"))
    )
    np.testing.assert_allclose(there["estimate"].values, -back["estimate"].values, atol=1e-12)
    # one of two opposite one-sided p is at least one half: ties count for both
    assert (np.fmax(there["p"], back["p"]).values[np.isfinite(there["p"].values)] >= 0.4).all()
