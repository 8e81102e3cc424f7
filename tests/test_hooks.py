"""Hooks see every output as the module made it, and leave nothing behind."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
import torchvision
from torch import nn

from deeplocalizer.hooks import (
    DivergedError,
    Site,
    find,
    history,
    keeping,
    mapped,
    prefix,
    resuming,
    tensors,
    visiting,
    watching,
)


def collect(model, modules, x):
    seen = {}

    def visit(site, output):
        seen[site] = output.clone()

    with visiting(modules, visit):
        result = model(x)
    return seen, result


class Reused(nn.Module):
    """One in-place ReLU, called twice, as in torchvision's ResNet."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.relu = nn.ReLU(inplace=True)
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return self.relu(self.linear(self.relu(self.norm(x))))


def test_in_place_operations_and_reused_modules_do_not_corrupt_what_is_seen():
    torch.manual_seed(0)
    model = Reused().eval()
    x = torch.randn(8, 4)
    seen, _ = collect(model, find(model, ["norm", "relu", "linear"]), x)
    norm = model.norm(x)
    hidden = model.linear(norm.clamp(min=0))
    assert torch.equal(seen[Site("norm", 0)], norm)
    assert torch.equal(seen[Site("relu", 0)], norm.clamp(min=0))
    assert torch.equal(seen[Site("linear", 0)], hidden)
    assert torch.equal(seen[Site("relu", 1)], hidden.clamp(min=0))
    assert (norm < 0).any()


def test_hooks_are_gone_after_an_exception():
    model = nn.Sequential(nn.Linear(2, 2))

    def fail(site, output):
        raise RuntimeError("visitor")

    with pytest.raises(RuntimeError, match="visitor"), visiting({"0": model[0]}, fail):
        model(torch.zeros(1, 2))
    model(torch.zeros(1, 2))
    assert not model[0]._forward_hooks


def test_a_module_under_two_names_is_visited_once():
    shared = nn.Linear(2, 2)
    seen, _ = collect(shared, {"a": shared, "b": shared}, torch.zeros(1, 2))
    assert list(seen) == [Site("a", 0)]


def test_calls_are_counted_anew_for_each_pass():
    model = nn.Linear(2, 2)
    sites = []
    with visiting({"m": model}, lambda site, _: sites.append(site)) as restart:
        for _ in range(2):
            restart()
            model(torch.zeros(1, 2))
    assert sites == [Site("m", 0), Site("m", 0)]


Pair = namedtuple("Pair", "state weights")


class Answer(dict):
    """Built from keywords, as a transformers ModelOutput."""

    def __init__(self, **parts):
        super().__init__(**parts)


class Structured(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def forward(self, x):
        return {
            "tuple": (x, x + 1, None, 3),
            "list": [x],
            "named": Pair(x, (x + 1,)),
            "dict": {"hidden": x, "mask": torch.ones(1, dtype=torch.int64)},
            "answer": Answer(logits=x, loss=None),
        }[self.kind]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("tuple", ["m[0]", "m[1]"]),
        ("list", ["m[0]"]),
        ("named", ["m[0]", "m[1][0]"]),
        ("dict", ["m[hidden]"]),
        ("answer", ["m[logits]"]),
    ],
)
def test_every_float_tensor_of_a_structure_is_seen_and_can_be_replaced(kind, names):
    model = Structured(kind)
    seen, untouched = collect(model, {"m": model}, torch.zeros(1, 2))
    assert [site.name for site in seen] == names
    assert {site.place for site in seen} == {"m"}
    with visiting({"m": model}, lambda site, output: output + 10 if site.name == names[0] else None):
        replaced = model(torch.zeros(1, 2))
    assert type(replaced) is type(untouched)
    first = next(iter(replaced.values())) if isinstance(replaced, dict) else replaced[0]
    assert torch.equal(first, torch.full((1, 2), 10.0))


def test_the_gradient_mode_of_the_caller_is_kept():
    model = nn.Linear(2, 1)
    flags = []
    with visiting({"m": model}, lambda _, output: flags.append(output.requires_grad)):
        model(torch.zeros(1, 2))
        with torch.no_grad():
            model(torch.zeros(1, 2))
    assert flags == [True, False]


