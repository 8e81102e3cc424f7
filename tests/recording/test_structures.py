"""Structures that modules return, modules under several names, and what does not depend on the stimulus."""

import dataclasses
from collections import namedtuple

import numpy as np
import pytest
import torch
from torch import nn

from deeplocalizer import recording
from deeplocalizer.hooks import Site, visiting
from tests.peers import pixels, responses
from tests.recording.examples import CPU, images

Pair = namedtuple("Pair", "first second")


@dataclasses.dataclass
class Answer:
    logits: torch.Tensor
    rest: tuple = ()


RETURNS = {
    "tuple": (lambda x: (x + 1, [x * 2, None, 3]), {"m[0]": 1, "m[1][0]": 2}),
    "named": (lambda x: Pair(x + 1, {"a": x * 2}), {"m[0]": 1, "m[1][a]": 2}),
    "dict": (lambda x: {"a": x + 1, "b": (x * 2,)}, {"m[a]": 1, "m[b][0]": 2}),
    "dataclass": (lambda x: Answer(x + 1, (x * 2,)), {"m[logits]": 1, "m[rest][0]": 2}),
}


class Returning(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.m = nn.Module()
        self.m.forward = RETURNS[kind][0]

    def forward(self, x):
        return first(self.m(x)) - 1


def first(value):
    while not isinstance(value, torch.Tensor):
        if dataclasses.is_dataclass(value):
            value = value.logits
        else:
            value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return value


@pytest.mark.parametrize("kind", RETURNS)
def test_every_tensor_of_a_structure_is_recorded_and_replaced(kind):
    model, inputs = Returning(kind), images(3, (1, 4, 4))
    x = pixels(inputs)
    recorded, _ = responses(model, ["m"], inputs)
    assert [site.name for site in recorded] == list(RETURNS[kind][1])
    values = [x + 1, x * 2]
    for value, given in zip(values, recorded.values(), strict=True):
        np.testing.assert_array_equal(given, value.flatten(1))
    with visiting({"m": model.m}, lambda site, output: output + 10):
        assert torch.equal(model(x), x + 1 + 10 - 1)
        assert type(model.m(x)) is type(RETURNS[kind][0](x))


class Nested(nn.Module):
    """One module under two names, in a block that is there twice."""

    def __init__(self):
        super().__init__()
        shared = nn.Conv2d(1, 1, 1)
        self.one = nn.Sequential(shared, nn.ReLU(inplace=True))
        self.two = nn.ModuleDict({"again": shared, "block": self.one})

    def forward(self, x):
        return self.two["block"](self.two["again"](self.one(x))).flatten(1)


def test_a_module_under_two_names_is_recorded_under_the_first():
    torch.manual_seed(0)
    model, inputs = Nested().eval(), images(3, (1, 4, 4))
    recorded, _ = responses(model, ["**"], inputs)
    assert [str(site) for site in recorded] == ["one.0", "one.1", "one.0#1", "one.0#2", "one.1#1"]
    convolve = model.one[0]
    with torch.inference_mode():
        steps = [convolve(pixels(inputs))]
        steps.append(steps[-1].relu())
        steps.append(convolve(steps[-1]))
        steps.append(convolve(steps[-1]))
        steps.append(steps[-1].relu())
    for given, value in zip(recorded.values(), steps, strict=True):
        np.testing.assert_array_equal(given, value.flatten(1))
    # the second name finds the same
    again, _ = responses(model, ["two.again"], inputs)
    np.testing.assert_array_equal(again[Site("two.again", 0)], recorded[Site("one.0", 0)])


class Recursive(nn.Module):
    """Calls itself."""

    def forward(self, x, depth=2):
        y = x * 2
        if depth:
            y = self(y, depth - 1)
        return y.sin().flatten(1)


def test_a_network_that_calls_itself_keeps_its_place():
    model, inputs = Recursive(), images(3, (1, 4, 4))
    recorded, _ = responses(model, ["**()"], inputs)
    x = pixels(inputs)
    expected = [x * 2, x * 4, x * 8, (x * 8).sin()]
    expected += [expected[-1].sin(), expected[-1].sin().sin()]
    names = ["mul()", "mul()#1", "mul()#2", "sin()", "sin()#1", "sin()#2"]
    for name, value in zip(names, expected, strict=True):
        given = next(values for site, values in recorded.items() if str(site) == name)
        np.testing.assert_array_equal(given, value.flatten(1))


class Constants(nn.Module):
    """Most of what it does has nothing to do with the stimulus, or no tensors at all."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 4))
        self.spare = nn.Linear(4, 4)

    def forward(self, x):
        bias = torch.arange(4.0) * torch.tensor(2.0) + self.spare(self.weight)[0].detach()
        size = torch.Size([len(x), -1])
        torch.is_tensor(x)
        return x.reshape(size)[:, :4] * bias


def test_what_does_not_depend_on_the_stimulus_is_no_layer():
    model, inputs = Constants(), images(3, (1, 4, 4))
    recorded, _ = responses(model, ["**()"], inputs)
    assert [str(site) for site in recorded] == [
        "reshape()",
        "getitem()#1",
        "mul()#1",
    ]  # calls are counted whatever they work on
    with pytest.raises(ValueError, match=r"layer 'add\(\)' matches no"):
        recording.record(model, ["add()"], inputs, ["mean"], 3, CPU)
