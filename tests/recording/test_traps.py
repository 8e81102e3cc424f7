"""What networks do to their own tensors, and what they return, does not change what is recorded."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from deeplocalizer.hooks import Site
from tests.peers import pixels, responses
from tests.recording.examples import images


class Trap(nn.Module):
    """A batch norm, and what is then done to its output."""

    def __init__(self, act):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.act, self.out = act, nn.Identity()
        self.eval()

    def forward(self, x):
        return self.act(self, self.norm(self.conv(x)))


def _relu(self, x):
    return F.relu(x, inplace=True)


def _iadd(self, x):
    x += 2 * x
    return x


def _setitem(self, x):
    x[:, 0] = 0
    return x * 1


def _out(self, x):
    y = torch.zeros_like(x)
    torch.add(x, 1, out=y)
    torch.mul(y, 2, out=y)
    return y


def _view(self, x):
    view = x[:, 1:]
    view.mul_(3)
    x.flatten(2).neg_()
    return view + 0


def _chunk(self, x):
    one, two = x.chunk(2, 1)
    one = one + 1
    two = two.exp()
    three = x.split([1, 3], dim=1)[1]
    four = x.unbind(1)[0][:, None]
    return torch.cat([one, two, three, four], 1)


def _dropout(self, x):
    x = F.dropout(x, 0.5, self.training)
    return F.relu_(x)


def _no_grad(self, x):
    with torch.no_grad():
        x = x * 2
        x.clamp_(min=0)
    return x.sigmoid()


def _direct(self, x):
    return nn.ReLU.forward(nn.ReLU(inplace=True), x) - self.norm.forward(x[:, :4])


def _detached(self, x):
    x.detach().relu_()
    return x + 0


def _data(self, x):
    x.data.clamp_(min=0)
    return self.out(x)


def _numpy(self, x):
    values = x.detach().numpy()
    values[values < 0] = 0
    return self.out(x)


def _first(self, x):
    return self.out(x[:1].expand(len(x), -1, -1, -1))


# what the conv's and the batch norm's outputs are then, and the values of operations, each by its name and its call
TRAPS = {
    "relu": (_relu, {("relu()", 0): lambda n: n.relu()}),
    "iadd": (_iadd, {("mul()", 0): lambda n: 2 * n, ("add()", 0): lambda n: n + 2 * n}),
    "setitem": (_setitem, {("mul()", 0): lambda n: torch.cat([0 * n[:, :1], n[:, 1:]], 1)}),
    "out": (_out, {("add()", 0): lambda n: n + 1, ("mul()", 0): lambda n: (n + 1) * 2}),
    "view": (
        _view,
        {
            ("getitem()", 0): lambda n: n[:, 1:],
            ("mul()", 0): lambda n: n[:, 1:] * 3,
            ("neg()", 0): lambda n: -torch.cat([n[:, :1], n[:, 1:] * 3], 1).flatten(2).transpose(1, 2),
            ("add()", 0): lambda n: -n[:, 1:] * 3,
        },
    ),
    "chunk": (
        _chunk,
        {
            ("chunk()[0]", 0): lambda n: n[:, :2],
            ("chunk()[1]", 0): lambda n: n[:, 2:],
            ("add()", 0): lambda n: n[:, :2] + 1,
            ("exp()", 0): lambda n: n[:, 2:].exp(),
            ("split()[1]", 0): lambda n: n[:, 1:],
            ("cat()", 0): lambda n: torch.cat([n[:, :2] + 1, n[:, 2:].exp(), n[:, 1:], n[:, :1]], 1),
        },
    ),
    "dropout": (_dropout, {("relu()", 0): lambda n: n.relu()}),
    "no_grad": (
        _no_grad,
        {
            ("mul()", 0): lambda n: n * 2,
            ("clamp()", 0): lambda n: (n * 2).clamp(min=0),
            ("sigmoid()", 0): lambda n: (n * 2).clamp(min=0).sigmoid(),
        },
    ),
    "direct": (_direct, {("relu()", 0): lambda n: n.relu()}),
    "data": (_data, {("out", 0): lambda n: n.relu()}),
    "numpy": (_numpy, {("out", 0): lambda n: n.relu()}),
    "first": (_first, {("out", 0): lambda n: n[:1].expand(len(n), -1, -1, -1)}),
    "detached": (_detached, {("add()", 0): lambda n: n.relu()}),
}


@pytest.mark.parametrize("name", TRAPS)
def test_what_is_recorded_is_what_was_there(name):
    act, expected = TRAPS[name]
    model, inputs = Trap(act), images(3, (1, 6, 7))
    recorded, _ = responses(model, ["**", "**()"], inputs)
    with torch.inference_mode():
        conv = nn.Conv2d.forward(model.conv, pixels(inputs))
        norm = nn.BatchNorm2d.forward(model.norm, conv.clone())
    np.testing.assert_array_equal(recorded[Site("conv", 0)], conv.flatten(1))
    np.testing.assert_array_equal(recorded[Site("norm", 0)], norm.flatten(1))
    for (place, call), value in expected.items():
        np.testing.assert_array_equal(recorded[Site(place, call)], value(norm).flatten(1), err_msg=place)
    assert model._forward_hooks == {}


def test_what_is_written_into_a_tensor_is_a_place():
    """``x[:, 0] = 0`` is an operation: its result is the whole tensor, as TorchLens has it."""
    model, inputs = Trap(_setitem), images(3, (1, 6, 7))
    recorded, _ = responses(model, ["norm", "setitem()"], inputs)
    norm = recorded[Site("norm", 0)].reshape(3, 4, -1).copy()
    norm[:, 0] = 0
    np.testing.assert_array_equal(recorded[Site("setitem()", 0)], norm.reshape(3, -1))
