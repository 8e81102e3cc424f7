"""Models come from the Hub once, at one commit, as safetensors, and then from its cache."""

import json

import pytest
import timm
import torch

from deeplocalizer.hub import HubError
from deeplocalizer.models import network, weights
from deeplocalizer.models.description import describe
from tests.models.test_libraries import LABELS, saved
from tests.serving.hub import HubServer, redirected

NAME = "lab/tiny-resnet"


@pytest.fixture
def hub():
    with HubServer() as server:
        yield server


@pytest.fixture
def model(tmp_path):
    return saved(tmp_path / "source")


def got(name, tmp_path, revision="main"):
    described = describe(name, revision, downloads=tmp_path / "downloads")
    return described, weights.obtain(described, "pretrained", 0, tmp_path / "downloads")


def test_a_second_run_asks_nothing(hub, model, tmp_path):
    sha = hub.add_model(NAME, tmp_path / "source")
    with redirected(hub, tmp_path / "home"):
        described, found = got(f"transformers:{NAME}", tmp_path)
        assert described.revision == sha and described.labels == LABELS
        assert network.digest(found.module) == network.digest(model)
        asked = {request.path.split("/")[-1] for request in hub.requests if request.method == "GET"}
        assert not any(path.endswith((".bin", ".py", ".h5")) for path in asked)
        hub.add_model(NAME, {"config.json": b"{}"})  # main moves on; this study does not
        hub.forget()
        assert got(f"transformers:{NAME}", tmp_path)[0] == described
        network.save(found, tmp_path / "w.safetensors", {})
        network.load(tmp_path / "w.safetensors")
        assert hub.requests == []
    with redirected(hub, tmp_path / "home", offline=True):
        assert network.digest(got(f"transformers:{NAME}", tmp_path)[1].module) == network.digest(model)
        assert hub.requests == []


def test_an_untrained_control_fetches_no_weights(hub, model, tmp_path):
    hub.add_model(NAME, tmp_path / "source")
    with redirected(hub, tmp_path / "home"):
        described = describe(f"transformers:{NAME}", "main", "none", downloads=tmp_path)
        weights.obtain(described, "none", 0, tmp_path)
        assert not any("safetensors" in request.path for request in hub.requests)


def test_offline_the_command_that_helps_is_named_and_helps(hub, model, tmp_path):
    sha = hub.add_model(NAME, tmp_path / "source")
    words = rf"config\.json of {NAME} at revision {{}} is not in .*run: hf download {NAME} --revision {{}}"
    with redirected(hub, tmp_path / "home", offline=True):
        for revision in ("main", sha):
            with pytest.raises(HubError, match=words.format(revision, revision)):
                got(f"transformers:{NAME}", tmp_path, revision)
        assert hub.requests == []
    with redirected(hub, tmp_path / "home"):
        from huggingface_hub import snapshot_download  # what `hf download` calls

        snapshot_download(NAME, revision="main")
    with redirected(hub, tmp_path / "home", offline=True):
        described, found = got(f"transformers:{NAME}", tmp_path)
        assert described.revision == sha
        assert network.digest(found.module) == network.digest(model)


def test_weights_that_are_gone_from_the_cache_are_named(hub, model, tmp_path):
    hub.add_model(NAME, tmp_path / "source")
    with redirected(hub, tmp_path / "home"):
        described = describe(f"transformers:{NAME}", "main", "none", downloads=tmp_path)
    with redirected(hub, tmp_path / "home", offline=True):
        with pytest.raises(
            HubError, match=rf"model\.safetensors of {NAME} .*hf download {NAME} --revision {described.revision}"
        ):
            weights.obtain(described, "pretrained", 0, tmp_path)


def test_pickles_and_code_are_refused_before_anything_is_fetched(hub, model, tmp_path):
    files = {path.name: path.read_bytes() for path in (tmp_path / "source").iterdir()}
    content = files.pop("model.safetensors")
    hub.add_model("lab/pickled", {**files, "pytorch_model.bin": content})
    hub.add_model("lab/empty", files)
    config = {"model_type": "mine", "auto_map": {"AutoConfig": "configuration.Mine"}}
    hub.add_model("lab/remote", {"config.json": json.dumps(config).encode(), "configuration.py": b"raise SystemExit"})
    with redirected(hub, tmp_path / "home"):
        with pytest.raises(ValueError, match=r"lab/pickled .*weights are pickled \(pytorch_model\.bin\)"):
            got("transformers:lab/pickled", tmp_path)
        with pytest.raises(ValueError, match=r"lab/empty .*no safetensors file: it holds no weights"):
            got("transformers:lab/empty", tmp_path)
        with pytest.raises(ValueError, match=r"lab/remote: needs code of its own \(configuration\.Mine\)"):
            got("transformers:lab/remote", tmp_path)
    assert not any(request.method == "GET" and request.path.endswith((".bin", ".py")) for request in hub.requests)


def test_what_the_hub_has_not_is_named(hub, model, tmp_path):
    hub.add_model(NAME, tmp_path / "source")
    with redirected(hub, tmp_path / "home"):
        with pytest.raises(HubError, match="lab/none.*no such repository"):
            got("transformers:lab/none", tmp_path)
        with pytest.raises(HubError, match=f"{NAME} at revision 'v9': the Hub has no such revision"):
            got(f"transformers:{NAME}", tmp_path, "v9")


def test_damage_on_the_way_is_found(hub, model, tmp_path):
    hub.add_model(NAME, tmp_path / "source")
    with redirected(hub, tmp_path / "home"):
        described = describe(f"transformers:{NAME}", "main", downloads=tmp_path)
        hub.fault("/cdn/", "corrupt", times=1)
        with pytest.raises(ValueError, match=r"model\.safetensors .*does not match its digest and was deleted"):
            weights.obtain(described, "pretrained", 0, tmp_path)
        found = weights.obtain(described, "pretrained", 0, tmp_path)
        assert network.digest(found.module) == network.digest(model)


def test_large_models_come_in_parts(hub, model, tmp_path):
    model.save_pretrained(tmp_path / "parts", max_shard_size="10KB")
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    files = {path.name: path.read_bytes() for path in (tmp_path / "parts").iterdir()}
    files["preprocessor_config.json"] = (tmp_path / "source" / "preprocessor_config.json").read_bytes()
    hub.add_model(NAME, files)
    with redirected(hub, tmp_path / "home"):
        assert network.digest(got(f"transformers:{NAME}", tmp_path)[1].module) == network.digest(model)


def test_timm_by_name_and_by_repository(hub, tmp_path):
    torch.manual_seed(0)
    model = timm.create_model("test_resnet.r160_in1k").eval()
    timm.models.save_for_hf(model, tmp_path / "m", safe_serialization=True)
    sha = hub.add_model("timm/test_resnet.r160_in1k", tmp_path / "m")
    with redirected(hub, tmp_path / "home"):
        for name in ("timm:test_resnet.r160_in1k", "timm:timm/test_resnet.r160_in1k"):
            described, found = got(name, tmp_path)
            assert described.revision == sha and len(described.labels) == 1000
            assert described.labels[0] == "tench, Tinca tinca"
            assert network.digest(found.module) == network.digest(model)
        hub.forget()
        got("timm:test_resnet.r160_in1k", tmp_path)
        assert hub.requests == []
    with redirected(hub, tmp_path / "empty", offline=True):
        with pytest.raises(HubError, match=r"hf download timm/test_resnet\.r160_in1k --revision"):
            got("timm:test_resnet.r160_in1k", tmp_path, sha)
