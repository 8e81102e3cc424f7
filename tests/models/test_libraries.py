"""Every library's models are described once, rebuilt from that alone, and drawn from the seed."""

import numpy as np
import pytest
import timm
import torch
import torchvision
import transformers
from safetensors.torch import save_file

from deeplocalizer.models import network, weights
from deeplocalizer.models.description import describe
from deeplocalizer.models.specification import Specification

TINY = {
    "resnet": transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2], layer_type="basic"),
    "convnext": transformers.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 2, 1], image_size=32),
    "vit": transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8
    ),
    "swin": transformers.SwinConfig(
        image_size=32, patch_size=2, embed_dim=16, depths=[1, 2], num_heads=[2, 4], window_size=4
    ),
    "dinov2": transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8
    ),
}
LABELS = ("ape", "bee", "cat", "dog")


def classifier(kind, seed=0, labels=LABELS):
    config = TINY[kind].__class__.from_dict(TINY[kind].to_dict())
    config.id2label = dict(enumerate(labels))
    config.label2id = {name: index for index, name in enumerate(labels)}
    torch.manual_seed(seed)
    return transformers.AutoModelForImageClassification.from_config(config).eval()


def saved(folder, kind="resnet", processor=None):
    model = classifier(kind)
    model.save_pretrained(folder)
    (processor or transformers.ViTImageProcessor(size={"height": 32, "width": 32})).save_pretrained(folder)
    return model


def again(specification):
    return Specification.from_json(specification.to_json())


ARCHITECTURES = [
    "small_cnn",
    "torchvision:squeezenet1_1",
    "timm:test_vit.r160_in1k",
    "timm:test_convnext",
]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_same_seed_gives_the_same_network(name, tmp_path):
    described = describe(name, weights="none", task_labels=LABELS)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - the generator of others must be left alone
    expected = torch.rand(2), np.random.rand()  # noqa: NPY002
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    first, twin, other = (
        network.initial(one, seed) for one, seed in ((described, 3), (again(described), 3), (described, 4))
    )
    assert torch.equal(torch.rand(2), expected[0]) and np.random.rand() == expected[1]  # noqa: NPY002
    assert network.digest(first.module) == network.digest(twin.module) != network.digest(other.module)
    network.save(first, tmp_path / "w.safetensors", {})
    loaded = network.load(tmp_path / "w.safetensors")
    assert loaded.specification == described
    images = torch.rand(2, *described.input_shape)
    with torch.inference_mode():
        assert torch.equal(loaded.module(images), first.module(images))


@pytest.mark.parametrize("kind", TINY)
def test_folders_of_transformers(tmp_path, kind):
    model = saved(tmp_path / "m", kind)
    described = describe(f"transformers:{tmp_path / 'm'}")
    assert described.labels == LABELS and described.revision == "" and described.input_shape == (3, 32, 32)
    found = weights.obtain(again(described), "pretrained", 0, tmp_path)
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(found.module(images).logits, model(images).logits)
    drawn = [network.digest(network.initial(described, seed).module) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] != network.digest(found.module)


def test_a_folder_of_timm(tmp_path):
    torch.manual_seed(0)
    model = timm.create_model("test_resnet", num_classes=4).eval()
    timm.models.save_for_hf(model, tmp_path / "m", model_config={"label_names": list(LABELS)}, safe_serialization=True)
    described = describe(f"timm:{tmp_path / 'm'}")
    assert described.labels == LABELS and described.input_shape == (3, 160, 160)
    found = weights.obtain(again(described), "pretrained", 0, tmp_path)
    assert network.digest(found.module) == network.digest(model)


def test_labels_of_imagenet_are_in_order():
    torchvisions = describe("torchvision:squeezenet1_1", weights="none").labels
    timms = describe("timm:test_resnet.r160_in1k", weights="none").labels
    assert len(set(torchvisions)) == len(set(timms)) == 1000
    assert torchvisions[:2] == ("tench", "goldfish")
    assert sum(one.split(",")[0] == other.split(",")[0] for one, other in zip(torchvisions, timms, strict=True)) > 900
    assert "crane [134]" in timms and "crane [517]" in timms


def test_weights_from_a_file(tmp_path):
    model = torchvision.models.squeezenet1_1(num_classes=4)
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, tmp_path / "w.pth")
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    for name in ("w.pth", "w.safetensors"):
        path = str(tmp_path / name)
        described = describe("torchvision:squeezenet1_1", weights=path, labels=tmp_path / "labels.txt")
        found = weights.obtain(described, path, 0, tmp_path)
        assert network.digest(found.module) == network.digest(model)
        assert found.labels == LABELS
    described = describe("torchvision:squeezenet1_1", weights=path)
    with pytest.raises(ValueError, match=r"do not fit 'torchvision:squeezenet1_1': 2 have another shape .*labels\?"):
        weights.obtain(described, path, 0, tmp_path)


