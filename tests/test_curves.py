"""Curves tell what every mask of a series does, beside random masks."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import curves, effects, provenance, store
from tests import synthetic
from tests.effects.studies import BOTH, CONTROLS, LOCALIZERS, SETTINGS, TASKS, study, with_readouts

DOSES = {"0.05": 0.05, "0.5": 0.5}


def series():
    """Two doses of both localizers, of which the first does nothing, and the masks kept."""
    weak = study(BOTH | {"one": BOTH["control"], "two": BOTH["control"]})
    parts = []
    for number, (name, level, made) in enumerate(
        [("fraction", "0.05", weak), ("fraction", "0.5", study(BOTH)), ("keep", "", weak)]
    ):
        runs = [f"{run}@{name}{level}" if run != "intact" else run for run in made["intervention"].values]
        along = {"series": name, "level": level, "dose": DOSES.get(level, 0.5)}
        made = made.assign_coords({key: ("intervention", np.full(len(runs), entry)) for key, entry in along.items()})
        parts.append(made.assign_coords(intervention=runs).isel(intervention=slice(bool(number), None)))
    return xr.concat(parts, "intervention", coords="minimal", compat="override", data_vars="minimal")


def measured(outcomes=None, **settings):
    return curves.measure(series() if outcomes is None else outcomes, TASKS, LOCALIZERS, SETTINGS | settings, seed=0)


def point(result, **wanted):
    here = np.logical_and.reduce([result[name].values == entry for name, entry in wanted.items()])
    assert here.sum() == 1
    return result.isel(point=int(np.flatnonzero(here)[0]))


def test_every_point_has_the_harm_of_its_own_masks():
    result = measured()
    assert result.sizes["point"] == 3 * 2 * 2
    plain = effects.measure(study(BOTH), TASKS, LOCALIZERS, [], SETTINGS, seed=0)
    for name, task in (("one", "ab"), ("two", "xy"), ("one", "xy")):
        found = point(result, localizer=name, series="fraction", level="0.5", task=task)
        assert float(found["dose"]) == 0.5
        for outcome in ("correct", "kept", "kl", "margin"):
            harm = plain.sel(comparison=f"harm/{name}/{task}/raw", outcome=outcome)
            random = plain.sel(comparison=f"control/{name}/{task}/raw", outcome=outcome)
            advantage = plain.sel(comparison=f"advantage/{name}/{task}/raw", outcome=outcome)
            cell = found.sel(outcome=outcome)
            for part, expected in (("estimate", harm), ("low", harm), ("high", harm)):
                assert float(cell[part]) == float(expected[part])
            for part, of in (("control", "estimate"), ("control_low", "low"), ("control_high", "high")):
                assert float(cell[part]) == pytest.approx(float(random[of]), rel=1e-12)
            assert float(cell["p"]) == float(advantage["p"])
            assert (int(cell["n"]), int(cell["controls"])) == (60, CONTROLS)


def test_a_dose_that_does_nothing_is_like_its_controls():
    result = measured().sel(outcome="correct")
    strong = point(result, localizer="one", series="fraction", level="0.5", task="ab")
    weak = point(result, localizer="one", series="fraction", level="0.05", task="ab")
    assert float(strong["p"]) < 0.05 < float(weak["p"])
    assert float(weak["control_low"]) <= float(weak["estimate"]) <= float(weak["control_high"])
    assert float(strong["low"]) > float(strong["control_high"])


def test_where_a_mask_is_kept_less_harm_counts():
    outcomes = series()
    runs = outcomes["intervention"].values
    row = int(np.flatnonzero(runs == "one0@keep")[0])
    for name in ("correct", "kept"):  # all but this mask is replaced, and nothing is lost
        outcomes[name][row] = outcomes[name].values[0]
    found = point(measured(outcomes), localizer="one", series="keep", level="", task="ab").sel(outcome="kept")
    assert float(found["estimate"]) == 0
    rows = [int(np.flatnonzero(runs == f"one{i}@keep")[0]) for i in range(1, CONTROLS + 1)]
    ab = np.isin(outcomes["label"].values, ["a", "b"])
    spared = (outcomes["kept"].values[rows][:, ab] == 1).all(axis=1).sum()
    assert float(found["p"]) == pytest.approx((1 + spared) / (1 + CONTROLS))


def test_a_network_that_cannot_do_the_task_has_no_p_below_that():
    outcomes = series()
    outcomes["correct"][0] = np.random.default_rng(0).integers(0, 2, outcomes.sizes["stimulus"])
    result = measured(outcomes)
    able = effects.measure(outcomes.isel(series_of(outcomes)), TASKS, LOCALIZERS, [], SETTINGS, seed=0)["p_able"]
    for row in range(result.sizes["point"]):
        cell = result.isel(point=row)
        assert float(cell["p"].sel(outcome="correct")) >= float(able.sel(task_name=str(cell["task"].values)))


def series_of(outcomes):
    return {"intervention": np.flatnonzero((outcomes["level"].values == "0.5") | (outcomes["role"].values == "intact"))}


def test_readouts_are_tasks_here_too():
    result = measured(with_readouts(series(), {"who": ["a", "b"]}))
    for name in ("estimate", "control", "n"):
        ab, who = (result[name].sel(outcome="correct").values[result["task"].values == task] for task in ("ab", "who"))
        np.testing.assert_array_equal(ab, who)
    assert np.isnan(result["estimate"].sel(outcome="kl").values[result["task"].values == "who"]).all()


def test_no_series_makes_an_empty_table_that_can_be_saved(tmp_path):
    outcomes = series().isel(intervention=slice(0, 1))
    plain = study(BOTH).isel(intervention=slice(0, 1))
    for made in (outcomes, plain):
        result = measured(made)
        assert result.sizes["point"] == 0
        store.save(provenance.stamp(result, "curves", "Series", {}), tmp_path / "curves.nc")
        again = store.open(tmp_path / "curves.nc", "curves")
        assert again.sizes["point"] == 0
        assert set(again["series"].values.astype(str)) == set()
        assert set(measured().variables) == set(again.variables)


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="series of 'one', which is none of the localizers two"):
        curves.measure(series(), TASKS, {"two": {}}, SETTINGS, seed=0)
    with pytest.raises(ValueError, match="controls of kind 'random'; of the matching 'random_response' was expected"):
        measured(matching="response")


def test_a_mask_that_nothing_matches_has_no_control():
    outcomes = series()
    gone = (outcomes["role"].values == "control") & (outcomes["localizer"].values == "one")
    outcomes = outcomes.isel(intervention=~(gone & (outcomes["level"].values == "0.05")))
    found = point(measured(outcomes), localizer="one", series="fraction", level="0.05", task="ab").sel(outcome="kept")
    expected = point(measured(), localizer="one", series="fraction", level="0.05", task="ab").sel(outcome="kept")
    assert [float(found[name]) for name in ("estimate", "low", "high")] == [
        float(expected[name]) for name in ("estimate", "low", "high")
    ]
    assert all(np.isnan(float(found[name])) for name in ("control", "control_low", "control_high", "p"))
    assert (int(found["controls"]), int(found["n"])) == (0, 60)


def test_every_variable_says_what_it_is(tmp_path):
    config = synthetic.configuration()
    result = synthetic.measured_curves(config, synthetic.stimuli(config), synthetic.DOUBLE)
    assert all(result[name].attrs.get("long_name") for name in result.data_vars)
    store.save(result, tmp_path / "curves.nc")
    xr.testing.assert_identical(store.open(tmp_path / "curves.nc", "curves").drop_attrs(), result.drop_attrs())
