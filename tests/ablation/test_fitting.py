"""What does not fit together is refused before it is run, and named."""

import numpy as np
import pytest
import torch
import xarray as xr

from deeplocalizer import ablation, recording, units
from deeplocalizer.ablation import Filling
from deeplocalizer.heads import Head
from tests.ablation.networks import CPU, LABELS, inputs, layers, masked
from tests.ablation.test_values import Chain

SIDE = 8
TABLE = units.table([units.Layer("first", 0, (4, 6, 6)), units.Layer("vector", 0, (7,))], ["mean"])


def run(some=None, values=None, heads=(), labels=LABELS, table=TABLE, stimuli=4, filling=None):
    model = Chain()
    _, places = layers(model, ["first", "vector"], SIDE)
    listed = masked(table, some or {"m": [1]}) if not isinstance(some, xr.Dataset) else some
    given = filling or (Filling("zero") if values is None else np.asarray(values, dtype=float))
    tested = inputs(max(stimuli, 1), SIDE).isel(stimulus=slice(0, stimuli))
    return ablation.ablate(model, places, labels, tested, listed, given, {}, 4, CPU, heads=heads)


def head(name, wanted, call=0):
    return Head(name, "first", call, "mean", np.zeros((2, 4)), np.zeros(2), ("x", "y"), np.full(wanted, "x"))


def test_masks_are_named():
    with pytest.raises(ValueError, match="mask 'nothing' has no units"):
        run({"m": [1], "nothing": []})
    twice = masked(TABLE, {"m": [1], "n": [2]}).assign_coords(mask=["m", "m"])
    with pytest.raises(ValueError, match="mask 'm' is there twice"):
        run(twice)
    wide = units.table([units.Layer("first", 0, (9, 6, 6))], ["mean"])
    with pytest.raises(ValueError, match=r"mask 'n': layer 'first' \(call 0\) has no unit first:8; .* \(4, 6, 6\)"):
        run({"m": [1], "n": [8]}, table=wide)
    flat = units.table([units.Layer("vector", 0, (7, 2, 2))], ["position"])
    with pytest.raises(ValueError, match=r"mask 'm': layer 'vector' \(call 0\) has no unit vector:0 \(0, 1\)"):
        run({"m": [1]}, table=flat)


def test_nothing_kept_is_no_error_as_all_is_replaced():
    kept = masked(TABLE, {"m": []}).assign_coords(series=("mask", ["keep"]))
    assert run(kept, filling=Filling("zero", background="zero"))["kl"].values[1].max() > 0


def test_values_are_named():
    with pytest.raises(ValueError, match=r"values of shape \(5,\) were given for 11 units"):
        run(values=np.zeros(5))
    values = np.zeros(11)
    values[6] = np.nan
    with pytest.raises(ValueError, match="nan that is to replace unit vector:2 is not finite"):
        run({"m": [1, 6]}, values)
    run({"m": [1]}, values)


def test_maps_of_images_of_another_size_are_named():
    model, stimuli = Chain(), inputs(12, SIDE)
    _, places = layers(model, ["first"], SIDE)
    maps = ablation.mean_maps(model, places, inputs(12, 12), ["b"], 8, CPU)
    _, moments = recording.record(model, layers(model, ["first", "vector"], SIDE)[1], stimuli, ["mean"], 8, CPU)
    filling = Filling("mean", moments=moments, maps=maps, others=("b",))
    with pytest.raises(
        ValueError, match=r"layer 'first' .* mean of shape \(4, 10, 10\), but its output .* \(4, 6, 6\)"
    ):
        run({"m": [1]}, filling=filling)


def test_readouts_stimuli_and_labels_are_named():
    with pytest.raises(ValueError, match="readout 'r' is there twice"):
        run(heads=[head("r", 4), head("r", 4)])
    with pytest.raises(ValueError, match="readout 'r': 3 wanted classes were given for 4 stimuli"):
        run(heads=[head("r", 3)])
    with pytest.raises(ValueError, match=r"layer 'first' \(call 2\) never ran, so no readout could read it"):
        run(heads=[head("r", 4, call=2)])
    with pytest.raises(ValueError, match="4 labels were given for a network of 10 outputs"):
        run(labels=LABELS[:4])
    with pytest.raises(ValueError, match="11 labels were given for a network of 10 outputs"):
        run(labels=[*LABELS, "more"])
    with pytest.raises(ValueError, match="there are no stimuli"):
        run(stimuli=0)
    assert torch.is_grad_enabled()