def test_the_home_folder_may_be_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    model = saved(tmp_path / "m")
    described = describe("transformers:~/m")
    assert network.digest(weights.obtain(described, "pretrained", 0, tmp_path).module) == network.digest(model)
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    described = describe("transformers:~/m", weights="~/w.safetensors", labels="~/labels.txt")
    assert network.digest(weights.obtain(described, "~/w.safetensors", 0, tmp_path).module) == network.digest(model)
    model = timm.create_model("test_resnet", num_classes=4).eval()
    timm.models.save_for_hf(model, tmp_path / "t", model_config={"label_names": list(LABELS)}, safe_serialization=True)
    found = weights.obtain(describe("timm:~/t"), "pretrained", 0, tmp_path)
    assert network.digest(found.module) == network.digest(model)


def test_what_changes_for_its_weights_changes_for_the_control_too():
    described = describe("torchvision:googlenet", weights="none")
    assert network.initial(described, 0).module.transform_input is True


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"architecture": "resnet18"}, "architecture 'resnet18' is unknown; allowed are small_cnn"),
        ({"architecture": "torchvision:resnet35"}, "no image classifier 'resnet35'; near it are .*resnet34"),
        ({"architecture": "torchvision:fcn_resnet50"}, "no image classifier 'fcn_resnet50'"),
        ({"architecture": "torchvision:resnet50/V3"}, "no weights 'V3' of resnet50; allowed are IMAGENET1K_V1"),
        ({"architecture": "torchvision:vgg16/IMAGENET1K_FEATURES"}, "its outputs have no names"),
        ({"architecture": "timm:resnett18"}, "timm has no model 'resnett18'; near it are resnet18"),
        ({"architecture": "timm:resnet18.a9_in1k"}, "no weights 'a9_in1k' of resnet18; it has resnet18.a1_in1k"),
        ({"architecture": "timm:vit_small_patch14_dinov2.lvd142m"}, "has no classifier"),
        ({"architecture": "transformers:resnet"}, "there is no folder resnet; on the Hub a name reads owner/name"),
        ({"architecture": "transformers:./none"}, "there is no folder ./none"),
        ({"architecture": "torchvision:resnet18", "weights": "trained"}, "'trained' are made for small_cnn only"),
        ({"architecture": "small_cnn", "weights": "pretrained"}, "there are no pretrained weights"),
        ({"architecture": "torchvision:resnet18", "weights": "none.pt"}, "neither one of pretrained.* nor a file"),
        ({"architecture": "small_cnn", "preprocessing": {"crop": 3}}, "small_cnn: has its own preprocessing"),
    ],
)
def test_mistakes_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        describe(**{"weights": "none", "task_labels": LABELS, **settings})


def test_folders_that_do_not_hold_a_classifier(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    name = f"transformers:{folder}"
    with pytest.raises(ValueError, match=r"has no config\.json"):
        describe(name)
    saved(folder)
    (folder / "preprocessor_config.json").rename(tmp_path / "p.json")
    with pytest.raises(ValueError, match=r"has no preprocessor_config\.json.*give 'preprocessing'"):
        describe(name)
    given = {"mode": "RGB", "resize": 40, "crop": 32, "resample": "box", "mean": [0.5] * 3, "std": [0.5] * 3}
    assert describe(name, preprocessing=given).input_shape == (3, 32, 32)
    (tmp_path / "p.json").rename(folder / "preprocessor_config.json")
    (folder / "model.safetensors").rename(tmp_path / "w")
    with pytest.raises(ValueError, match=r"has no model\.safetensors; only safetensors are loaded"):
        describe(name)
    described = describe(name, weights="none")
    (folder / "model.safetensors").write_bytes((tmp_path / "w").read_bytes()[:2000])
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        weights.obtain(described, "pretrained", 0, tmp_path)
    bare = transformers.ResNetModel(TINY["resnet"])
    save_file({f"resnet.{k}": v for k, v in bare.state_dict().items()}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"its weights lack classifier\.1\.bias.*backbone without a classifier"):
        weights.obtain(described, "pretrained", 0, tmp_path)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            '{"model_type": "mine", "auto_map": {"AutoConfig": "evil.C"}}',
            r"needs code of its own \(evil\.C\).*never run",
        ),
        ('{"model_type": "resnett"}', "knows no models of the type 'resnett'; near it are resnet"),
        ('{"model_type": "bert"}', "no image classifier of the type 'bert'"),
        ('{"model_type": "timm_wrapper"}', "is a model of timm; write timm:"),
        ("{", "config.json is not readable"),
    ],
)
def test_configurations_that_are_refused(tmp_path, config, words):
    saved(tmp_path)
    (tmp_path / "config.json").write_text(config)
    (tmp_path / "evil.py").write_text("raise SystemExit('this must never run')")
    with pytest.raises(ValueError, match=words):
        describe(f"transformers:{tmp_path}", weights="none")
