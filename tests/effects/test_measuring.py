"""Effects recover what was planted and claim nothing where nothing is."""

import numpy as np
import pytest
from scipy import stats

from deeplocalizer import effects, provenance, store
from tests.effects.studies import BOTH, CONTROLS, LOCALIZERS, SETTINGS, TASKS, measured, study, value, without_labels


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


def test_the_order_of_runs_and_stimuli_does_not_matter():
    outcomes, result = measured(BOTH)
    rng = np.random.default_rng(5)
    runs, stimuli = (rng.permutation(outcomes.sizes[name]) for name in ("intervention", "stimulus"))
    shuffled = outcomes.isel(intervention=runs, stimulus=stimuli)
    assert effects.measure(shuffled, TASKS, LOCALIZERS, [("one", "two")], SETTINGS, seed=0).identical(result)


@pytest.mark.parametrize("adjust", ["holm", "maximum"])
def test_p_values_are_probabilities(adjust):
    result = effects.measure(study(BOTH), TASKS, LOCALIZERS, [("one", "two")], SETTINGS | {"adjust": adjust}, seed=0)
    p, adjusted = (result[name].values[np.isfinite(result[name].values)] for name in ("p", "p_family"))
    assert ((p > 0) & (p <= 1)).all()
    assert ((adjusted > 0) & (adjusted <= 1)).all()
    both = result.where(np.isfinite(result["p_family"]))
    assert not (both["p_family"] < both["p"]).any()


@pytest.mark.parametrize("interval", ["bca", "basic", "percentile"])
def test_what_cannot_happen_lies_outside_the_intervals(interval):
    result = effects.measure(study(BOTH), TASKS, LOCALIZERS, [], SETTINGS | {"interval": interval}, seed=0)
    result = result.isel(comparison=result["scale"].values == "raw")
    kind = result["kind"].values.astype(str)
    kept = result.sel(outcome="kept")
    assert (kept["low"].values[kind == "harm"] >= 0).all()
    for name in ("correct", "kept"):
        level = result.sel(outcome=name).isel(comparison=np.flatnonzero(np.isin(kind, ("intact", "ablated"))))
        assert (level["low"] >= 0).all()
        assert (level["high"] <= 1).all()
    assert (result.sel(outcome="kl")["low"].values[kind == "harm"] >= 0).all()
    assert any(interval in str(name).lower() for name in result["method"].values.ravel())


def test_a_mask_that_changes_no_decision_may_change_few():
    perfect = {"ab": 2.0, "xy": 2.0}
    _, result = measured({"intact": perfect, "control": perfect, "one": perfect, "two": perfect})
    row = result.sel(comparison="harm/one/ab/raw", outcome="kept")
    # 30 stimuli for each of two labels, none changed: the rule of three gives about 2 * 3.7 / 60 / 2
    assert (float(row["estimate"]), float(row["low"])) == (0, 0)
    assert 0 < float(row["high"]) < 0.1
    assert str(row["method"].values) == "exact binomial bound"


def test_the_intact_network_keeps_its_decisions_by_definition():
    outcomes, result = measured(BOTH)
    row = result.sel(comparison="intact/ab/raw", outcome="kept")
    assert [float(row[name]) for name in ("estimate", "low", "high")] == [1, 1, 1]
    assert str(row["method"].values) == "by definition"
    outcomes["kept"][0, 3] = 0
    with pytest.raises(ValueError, match="kept of the intact network is 1 by definition; given is 0"):
        effects.measure(outcomes, TASKS, LOCALIZERS, [], SETTINGS, seed=0)


