"""What a model sees is what its library would show it, to the last pixel."""

import json

import numpy as np
import pytest
import timm
import torch
import torchvision
import transformers
from PIL import Image

from deeplocalizer.models.description import describe
from deeplocalizer.models.libraries import timm_pipeline, transformers_pipeline
from deeplocalizer.models.pipelines import overridden, pipeline

SIZES = [(333, 251), (97, 640), (224, 224), (301, 300)]


def photographs(mode="RGB"):
    for width, height in SIZES:
        rng = np.random.default_rng(width)
        small = Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)).resize((width, height), 3)
        noise = rng.integers(-30, 31, (height, width, 3))
        yield Image.fromarray(np.clip(np.asarray(small) + noise, 0, 255).astype(np.uint8)).convert(mode)


def normalised(made, image):
    mean, std = (np.array(values, dtype=np.float64)[:, None, None] for values in (made.mean, made.std))
    frame = made.frame(image)
    assert frame.dtype == np.uint8
    return (frame / 255 - mean) / std


def rebuilt(description):
    return pipeline(json.loads(json.dumps(description)))


PROCESSORS = {
    "resnet": ("ConvNextImageProcessor", {"size": {"shortest_edge": 224}, "crop_pct": 0.875}),
    "convnext at 384": ("ConvNextImageProcessor", {"size": {"shortest_edge": 384}}),
    "vit": ("ViTImageProcessor", {}),
    "clip": ("CLIPImageProcessor", {}),
    "dinov2": ("BitImageProcessor", {"size": {"shortest_edge": 256}, "resample": 3}),
    "deit": ("DeiTImageProcessor", {}),
    "levit": ("LevitImageProcessor", {}),
    "poolformer": ("PoolFormerImageProcessor", {}),
    "mobilevit, blue first": ("MobileViTImageProcessor", {}),
    "efficientnet, normalised twice": ("EfficientNetImageProcessor", {"size": {"height": 64, "width": 60}}),
    "efficientnet, from -1": (
        "EfficientNetImageProcessor",
        {"rescale_offset": True, "rescale_factor": 1 / 127.5, "include_top": False, "do_normalize": False},
    ),
    "not normalised": ("ViTImageProcessor", {"do_normalize": False}),
}


@pytest.mark.parametrize(("name", "settings"), PROCESSORS.values(), ids=PROCESSORS)
def test_image_processors_of_transformers(tmp_path, name, settings):
    getattr(transformers, name)(**settings).save_pretrained(tmp_path)
    made = rebuilt(transformers_pipeline.describe(tmp_path, 3, name))
    library = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    for image in photographs():
        expected = library(images=image, return_tensors="np")["pixel_values"][0]
        np.testing.assert_allclose(normalised(made, image), expected, atol=1e-6)
    assert type(library).__name__ in made.attributes()["pipeline"] and "PIL backend" in made.attributes()["pipeline"]


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("CLIPImageProcessor", {"do_center_crop": False}, "images of different sizes"),
        ("DINOv3ViTImageProcessor", {}, "more than resize, crop and normalise"),
        ("VideoMAEImageProcessor", {}, "no image"),
    ],
)
def test_what_cannot_be_kept_as_bytes_is_refused(tmp_path, name, settings, reason):
    getattr(transformers, name)(**settings).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=f"a model: its preprocessing .*{reason}.*give 'preprocessing'"):
        transformers_pipeline.describe(tmp_path, 3, "a model")


@pytest.mark.parametrize(
    "name", ["resnet50/IMAGENET1K_V2", "squeezenet1_0", "efficientnet_b0", "vit_b_16/IMAGENET1K_SWAG_LINEAR_V1"]
)
def test_presets_of_torchvision(name):
    model, _, weights = name.partition("/")
    preset = torchvision.models.get_model_weights(model)[weights or "DEFAULT"].transforms()
    made = rebuilt(describe(f"torchvision:{name}", weights="none").preprocessing)
    for image in photographs():
        np.testing.assert_allclose(normalised(made, image), preset(image).numpy(), atol=1e-6)


