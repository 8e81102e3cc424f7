"""What is written through the hook core is what a copy of the network, changed by hand, computes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from deeplocalizer import hooks, tracing, units
from deeplocalizer.hooks import Site, visiting
from deeplocalizer.intervention import Replacement, chosen, intervening, plan, rest


class Network(nn.Module):
    """Adds, joins and rectifies, in place and not; ``edit`` is what the copy does by hand."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv = nn.Conv2d(1, 4, 3, padding=1)
            self.head = nn.Linear(8, 3)
        self.edit = {}
        self.eval()

    def forward(self, x):
        def edited(name, value):
            if name in self.edit:
                value = value.clone()
                value[:, self.edit[name][0]] = self.edit[name][1]
            return value

        x = edited("conv", self.conv(x))
        kept = x
        x = edited("relu", F.relu(x, inplace=not self.edit))
        if self.edit:
            kept = x  # in place: whoever holds the tensor sees the same
        y = torch.zeros_like(x) if not self.edit else None
        y = edited("mul", torch.mul(x, 2, out=y))
        z = y * 1
        if self.edit:
            z = edited("setitem", torch.cat([z[:, :1] * 0, z[:, 1:]], 1))
            z = edited("add", z + kept)
        else:
            z[:, 0] = 0
            z += kept
        joined = edited("cat", torch.cat([z, y], 1))
        return self.head(joined.mean((2, 3)))


CASES = {"conv": "conv", "relu": "relu()", "mul": "mul()", "setitem": "setitem()", "add": "add()", "cat": "cat()"}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("reduction", ["mean", "position"])
def test_units_are_replaced_as_by_hand(name, reduction):
    model, x = Network(), torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    chosen = tracing.select(model, [CASES[name]], x)
    (layer,) = [layer for layer in chosen.layers if layer.call == 0]
    table = units.table([layer], [reduction])
    selected = np.isin(table["channel"].values, [1, 3])
    places = hooks.find(model, [CASES[name]], tracing.operations(model, x))
    replacements = plan(table, selected, np.full(len(selected), -2.5), torch.device("cpu"))
    with torch.no_grad(), intervening(places, replacements):
        given = model(x)
    copy = Network()
    copy.edit = {"nothing": ((), 0), name: ([1, 3], -2.5)}
    with torch.no_grad():
        expected, intact = copy(x), model(x)
    assert torch.equal(given, expected)
    assert not torch.allclose(given, intact)


def test_the_copy_is_the_network():
    model, copy, x = Network(), Network(), torch.randn(5, 1, 4, 4)
    copy.edit = {"nothing": ((), 0)}
    with torch.no_grad():
        assert torch.equal(model(x), copy(x))


class Holding(nn.Module):
    """Rectifies and adds in place, with a view and a list that hold the tensor already."""

    def forward(self, x):
        x = x * 1
        view, held = x[:, :1], [x]
        F.relu(input=x, inplace=True)
        x.add_(1)
        torch.neg(x, out=x)
        return torch.cat([view, held[0]], 1).flatten(1)


@pytest.mark.parametrize("name", ["relu()", "add()", "neg()"])
def test_a_result_in_place_is_replaced_for_whoever_holds_it(name):
    model, x = Holding(), torch.randn(3, 2, 2, 2)
    with (
        torch.no_grad(),
        visiting({name: hooks.Operation(model, name)}, lambda site, output: torch.full_like(output, 7)),
    ):
        given = model(x)
    rest = {"relu()": -8.0, "add()": -7.0, "neg()": 7.0}[name]
    assert torch.equal(given, torch.full((3, 12), rest))


def test_dropout_at_rest_is_not_in_place():
    class Resting(nn.Module):
        def forward(self, x):
            y = F.dropout(x, 0.5, training=False)
            return y + x

    x = torch.ones(2, 3)
    model = Resting()
    name = "dropout()"
    with visiting({name: hooks.Operation(model, name)}, lambda site, output: output * 5):
        assert torch.equal(model(x), torch.full((2, 3), 6.0))
    assert torch.equal(x, torch.ones(2, 3))


