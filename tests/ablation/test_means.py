"""Where mean responses come from when the reductions, twins and calls of layers are mixed."""

import numpy as np
import pytest
import torch
from torch import nn

from deeplocalizer import ablation, hooks, outcomes, recording, tracing, units
from deeplocalizer.readout.features import find
from tests.ablation.networks import CPU, LABELS, images, inputs, masked, network

SIDE = 32


class Tokens(nn.Module):
    """A map, tokens with one for the class, and a vector."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.patch, self.norm = nn.Conv2d(3, 6, 8, 8), nn.LayerNorm(6)
            self.vector, self.head = nn.Linear(6, 8), nn.Linear(8, 10)
            self.first = nn.Parameter(torch.randn(1, 1, 6))
        self.head.weight.data *= 4
        self.eval()

    def forward(self, x):
        return self.steps(x, lambda _, output: output)

    def steps(self, x, change):
        maps = change("patch", self.patch(x))
        tokens = torch.cat([self.first.expand(len(x), -1, -1), maps.flatten(2).transpose(1, 2)], 1)
        tokens = change("norm", self.norm(tokens + tokens.mean(1, keepdim=True)))
        return self.head(change("vector", self.vector(tokens[:, 0] + tokens[:, 1:].amax(1))).tanh())


def split(stimuli, name):
    return stimuli.isel(stimulus=(stimuli["split"] == name).values)


def seen(model, x):
    found = {}
    with torch.no_grad():
        model.steps(x, lambda name, output: found.setdefault(name, output))
    return found


def ablated(model, layers, reductions, settings, maps=False):
    """Silence channels 1 and 2 of the first layer, through recording, maps and ablation as a study does."""
    stimuli = inputs(30, SIDE)
    tested = split(stimuli, "test")
    _, moments = recording.record(model, layers, stimuli, reductions, 8, CPU)
    names = units.layer_names(moments)
    members = np.flatnonzero((names == layers[0]) & (moments["reduction"] == moments["reduction"][0]).values)
    listed = masked(moments, {"m": members[np.isin(moments["channel"].values[members], [1, 2])]})
    places = hooks.places(model, np.unique(names))
    sites = ablation.unit_sites(moments if settings["value"] == "keep" else moments.isel(unit=members))
    mapped = ablation.mean_maps(model, places, stimuli, ["b"], 8, CPU, sites) if maps else None
    donors = ablation.donors(stimuli, tested["stimulus"].values, ["b"], 0)
    filling = ablation.filling(settings, moments, mapped, ["b"], donors)
    return tested, donors, ablation.ablate(model, places, LABELS, tested, listed, filling, {}, 8, CPU)["kl"].values[1]


def by_hand(model, tested, change):
    x = images(tested)
    question = outcomes.ask(tested["label"].values.astype(str), LABELS, {})
    with torch.no_grad():
        return outcomes.score(model.steps(x, change).numpy(), model(x).numpy(), question)["kl"]


def setting(name, value):
    def change(layer, output):
        if layer != name:
            return output
        output = output.clone()
        where = (slice(None), [1, 2]) if output.ndim != 3 else (slice(None), slice(None), [1, 2])
        output[where] = value.expand_as(output)[where]
        return output

    return change


def others_of(model):
    stimuli = split(inputs(30, SIDE), "localize")
    return seen(model, images(stimuli.isel(stimulus=(stimuli["category"] == "b").values)))


@pytest.mark.parametrize("reductions", [["mean", "position"], ["max", "mean", "position"], ["mean"]])
@pytest.mark.parametrize("layers", [["vector", "patch"], ["vector"]])
def test_a_vector_has_its_own_mean_whatever_it_is_under(reductions, layers):
    model = Tokens()
    tested, _, found = ablated(model, layers, reductions, {"value": "mean"})
    mean = others_of(model)["vector"].mean(0, keepdim=True)
    np.testing.assert_allclose(found, by_hand(model, tested, setting("vector", mean)), rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize("mean", ["map", "scalar"])
@pytest.mark.parametrize("value", ["zero", "mean", "resample", "keep"])
def test_a_vector_under_class_token_is_replaced(value, mean):
    model = Tokens()
    tested, donors, found = ablated(
        model, ["vector", "norm"], ["class_token", "mean"], {"value": value, "mean": mean, "background": "zero"}
    )
    outputs = {
        "zero": torch.zeros(1, 8),
        "mean": others_of(model)["vector"].mean(0, keepdim=True),
        "resample": seen(model, images(donors))["vector"],
    }
    if value != "keep":
        wanted = by_hand(model, tested, setting("vector", outputs[value]))
    else:

        def nothing_else(layer, output):
            kept = torch.zeros_like(output)
            if layer == "norm":  # all but the class token stay
                kept[:, 1:] = output[:, 1:]
            if layer == "vector":
                kept[:, [1, 2]] = output[:, [1, 2]]
            return output if layer == "patch" else kept

        wanted = by_hand(model, tested, nothing_else)
    assert wanted.max() > 1e-5
    np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=1e-7)


def test_a_vector_has_no_token():
    table = units.table([units.Layer("v", 0, (3,)), units.Layer("t", 0, (5, 3))], ["class_token"])
    assert table["token"].values.tolist() == [-1, -1, -1, 0, 0, 0]


def test_a_readout_finds_a_vector_that_is_stored_under_class_token():
    activations, _ = recording.record(Tokens(), ["norm", "vector"], inputs(12, SIDE), ["class_token"], 8, CPU)
    place = find(activations, "vector", "mean", "r")
    assert place.columns == slice(6, 14)
    with pytest.raises(ValueError, match="responses of reduction 'mean' are not stored"):
        find(activations, "norm", "mean", "r")


@pytest.mark.parametrize(
    ("reductions", "layer"), [(["max", "mean"], "patch"), (["max", "position"], "patch"), (["max", "mean"], "norm")]
)
def test_a_scalar_mean_is_the_mean_of_the_map_and_not_of_its_maxima(reductions, layer):
    model = Tokens()
    tested, _, found = ablated(model, [layer, "vector"], reductions, {"value": "mean", "mean": "scalar"})
    axes = (0, 2, 3) if layer == "patch" else (0, 1)
    mean = others_of(model)[layer].mean(axes, keepdim=True)
    np.testing.assert_allclose(found, by_hand(model, tested, setting(layer, mean)), rtol=2e-3, atol=1e-7)


def test_a_scalar_mean_of_maxima_alone_is_refused():
    with pytest.raises(ValueError, match=r"layer 'patch' .* recorded as 'max' alone; .* needs the reduction 'mean'"):
        ablated(Tokens(), ["patch"], ["max"], {"value": "mean", "mean": "scalar"})
    tested, _, found = ablated(Tokens(), ["vector"], ["max"], {"value": "mean", "mean": "scalar"})
    mean = others_of(Tokens())["vector"].mean(0, keepdim=True)
    np.testing.assert_allclose(found, by_hand(Tokens(), tested, setting("vector", mean)), rtol=2e-3, atol=1e-7)


class Twice(Tokens):
    """Two additions, of which the first gives no stimuli; a block whose output is that of its last module."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(6, 6, 1), nn.ReLU())
        self.lstm = nn.LSTM(6, 6, batch_first=True)

    def steps(self, x, change):
        table = torch.arange(6.0) + 1
        maps = change("block.1", self.block(self.patch(x)))
        added = change("add()", maps + table[:, None, None])
        out, _ = self.lstm(added.flatten(2).transpose(1, 2))
        return self.head(nn.functional.pad(out.sum(1), (0, 2)))


