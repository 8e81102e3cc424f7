"""Recording leaves nothing behind, and networks that run beside or inside each other do not disturb it."""

import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.overrides import _get_current_function_mode_stack

from deeplocalizer import hooks, recording, tracing
from deeplocalizer.hooks import Site, visiting
from tests.peers import pixels, responses
from tests.recording.examples import CPU, images


class Failing(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
        self.fail = False

    def forward(self, x):
        y = self.inner(x) + 1
        if self.fail:
            raise KeyError("inside")
        return y.flatten(1)


def clean(model):
    return not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules()) and not (
        _get_current_function_mode_stack()
    )


def test_an_exception_inside_the_forward_pass_leaves_nothing_behind():
    model, inputs = Failing(), images(5, (1, 4, 4))
    made = recording.prepare(model, ["**", "**()"], inputs, ["mean"], 2, CPU)
    assert clean(model)
    model.fail = True
    before = torch.backends.mha.get_fastpath_enabled()
    with pytest.raises(KeyError, match="inside"):
        recording.try_out(made)
    assert clean(model) and torch.backends.mha.get_fastpath_enabled() == before
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    assert not any(thread.name.startswith(("writer", "feed")) for thread in threading.enumerate())
    with pytest.raises(KeyError, match="inside"):
        tracing.select(model, ["**()"], pixels(inputs))
    assert clean(model)
    model.fail = False
    assert recording.try_out(made) == 2


class Broken(nn.Module):
    def forward(self, x):
        return torch.cat([x * 3, x[:, :, 1:]], 1)


class Caught(nn.Module):
    """Tries a module that fails, and does without."""

    def __init__(self):
        super().__init__()
        self.broken = Broken()

    def forward(self, x):
        try:
            return self.broken(x)
        except RuntimeError:
            return (x * 2).flatten(1)


def test_an_exception_that_the_network_catches_does_not_shift_the_names():
    recorded, _ = responses(Caught(), ["**()"], images(3, (1, 4, 4)))
    assert [str(site) for site in recorded] == ["broken.mul()", "broken.getitem()", "mul()", "flatten()"]


def test_two_networks_at_once_and_one_inside_the_other():
    torch.manual_seed(0)
    one, two = Failing(), Failing()
    x = torch.randn(2, 1, 4, 4)
    seen = {"one": [], "two": []}

    def visitor(key):
        return lambda site, output: seen[key].append((str(site), output.clone()))

    def places(model):
        return hooks.find(model, ["inner", "add()"], ["add()"])

    with torch.no_grad(), visiting(places(one), visitor("one")), visiting(places(two), visitor("two")):
        one(x), two(x)
    for key, model in (("one", one), ("two", two)):
        (first_name, inner), (second_name, added) = seen[key]
        assert (first_name, second_name) == ("inner", "add()")
        with torch.no_grad():
            assert torch.equal(inner, model.inner(x)) and torch.equal(added, model.inner(x) + 1)
    both = {
        f"{key}.{name}": place for key, model in (("one", one), ("two", two)) for name, place in places(model).items()
    }
    seen["one"].clear()
    with torch.no_grad(), visiting(both, visitor("one")):
        one(x), two(x)
    assert [name for name, _ in seen["one"]] == ["one.inner", "one.add()", "two.inner", "two.add()"]


class Teacher(nn.Module):
    """Records another network inside its own forward pass."""

    def __init__(self):
        super().__init__()
        self.student, self.seen = Failing(), []

    def forward(self, x):
        y = x.sin()
        activations, _ = recording.record(self.student, ["**", "**()"], images(2, (1, 4, 4)), ["mean"], 2, CPU)
        self.seen.append(activations)
        return y.cos().flatten(1)


def test_recording_inside_recording():
    model, inputs = Teacher(), images(3, (1, 4, 4))
    recorded, _ = responses(model, ["sin()", "cos()"], inputs)
    np.testing.assert_array_equal(recorded[Site("cos()", 0)], pixels(inputs).sin().cos().flatten(1))
    assert list(recorded) == [Site("sin()", 0), Site("cos()", 0)]
    alone, _ = recording.record(model.student, ["**", "**()"], images(2, (1, 4, 4)), ["mean"], 2, CPU)
    assert model.seen and all(one.identical(alone) for one in model.seen)


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_the_gradient_mode_is_the_callers(mode):
    model, x = Failing(), torch.randn(2, 1, 4, 4)
    found = []
    places = hooks.find(model, ["inner.0", "add()"], ["add()"])
    with mode(), visiting(places, lambda site, output: found.append((torch.is_grad_enabled(), output.requires_grad))):
        model(x)
    assert found == [(mode is torch.enable_grad,) * 2] * 2


def test_gradients_flow_through_what_a_visitor_gives_back():
    model, x = Failing(), torch.randn(2, 1, 4, 4)
    scale = torch.tensor(2.0, requires_grad=True)
    with visiting(hooks.find(model, ["add()"], ["add()"]), lambda site, output: output * scale):
        model(x).sum().backward()
    with torch.no_grad():
        assert torch.allclose(scale.grad, (model.inner(x) + 1).sum())