def test_one_call_of_an_operation_is_replaced_alone():
    class Twice(nn.Module):
        def forward(self, x):
            return torch.sin(torch.sin(x))

    model, x = Twice(), torch.randn(2, 3)
    with visiting(
        {"sin()": hooks.Operation(model, "sin()")}, lambda site, y: y * 0 if site == Site("sin()", 1) else None
    ):
        assert torch.equal(model(x), torch.zeros(2, 3))
    with visiting(
        {"sin()": hooks.Operation(model, "sin()")}, lambda site, y: y + 1 if site == Site("sin()", 0) else None
    ):
        assert torch.equal(model(x), torch.sin(torch.sin(x) + 1))


SHAPES = {"vector": (5,), "tokens": (3, 5), "maps": (5, 2, 3)}


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("reduction", ["mean", "position"])
@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("form", ["number", "channels", "whole", "stimuli"])
def test_rows_have_replacements_of_their_own(kind, reduction, others, form):
    rng = np.random.default_rng(0)
    shape, rows = SHAPES[kind], 4
    table = units.table([units.Layer("m", 0, shape)], [reduction])
    axis = len(shape) - 1 if kind == "tokens" else 0
    values = {
        "number": torch.tensor(2.0),
        "channels": torch.arange(5.0),
        "whole": torch.randn(1, *shape),
        "stimuli": torch.randn(rows, *shape),
    }[form]
    wide = values if form != "channels" else values.reshape([5 if a == axis else 1 for a in range(len(shape))])
    x = torch.randn(3 * rows, *shape)
    expected, replacements = x.clone(), []
    for number in (0, 2):
        selected = rng.random(table.sizes["unit"]) < 0.4
        parts = (rest if others else chosen)(table, selected, torch.device("cpu"))
        mine = slice(number * rows, (number + 1) * rows)
        replacements += [Replacement(part, values, mine) for part in parts.get(Site("m", 0), [])]
        where = torch.from_numpy(selected ^ others)
        where = (
            where.reshape(shape)
            if reduction == "position"
            else where.reshape([5 if a == axis else 1 for a in range(len(shape))])
        )
        expected[mine] = torch.where(where, wide.expand_as(x[mine]), x[mine])
    module, before = nn.Identity(), x.clone()
    with torch.no_grad(), intervening({"m": module}, {Site("m", 0): replacements}):
        given = module(x)
    assert torch.equal(given, expected)
    assert torch.equal(x, before)


def test_a_fresh_output_is_replaced_as_a_copy_is():
    table = units.table([units.Layer("m", 0, (4, 3, 3))], ["mean"])
    module, x = nn.Conv2d(2, 4, 3), torch.randn(2, 2, 5, 5)
    replacements = plan(table, np.array([True, False, True, False]), np.full(4, 3.0), torch.device("cpu"))
    with intervening({"m": module}, replacements) as restart:
        with torch.no_grad():
            fresh = module(x)
        restart()
        copied = module(x)
        copied.sum().backward()
    torch.testing.assert_close(fresh, copied)
    assert (fresh[:, [0, 2]] == 3).all() and (fresh[:, [1, 3]] != 3).all()
    assert not module.weight.grad[[0, 2]].any() and module.weight.grad[[1, 3]].any()


def test_readers_see_what_is_left():
    module, seen = nn.Identity(), []
    table = units.table([units.Layer("m", 0, (3,))], ["mean"])
    replaced = plan(table, np.array([True, False, False]), np.zeros(3), torch.device("cpu"))
    with intervening({"m": module}, replaced, {Site("m", 0): lambda _, output: seen.append(output.clone())}):
        module(torch.ones(2, 3))
    assert seen[0].tolist() == [[0, 1, 1], [0, 1, 1]]
    with (
        pytest.raises(ValueError, match="layer 'gone' is not among the places"),
        intervening({"m": module}, {}, {Site("gone", 0): print}),
    ):
        pass