@pytest.fixture
def nested():
    return nn.Sequential(
        nn.Sequential(nn.Linear(1, 1), nn.ReLU()), nn.Sequential(nn.Sequential(nn.Linear(1, 1), nn.ReLU()))
    )


@pytest.mark.parametrize(
    ("patterns", "paths"),
    [
        (["*"], ["0", "1"]),
        (["0.*"], ["0.0", "0.1"]),
        (["**.1"], ["0.1", "1.0.1"]),
        (["1.**"], ["1.0", "1.0.0", "1.0.1"]),
        (["1.0.1", "0"], ["0", "1.0.1"]),
    ],
)
def test_patterns_match_paths_part_by_part(nested, patterns, paths):
    assert list(find(nested, patterns)) == paths


def test_a_pattern_without_a_match_is_named_with_its_neighbours():
    model = nn.ModuleDict({"conv1": nn.Linear(1, 1), "hidden": nn.Linear(1, 1)})
    with pytest.raises(ValueError, match=r"layer 'hiden' matches no module of ModuleDict; near it are: hidden"):
        find(model, ["hiden"])
    with pytest.raises(ValueError, match=r"must not hold '\['"), visiting({"a[0]": model}, lambda *_: None):
        pass


@pytest.fixture(scope="module")
def resnet():
    with torch.device("meta"):
        return torchvision.models.resnet18(weights=None)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("layr4.*", r"near it are: layer4\.0, layer4\.1; list all"),
        ("layer4.*.conv", r"near it are: layer4\.0\.conv1, layer4\.0\.conv2, layer4\.1\.conv1, layer4\.1\.conv2; "),
        ("layer9", r"near it are: layer1, layer2, layer3, layer4; "),
        ("layer4.conv1", r"one level deeper, 'layer4\.\*\.conv1' matches 2 modules"),
        ("model.layer4.*", r"one level shallower, 'layer4\.\*' matches 2 modules"),
        ("fc.*", r"one level shallower, 'fc' matches 1 module; "),
        ("zzz", r"near it are: conv1, bn1, relu, maxpool, layer1, layer1\.0, …; list all"),
        ("*.*.*.*.*.*", r"near it are: conv1, "),
    ],
)
def test_what_a_pattern_missed_is_shown(resnet, pattern, message):
    with pytest.raises(ValueError, match=message) as error:
        find(resnet, [pattern])
    assert str(error.value).startswith(f"layer {pattern!r} matches no module of ResNet; near it are: ")
    assert str(error.value).endswith("list all with: python -m deeplocalizer.models layers <architecture>")


def test_visitors_see_turned_outputs_upright_and_give_them_back_so():
    module = nn.Identity()
    maps, series = torch.arange(24.0).reshape(1, 2, 3, 4), torch.arange(12.0).reshape(1, 3, 4)
    for output, upright in ((maps, maps.permute(0, 3, 1, 2)), (series, series.transpose(1, 2))):
        seen = []

        def visit(site, value, seen=seen):
            seen.append(value.clone())
            return value + 1

        with visiting({"m": module}, visit, {Site("m", 0)}) as restart:
            result = module(output)
            assert torch.equal(seen[0], upright)
            assert torch.equal(result, output + 1)
            # the second call is another site
            assert torch.equal(module(output), output + 1)
            assert torch.equal(seen[1], output)
            restart()


def test_watching_says_what_modules_give():
    model = nn.ModuleDict({"a": nn.Identity(), "b": nn.LSTM(1, 1), "c": nn.Identity()})
    with watching(dict(model.items())) as gave:
        model["a"](torch.zeros(1, dtype=torch.int32))
        model["b"](torch.zeros(1, 1))
    assert gave == {"a": "Tensor of torch.int32", "b": "tuple"}
    assert not any(module._forward_hooks for module in model.values())


@dataclass
class Output:
    hidden: torch.Tensor
    loss: float | None = None


@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(2),
        (torch.zeros(2), None, 3, "word"),
        [torch.zeros(2), [torch.ones(1, dtype=torch.int64)]],
        {"a": torch.zeros(2), "b": {"c": torch.zeros(1)}},
        OrderedDict(a=torch.zeros(2)),
        Pair(torch.zeros(2), (torch.zeros(1),)),
        Answer(logits=torch.zeros(2), loss=None),
        Output(torch.zeros(2)),
    ],
)
def test_structures_are_built_anew_with_their_tensors_changed(value):
    new = mapped(value, lambda one: one + 1)
    assert type(new) is type(value)
    assert [torch.equal(a + 1, b) for a, b in zip(tensors(value), tensors(new), strict=True)] == [True] * len(
        tensors(value)
    )
    assert tensors(value) and not any(one is other for one in tensors(value) for other in tensors(new))