@pytest.mark.parametrize(("layer", "call"), [("add()", 1), ("block.1", 0)])
def test_maps_are_of_the_very_sites_that_masks_have(layer, call):
    model, stimuli = Twice(), inputs(30, SIDE)
    tested = split(stimuli, "test")
    _, moments = recording.record(model, [f"{layer}#{call}"], stimuli, ["mean"], 8, CPU)
    listed = masked(moments, {"m": [1, 2]})
    sites = ablation.unit_sites(moments)
    assert sites == [hooks.Site(layer, call)]
    # with its twin at hand, and with the calls that have no units
    places = {"block": model.block, "lstm": model.lstm} | hooks.places(model, [layer])
    maps = ablation.mean_maps(model, places, stimuli, ["b"], 8, CPU, sites)
    filling = ablation.filling({"value": "mean"}, moments, maps, ["b"])
    found = ablation.ablate(model, places, LABELS, tested, listed, filling, {}, 8, CPU)["kl"].values[1]
    mean = others_of(model)[layer].mean(0, keepdim=True)
    np.testing.assert_allclose(found, by_hand(model, tested, setting(layer, mean)), rtol=2e-3, atol=1e-7)


def test_twins_both_have_maps():
    model = network("resnet18")
    places = hooks.places(model, ["layer1.0", "layer1.0.relu"])
    example = torch.zeros(2, 3, SIDE, SIDE)
    block, relu = hooks.Site("layer1.0", 0), hooks.Site("layer1.0.relu", 1)
    assert {layer.name for layer in tracing.trace(model, places, example)} == {"layer1.0.relu"}
    for sites in ([block], [block, relu]):
        traced = tracing.trace(model, places, example, sites)
        assert {hooks.Site(one.name, one.call) for one in traced} == set(sites)
    with pytest.raises(ValueError, match="layer 'layer1.0': there is no call 3 in the forward pass"):
        tracing.trace(model, places, example, [hooks.Site("layer1.0", 3)])
