"""Central results under other conditions are those of each condition by itself."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import effects, masks, provenance, replicates, robustness, store
from deeplocalizer.robustness import Result, Variant
from tests import synthetic
from tests.plots import robust

FACES = Result("advantage", "faces", task="face_detection")
DIGITS = Result("advantage", "digits", task="digit_recognition")
BOTH = Result("double_dissociation", "faces", "digits")


@pytest.fixture(scope="module")
def config():
    return synthetic.configuration()


@pytest.fixture(scope="module")
def made(config):
    """Give a study in which zero harms each task, the mean the faces only, and the twin nothing."""
    table = synthetic.stimuli(config)
    only = {pair: harm for pair, harm in synthetic.DOUBLE.items() if pair[0] == "faces"}
    return {
        "zero": synthetic.measured(config, table, synthetic.DOUBLE),
        "mean": synthetic.measured(config, table, only),
        "twin": synthetic.measured(config, table, {}, intact=0.5),
    }


@pytest.fixture(scope="module")
def table(config, made):
    seeds = replicates.table({"one": made["zero"], "two": made["mean"]}, config["inference"])
    variants = [
        Variant("main", "zero", made["zero"]),
        Variant("value", "mean", made["mean"]),
        Variant("replicates", "seeds", seeds),
        Variant("twin", "two", made["twin"]),
    ]
    return robustness.table(variants, [FACES, DIGITS, BOTH], "correct")


def drawn(config, controls=7, **settings):
    contrasted = synthetic.contrasts(config, synthetic.stimuli(config), synthetic.LAYERS)
    wanted = {"controls": controls, "compare": ["random_response", "bottom"], "bins": 2} | settings
    return masks.table(contrasted, config["localizers"], wanted, seed=0)


def test_targets_and_the_first_random_masks_are_run_again(config):
    every = drawn(config)
    few = robustness.fewer(every, 3, {"matching": "layer"})
    expected = [
        name
        for owner in ("faces", "digits")
        for name in (owner, *(f"{owner}/random-{number:05d}" for number in range(3)))
    ]
    assert few["mask"].values.tolist() == expected
    xr.testing.assert_identical(few, every.sel(mask=expected))


def test_masks_that_are_matched_by_response_are_the_controls_where_they_give_the_p(config):
    few = robustness.fewer(drawn(config, matching="response", compare=["random"]), 2, {"matching": "response"})
    kinds = few["kind"].values.astype(str).tolist()
    assert kinds == ["localizer", "random_response", "random_response"] * 2


def test_masks_that_are_too_few_are_all_of_them_and_none_are_refused(config):
    every = drawn(config, compare=[])
    xr.testing.assert_identical(robustness.fewer(every, 100, {}), every)
    with pytest.raises(ValueError, match="need 1 random control or more; asked for are 0"):
        robustness.fewer(every, 0, {})
    with pytest.raises(ValueError, match="localizer 'faces': the masks have no control of kind 'random_response'"):
        robustness.fewer(every, 3, {"matching": "response"})


CONTRASTS = {"faces": {"preferred": ["faces"], "other": ["objects", "digits"]}}


@pytest.mark.parametrize(
    ("tasks", "localizer", "expected"),
    [
        ({"t": ["a"]}, {"task": "t"}, ["t"]),
        ({"t": ["a"], "u": ["b"]}, {}, ["t", "u"]),
        ({}, {}, ["faces"]),
        ({}, {"task": "readout"}, ["faces", "readout"]),
        ({}, {"task": "faces"}, ["faces"]),
        ({}, {"sign": "negative"}, ["objects", "digits"]),
        ({}, {"sign": "absolute"}, ["faces", "objects", "digits"]),
    ],
)
def test_what_a_study_is_about(tasks, localizer, expected):
    found = robustness.central(tasks, {"one": {"contrast": "faces"} | localizer}, CONTRASTS, [])
    assert found == [Result("advantage", "one", task=task) for task in expected]


def test_dissociations_come_last_and_are_named_as_effects_name_them(config, made):
    found = robustness.central(*(config[key] for key in ("tasks", "localizers", "contrasts", "dissociations")))
    assert found == [FACES, DIGITS, BOTH]
    assert {one.name for one in found} <= set(made["zero"]["comparison"].values.astype(str))


def test_numbers_are_those_of_each_condition(table, made):
    for variant, name in (("main/zero", "zero"), ("value/mean", "mean"), ("twin/two", "twin")):
        for one in (FACES, DIGITS, BOTH):
            cell = table.sel(variant=variant, comparison=one.name)
            expected = made[name].sel(comparison=one.name, outcome="correct")
            for number in ("estimate", "low", "high", "p", "p_family", "n"):
                np.testing.assert_equal(float(cell[number]), float(expected[number]))


def test_an_advantage_is_what_the_outcomes_say(config, table):
    """By hand from single answers: harm of the mask minus mean harm of 39 random ones, and its rank."""
    runs = synthetic.outcomes(config, synthetic.stimuli(config), synthetic.DOUBLE, 0.95)
    label, correct = runs["label"].values.astype(str), runs["correct"].values.astype(float)
    balanced = np.mean([correct[:, label == one].mean(axis=1) for one in ("face", "non-face")], axis=0)
    role, owner = (runs[name].values.astype(str) for name in ("role", "localizer"))
    random = balanced[0] - balanced[(role == "control") & (owner == "faces")]
    harm = balanced[0] - balanced[(role == "target") & (owner == "faces")].item()
    cell = table.sel(variant="main/zero", comparison=FACES.name)
    assert float(cell["estimate"]) == pytest.approx(harm - random.mean())
    assert float(cell["p"]) == pytest.approx((1 + (random >= harm - 1e-12).sum()) / 40)
    assert float(cell["control"]) == pytest.approx(random.mean())
    np.testing.assert_allclose([cell["control_low"], cell["control_high"]], np.quantile(random, [0.025, 0.975]))
    assert int(cell["controls"]) == 39


def test_networks_are_averaged_and_each_is_kept(table, made):
    each = [float(made[name]["estimate"].sel(comparison=DIGITS.name, outcome="correct")) for name in ("zero", "mean")]
    cell = table.sel(variant="replicates/seeds", comparison=DIGITS.name)
    assert float(cell["estimate"]) == pytest.approx(np.mean(each))
    ends = scipy.stats.t.interval(0.95, 1, np.mean(each), scipy.stats.sem(each))
    np.testing.assert_allclose([cell["low"], cell["high"]], np.clip(ends, -1, 1))
    np.testing.assert_allclose(cell["estimate_of_model"], each)
    assert int(cell["models"]) == 2
    assert np.isnan(table["estimate_of_model"].sel(variant="main/zero")).all()


def test_a_planted_difference_between_conditions_is_found(table):
    p = table["p_family"].sel(comparison=DIGITS.name)
    assert float(p.sel(variant="main/zero")) <= 0.05
    assert float(p.sel(variant="value/mean")) > 0.05
    double = table["p"].sel(comparison=BOTH.name)
    assert float(double.sel(variant="main/zero")) <= 0.05 < float(double.sel(variant="value/mean"))


def test_a_network_that_cannot_do_a_task_is_known_by_the_larger_p(made):
    unable = made["zero"].assign(p_able=("task_name", [0.001, 0.7]))
    table = robustness.table([Variant("main", "zero", unable)], [FACES, DIGITS, BOTH], "correct")
    assert table["p_able"].values.tolist() == [[0.001, 0.7, 0.7]]
    unasked = made["zero"].assign(chance=("task_name", [np.nan, np.nan]))
    found = robustness.table([Variant("main", "zero", unasked)], [FACES], "correct")
    assert np.isnan(found["p_able"]).all()


def test_decisions_lead_where_nothing_has_a_right_answer():
    asked = [Result("advantage", "faces", task="faces")]
    of = robust.effects(asked, 0.2, outcome="kept", chance=float("nan"))
    assert robustness.table([Variant("main", "zero", of)], asked, "kept")["outcome"].values.tolist() == ["kept"]


def test_what_a_condition_has_no_number_of_is_nan_in_it_alone(made):
    asked = [FACES, DIGITS]
    less = made["mean"].isel(comparison=np.flatnonzero(made["mean"]["comparison"].values.astype(str) != FACES.name))
    table = robustness.table([Variant("main", "zero", made["zero"]), Variant("value", "mean", less)], asked, "correct")
    assert np.isnan(table["estimate"].values).tolist() == [[False, False], [True, False]]
    assert int(table["controls"].sel(variant="value/mean", comparison=FACES.name)) == 0
    first, second = robustness.cases(table, FACES)
    assert (first.kind, first.name, second.effect, second.band) == ("main", "zero", None, None)
    assert np.isnan(second.p)


def test_what_is_read_of_a_table_is_what_it_holds(table):
    assert robustness.results(table) == [FACES, DIGITS, BOTH]
    for one in (FACES, DIGITS, BOTH):
        for case, variant in zip(robustness.cases(table, one), table["variant"].values, strict=True):
            cell = table.sel(variant=variant, comparison=one.name)
            assert case.effect.estimate == float(cell["estimate"])
            family = float(cell["p_family"])
            assert case.p == (family if np.isfinite(family) else float(cell["p"]))
            if case.band is not None:
                assert case.band[0] <= 0 <= case.band[1]
    assert len(robustness.cases(table, FACES)[2].each) == 2


def test_a_table_is_stored_and_read_alike(table, tmp_path):
    for name, one in (("full", table), ("alone", table.isel(variant=[0], model=[]))):
        store.save(provenance.stamp(one, "robustness", "Robustness", {}), tmp_path / f"{name}.nc")
        read = store.open(tmp_path / f"{name}.nc", "robustness")
        assert robustness.cases(read, FACES)[0] == robustness.cases(one, FACES)[0]
        assert all("long_name" in read[variable].attrs for variable in read.variables if variable != "comparison")


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ([], "the first variant, and no other, must be the main one; given are none"),
        (["value", "main"], "given are value, main"),
        (["main", "main"], "given are main, main"),
        (["main", "seeds"], "variant 'seeds' is unknown; allowed are main, value, replicates, twin"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(made, kinds, message):
    with pytest.raises(ValueError, match=message):
        robustness.table([Variant(kind, "x", made["zero"]) for kind in kinds], [FACES], "correct")


@settings(max_examples=5, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=3), st.permutations(range(3)))
def test_a_condition_does_not_depend_on_which_others_there_are(estimates, order):
    asked = robust.asked_of()
    values = [
        Variant("value", f"value{index}", robust.effects(asked, estimate)) for index, estimate in enumerate(estimates)
    ]
    main = Variant("main", "zero", robust.effects(asked, 0.1))
    every = robustness.table([main, *values], asked, "correct")
    turned = [values[index] for index in order if index < len(values)]
    other = robustness.table([main, *turned], asked, "correct")
    xr.testing.assert_identical(other.sel(variant=every["variant"]), every)
    for one in values:
        alone = robustness.table([main, one], asked, "correct")
        xr.testing.assert_identical(alone, every.sel(variant=["main/zero", one.label]))


def test_fewer_controls_leave_the_numbers_of_the_mask_alone(config):
    """The first controls alone: harm stays, the rank is among them."""
    runs = synthetic.outcomes(config, synthetic.stimuli(config), synthetic.DOUBLE, 0.95)
    order = [name for name in runs["intervention"].values.astype(str) if "-" not in name or int(name[-5:]) < 20]
    given = (config["tasks"], config["localizers"], config["dissociations"], config["inference"], 0)
    few, every = effects.measure(runs.sel(intervention=order), *given), effects.measure(runs, *given)
    harm = "harm/faces/face_detection/raw"
    assert float(few["estimate"].sel(comparison=harm, outcome="correct")) == float(
        every["estimate"].sel(comparison=harm, outcome="correct")
    )
    found = robustness.table([Variant("main", "zero", every), Variant("value", "zero", few)], [FACES], "correct")
    assert found["controls"].values.ravel().tolist() == [39, 20]
    assert float(found["p"].sel(variant="value/zero").item()) == pytest.approx(1 / 21)