def test_what_is_no_known_structure_is_named():
    with pytest.raises(TypeError, match="a Reused cannot be built anew"):
        mapped([Reused()], torch.clone)
    assert tensors([Reused(), None]) == []


class Steps(nn.Module):
    """Reads one of its first outputs at the end, as a U-Net does."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two, self.three, self.last = (nn.Linear(4, 4) for _ in range(4))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        first = self.one(x)
        second = self.relu(self.two(first))
        return self.last(self.relu(self.three(second)) + first)


def recalled(model, x, start):
    """Keep what comes before a site, and resume there; give the outputs and the modules that were computed."""
    places = find(model, ["*"])
    ran = []
    with torch.no_grad():
        known = history(model, places, lambda: model(x[:2].clone()))
        chosen = prefix(known, known.sites[start])
        with keeping(model, [chosen]) as kept:
            expected = model(x)
        spied = {name: module.forward for name, module in places.items()}
        for name, forward in spied.items():
            places[name].__dict__["forward"] = lambda x, f=forward, n=name: ran.append(n) or f(x)
        try:
            with visiting(places, lambda *_: None) as counts, resuming(chosen, kept, counts):
                given = model(torch.full_like(x, torch.nan))
        finally:
            for name in spied:
                del places[name].__dict__["forward"]
    return torch.equal(given, expected), ran, dict(counts), chosen


def test_only_what_comes_after_a_start_is_computed():
    model, x = Steps().eval(), torch.randn(5, 4)
    everything = {"one": 1, "two": 1, "three": 1, "relu": 2, "last": 1}
    for start, computed in {
        Site("one", 0): ["two", "relu", "three", "relu", "last"],
        # what is rectified in place may be held by someone else too
        Site("relu", 0): ["relu", "three", "relu", "last"],
        Site("three", 0): ["relu", "last"],
        Site("relu", 1): ["relu", "last"],
    }.items():
        same, ran, counts, _ = recalled(model, x, start)
        assert same
        assert ran == computed
        assert counts == everything


def test_what_nobody_reads_any_more_is_not_kept():
    model, x = Steps().eval(), torch.randn(5, 4)
    _, _, _, chosen = recalled(model, x, Site("relu", 1))
    names = {module: name for name, module in model.named_modules()}
    needed = {names[step.module] for step in chosen.steps if step.needed}
    assert needed == {"one", "three"}
    assert chosen.share == 4 / 6


class Rectified(nn.Module):
    """Goes on with a tensor that a module rectified in place."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.relu, self.last = nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Linear(4, 4)

    def forward(self, x):
        held = self.one(x)
        y = self.relu(held)
        return self.last(y.sin() + held)


def test_who_changes_what_others_read_is_computed_again():
    model, x = Rectified().eval(), torch.randn(5, 4)
    same, ran, _, _ = recalled(model, x, Site("relu", 0))
    assert same and ran == ["relu", "last"]


def test_another_order_of_modules_is_refused():
    class Turning(Steps):
        order = ("one", "two", "three")

        def forward(self, x):
            for name in self.order:
                x = getattr(self, name)(x)
            return self.last(x)

    model, x = Turning().eval(), torch.randn(5, 4)
    with torch.no_grad():
        known = history(model, {"last": model.last}, lambda: model(x))
        chosen = prefix(known, known.sites[Site("last", 0)])
        with keeping(model, [chosen]) as kept:
            model(x)
        model.order = ("two", "one", "three")
        with pytest.raises(DivergedError), keeping(model, [chosen]):
            # the same kinds of modules, but others
            model(x)
        with visiting({}, lambda *_: None) as counts, pytest.raises(DivergedError), resuming(chosen, kept, counts):
            model(x)
        model.order = ("one", "two")
        with pytest.raises(DivergedError, match="calls a Linear where|called 4 modules where it called 5"):
            with keeping(model, [chosen]):
                model(x)
    assert not any(module._forward_pre_hooks or "forward" in vars(module) for module in model.modules())