def test_one_comparison_agrees_with_scipy():
    """A category by itself is one sample without weights, so SciPy's tests and intervals are of the same thing."""
    outcomes = without_labels(study(BOTH, count=1200))
    settings = SETTINGS | {"resamples": 20_000, "interval": "percentile"}
    result = effects.measure(outcomes, {}, {"one": {}, "two": {}}, [], settings, seed=0)
    here = outcomes.isel(stimulus=outcomes["category"].values == "x")
    rows = [int(np.flatnonzero(outcomes["intervention"].values == name)[0]) for name in ("one0", "two0")]
    one, two = (here["kl"].values[row].astype(float) for row in rows)
    found = result.sel(comparison="harm/one/x/raw", outcome="kl")
    # any mask moves the outputs somewhere and changes decisions only from what they are
    assert np.isnan(result["p"].sel(outcome=["kl", "kept"]).values[result["kind"].values == "harm"]).all()
    assert float(found["estimate"]) == pytest.approx(one.mean())
    expected = stats.bootstrap((one,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    width = expected.high - expected.low
    # 300 stimuli: Student's t is 0.4 % wider than the normal distribution
    assert float(found["low"]) == pytest.approx(expected.low, abs=0.03 * width)
    assert float(found["high"]) == pytest.approx(expected.high, abs=0.03 * width)
    # a difference that is near zero, so that p is neither 0 nor 1
    shifted = outcomes.copy(deep=True)
    shifted["kl"][rows[0], :] = outcomes["kl"].values[rows[1]] + np.random.default_rng(0).normal(0.005, 0.1, 1200)
    pair = {"one": {"task": "x"}, "two": {"task": "y"}}
    result = effects.measure(shifted, {}, pair, [("one", "two")], settings, seed=0)
    difference = shifted["kl"].values[rows[0]][here_of(outcomes, "x")].astype(float) - two
    p = stats.permutation_test(
        (difference,), np.mean, permutation_type="samples", alternative="greater", n_resamples=20_000, rng=2
    ).pvalue
    found = value(result, "dissociation/one/two/x/raw", "kl", "p")
    assert 0.02 < p < 0.98
    # by a statistic without skewness instead of the mean: of 300 differences nearly the same
    assert found == pytest.approx(p, abs=0.005 + 4 * np.sqrt(2 * p * (1 - p) / 20_000))


def test_two_localizers_of_one_task_do_not_dissociate():
    both = {"one": {"task": "ab"}, "two": {"task": "ab"}}
    with pytest.raises(ValueError, match="'one' and 'two': both have the task 'ab'; two tasks were expected"):
        effects.measure(study(BOTH), TASKS, both, [("one", "two")], SETTINGS, seed=0)


def test_an_outcome_that_one_stimulus_lacks_is_refused_by_name():
    outcomes = study(BOTH)
    name = str(outcomes["stimulus"].values[5])
    outcomes["margin"][3, 5] = np.nan
    with pytest.raises(ValueError, match=f"'ab': margin of stimulus '{name}' is nan in run 3"):
        effects.measure(outcomes.isel(stimulus=np.isin(outcomes["label"].values, ["a", "b"])), {"ab": ["a", "b"]},
                        {"one": {}}, [], SETTINGS, seed=0)  # fmt: skip


def here_of(outcomes, category):
    return outcomes["category"].values == category


def test_masks_that_harm_alike_show_no_dissociation(capsys):
    """The share of false claims over simulated studies stays within the level, for one side and for both."""
    alike = {"ab": 0.75, "xy": 0.75}
    single, double = [], []
    for seed in range(60):
        outcomes = study({"intact": {"ab": 0.95, "xy": 0.95}, "control": alike, "one": alike, "two": alike}, seed=seed)
        rng = np.random.default_rng(1000 + seed)
        for name in ("one0", "two0"):  # two masks that fail at stimuli of their own
            row = int(np.flatnonzero(outcomes["intervention"].values == name)[0])
            outcomes["correct"][row] = outcomes["correct"].values[0] * (rng.random(120) < 0.8)
        result = effects.measure(outcomes, TASKS, LOCALIZERS, [("one", "two")], SETTINGS, seed)
        single += [value(result, f"dissociation/{pair}/raw", name="p") for pair in ("one/two/ab", "two/one/xy")]
        double.append(value(result, "double_dissociation/one/two/raw", name="p"))
    error = np.sqrt(0.05 * 0.95 / len(single))
    shares = np.mean(np.array(single) <= 0.05), np.mean(np.array(double) <= 0.05)
    with capsys.disabled():
        print(f"\nfalse dissociations at 5 %: {shares[0]:.3f} +- {error:.3f}; double ones: {shares[1]:.3f}")
    assert shares[0] <= 0.05 + 3 * error
    # both sides are independent here: 0.0025 are expected
    assert shares[1] <= 0.05


def test_a_double_dissociation_is_the_weaker_of_two():
    _, result = measured(BOTH)
    for scale in ("raw", "scaled"):
        both = result.sel(comparison=[f"dissociation/one/two/ab/{scale}", f"dissociation/two/one/xy/{scale}"])
        found = result.sel(comparison=f"double_dissociation/one/two/{scale}")
        for name, take in (("estimate", "min"), ("low", "min"), ("high", "min"), ("p", "max")):
            expected = getattr(both[name], take)("comparison", skipna=False)
            np.testing.assert_array_equal(found[name].values, expected.values)
        assert int(found["n"].sel(outcome="correct")) == 120


def test_names_that_are_not_there_are_named():
    outcomes = study(BOTH)
    with pytest.raises(ValueError, match="localizer 'one': 'abc' is none of the tasks ab, xy"):
        effects.measure(outcomes, TASKS, LOCALIZERS | {"one": {"task": "abc"}}, [], SETTINGS, seed=0)
    with pytest.raises(ValueError, match="localizer 'three': the outcomes have no control of kind 'random'"):
        effects.measure(outcomes, TASKS, LOCALIZERS | {"three": {}}, [], SETTINGS, seed=0)
    with pytest.raises(ValueError, match="dissociation of 'two': a localizer with a task"):
        effects.measure(outcomes, TASKS, LOCALIZERS | {"two": {}}, [("one", "two")], SETTINGS, seed=0)


def test_it_is_saved_with_the_meaning_of_everything(tmp_path):
    _, result = measured(BOTH)
    assert all(result[name].attrs.get("long_name") for name in result.data_vars)
    assert all(kind in result["kind"].attrs["comment"] for kind in effects.KINDS)
    store.save(provenance.stamp(result, "effects", "Effects", {}), tmp_path / "effects.nc")
    again = store.open(tmp_path / "effects.nc", "effects")
    for name in ("estimate", "p", "p_family", "control_harm", "method"):
        np.testing.assert_array_equal(again[name].values, result[name].values)
