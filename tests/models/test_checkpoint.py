"""Weights are read without running anything, and fit all or not at all."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from deeplocalizer.models import checkpoint


def net(outputs=2):
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, outputs))


@pytest.fixture
def state():
    return {name: torch.rand_like(value.float()).to(value.dtype) for name, value in net().state_dict().items()}


def fitted(state):
    module = net()
    checkpoint.fit(module, state, "f", "m")
    return module.state_dict()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state, "optimizer": {"lr": 1.0}},
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {"state_dict": {f"module._orig_mod.{name}": value for name, value in state.items()}},
    ],
)
def test_common_wrappings_are_taken_off(tmp_path, state, wrap):
    torch.save(wrap(state), tmp_path / "w.pth")
    found = fitted(checkpoint.read(tmp_path / "w.pth"))
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_the_home_folder_may_be_a_tilde(tmp_path, state, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_file(state, tmp_path / "w.safetensors")
    assert checkpoint.read("~/w.safetensors").keys() == state.keys()
    with pytest.raises(ValueError, match=r"there is no file ~nobody-of-this-name/w\.pt"):
        checkpoint.read("~nobody-of-this-name/w.pt")


def test_safetensors_and_halves_are_read(tmp_path, state):
    save_file(
        {name: value.half() if value.is_floating_point() else value for name, value in state.items()},
        tmp_path / "w.safetensors",
    )
    found = fitted(checkpoint.read(tmp_path / "w.safetensors"))
    assert found["0.weight"].dtype == torch.float32
    torch.testing.assert_close(found["0.weight"], state["0.weight"], atol=1e-3, rtol=0)


def test_old_files_do_not_count_batches(state):
    del state["1.num_batches_tracked"]
    assert torch.equal(fitted(state)["0.weight"], state["0.weight"])


class Evil:
    def __reduce__(self):
        return (print, ("this must never be printed",))


def test_nothing_is_run(tmp_path, capsys):
    torch.save(net(), tmp_path / "whole.pt")
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Evil(), protocol=2))
    for name in ("whole.pt", "evil.pt"):
        with pytest.raises(ValueError, match=f"{name}: (holds more than tensors|not a readable)"):
            checkpoint.read(tmp_path / name)
    assert "never" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epoch": 3}, "holds no state dict \\(its entries: epoch\\)"),
        ({"model": {"a": torch.zeros(1)}, "net": {"a": torch.zeros(1)}}, "holds several state dicts"),
        ([1], "holds a list"),
    ],
)
def test_what_is_no_state_dict_is_named(tmp_path, content, words):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=words):
        checkpoint.read(tmp_path / "w.pt")


def test_damage_is_named(tmp_path, state):
    torch.save(state, tmp_path / "w.pt")
    (tmp_path / "w.pt").write_bytes((tmp_path / "w.pt").read_bytes()[:300])
    with pytest.raises(ValueError, match=r"w\.pt: not a readable file of torch"):
        checkpoint.read(tmp_path / "w.pt")
    save_file(state, tmp_path / "w.safetensors")
    (tmp_path / "w.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:100])
    with pytest.raises(ValueError, match=r"w\.safetensors: not a readable safetensors file"):
        checkpoint.read(tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="there is no file"):
        checkpoint.read(tmp_path / "none.pt")
    (tmp_path / "w.bin").touch()
    with pytest.raises(ValueError, match="must be a file that ends in .safetensors, .pt, .pth"):
        checkpoint.read(tmp_path / "w.bin")


def test_what_does_not_fit_is_named(state):
    with pytest.raises(ValueError, match=r"f: the weights do not fit 'm': 1 have another shape \(2.weight.*labels\?"):
        checkpoint.fit(net(), {**state, "2.weight": torch.zeros(9, 4)}, "f", "m")
    with pytest.raises(ValueError, match=r"1 of 9 tensors are missing \(2.bias\), 1 are unknown to it \(extra\)"):
        checkpoint.fit(net(), {**{k: v for k, v in state.items() if k != "2.bias"}, "extra": torch.zeros(1)}, "f", "m")
    before = net()
    kept = {name: value.clone() for name, value in before.state_dict().items()}
    with pytest.raises(ValueError, match="missing"):
        checkpoint.fit(before, {"a": torch.zeros(1)}, "f", "m")
    assert all(torch.equal(value, kept[name]) for name, value in before.state_dict().items())
