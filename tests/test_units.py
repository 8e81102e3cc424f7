"""Units mean the same in every file of a model."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from deeplocalizer import store, units
from deeplocalizer.provenance import stamp
from deeplocalizer.units import Layer

LAYERS = [Layer("conv", 0, (2, 3, 4)), Layer("conv", 1, (2, 3, 4)), Layer("head", 0, (5,))]


def test_channel_units_number_the_channels_of_each_call():
    table = units.table(LAYERS, ["mean"])
    assert table["channel"].values.tolist() == [0, 1, 0, 1, 0, 1, 2, 3, 4]
    assert units.layer_names(table).tolist() == ["conv"] * 4 + ["head"] * 5
    assert table["call"].values.tolist() == [0, 0, 1, 1, 0, 0, 0, 0, 0]
    assert (table["y"] == units.ABSENT).all()


def test_position_units_follow_the_memory_order_of_the_response():
    response = np.arange(24).reshape(2, 3, 4)
    table = units.table(LAYERS[:1], ["position"])
    places = table["channel"].values, table["y"].values, table["x"].values
    assert (response[places] == np.arange(24)).all()


def test_tokens_come_before_channels():
    table = units.table([Layer("block", 0, (3, 2))], ["position"])
    assert table["token"].values.tolist() == [0, 0, 1, 1, 2, 2]
    assert table["channel"].values.tolist() == [0, 1, 0, 1, 0, 1]


@given(st.lists(st.text(min_size=1, max_size=8).filter(str.isprintable), min_size=1, max_size=6, unique=True))
def test_any_layer_name_survives_its_flag_code(names):
    table = units.table([Layer(name, 0, (2,)) for name in names], ["mean"])
    assert units.layer_names(table).tolist() == [name for name in names for _ in range(2)]


def test_a_file_gives_the_units_back(tmp_path):
    table = units.table(LAYERS, ["mean", "max"])
    data = table.assign(x2=("unit", np.ones(table.sizes["unit"])))
    store.save(stamp(data, "contrast", "a contrast", {}), tmp_path / "a.nc")
    read = store.open(tmp_path / "a.nc")
    assert units.digest(read) == table.attrs["units_digest"] == read.attrs["units_digest"]
    assert units.layer_names(read).tolist() == units.layer_names(table).tolist()


def test_align_refuses_other_layers_by_name():
    first, second = (units.table([Layer(name, 0, (2,))], ["mean"]) for name in ("conv1", "conv2"))
    assert units.align(first, first) == first.attrs["units_digest"]
    with pytest.raises(units.UnitsMismatchError, match=r"conv1.*conv2"):
        units.align(first, second)
    with pytest.raises(units.UnitsMismatchError, match="units_digest"):
        units.align(first, xr.Dataset())


def test_within_takes_fewer_units_in_any_order_and_refuses_others():
    whole = units.table(LAYERS, ["position", "mean"])
    units.within(whole, whole)
    units.within(whole.isel(unit=[5, 1, 3]), whole)
    units.within(whole.isel(unit=[]), whole)
    renamed = [Layer(f"{layer.name}x", layer.call, layer.shape) for layer in LAYERS]
    with pytest.raises(units.UnitsMismatchError, match=f"1 units of 1 layers .{LAYERS[0].name}x.* against "):
        units.within(units.table(renamed, ["position", "mean"]).isel(unit=[0]), whole)
    with pytest.raises(units.UnitsMismatchError, match="differ"):
        units.within(whole, whole.isel(unit=slice(0, -1)))
    moved = whole.isel(unit=[0, 1]).assign_coords(channel=("unit", [1, 0], whole["channel"].attrs))
    with pytest.raises(units.UnitsMismatchError, match="differ"):
        units.within(moved, whole)


def test_labels_tell_units_apart():
    table = units.table(LAYERS, ["position"])
    labels = units.label(table)
    assert len(set(labels)) == len(labels)
    assert labels[0] == "conv:0 (0, 0)"
    assert labels[24] == "conv#1:0 (0, 0)"


@pytest.mark.parametrize(
    ("layers", "reductions", "message"),
    [
        ([Layer("a", 0, (2,)), Layer("a", 0, (2,))], ["mean"], "'a'.*twice"),
        ([Layer("a", 0, (2,))], ["median"], "'median' is unknown; allowed are position, mean, max"),
        ([Layer("a", 0, (2, 2, 2, 2))], ["mean"], r"'a'.*\(2, 2, 2, 2\)"),
        ([], ["mean"], "no units"),
    ],
)
def test_bad_tables_are_refused_by_name(layers, reductions, message):
    with pytest.raises(ValueError, match=message):
        units.table(layers, reductions)
