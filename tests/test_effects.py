"""Effects recover what was planted and claim nothing where nothing is."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import effects

TASKS = {"ab": ["a", "b"], "xy": ["x", "y"]}
LOCALIZERS = {"one": {"task": "ab"}, "two": {"task": "xy"}}
SETTINGS = {"alpha": 0.05, "confidence": 0.95, "resamples": 1000, "least_performance": 0.1}
CONTROLS = 60


def study(accuracy, count=120, seed=0):
    """Outcomes whose accuracy is planted: ``accuracy[role or localizer][task]``."""
    rng = np.random.default_rng(seed)
    label = np.array(["a", "b", "x", "y"])[np.arange(count) % 4]
    names = ["intact", *(f"{n}{i}" for n in ("one", "two") for i in range(CONTROLS + 1))]
    localizer = ["", *(n for n in ("one", "two") for _ in range(CONTROLS + 1))]
    role = ["intact", *(["target"] + ["control"] * CONTROLS) * 2]
    wanted = [accuracy[r if r != "target" else n] for r, n in zip(role, localizer, strict=True)]
    # one draw a stimulus: a higher accuracy gets right what a lower one does
    ease = rng.random(count)
    jitter = rng.normal(0, 0.02, (len(names), count))
    task = np.where(np.isin(label, ["a", "b"]), "ab", "xy")
    share = np.array([[row[t] for t in task] for row in wanted])
    correct = (ease + jitter < share).astype(np.int8)
    margin = (share - ease + jitter).astype(np.float32)
    along = ("intervention", "stimulus")
    intact = correct[:1]
    return xr.Dataset(
        {
            "correct": (along, correct),
            "margin": (along, margin),
            "log_likelihood": (along, np.minimum(margin, 0)),
            "kept": (along, (correct == intact).astype(np.int8)),
            "kl": (along, np.abs(margin - margin[:1])),
        },
        coords={
            "intervention": names,
            "localizer": ("intervention", localizer),
            "role": ("intervention", role),
            "stimulus": [f"s{i}" for i in range(count)],
            "label": ("stimulus", label.astype(object)),
            "category": ("stimulus", label.astype(object)),
            "group": ("stimulus", np.array([f"s{i}" for i in range(count)], dtype=object)),
        },
    )


def measured(accuracy, dissociations=(("one", "two"),), tasks=TASKS, localizers=LOCALIZERS, **more):
    outcomes = study(accuracy, **more)
    return outcomes, effects.measure(outcomes, tasks, localizers, list(dissociations), SETTINGS, seed=0)


BOTH = {
    "intact": {"ab": 0.95, "xy": 0.95},
    "control": {"ab": 0.93, "xy": 0.93},
    "one": {"ab": 0.55, "xy": 0.93},
    "two": {"ab": 0.93, "xy": 0.55},
}


def value(result, comparison, outcome="correct", name="estimate"):
    return float(result[name].sel(comparison=comparison, outcome=outcome))


def test_a_planted_double_dissociation_is_found():
    outcomes, result = measured(BOTH)
    for one, task in (("one", "ab"), ("two", "xy")):
        assert value(result, f"advantage/{one}/{task}/raw", name="p") == pytest.approx(1 / (CONTROLS + 1))
        assert value(result, f"advantage/{one}/{task}/raw", name="p_family") <= 2 / (CONTROLS + 1) + 1e-12
        assert value(result, f"harm/{one}/{task}/raw", name="p") < 0.01
    for scale in ("raw", "scaled"):
        assert value(result, f"double_dissociation/one/two/{scale}", name="p") < 0.05
        assert value(result, f"double_dissociation/one/two/{scale}", name="low") > 0
    label = outcomes["label"].values
    one, ab = outcomes["localizer"].values == "one", np.isin(label, ["a", "b"])
    target = outcomes["correct"].values[one & (outcomes["role"].values == "target")][0]
    expected = np.mean([np.mean(outcomes["correct"].values[0, label == n] - target[label == n]) for n in "ab"])
    assert value(result, "harm/one/ab/raw") == pytest.approx(expected)
    intact = np.mean([outcomes["correct"].values[0, label == n].mean() for n in "ab"])
    assert value(result, "intact/ab/raw") == pytest.approx(intact)
    assert value(result, "harm/one/ab/scaled") == pytest.approx(expected / (intact - 0.5))
    assert value(result, "harm/one/ab/raw", name="n") == ab.sum()


def test_an_interaction_alone_is_no_double_dissociation():
    # both masks harm task ab, the first more; an interaction is there, a second dissociation is not
    _, result = measured(BOTH | {"two": {"ab": 0.80, "xy": 0.93}})
    assert value(result, "dissociation/one/two/ab/raw", name="p") < 0.05
    assert value(result, "double_dissociation/one/two/raw", name="p") > 0.05
    pair = [
        value(result, f"dissociation/{a}/{b}/{t}/raw", name="p")
        for a, b, t in (("one", "two", "ab"), ("two", "one", "xy"))
    ]
    assert value(result, "double_dissociation/one/two/raw", name="p") == max(pair)


def test_a_network_that_cannot_do_the_task_cannot_lose_it():
    chance = {"ab": 0.52, "xy": 0.52}
    _, result = measured({"intact": chance, "control": chance, "one": {"ab": 0.2, "xy": 0.5}, "two": chance})
    assert float(result["p_able"].sel(task_name="ab")) > 0.05
    assert value(result, "advantage/one/ab/raw", name="p") > 0.05
    assert value(result, "double_dissociation/one/two/raw", name="p") > 0.05
    assert not any("scaled" in str(name) for name in result["comparison"].values if str(name).startswith("harm"))
    # what needs no performance is still told
    assert value(result, "advantage/one/ab/raw", "kept", "p") < 0.05


def test_a_mask_like_its_controls_has_no_advantage(capsys):
    """The share of false claims over simulated studies stays within the level."""
    alike = {"ab": 0.85, "xy": 0.85}
    accuracy = {"intact": {"ab": 0.95, "xy": 0.95}, "control": alike, "one": alike, "two": alike}
    settings = SETTINGS | {"resamples": 1000}
    p = []
    for seed in range(60):
        result = effects.measure(study(accuracy, seed=seed), TASKS, LOCALIZERS, [], settings, seed)
        p += [value(result, f"advantage/{o}/{t}/raw", name="p") for o, t in (("one", "ab"), ("two", "xy"))]
    share, error = np.mean(np.array(p) <= 0.05), np.sqrt(0.05 * 0.95 / len(p))
    with capsys.disabled():
        print(f"\nfalse advantages at 5 %: {share:.3f} +- {error:.3f} (Monte Carlo)")
    assert share <= 0.05 + 3 * error


def test_perfect_performance_gets_an_exact_interval():
    perfect = {"ab": 2.0, "xy": 2.0}
    _, result = measured({"intact": perfect, "control": perfect, "one": perfect, "two": perfect})
    row = result.sel(comparison="intact/ab/raw", outcome="correct")
    assert str(row["method"].values) == "exact binomial bound"
    assert float(row["estimate"]) == 1
    assert 0.8 < float(row["low"]) < 1
    harm = result.sel(comparison="harm/one/ab/raw", outcome="correct")
    assert float(harm["low"]) < 0 < float(harm["high"])
    assert float(harm["p"]) == 1


def test_every_row_that_is_there_is_whole():
    _, result = measured(BOTH)
    for name in result["comparison"].values:
        row = result.sel(comparison=name)
        there = row["method"].values.astype(str) != ""
        for part in ("estimate", "low", "high"):
            assert (np.isfinite(row[part].values) == there).all(), (name, part)
        assert (row["low"].values[there] <= row["high"].values[there]).all()


def test_controls_are_kept_one_by_one():
    _, result = measured(BOTH)
    assert result["control_harm"].dims == ("localizer_name", "task_name", "control", "outcome")
    one = result["control_harm"].sel(localizer_name="one", task_name="ab", outcome="correct").values
    assert one.shape == (CONTROLS,)
    assert value(result, "control/one/ab/raw") == pytest.approx(one.mean())


def test_without_tasks_each_category_is_looked_at():
    outcomes = study(BOTH)
    outcomes["correct"][:] = -1
    outcomes["margin"][:] = np.nan
    outcomes["log_likelihood"][:] = np.nan
    result = effects.measure(outcomes, {}, {"one": {}, "two": {}}, [], SETTINGS, seed=0)
    assert result["task_name"].values.tolist() == ["a", "b", "x", "y"]
    assert np.isnan(value(result, "harm/one/a/raw"))
    assert value(result, "harm/one/a/raw", "kept") > 0.2
    assert value(result, "advantage/one/a/raw", "kept", "p") < 0.05


def test_the_same_seed_gives_the_same_numbers():
    _, first = measured(BOTH)
    _, again = measured(BOTH)
    assert first.identical(again)


def test_a_label_without_a_test_stimulus_is_named():
    tasks = {"ab": ["a", "b", "c"], "xy": ["x", "y"]}
    with pytest.raises(ValueError, match="task 'ab': no stimulus of the test split has the label 'c'"):
        measured(BOTH, tasks=tasks)


def test_scaled_effects_are_finite_or_left_out():
    """With a dozen stimuli some resamples have nothing above chance to scale by."""
    for seed in range(12):
        low = {"ab": 0.75, "xy": 0.75}
        _, result = measured(BOTH | {"intact": low, "control": low}, count=48, seed=seed)
        scaled = result.isel(comparison=np.flatnonzero(result["scale"].values == "scaled")).sel(outcome="correct")
        for name in ("estimate", "low", "high"):
            assert np.isfinite(scaled[name]).all()


def test_a_network_that_always_answers_alike_gets_an_interval():
    outcomes = study(BOTH)
    outcomes["correct"].values[:] = np.isin(outcomes["label"].values, ["a", "x"])
    result = effects.measure(outcomes, TASKS, LOCALIZERS, [("one", "two")], SETTINGS, seed=0)
    row = result.sel(comparison="intact/ab/raw", outcome="correct")
    assert float(row["low"]) < 0.5 < float(row["high"])
    assert value(result, "advantage/one/ab/raw", name="p") > 0.9
