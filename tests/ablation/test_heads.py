"""Readouts see their layer after the replacement, and score what they see."""

import numpy as np
import pytest
import torch

from deeplocalizer import ablation, outcomes, recording, units
from deeplocalizer.ablation import Filling
from deeplocalizer.heads import Head
from tests.ablation.networks import CPU, LABELS, images, inputs, layers, masked
from tests.ablation.test_values import SHAPES, SIDE, Chain, channels, setting, step_by_step

CLASSES = ("one", "other")


def head(layer, reduction, features, wanted, seed=0):
    rng = np.random.default_rng(seed)
    weight = np.stack([np.zeros(features), rng.normal(size=features)])
    return Head(f"{layer} {reduction}", layer, 0, reduction, weight, np.array([0.0, 0.1]), CLASSES, wanted)


def features_of(output, reduction):
    if output.ndim == 2 or reduction == "position":
        return output.flatten(1).numpy()
    over = (2, 3) if output.ndim == 4 else (1,)
    return (output.mean(over) if reduction == "mean" else output.amax(over)).numpy()


@pytest.mark.parametrize("together", [1, 3])
def test_heads_read_what_is_left_of_their_layer(together):
    model, tested = Chain(), inputs(7, SIDE)
    _, places = layers(model, [*SHAPES], SIDE)
    _, summary = recording.record(model, places, tested, ["mean"], 8, CPU)
    wanted = np.array([*CLASSES, ""])[np.arange(7) % 3]
    heads = [
        head("first", "mean", 4, wanted),
        head("second", "mean", 5, wanted, 1),
        head("second", "position", 80, wanted, 2),
        head("add()", "max", 5, wanted, 3),
        head("token", "mean", 6, wanted, 4),
        head("vector", "mean", 7, wanted, 5),
    ]
    chosen = [{"second": [0, 2]}, {"vector": [1]}, {"first": [1], "token": [2]}]
    table = masked(summary, {f"m{i}": channels(summary, one) for i, one in enumerate(chosen)})
    given = ablation.ablate(model, places, LABELS, tested, table, Filling("zero"), {}, 7 * together, CPU, heads=heads)
    without = ablation.ablate(model, places, LABELS, tested, table, Filling("zero"), {}, 7 * together, CPU)
    for name in without.data_vars:
        np.testing.assert_array_equal(given[name], without[name])
    assert given["readout"].values.tolist() == [one.name for one in heads]
    assert given["readout_label"].values[0].tolist() == wanted.tolist()
    zeros = {name: 0.0 for name in SHAPES}
    for row, change in enumerate([lambda _, output: output, *(setting(one, zeros) for one in chosen)]):
        seen = {}

        def noting(name, output, change=change, seen=seen):
            seen[name] = change(name, output)
            return seen[name]

        step_by_step(model, images(tested), noting)
        if row == 0:
            intact = seen
        for number, one in enumerate(heads):
            logits, before = (
                features_of(values[one.layer], one.reduction) @ one.weight.T + one.bias for values in (seen, intact)
            )
            asked = wanted != ""
            right = np.where(asked, np.array(CLASSES)[logits.argmax(1)] == wanted, -1)
            np.testing.assert_array_equal(given["readout_correct"].values[number, row], right)
            true = np.where(wanted == "other", 1, 0)
            margin = logits[np.arange(7), true] - logits[np.arange(7), 1 - true]
            np.testing.assert_allclose(
                given["readout_margin"].values[number, row], np.where(asked, margin, np.nan), rtol=1e-4, atol=1e-5
            )
            expected = outcomes.score(logits, before, one.ask())
            np.testing.assert_allclose(
                given["readout_log_likelihood"].values[number, row], expected["log_likelihood"], rtol=1e-4, atol=1e-5
            )
    # a layer before the mask is read as in the intact network, bit by bit
    np.testing.assert_array_equal(given["readout_margin"].values[0, 1], given["readout_margin"].values[0, 0])
    assert (given["readout_margin"].values[1, 1] != given["readout_margin"].values[1, 0])[asked].all()
    assert all(given[name].attrs["long_name"] for name in given.data_vars)


def test_a_readout_of_a_layer_that_never_runs_is_named():
    model, tested = Chain(), inputs(4, SIDE)
    _, places = layers(model, ["first"], SIDE)
    table = masked(units.table([units.Layer("first", 0, (4, 6, 6))], ["mean"]), {"m": [1]})
    wanted = np.full(4, "one")
    twice = Head("r", "first", 1, "mean", np.zeros((2, 4)), np.zeros(2), CLASSES, wanted)
    with pytest.raises(ValueError, match=r"layer 'first' \(call 1\) never ran"):
        ablation.ablate(model, places, LABELS, tested, table, Filling("zero"), {}, 4, CPU, heads=[twice])
    with pytest.raises(ValueError, match="layer 'gone' is not among the places"):
        gone = Head("r", "gone", 0, "mean", np.zeros((2, 4)), np.zeros(2), CLASSES, wanted)
        ablation.ablate(model, places, LABELS, tested, table, Filling("zero"), {}, 4, CPU, heads=[gone])
    assert torch.is_grad_enabled()
