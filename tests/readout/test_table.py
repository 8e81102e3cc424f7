"""Readouts of a study: fitted on the select split alone, stored, and taken out as heads."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from deeplocalizer import provenance, readout, store
from deeplocalizer.heads import score_head
from tests.readout import made

READOUTS = {
    "kinds": made.readout(),
    "faces": made.readout(layer="wide", classes="category"),
    "hats": made.readout(layer="fc", classes=["hat"], categories=["faces"], folds=3, reduction="max"),
}


@pytest.fixture(scope="module")
def known():
    return made.stimuli(count=240)


@pytest.fixture(scope="module")
def recorded(known):
    return made.activations(known, strength=1.5)


@pytest.fixture(scope="module")
def fitted(known, recorded):
    return readout.fit(recorded, known, READOUTS, 0)


def of_test(known):
    return known.isel(stimulus=np.flatnonzero(known["split"].values == "test")[::-1])


def features(recorded, one, stimuli):
    mine = recorded.isel(unit=readout.features.find(recorded, one.layer, one.reduction, "").columns)
    return mine["activation"].sel(stimulus=stimuli["stimulus"].values).values


@pytest.mark.parametrize("name", READOUTS)
def test_heads_give_the_probabilities_of_a_pipeline_of_scikit_learn(known, recorded, fitted, name):
    [one] = [head for head in readout.heads(fitted, of_test(known)) if head.name == name]
    wanted = readout.classes(READOUTS[name], known, known["has_attribute"])
    learned = np.flatnonzero((wanted != "") & (known["split"].values == "select"))
    penalty = float(fitted["penalty"].sel(readout=name))
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=penalty, class_weight="balanced", tol=1e-10, max_iter=10_000)
    )
    model.fit(features(recorded, one, known.isel(stimulus=learned)).astype(float), wanted[learned])
    shown = features(recorded, one, of_test(known))
    assert one.classes == tuple(model.classes_)
    np.testing.assert_allclose(softmax(one.logits(shown), axis=1), model.predict_proba(shown), atol=1e-3)
    assert fitted["n"].sel(readout=name) == len(learned)
    assert fitted["chance"].sel(readout=name) == 1 / len(one.classes)


def test_planted_classes_are_found_and_others_are_not(known, recorded, fitted):
    accuracy = fitted["accuracy"].sel(readout=["kinds", "faces"]).values
    assert accuracy[0] > 0.9
    assert abs(accuracy[1] - 0.5) < 0.25  # nothing tells the categories apart
    [kinds, *_] = readout.heads(fitted, of_test(known))
    shown = features(recorded, kinds, of_test(known))
    assert score_head(shown, shown, kinds)["readout_correct"].mean() > 0.9
    assert fitted["converged"].values.all()


def test_stimuli_are_asked_for_their_own_class(known, fitted):
    some = of_test(known).isel(stimulus=[5, 0, 7])
    for head in readout.heads(fitted, some):
        expected = readout.classes(READOUTS[head.name], some, known["has_attribute"])
        assert head.wanted.tolist() == expected.tolist()


def test_nothing_of_the_test_split_is_in_the_weights(known, recorded, fitted):
    """Double dipping is tried: other responses and other labels outside the select split change nothing."""
    rng = np.random.default_rng(9)
    outside = np.flatnonzero(recorded["split"].values != "select")
    responses = recorded.copy(deep=True)
    responses["activation"][outside] = rng.normal(size=(len(outside), recorded.sizes["unit"])).astype("f4") * 1e6
    elsewhere = np.flatnonzero(known["split"].values != "select")
    other, order = known.copy(deep=True), rng.permutation(elsewhere)
    for name in ("label", "category"):
        other[name].values[elsewhere] = known[name].values[order]
    other["has_attribute"].values[elsewhere] = known["has_attribute"].values[order]
    again = readout.fit(responses, other, READOUTS, 0)
    assert (again["readout_label"].values != fitted["readout_label"].values).any()
    moved = ["readout_label", "category"]
    xr.testing.assert_identical(again.drop_vars(moved), fitted.drop_vars(moved))


def test_readouts_cannot_be_tested_where_they_were_fitted(known, fitted):
    with pytest.raises(ValueError, match="is of the select split, on which the readouts were fitted"):
        readout.heads(fitted, known)
    strange = of_test(known).assign_coords(stimulus=[f"x{i}" for i in range(80)])
    with pytest.raises(ValueError, match="stimulus 'x0' is not among the stimuli of the readouts"):
        readout.heads(fitted, strange)


def test_the_same_numbers_whatever_the_order_of_the_files_and_the_threads(known, recorded, fitted):
    rng = np.random.default_rng(2)
    shuffled = recorded.isel(stimulus=rng.permutation(recorded.sizes["stimulus"]))
    with threadpool_limits(limits=2):
        xr.testing.assert_identical(readout.fit(shuffled, known, READOUTS, 0), fitted)
    backwards = readout.fit(recorded, known.isel(stimulus=slice(None, None, -1)), READOUTS, 0)
    for name in READOUTS:
        xr.testing.assert_identical(backwards[f"weight_{name}"], fitted[f"weight_{name}"])


def test_a_readout_does_not_depend_on_the_others(known, recorded, fitted):
    alone = readout.fit(recorded, known, {"faces": READOUTS["faces"]}, 0)
    xr.testing.assert_identical(alone["weight_faces"], fitted["weight_faces"])


def test_readouts_are_an_artefact_read_from_files(known, recorded, fitted, tmp_path):
    paths = [tmp_path / name for name in ("activations.nc", "stimuli.nc", "readouts.nc")]
    store.save(provenance.stamp(recorded, "activations", "Responses", {}), paths[0])
    store.save(provenance.stamp(known, "stimuli", "Stimuli", {}), paths[1])
    with store.lazy(paths[0]) as responses, store.lazy(paths[1]) as stimuli:
        made_again = readout.fit(responses, stimuli, READOUTS, 0)
    store.save(provenance.stamp(made_again, "readouts", "Readouts", {"seed": 0}), paths[2])
    found = store.open(paths[2], "readouts")
    assert found.attrs["units_digest"] == recorded.attrs["units_digest"]
    for one, other in zip(*(readout.heads(table, of_test(known)) for table in (found, fitted)), strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)
        assert (one.classes, one.layer, one.wanted.tolist()) == (other.classes, other.layer, other.wanted.tolist())
    for name, variable in found.variables.items():
        assert "long_name" in variable.attrs or name in known.coords, name
    for name in READOUTS:
        assert set(found[f"unit_{name}"].values) <= set(recorded["unit"].values)


def test_readouts_that_cannot_be_fitted_are_named(known, recorded):
    with pytest.raises(ValueError, match="no readouts"):
        readout.fit(recorded, known, {}, 0)
    with pytest.raises(ValueError, match="readout 'r': no responses of a layer 'cnov' are stored; did you mean conv?"):
        readout.fit(recorded, known, {"r": made.readout(layer="cnov")}, 0)
    without = recorded.isel(stimulus=np.flatnonzero(recorded["split"].values != "select"))
    with pytest.raises(ValueError, match="readout 'r': stimulus '.*' is not among those recorded"):
        readout.fit(without, known, {"r": made.readout()}, 0)


def test_groups_of_several_stimuli_are_kept_together():
    """Every group looks like itself and like no other: a probe that parts groups would know the labels by heart."""
    known = made.stimuli(count=288, classes=2, per_group=4)
    number = np.arange(288)
    known["label"].values[:] = [f"k{i}" for i in np.random.default_rng(5).permutation(np.repeat([0, 1], 36)).repeat(4)]
    recorded = made.activations(known, strength=3.0, by="group")
    found = readout.fit(recorded, known, {"r": made.readout(layer="wide")}, 0)
    assert found["groups"] == 24 and found["n"] == 96
    assert found["accuracy"] < 0.8
    alone = known.assign_coords(group=("stimulus", [f"own{i}" for i in number]))
    assert readout.fit(recorded, alone, {"r": made.readout(layer="wide")}, 0)["accuracy"] > 0.95