TIMM = {
    "centre": {},
    "whole": {"crop_pct": 1.0, "interpolation": "bicubic"},
    "squash": {"crop_mode": "squash", "crop_pct": 0.9},
    "border": {"crop_mode": "border", "crop_pct": 0.95},
    "oblong": {"input_size": (3, 96, 120)},
    "grey": {"input_size": (1, 64, 64), "mean": (0.4,), "std": (0.3,)},
}


@pytest.mark.parametrize("changes", TIMM.values(), ids=TIMM)
def test_transforms_of_timm(changes):
    cfg = {**timm.models.get_pretrained_cfg("resnet18.a1_in1k").to_dict(), **changes}
    transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=cfg), is_training=False)
    made = rebuilt(timm_pipeline.describe(cfg, "a model"))
    for image in photographs("L" if cfg["input_size"][0] == 1 else "RGB"):
        np.testing.assert_allclose(normalised(made, image), transform(image).numpy(), atol=1e-6)
    assert made.attributes()["resample"] == cfg["interpolation"]


def test_a_filter_drawn_at_random_is_refused():
    cfg = {**timm.models.get_pretrained_cfg("resnet18.a1_in1k").to_dict(), "interpolation": "random"}
    with pytest.raises(ValueError, match="draws the resampling filter at random"):
        timm_pipeline.describe(cfg, "a model")


GIVEN = {"mode": "RGB", "resize": 40, "crop": 32, "resample": "bilinear", "mean": [0.5] * 3, "std": [0.2] * 3}

LIBRARY = {"kind": "transformers", "mode": "RGB", "mean": [0.1] * 3, "std": [1.0] * 3}


def test_the_researcher_may_want_it_otherwise():
    plain = overridden(None, GIVEN, "m")
    assert pipeline(plain).attributes()["crop"] == 32
    assert overridden(plain, {"crop": 24}, "m")["size"] == [24, 24]
    assert overridden(LIBRARY, {"mean": [0, 0, 0]}, "m") == {**LIBRARY, "mean": [0.0, 0.0, 0.0]}
    assert overridden(LIBRARY, GIVEN, "m") == plain


@pytest.mark.parametrize(
    ("description", "settings", "words"),
    [
        (None, None, "m: how it wants its images is not known; give 'preprocessing'"),
        (None, {"crop": 24}, "m: preprocessing must also give mode, resize, resample, mean, std"),
        ({"kind": "timm", "mode": "RGB"}, {"crop": 24}, "its own preprocessing is more than a resize and a crop"),
        (None, {**GIVEN, "mean": [0.5]}, r"^m: preprocessing.mean: got \[0.5\]; expected 3 numbers"),
        (
            LIBRARY,
            {"std": [0.5, 0, 1]},
            r"^m: preprocessing.std: got \[0.5, 0, 1\]; expected 3 numbers, finite and above",
        ),
        ({"kind": "plain", **GIVEN}, {"crop": 41}, "^m: preprocessing.crop: got 41, more than resize 40"),
        (None, {**GIVEN, "resample": "cubic"}, "^m: preprocessing.resample: got 'cubic'; allowed are nearest"),
        (None, {**GIVEN, "size": 3}, "preprocessing has no 'size'"),
    ],
)
def test_what_makes_no_sense_is_named(description, settings, words):
    with pytest.raises(ValueError, match=words):
        overridden(description, settings, "m")


def test_the_device_normalises_as_the_library_does():
    from deeplocalizer.models.feeding import normalise

    made = pipeline(overridden(None, GIVEN, "m"))
    image = next(photographs())
    mean, std = (torch.tensor(values)[:, None, None] for values in (made.mean, made.std))
    found = normalise(torch.from_numpy(made.frame(image).copy())[None], mean, std)[0]
    np.testing.assert_allclose(found, normalised(made, image), atol=1e-6)
