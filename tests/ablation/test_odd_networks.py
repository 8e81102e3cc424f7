"""Networks that are hard to watch: whatever they do, a mask gives what plain hooks give in a pass of its own."""

import logging

import numpy as np
import pytest
import torch
from torch import nn

from deeplocalizer import ablation, hooks, outcomes, recording, units
from deeplocalizer.ablation import Filling
from tests.ablation.networks import CPU, LABELS, by_hand, images, inputs, masked

SIDE = 16


class Base(nn.Module):
    """Four convolutions."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.a, self.b = nn.Conv2d(3, 6, 3, 2), nn.Conv2d(6, 6, 3, padding=1)
            self.c, self.d, self.head = nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 1), nn.Linear(6, 10)
        self.head.weight.data *= 5

    def early(self, x):
        return self.b(self.a(x))

    def late(self, y):
        return self.head(self.d(self.c(y).relu()).mean((2, 3)))

    def forward(self, x):
        return self.late(self.early(x))


class Mapped(Base):
    def late(self, y):
        return self.head(torch.vmap(lambda one: one * 2)(self.d(self.c(y).relu())).mean((2, 3)))


class Sparse(Base):
    def late(self, y):
        mixed = torch.sparse.mm(torch.eye(6).to_sparse(), self.d(self.c(y).relu()).mean((2, 3)).T)
        return self.head(mixed.T)


class Chunks(Base):
    """Computes the beginning for eight stimuli at a time."""

    def early(self, x):
        return self.b(torch.cat([self.a(some) for some in x.split(8)]))


class Blocks(Base):
    """Computes all of it so, the layer with the masks too."""

    def forward(self, x):
        return torch.cat([super(Blocks, self).forward(some) for some in x.split(8)])


class FirstRow(Base):
    def early(self, x):
        y = super().early(x)
        return y - 0.5 * y[:1]


class ManyRows(Base):
    """Its stimuli influence one another as soon as there are more than four."""

    def late(self, y):
        y = self.c(y).relu()
        y = y - y.mean(0) if len(y) > 4 else y
        return self.head(self.d(y).relu().mean((2, 3)))


class Hidden(Base):
    """Changes behind PyTorch's back what a module gave, if what follows is dark."""

    def forward(self, x):
        y = self.a(x)
        w = self.c(self.b(y).relu())
        if w.mean() > 0.03:
            y.data.mul_(0)
        return self.head((self.d(w) + y).mean((2, 3)))


class ThroughNumpy(Base):
    def forward(self, x):
        y = self.a(x)
        w = self.c(self.b(y).relu())
        shared = y.numpy()
        if w.mean() > 0.03:
            shared *= 0
        return self.head((self.d(w) + y).mean((2, 3)))


class Exacting(Base):
    """Refuses pixels out of range, and batches of two or three."""

    def early(self, x):
        if x.min() < -2.1 or x.max() > 2.1 or len(x) in (2, 3):
            raise AssertionError("no such input")
        return super().early(x)


class Scripted(Base):
    def __init__(self):
        super().__init__()
        self.b = torch.jit.script(self.b.eval())


ODD = [Mapped, Sparse, Chunks, Blocks, FirstRow, ManyRows, Hidden, ThroughNumpy, Exacting, Scripted]
MASKS = {"c": [1, 4], "c and d": [2, 7, 8], "d": [9, 10, 11], "all of d": [6, 7, 8, 9, 10, 11]}


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def expected(model, table, tested, batch):
    rows = []
    question = outcomes.ask(tested["label"].values.astype(str), LABELS, {})
    for members in MASKS.values():
        found = []
        for start in range(0, tested.sizes["stimulus"], batch):
            block = slice(start, start + batch)
            x = images(tested.isel(stimulus=block))
            given = by_hand(model, x.clone(), table, members).numpy()
            found.append(outcomes.score(given, model(x).numpy(), question.at(block))["kl"])
        rows.append(np.concatenate(found))
    return np.array(rows)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")
