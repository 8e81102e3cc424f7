"""Which units a readout reads, and their responses."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import units
from deeplocalizer.readout import features
from tests.readout import made

LAYERS = [units.Layer("a.conv", 0, (2, 2, 2)), units.Layer("twice", 0, (3,)), units.Layer("twice", 1, (3,))]


@pytest.fixture(scope="module")
def table():
    return made.activations(made.stimuli(), layers=LAYERS, reductions=["position", "mean", "max"])


@pytest.mark.parametrize(("reduction", "count"), [("position", 8), ("mean", 2), ("max", 2)])
def test_units_are_found_by_layer_and_reduction(table, reduction, count):
    place = features.find(table, "a.conv", reduction, "r")
    mine = table.isel(unit=place.columns)
    assert mine.sizes["unit"] == count
    assert set(units.layer_names(mine)) == {"a.conv"} and set(units.decode(mine["reduction"])) == {reduction}
    assert (place.layer, place.call, place.reduction) == ("a.conv", 0, reduction)
    assert (np.diff(mine["unit"].values) == 1).all()


@pytest.mark.parametrize("reduction", ["mean", "position"])
@pytest.mark.parametrize("call", [0, 1])
def test_a_call_is_named(table, call, reduction):
    # a layer without space has nothing to reduce: its units are there once
    place = features.find(table, f"twice#{call}", reduction, "r")
    assert set(table["call"].values[place.columns]) == {call} and (place.layer, place.call) == ("twice", call)


def test_responses_are_those_of_the_stimuli_in_their_order(table, monkeypatch):
    monkeypatch.setattr(features, "SLAB", 16)
    rows = np.array([100, 3, 17, 15, 16])
    place = features.find(table, "a.conv", "max", "r")
    expected = table["activation"].values[rows][:, place.columns]
    np.testing.assert_array_equal(features.responses(table, place, rows, "r"), expected)


@pytest.mark.parametrize(
    ("layer", "reduction", "message"),
    [
        ("a.cnov", "mean", "readout 'r': no responses of a layer 'a.cnov' are stored; did you mean a.conv?"),
        ("zzz", "mean", "no responses of a layer 'zzz' are stored; stored are those of a.conv, twice"),
        ("a.conv", "class_token", "layer 'a.conv': responses of reduction 'class_token' are not stored; stored are"),
        ("twice", "mean", "layer 'twice' must say which call is read; expected one of twice#0, twice#1"),
        ("twice#2", "mean", "layer 'twice#2' must say which call is read; expected one of twice#0, twice#1"),
    ],
)
def test_what_is_not_there_is_named(table, layer, reduction, message):
    with pytest.raises(ValueError, match=message):
        features.find(table, layer, reduction, "r")


def test_a_map_that_is_only_reduced_otherwise_is_refused():
    means = made.activations(made.stimuli(), layers=LAYERS, reductions=["mean"])
    with pytest.raises(ValueError, match="reduction 'max' are not stored; stored are mean"):
        features.find(means, "a.conv", "max", "r")
    with pytest.raises(ValueError, match="reduction 'position' are not stored; stored are mean"):
        features.find(means, "a.conv", "position", "r")


def test_too_many_units_are_refused(table, monkeypatch):
    monkeypatch.setattr(features, "LARGEST", 7)
    with pytest.raises(ValueError, match="layer 'a.conv' has 8 position units; expected at most 7 features"):
        features.find(table, "a.conv", "position", "r")


def test_responses_that_cannot_be_read_are_named(table):
    place, rows = features.find(table, "a.conv", "mean", "r"), np.arange(10)
    broken = table.copy(deep=True)
    broken["activation"][4, place.columns] = np.inf
    with pytest.raises(ValueError, match=f"'a.conv' has a response to stimulus '{table['stimulus'].values[4]}' that"):
        features.responses(broken, place, rows, "r")
    same = table.assign(activation=xr.ones_like(table["activation"]))
    with pytest.raises(ValueError, match="layer 'a.conv' responds to all 10 stimuli alike"):
        features.responses(same, place, rows, "r")
