"""What figures, tables and sentences share, against direct counts."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import summaries, units
from tests import synthetic
from tests.plots import makers


@pytest.fixture(scope="module")
def config():
    return synthetic.configuration()


@pytest.fixture(scope="module")
def table(config):
    return synthetic.stimuli(config)


@pytest.fixture(scope="module")
def contrasts(config, table):
    return synthetic.contrasts(config, table, synthetic.LAYERS, dead=2)


@pytest.fixture(scope="module")
def masks(config, contrasts):
    return synthetic.selected(config, contrasts)


@pytest.fixture(scope="module")
def effects(config, table):
    return synthetic.measured(config, table, synthetic.DOUBLE)


def test_places_are_in_the_order_of_recording_whatever_their_names():
    where = units.table([units.Layer("z", 0, (2,)), units.Layer("a", 0, (3,))], ["mean"])
    found = summaries.places(where)
    assert found.names == ("z", "a")
    np.testing.assert_array_equal(found.of_unit, [0, 0, 1, 1, 1])


def test_calls_and_reductions_are_named_where_they_tell_places_apart():
    layers = [units.Layer("relu", 0, (2, 4, 4)), units.Layer("relu", 1, (2, 4, 4))]
    assert summaries.places(units.table(layers, ["mean"])).names == ("relu", "relu#1")
    both = units.table(layers[:1], ["mean", "max"])
    assert summaries.places(both).names == ("relu (mean)", "relu (max)")
    assert summaries.unit_names(both).tolist() == ["relu:0 (mean)", "relu:1 (mean)", "relu:0 (max)", "relu:1 (max)"]
    assert summaries.unit_names(units.table(layers[:1], ["mean"])).tolist() == ["relu:0", "relu:1"]


def test_counts_of_a_mask_by_place():
    where = summaries.Places(("a", "b"), np.array([0, 0, 1]))
    np.testing.assert_array_equal(where.count(np.array([True, False, True])), [1, 1])
    np.testing.assert_array_equal(where.count(np.ones((2, 3), dtype=bool)), [[2, 1], [2, 1]])


def test_selectivity_counts_units_on_either_side_of_zero(contrasts):
    found = summaries.selectivity(contrasts, 0.05)
    layer = units.layer_names(contrasts)
    for name in contrasts["contrast"].values:
        one = contrasts.sel(contrast=name)
        q, d = 10.0 ** one["log10_q"].values, one["d"].values
        for place in ("conv1", "conv2"):
            here = (layer == place) & ~one["dead"].values
            row = found.sel(contrast=name, place=place)
            assert int(row["units"]) == np.sum(layer == place)
            assert int(row["preferring"]) == np.sum((q <= 0.05) & (d > 0) & here)
            assert int(row["opposing"]) == np.sum((q <= 0.05) & (d < 0) & here)
            assert float(row["median_d"]) == pytest.approx(np.median(d[here]))
    assert found["dead"].sel(place="conv2").values.tolist() == [2, 2]
    assert int(found["preferring"].sum()) > 0


def test_a_layer_of_dead_units_has_no_median(contrasts):
    dead = contrasts.assign(dead=xr.ones_like(contrasts["dead"]))
    found = summaries.selectivity(dead, 0.05)
    assert np.isnan(found["median_d"].values).all()
    assert int(found["preferring"].sum() + found["opposing"].sum()) == 0


def test_selection_and_overlap_count_the_masks(masks):
    found = summaries.selection(masks)
    layer = units.layer_names(masks)
    for name in ("faces", "digits"):
        held = masks["selected"].sel(mask=name).values
        for place in ("conv1", "conv2"):
            assert int(found["selected"].sel(localizer=name, place=place)) == held[layer == place].sum()
    shared = summaries.overlap(masks)
    both = masks["selected"].sel(mask="faces").values & masks["selected"].sel(mask="digits").values
    assert int(shared.sel(localizer="faces", other="digits")) == both.sum()
    assert int(shared.sel(localizer="faces", other="faces")) == int(masks["selected"].sel(mask="faces").sum())


def test_control_overlap_is_an_average_over_controls(masks):
    held = masks["selected"].sel(mask="faces").values
    drawn = masks["selected"].values[(masks["role"].values == "control") & (masks["localizer"].values == "faces")]
    expected = np.mean([np.sum(mask & held) / held.sum() for mask in drawn])
    assert float(summaries.control_overlap(masks).sel(localizer="faces")) == pytest.approx(expected)


def test_find_gives_the_cell_and_nothing_where_there_is_none(effects):
    found = summaries.find(effects, "harm", "correct", localizer="faces", task="face_detection")
    row = effects.sel(comparison="harm/faces/face_detection/raw", outcome="correct")
    assert found is not None
    assert found.estimate == float(row["estimate"])
    assert (found.low, found.high, found.p) == (float(row["low"]), float(row["high"]), float(row["p"]))
    assert (found.n, found.groups, found.method) == (int(row["n"]), int(row["groups"]), str(row["method"].values))
    assert summaries.find(effects, "harm", "correct", localizer="voices", task="face_detection") is None
    emptied = effects.assign(estimate=xr.full_like(effects["estimate"], np.nan))
    assert summaries.find(emptied, "harm", "correct", localizer="faces", task="face_detection") is None


def test_tables_hold_everything_that_there_is(contrasts, masks, effects):
    listed = summaries.unit_table(contrasts, masks)
    assert len(listed) == contrasts.sizes["contrast"] * contrasts.sizes["unit"]
    held = listed[(listed["contrast"] == "faces") & listed["selected_by"].str.contains("faces")]
    np.testing.assert_array_equal(held["unit"], np.flatnonzero(masks["selected"].sel(mask="faces").values))
    table = summaries.effect_table(effects)
    assert len(table) == int(np.isfinite(effects["estimate"]).sum())
    one = table[(table["comparison"] == "harm/faces/face_detection/raw") & (table["outcome"] == "correct")]
    expected = effects["estimate"].sel(comparison="harm/faces/face_detection/raw", outcome="correct")
    assert one["estimate"].item() == float(expected)


def test_units_of_two_networks_are_refused(contrasts, config, table):
    others = synthetic.contrasts(config, table, [units.Layer("other", 0, (20, 4, 4))])
    with pytest.raises(units.UnitsMismatchError):
        summaries.unit_table(contrasts, synthetic.selected(config, others))


def test_expectations():
    tasks = {"seeing": ["a", "b"]}
    localizers = {"one": {"task": "seeing"}, "two": {"contrast": "x"}, "three": {"task": None}}
    assert summaries.expectations(tasks, localizers) == ("correct", {"one": "seeing"})
    assert summaries.expectations({}, {"one": {}}) == ("kept", {})


def test_what_a_localizer_is_expected_to_change():
    contrasts = {"x": {"preferred": ["faces"], "other": ["cars", "dogs"]}}
    localizers = {
        "one": {"contrast": "x", "task": "seeing"},
        "two": {"contrast": "x", "sign": "negative"},
        "three": {"contrast": "x", "sign": "absolute"},
    }
    assert summaries.expected({"seeing": ["a", "b"]}, localizers, contrasts) == {"one": {"seeing"}}
    found = summaries.expected({}, localizers, contrasts)
    assert found == {"one": {"seeing", "faces"}, "two": {"cars", "dogs"}, "three": {"faces", "cars", "dogs"}}


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "= 1.00"),
        (0.131, "= 0.13"),
        (0.0996, "= 0.10"),
        (0.0994, "= 0.099"),
        (0.005, "= 0.005"),
        (0.0004, "< 0.001"),
    ],
)
def test_p_values_as_text(p, text):
    assert summaries.p_text(p) == text


def test_the_strongest_units_are_those_with_the_largest_d(contrasts):
    one = contrasts.sel(contrast="faces")
    d = np.where(one["dead"].values, -np.inf, one["d"].values)
    np.testing.assert_array_equal(summaries.strongest(one, 5), np.argsort(-d, kind="stable")[:5])
    assert len(summaries.strongest(one, 1000)) == int((d > 0).sum())
    tied = one.assign(d=xr.ones_like(one["d"]))
    assert summaries.strongest(tied, 3).tolist() == [0, 1, 2]


def test_of_many_positions_the_largest_and_the_selected_are_listed():
    config = synthetic.configuration(recording={"reductions": ["position"]})
    contrasted = synthetic.contrasts(config, synthetic.stimuli(config), [units.Layer("a", 0, (4, 5, 5))], dead=2)
    selected = synthetic.selected(config, contrasted)
    held = summaries.targets(selected)["selected"].values.any(axis=0)
    found = summaries.to_be_listed(contrasted, selected, most=7)
    for name in ("faces", "digits"):
        size = np.abs(contrasted["d"].sel(contrast=name).values)
        others = found[name][~held[found[name]]]
        assert set(np.flatnonzero(held)) <= set(found[name])
        assert len(others) == 7
        assert size[others].min() >= np.delete(size, found[name]).max()
        assert (np.diff(found[name]) > 0).all()
    listed = summaries.unit_table(contrasted, selected, found)
    assert len(listed) == sum(map(len, found.values()))
    whole = summaries.unit_table(contrasted, selected).set_index(["contrast", "unit"])
    rows = listed.set_index(["contrast", "unit"])
    assert rows.equals(whole.loc[rows.index])
    assert len(summaries.to_be_listed(contrasted, selected, most=1000)["faces"]) == 100


def test_channel_units_are_all_listed(contrasts, masks):
    listed = summaries.to_be_listed(contrasts, masks, most=1)
    assert all(len(rows) == contrasts.sizes["unit"] for rows in listed.values())


def test_reductions_are_in_the_order_of_recording():
    layers = [units.Layer("a", 0, (2, 3, 3))]
    assert summaries.reductions(units.table(layers, ["max", "position", "mean"])) == ("max", "position", "mean")


def test_what_changes_is_what_is_not_kept(effects):
    kept = summaries.find(effects, "ablated", "kept", localizer="faces", task="face_detection")
    found = summaries.changed(effects, "faces", "face_detection")
    assert (found.estimate, found.low, found.high) == (1 - kept.estimate, 1 - kept.high, 1 - kept.low)
    assert 0 <= found.low <= found.high <= 1
    assert summaries.changed(effects, "voices", "face_detection") is None


def test_dice_is_twice_what_is_shared_over_both_sizes(masks):
    held = summaries.targets(masks)["selected"].values
    found = summaries.dice(masks)
    expected = 2 * np.sum(held[0] & held[1]) / (held[0].sum() + held[1].sum())
    assert float(found[0, 1]) == float(found[1, 0]) == pytest.approx(expected)
    assert found.values.diagonal().tolist() == [1, 1]


def test_controls_are_told_apart_by_kind(masks):
    owner, role = masks["localizer"].values.astype(str), masks["role"].values.astype(str)
    rows = np.flatnonzero((owner == "faces") & (role == "control"))
    kind = masks["kind"].values.astype(object)
    kind[rows] = "random"
    kind[rows[:5]] = "bottom"
    mixed = masks.assign_coords(kind=("mask", kind.astype(str)))
    assert summaries.controls(mixed, "faces") == {"bottom": 5, "random": len(rows) - 5}
    held = masks["selected"].sel(mask="faces").values
    for name, some in (("bottom", rows[:5]), ("random", rows[5:])):
        expected = np.mean([np.sum(masks["selected"].values[row] & held) / held.sum() for row in some])
        assert float(summaries.control_overlap(mixed, name).sel(localizer="faces")) == pytest.approx(expected)
    assert np.isnan(summaries.control_overlap(mixed, "untrained").values).all()


def test_true_shares_are_those_of_the_targets(masks):
    share = np.where(masks["role"].values.astype(str) == "target", 0.75, np.nan)
    assert summaries.true_shares(masks.assign_coords(true_share=("mask", share))) == {"faces": 0.75, "digits": 0.75}
    assert summaries.true_shares(masks.assign_coords(true_share=("mask", np.full(share.shape, np.nan)))) == {}


def test_curves_are_taken_by_series_task_and_localizer():
    made = makers.curves()
    shuffled = made.isel(point=np.random.default_rng(0).permutation(made.sizes["point"]))
    assert summaries.series(shuffled) == ("fraction", "layer", "keep")
    found = {one.localizer: one for one in summaries.curves(shuffled, "correct", "fraction", "face_detection")}
    assert set(found) == {"faces", "digits"}
    one = found["faces"]
    np.testing.assert_array_equal(one.dose, [0.01, 0.05, 0.2])
    assert one.level == ("0.01", "0.05", "0.2")
    rows = made.to_dataframe().reset_index()
    rows = rows[(rows["series"] == "fraction") & (rows["localizer"] == "faces") & (rows["task"] == "face_detection")]
    np.testing.assert_array_equal(one.estimate, rows.sort_values("dose")["estimate"])
    effect = one.effect(2)
    assert (effect.estimate, effect.low, effect.high, effect.n) == (one.estimate[2], one.low[2], one.high[2], 20)
    assert summaries.curves(made, "correct", "fraction", "no such task") == []


def test_points_without_a_number_are_left_out():
    made = makers.curves()
    made["estimate"][0] = np.nan
    (one, _) = summaries.curves(made, "correct", "fraction", "face_detection")
    assert one.level == ("0.05", "0.2")


def test_how_a_localizer_repeats():
    made = makers.reliability()
    one = summaries.repeated(made, "faces", "dice")
    values, null = made["dice"].sel(localizer="faces").values, made["dice_null"].sel(localizer="faces").values
    assert (one.mean, one.range) == (pytest.approx(values.mean()), (values.min(), values.max()))
    assert one.band(0.9) == pytest.approx(tuple(np.quantile(null, [0.05, 0.95])))
    assert one.chance == pytest.approx(float(made["dice_chance"].sel(localizer="faces").mean()))
    assert summaries.repeated(made, "faces", "correlation").chance == 0
    assert np.isnan(summaries.repeated(made.drop_vars("dice_chance"), "faces", "dice").chance)
    assert np.isnan(summaries.repeated(makers.reliability(shuffles=0), "faces", "dice").band(0.95)).all()


def test_what_has_right_answers_is_shown_by_performance(effects):
    assert summaries.leads(effects, "face_detection", "kept") == "correct"
    unknown = effects.assign(chance=xr.full_like(effects["chance"], np.nan))
    assert summaries.leads(unknown, "face_detection", "kept") == "kept"