@pytest.mark.parametrize("batch", [4, 12, 20])
@pytest.mark.parametrize("kind", ODD, ids=lambda kind: kind.__name__)
def test_masks_give_what_plain_hooks_give(kind, batch):
    model, stimuli = kind().eval(), inputs(24, SIDE)
    table = units.table([units.Layer(name, 0, (6, 7, 7)) for name in "cd"], ["mean"])
    tested = stimuli.isel(stimulus=slice(0, 4))
    places = {"c": model.c, "d": model.d}
    found = ablation.ablate(model, places, LABELS, tested, masked(table, MASKS), Filling("zero"), {}, batch, CPU)
    wanted = expected(model, table, tested, 4)
    assert wanted.max() > 1e-4
    np.testing.assert_allclose(found["kl"].values[1:], wanted, rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize(
    ("kind", "batch", "said"),
    [
        (Mapped, 4, "cannot be watched"),
        (Chunks, 12, "whole passes for the masks that begin after"),
        (Blocks, 12, "one mask in a pass: layer"),
        (FirstRow, 12, "one mask in a pass: the stimuli of a batch influence one another"),
        (ManyRows, 12, "one mask in a pass: a mask gives other outputs beside others than alone"),
        (Exacting, 4, "cannot be watched on a few stimuli: no such input"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_the_log_says_what_is_odd(kind, batch, said, caplog):
    model, tested = kind().eval(), inputs(4, SIDE)
    table = units.table([units.Layer(name, 0, (6, 7, 7)) for name in "cd"], ["mean"])
    with caplog.at_level(logging.INFO, "deeplocalizer"):
        places = {"c": model.c, "d": model.d}
        ablation.ablate(model, places, LABELS, tested, masked(table, MASKS), Filling("zero"), {}, batch, CPU)
    assert said in caplog.text


def test_many_masks_cost_one_pass_each_and_little_more():
    model, tested = Chunks().eval(), inputs(4, SIDE)
    table = units.table([units.Layer("c", 0, (6, 7, 7))], ["mean"])
    rows = []
    model.c.register_forward_hook(lambda module, _, output: rows.append(len(output)))
    many = {f"m{i}": [i % 6, (i + i // 6 + 1) % 6] for i in range(300)}
    ablation.ablate(model, {"c": model.c}, LABELS, tested, masked(table, many), Filling("zero"), {}, 12, CPU)
    assert sum(rows) <= 1.05 * 4 * 301


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")
def test_a_scripted_layer_is_refused_by_name_and_left_out_by_wide_patterns():
    model, stimuli = Scripted().eval(), inputs(12, SIDE)
    _, moments = recording.record(model, ["**"], stimuli, ["mean"], 8, CPU)
    assert np.unique(units.layer_names(moments)).tolist() == ["a", "c", "d", "head"]
    with pytest.raises(ValueError, match=r"layer 'b' is scripted"):
        recording.record(model, ["b"], stimuli, ["mean"], 8, CPU)
    with pytest.raises(ValueError, match=r"layer 'b' is scripted"), hooks.visiting({"b": model.b}, lambda *_: None):
        pass
    _, after = recording.record(model, ["relu()"], stimuli, ["mean"], 8, CPU)
    assert np.unique(units.layer_names(after)).tolist() == ["relu()"]


def test_a_network_in_training_mode_is_refused():
    model, tested = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(10)), inputs(4, 6)
    model(torch.zeros(2, 3, 6, 6))
    before = model[1].running_mean.clone()
    table = masked(units.table([units.Layer("0", 0, (4, 4, 4))], ["mean"]), {"m": [1]})
    with pytest.raises(ValueError, match=r"layer '1' \(BatchNorm2d\) is in training mode"):
        ablation.ablate(model, {"0": model[0]}, LABELS, tested, table, Filling("zero"), {}, 4, CPU)
    assert torch.equal(model[1].running_mean, before)


class Shared(nn.Module):
    """One module under two names."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.head = nn.Conv2d(3, 6, 3), nn.Linear(6, 10)
        self.second = self.first

    def forward(self, x):
        return self.head(self.second(x).mean((2, 3)))


def test_a_layer_under_the_second_name_of_its_module_is_ablated():
    model, stimuli = Shared().eval(), inputs(12, 8)
    _, moments = recording.record(model, ["second"], stimuli, ["mean"], 8, CPU)
    assert np.unique(units.layer_names(moments)).tolist() == ["second"]
    listed = masked(moments, {"m": [1, 3]})
    places = hooks.places(model, np.unique(units.layer_names(moments)))
    assert places == {"second": model.first}
    found = ablation.ablate(model, places, LABELS, stimuli, listed, Filling("zero"), {}, 12, CPU)
    x = images(stimuli)
    maps = model.first(x)
    maps[:, [1, 3]] = 0
    question = outcomes.ask(stimuli["label"].values.astype(str), LABELS, {})
    wanted = outcomes.score(model.head(maps.mean((2, 3))).numpy(), model(x).numpy(), question)["kl"]
    np.testing.assert_allclose(found["kl"].values[1], wanted, rtol=1e-4, atol=1e-8)
    with pytest.raises(ValueError, match="layer 'third' is no module"):
        hooks.places(model, np.array(["third"]))
