"""A model of others is numbers and settings: nothing in its repository runs, or is read from outside of it."""

import inspect
import json
import os
import pickle
import struct
import zipfile

import pytest
import timm
import torch
from safetensors.torch import save_file

from deeplocalizer.models import checkpoint, repository, weights
from deeplocalizer.models.description import describe
from deeplocalizer.models.libraries import foreign
from tests.models.test_libraries import saved
from tests.serving.hub import HubServer, redirected


class Evil:
    """What a pickle runs while it is read: it makes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


@pytest.fixture
def evil(tmp_path):
    """A pickle that would leave a folder behind, and that folder."""
    return pickle.dumps({"state_dict": Evil(tmp_path / "owned")}, protocol=2), tmp_path / "owned"


def change(folder, **keys):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


def timm_folder(folder, **keys):
    folder.mkdir()
    save_file(timm.create_model("resnet10t", num_classes=4).state_dict(), folder / "model.safetensors")
    known = {"architecture": "resnet10t", "num_classes": 4, "pretrained_cfg": {"input_size": [3, 32, 32]}}
    (folder / "config.json").write_text(json.dumps({**known, **keys}))
    return f"timm:{folder}"


def test_a_pickle_runs_if_it_is_loaded_carelessly(tmp_path, evil):
    content, owned = evil
    pickle.loads(content)
    assert owned.is_dir()  # so the tests below can fail


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.safetensors", "w.bin"])
def test_a_pickle_of_weights_does_not_run(tmp_path, evil, name):
    (tmp_path / name).write_bytes(evil[0])
    with pytest.raises(ValueError, match=name):
        checkpoint.read(tmp_path / name)
    assert not evil[1].exists()


@pytest.mark.parametrize("key", sorted(foreign.OF_LOADING | {"pretrained", "pretrained_cfg", "pretrained_cfg_overlay"}))
def test_arguments_of_timm_that_load_are_refused(key):
    with pytest.raises(ValueError, match=f"config.json sets {key}, .*only the safetensors of the model itself"):
        foreign.refuse_loading({"drop_rate": 0.0, key: "x"}, "timm:lab/x")


def test_every_argument_of_timm_that_is_not_the_networks_is_known():
    taken = set(inspect.signature(timm.create_model).parameters) - {"model_name", "kwargs"}
    assert taken <= foreign.OF_LOADING | {name for name in taken if name.startswith("pretrained")}


def test_a_folder_of_timm_cannot_name_another_file(tmp_path, evil):
    (tmp_path / "evil.pth").write_bytes(evil[0])
    overlay = {"file": str(tmp_path / "evil.pth"), "state_dict": None}
    name = timm_folder(tmp_path / "a", model_args={"pretrained_cfg_overlay": overlay})
    with pytest.raises(ValueError, match="pretrained_cfg_overlay"):
        describe(name)
    loading = {"file": str(tmp_path / "evil.pth"), "url": "http://127.0.0.1:1/x.pth", "custom_load": True}
    name = timm_folder(tmp_path / "b", pretrained_cfg={"input_size": [3, 32, 32], **loading})
    described = describe(name)
    assert not set(loading) & set(described.config["cfg"])
    weights.obtain(described, "pretrained", 0, tmp_path)
    assert not evil[1].exists()


@pytest.mark.parametrize(
    "keys",
    [
        {"architecture": {"a": 1}},
        {"architecture": "../../x"},
        {"architecture": "hf-hub:lab/other"},
        {"model_args": ["x"]},
        {"pretrained_cfg": [1]},
        {"pretrained_cfg": None},
    ],
)
def test_settings_of_timm_of_the_wrong_kind_are_named(tmp_path, keys):
    with pytest.raises(ValueError, match="timm"):
        describe(timm_folder(tmp_path / "m", **keys))


def test_kernels_and_code_in_a_configuration_of_transformers_are_left_out(tmp_path):
    saved(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('this must never run')")
    hostile = {
        "auto_map": {"AutoConfig": "evil.C", "AutoModelForImageClassification": "evil.M"},
        "_attn_implementation": "lab/kernel",
        "attn_implementation": "lab/kernel:run",
        "use_pretrained_backbone": True,
        "transformers_weights": "../../w.bin",
    }
    change(tmp_path, **hostile)
    described = describe(f"transformers:{tmp_path}")
    assert not set(hostile) & set(json.dumps(described.config).replace('"', " ").replace(":", " ").split())
    weights.obtain(described, "pretrained", 0, tmp_path)


def test_quantised_weights_are_refused(tmp_path):
    saved(tmp_path)
    change(tmp_path, quantization_config={"quant_method": "awq"})
    with pytest.raises(ValueError, match="its weights are quantised"):
        describe(f"transformers:{tmp_path}")


@pytest.mark.parametrize("keys", [{"id2label": 7}, {"id2label": {"x": "y"}}, {"num_channels": "x"}, {"depths": {}}])
def test_settings_of_transformers_of_the_wrong_kind_are_named(tmp_path, keys):
    saved(tmp_path)
    change(tmp_path, **keys)
    with pytest.raises(ValueError, match="transformers:"):
        weights.obtain(describe(f"transformers:{tmp_path}"), "pretrained", 0, tmp_path)


PARTS = [
    "../../../w.safetensors",
    "/etc/passwd",
    "a/b.safetensors",
    "pytorch_model.bin",
    "x\0.safetensors",
    7,
    None,
    "",
]


@pytest.mark.parametrize("part", PARTS)
def test_an_index_names_only_safetensors_beside_it(tmp_path, part):
    index = tmp_path / repository.INDEX
    index.write_text(json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": part}}))
    with pytest.raises(ValueError, match="lab/x: .*names .*expected the plain names"):
        repository.parts(index, "lab/x")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": []}}', "[" * 100_000, "\0"]
)
def test_an_index_that_is_none_is_named(tmp_path, text):
    (tmp_path / repository.INDEX).write_text(text)
    with pytest.raises(ValueError, match="lab/x: model.safetensors.index.json"):
        repository.parts(tmp_path / repository.INDEX, "lab/x")


def test_an_index_on_the_hub_leads_nowhere_else(tmp_path, evil):
    (tmp_path / "home").mkdir()
    saved(tmp_path / "source")
    files = {path.name: path.read_bytes() for path in (tmp_path / "source").iterdir()}
    content = files.pop("model.safetensors")
    outside = tmp_path / "home" / "outside.safetensors"
    outside.write_bytes(content)
    for part in (f"../../../../../{outside.name}", str(outside), "pytorch_model.bin"):
        index = json.dumps({"weight_map": {"a": part}}).encode()
        with HubServer() as hub:
            hub.add_model("lab/index", {**files, repository.INDEX: index, "pytorch_model.bin": evil[0]})
            with redirected(hub, tmp_path / "home"):
                with pytest.raises(ValueError, match="expected the plain names of .safetensors files"):
                    weights.obtain(describe("transformers:lab/index", downloads=tmp_path), "pretrained", 0, tmp_path)
    assert not evil[1].exists()


def header(content, size=None):
    text = json.dumps(content).encode() if not isinstance(content, bytes) else content
    return struct.pack("<Q", len(text) if size is None else size) + text


LYING = {
    "length beyond the file": header({}, 2**63),
    "a header of a terabyte": header({}, 2**40),
    "beyond the data": header({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}),
    "shape against offsets": header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 4]}}) + bytes(4),
    "overflowing shape": header({"a": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 0]}}),
    "overlapping": header({name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for name in ("a", "b")})
    + bytes(8),
    "backwards": header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}) + bytes(4),
    "a hole": header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}) + bytes(8),
    "nested": header(b"[" * 50_000),
    "no utf-8": header(b"\xff\xfe"),
    "empty": b"",
}


@pytest.mark.parametrize("kind", LYING)
def test_a_lying_head_of_safetensors_is_refused(tmp_path, kind):
    path = tmp_path / "w.safetensors"
    path.write_bytes(LYING[kind])
    with pytest.raises(ValueError, match="w.safetensors: not a readable safetensors file"):
        checkpoint.read(path)


def test_a_torch_file_that_is_an_archive_with_paths_writes_nothing(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "w.pt", "a") as archive:
        archive.writestr("../../escaped", "x")
        archive.writestr("w/../../escaped", "x")
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(ValueError, match="w.pt: not a readable file of torch"):
        checkpoint.read(tmp_path / "w.pt")
    assert sorted(tmp_path.parent.rglob("*")) == before
