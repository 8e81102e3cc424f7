"""Patterns choose the layers that they say, and what cannot be recorded is named."""

import pytest
import torch
from torch import nn

from deeplocalizer import recording, tracing
from deeplocalizer.hooks import Site, matches, rank
from tests.recording.examples import CPU, images


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.relu(self.conv(x)) + x
        return self.relu(x)


class Network(nn.Module):
    """Two blocks, each adds and rectifies twice; a sum of constants; indices."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Block(), Block()
        self.bias, self.unused = nn.Parameter(torch.zeros(2)), nn.Linear(1, 1)
        self.eval()

    def forward(self, x):
        x = self.second(self.first(x))
        scale = self.bias.exp().sum()
        best = x.argmax(1)
        x = torch.cat([x, best[:, None].float()], 1)
        return (x * scale).mean((2, 3))


@pytest.fixture(scope="module")
def model():
    return Network()


def chosen(model, *patterns):
    selection = tracing.select(model, patterns, torch.randn(1, 2, 5, 5))
    return [str(Site(layer.name, layer.call)) for layer in selection.layers]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["first.relu"], ["first.relu", "first.relu#1"]),
        (["first.relu#1"], ["first.relu#1"]),
        (["*.relu#0"], ["first.relu", "second.relu"]),
        (["**.conv"], ["first.conv", "second.conv"]),
        (["*.add()"], ["first.add()", "second.add()"]),
        (["first.add"], ["first.add()"]),
        (["cat"], ["cat()"]),
        (["*()"], ["float()", "cat()", "mul()", "mean()"]),
        (["first.*()"], ["first.add()"]),
        (["**"], ["first.conv", "first.relu", "first.relu#1", "second.conv", "second.relu", "second.relu#1"]),
        (["first", "first.relu"], ["first.relu", "first"]),
        (["first.relu", "first"], ["first.relu", "first.relu#1"]),
        (["first.conv", "first.conv", "**.conv"], ["first.conv", "second.conv"]),
        (["first.add()#0", "mean()"], ["first.add()", "mean()"]),
    ],
)
def test_patterns_choose(model, patterns, names):
    found = chosen(model, *patterns)
    assert [name for name in found if "getitem" not in name and "unsqueeze" not in name] == names


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("frist.relu", r"layer 'frist\.relu' matches no module of Network; near it are: first\.relu; list all"),
        ("first.sub()", r"layer 'first\.sub\(\)' matches no .* near it are: first\.add"),
        ("first.relu#2", r"layer 'first\.relu#2': there is no such call in the forward pass"),
        ("first.add()#1", r"layer 'first\.add\(\)#1': there is no such call in the forward pass"),
        ("exp()", r"layer 'exp\(\)' matches no"),
        ("argmax()", r"layer 'argmax\(\)' matches no"),
        ("unused", r"layer 'unused' takes no part in the forward pass of Network"),
        ("first.conv()", r"layer 'first\.conv\(\)' matches no"),
        ("**.nothing", r"layer '\*\*\.nothing' matches no"),
    ],
)
def test_patterns_that_are_wrong_are_named(model, pattern, message):
    with pytest.raises(ValueError, match=message):
        chosen(model, pattern)


def test_names_and_patterns():
    assert matches("**()", "a.b.add()") and matches("a.*.add()", "a.b.add()") and matches("a.b.add", "a.b.add()")
    assert not matches("**", "a.b.add()") and not matches("**()", "a.b") and not matches("*()", "a.add()")
    assert not matches("a.b*", "a.b.add()")
    assert rank(["a#1", "a"], Site("a", 1)) == 0 and rank(["a#1", "a"], Site("a", 0)) == 1
    assert rank(["a#1"], Site("a[0]", 1)) == 0 and rank(["a#1"], Site("a", 0)) is None


class Tokens(nn.Module):
    """Gives tokens, of which the first may be a class token."""

    def __init__(self, tokens):
        super().__init__()
        self.tokens = nn.Parameter(torch.arange(tokens * 3.0).reshape(1, tokens, 3))
        self.out = nn.LayerNorm(3)

    def forward(self, x):
        return self.out(self.tokens + x.mean((1, 2, 3))[:, None, None])


def test_the_class_token_is_the_first():
    model, inputs = Tokens(17).eval(), images(4, (3, 4, 4))
    given, _ = recording.record(model, ["out"], inputs, ["class_token", "position"], 4, CPU, keep=["class_token"])
    everything, _ = recording.record(model, ["out"], inputs, ["position"], 4, CPU, keep=["position"])
    first = everything["activation"].values[:, (everything["token"] == 0).values]
    assert (given["activation"].values == first).all() and given.sizes["unit"] == 3
    assert set(given["token"].values.tolist()) == {0}


def test_patches_and_maps_have_no_class_token(model):
    for network, layer in ((Tokens(16).eval(), "out"), (model, "first.conv")):
        channels = 3 if layer == "out" else 2
        with pytest.raises(ValueError, match=f"layer '{layer}' has no class token: its response of shape"):
            recording.record(network, [layer], images(4, (channels, 5, 5)), ["class_token"], 4, CPU)


def test_inference_mode_around_it_changes_nothing():
    """Tensors carry no version there, so a batch norm and what overwrites it could look the same."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Flatten()).eval()
    inputs = images(4, (2, 5, 5))
    with torch.inference_mode():
        inside = recording.record(network, ["**"], inputs, ["position"], 2, CPU, keep=["position"])
    outside = recording.record(network, ["**"], inputs, ["position"], 2, CPU, keep=["position"])
    assert all(one.identical(other) for one, other in zip(inside, outside, strict=True))
    assert len(set(outside[0]["layer"].values.tolist())) == 3


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Dropout2d(0.5)])
def test_a_network_in_training_is_refused_and_left_as_it_was(layer):
    network = nn.Sequential(nn.Conv2d(2, 2, 1), nn.Sequential(layer))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(ValueError, match=r"layer '1\.0' \(\w+\) is in training mode"):
        recording.record(network, ["0"], images(4, (2, 5, 5)), ["mean"], 2, CPU)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_what_feeds_what():
    network, example = Network(), torch.randn(2, 2, 5, 5)
    selection = tracing.select(network, ["first.conv", "*.add()", "second.conv", "cat()"], example)
    sites = [Site(layer.name, layer.call) for layer in selection.layers]
    found = {(str(one), str(other)) for one, other in tracing.edges(network, selection.places, sites, example)}
    assert found == {
        ("first.conv", "first.add()"),
        ("first.add()", "second.conv"),
        ("first.add()", "second.add()"),
        ("second.conv", "second.add()"),
        ("second.add()", "cat()"),
    }
