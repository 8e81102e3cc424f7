"""The label that is chosen under each mask is told by its name, however many there are."""

import numpy as np
import pytest
import torch
from torch import nn

from deeplocalizer import ablation, changes, outcomes, provenance, store, units
from deeplocalizer.ablation import Filling
from tests.ablation.networks import CPU, images, inputs, layers, masked


def run(labels, tasks):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, len(labels))).eval()
    found, places = layers(model, ["0"], 8)
    table, tested = units.table(found, ["mean"]), inputs(6, 8)
    listed = masked(table, {"m": [0, 1, 2, 3, 4], "n": [1], "o": [0, 2]})
    return model, tested, ablation.ablate(model, places, labels, tested, listed, Filling("zero"), tasks, 6, CPU)


@pytest.mark.parametrize(("count", "dtype"), [(12, "int16"), (33_000, "int32")])
def test_labels_are_those_of_the_highest_outputs(count, dtype, tmp_path):
    labels = [f"label {place}, with a blank" for place in range(count)]
    model, tested, found = run(labels, {})
    assert found["decided"].dtype == dtype and found["decided"].attrs["flag_values"].dtype == dtype
    with torch.no_grad():
        expected = model(images(tested)).argmax(dim=1).tolist()
    assert units.decode(found["decided"][0]).tolist() == [labels[place] for place in expected]
    np.testing.assert_array_equal(found["kept"], found["decided"].values == found["decided"].values[0])
    store.save(provenance.stamp(found, "outcomes", "Outcomes", {}), tmp_path / "outcomes.nc")
    again = store.open(tmp_path / "outcomes.nc", "outcomes")["decided"]
    assert again.dtype == dtype and units.decode(again[0]).tolist() == [labels[place] for place in expected]


def test_an_output_without_a_name_has_its_number():
    _, _, found = run(["one", "", "three", ""], {})
    assert found["decided"].attrs["flag_meanings"] == "one 1 three 3"


def test_joined_localizers_keep_the_labels_of_each():
    _, _, found = run([f"l{place}" for place in range(12)], {"t": ["l0", "l1", "l2"]})
    parts = [found.isel(intervention=rows) for rows in ([0, 1], [0, 2, 3])]
    for whole in (outcomes.join(parts), outcomes.gather(parts)):
        np.testing.assert_array_equal(whole["decided"], found["decided"])
        assert whole["decided"].attrs["flag_meanings"] == found["decided"].attrs["flag_meanings"]
    assert found["decided"].values.max() <= 2


def test_changes_are_found_in_what_ablation_makes():
    _, _, found = run([str(place) for place in range(12)], {})
    made = found.assign_coords(
        role=("intervention", ["intact", "target", "control", "control"]),
        kind=("intervention", ["", "target", "random", "random"]),
        localizer=("intervention", ["", "one", "one", "one"]),
        split=("stimulus", np.full(6, "test", dtype=object)),
    )
    settings = {"alpha": 0.05, "confidence": 0.95, "resamples": 200, "least_performance": 0.1}
    result = changes.measure({"one": made}, {}, settings, seed=0)
    moved = found["decided"].values[1] != found["decided"].values[0]
    assert result["changed"].item() == moved.sum() > 0
    before = dict(zip(result["change_stimulus"].values, result["change_before"].values, strict=True))
    for place in np.flatnonzero(moved):
        assert before[str(made["stimulus"].values[place])] == str(found["decided"].values[0, place])
    assert not bool(result["named"])
