"""The researcher's own networks: a function is enough, and an untrained control is really untrained."""

import itertools

import pytest
import torch

from deeplocalizer.models import network, specification, weights
from deeplocalizer.models.description import describe

CODE = """
import warnings

import torch
from torch import nn

WANTS = {"resize": 20, "crop": 16, "mean": [0.5] * 3, "std": [0.25] * 3}

def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))

def complete():
    return net(), WANTS

def loaded():
    torch.manual_seed(7)
    return net(), WANTS

def switched(pretrained=True):
    if pretrained:
        torch.manual_seed(7)
    return net(), WANTS

def stuck(pretrained):
    torch.manual_seed(7)
    return net(), WANTS

def number():
    return 3

def short():
    return net(), {"crop": 16}

def broken():
    raise KeyError("x")

def scripted():
    with warnings.catch_warnings(action="ignore"):
        return torch.jit.trace(net().eval(), torch.zeros(1, 3, 16, 16)), WANTS

def sigmoid():
    return nn.Sequential(net(), nn.Linear(3, 1), nn.Sigmoid()), WANTS

class Drops(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, x):
        return {"logits": nn.functional.dropout(self.net(x), training=True)}

def drops():
    return Drops(), WANTS

def odd():
    return net(), {**WANTS, "crop": 24, "resample": "cubic"}

def large():
    return net(), {**WANTS, "crop": 24}

def flat():
    return net(), {**WANTS, "std": [0.25, 0, 0.25]}

def map():
    return nn.Conv2d(3, 4, 3), WANTS
"""
names = (f"own_networks_{number}" for number in itertools.count())


@pytest.fixture
def module(tmp_path, monkeypatch):
    name = next(names)  # Python keeps what it has imported
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}.py").write_text(CODE)
    return name


def test_a_function_is_enough(module, tmp_path):
    described = describe(f"python:{module}:complete")
    assert described.labels == ("0", "1", "2") and described.input_shape == (3, 16, 16)
    assert described.preprocessing["mode"] == "RGB" and described.preprocessing["resample"] == "bilinear"
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    assert describe(f"python:{module}:complete", labels="labels.txt").labels == ("a", "b", "c")
    given = {"mode": "RGB", "resize": 9, "crop": 8, "resample": "box", "mean": [0.5] * 3, "std": [0.5] * 3}
    assert describe(f"python:{module}:net", preprocessing=given).input_shape == (3, 8, 8)
    assert specification.local_files({"architecture": f"python:{module}:net"}) == [f"{module}.py"]


def test_its_own_weights_are_used_only_where_they_are_wanted(module, tmp_path):
    torch.manual_seed(7)
    expected = torch.nn.Conv2d(3, 4, 3).weight
    for function in ("loaded", "switched"):
        described = describe(f"python:{module}:{function}")
        found = weights.obtain(described, "pretrained", 0, tmp_path)
        assert torch.equal(found.module[0].weight, expected)
        network.save(found, tmp_path / "w.safetensors", {})
        assert network.digest(network.load(tmp_path / "w.safetensors").module) == network.digest(found.module)
    described = describe(f"python:{module}:switched", weights="none")
    drawn = [network.digest(weights.obtain(described, "none", seed, tmp_path).module) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] != network.digest(found.module)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("loaded", "the same ones whatever the seed.*give the function a parameter 'pretrained'"),
        ("stuck", "the same ones whatever the seed.*with pretrained=False it must not load any"),
        ("number", "the function returns a int; expected a torch.nn.Module"),
        ("short", "lacks resize, mean, std; it takes mode, resize"),
        ("broken", "the function fails: KeyError: 'x'"),
        ("net", "how it wants its images is not known"),
        ("map", r"returns a tensor of shape \(1, 4, 14, 14\); expected \(stimulus, label\)"),
        ("scripted", r"returns a torch.jit.ScriptModule \(.*\), whose layers cannot be recorded"),
        ("sigmoid", "a network with one output makes no decision"),
        ("drops", "its outputs for the same images are not the same in a second run"),
        ("odd", "preprocessing.resample: got 'cubic'; allowed are nearest, bilinear"),
        ("large", "preprocessing.crop: got 24, more than resize 20"),
        ("flat", r"preprocessing.std: got \[0.25, 0, 0.25\]; expected 3 numbers, finite and above 0"),
        ("complet", "has no function 'complet'; near it are complete"),
    ],
)
def test_mistakes_are_named(module, function, words):
    with pytest.raises(ValueError, match=f"python:{module}:{function}.*{words}"):
        describe(f"python:{module}:{function}", weights="none")


def test_a_module_that_is_not_there_is_named(module, tmp_path):
    (tmp_path / "own_netwerks.py").touch()
    with pytest.raises(ValueError, match="there is no module 'own_networks'.*near it are own_netw"):
        describe("python:own_networks:build")
    with pytest.raises(ValueError, match="cannot find module 'own_networks.deep'"):
        describe("python:own_networks.deep:build")
    (tmp_path / "own_broken.py").write_text("1 / 0")
    with pytest.raises(ValueError, match="importing 'own_broken' fails: ZeroDivisionError"):
        describe("python:own_broken:build")


def test_labels_must_be_as_many_as_outputs(module, tmp_path):
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(ValueError, match="has 3 outputs, but there are 2 labels"):
        describe(f"python:{module}:complete", labels="labels.txt")


def test_a_file_that_changed_since_is_noticed(module, tmp_path):
    described = describe(f"python:{module}:complete")
    (tmp_path / f"{module}.py").write_text(CODE + "\n# changed\n")
    with pytest.raises(ValueError, match="has changed since the model was described"):
        network.initial(described, 0)


def test_a_change_in_what_it_imports_is_noticed(module, tmp_path):
    helper = f"helper_of_{module}"
    (tmp_path / f"{helper}.py").write_text("WIDTH = 4\n")
    (tmp_path / f"{module}.py").write_text(f"from {helper} import WIDTH\n{CODE}")
    described = describe(f"python:{module}:complete")
    assert specification.local_files({"architecture": f"python:{module}:complete"}) == list(described.config["files"])
    (tmp_path / "beside.py").write_text("WIDTH = 5\n")
    assert network.initial(described, 0)
    (tmp_path / f"{helper}.py").write_text("WIDTH = 5\n")
    with pytest.raises(ValueError, match=rf"has changed since the model was described \({helper}\.py\); delete"):
        network.initial(described, 0)


def test_a_module_from_elsewhere_is_known_by_its_name(module, tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path / "work")
    described = describe(f"python:{module}:complete")
    assert list(described.config["files"]) == [module]
    (tmp_path / f"{module}.py").write_text(CODE + "\n# changed\n")
    with pytest.raises(ValueError, match="has changed since"):
        network.initial(described, 0)


def test_weights_that_show_what_zeros_hid_are_refused(module, tmp_path):
    (tmp_path / f"{module}.py").write_text(
        CODE
        + """
def hidden(pretrained):
    made = Drops()
    if not pretrained:
        nn.init.zeros_(made.net[-1].weight), nn.init.zeros_(made.net[-1].bias)
    return made, WANTS
"""
    )
    described = describe(f"python:{module}:hidden")
    with pytest.raises(ValueError, match=f"python:{module}:hidden: its outputs for the same images are not the same"):
        weights.obtain(described, "pretrained", 0, tmp_path)
