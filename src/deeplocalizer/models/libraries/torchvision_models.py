"""Image classifiers of torchvision: ``torchvision:resnet34``, or with certain weights ``resnet50/IMAGENET1K_V2``.

describe, build, pretrained
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torchvision
from PIL import Image
from torch import nn
from torchvision.models import WeightsEnum, get_model, get_model_weights, list_models

from deeplocalizer.inputs import Preprocessing
from deeplocalizer.models import checkpoint, torch_cache
from deeplocalizer.models.libraries.probing import refuse_other
from deeplocalizer.models.libraries.wanted import Wanted, nearest, relabelled
from deeplocalizer.models.pipelines import overridden, plain
from deeplocalizer.models.specification import Specification

MEGABYTE = 1e6
# what these change when they are built for their weights, so that the untrained control is the same network
AS_TRAINED = {
    "inception_v3": {"transform_input": True, "aux_logits": True, "init_weights": True},
    "googlenet": {"transform_input": True, "aux_logits": True, "init_weights": True},
}


def describe(wanted: Wanted) -> Specification:
    """Say what a classifier of torchvision is.

    Raises
    ------
    ValueError
        If there is no such classifier, or no such weights.
    """
    name, _, chosen = wanted.name.partition("/")
    known = list_models(module=torchvision.models)
    if name not in known:
        raise ValueError(f"torchvision has no image classifier {name!r}; {nearest(name, known)}")
    weights = _weights(name, chosen)
    if weights is None and wanted.pretrained:
        raise ValueError(f"torchvision has no pretrained weights of {name}; give 'weights: none' or a file")
    named = tuple(weights.meta.get("categories") or ()) if weights is not None else ()
    if not named and wanted.labels is None:
        raise ValueError(f"{wanted.architecture}: its outputs have no names; give 'labels', or choose other weights")
    labels = relabelled(wanted, named)
    arguments: dict[str, Any] = {"num_classes": len(labels), **AS_TRAINED.get(name, {})}
    if weights is not None and name.startswith("vit_"):
        arguments["image_size"] = weights.meta["min_size"][0]
    preprocessing = overridden(_preprocessing(weights, wanted.architecture), wanted.preprocessing, wanted.architecture)
    config = {"model": name, "arguments": arguments, "weights": "" if weights is None else weights.name}
    return Specification("torchvision", wanted.name, "", config, labels, preprocessing)


def build(specification: Specification) -> nn.Module:
    """Build the network, with weights drawn from torch's generator."""
    made: nn.Module = get_model(specification.config["model"], weights=None, **specification.config["arguments"])
    return made


def pretrained(specification: Specification, downloads: Path) -> Mapping[str, torch.Tensor]:
    """Load its weights from torch's cache, or fetch them into it and check their digest.

    Raises
    ------
    ValueError
        If they are not there and cannot be fetched, with the command that fetches them, or are damaged.
    """
    weights = get_model_weights(specification.config["model"])[specification.config["weights"]]
    nbytes = weights.meta.get("_file_size", 0) * MEGABYTE
    return checkpoint.read(torch_cache.fetch(weights.url, nbytes, f"{specification.architecture}: its weights"))


def _weights(name: str, chosen: str) -> WeightsEnum | None:
    known = get_model_weights(name)
    if not chosen:
        return getattr(known, "DEFAULT", None)
    if chosen not in known.__members__:
        allowed = ", ".join(known.__members__)
        raise ValueError(f"torchvision has no weights {chosen!r} of {name}; allowed are {allowed}")
    return known[chosen]


def _preprocessing(weights: WeightsEnum | None, name: str) -> dict[str, Any] | None:
    if weights is None:
        return None
    preset = weights.transforms()
    if type(preset).__name__ != "ImageClassification":
        return None
    made = Preprocessing(
        "RGB",
        int(preset.resize_size[0]),
        int(preset.crop_size[0]),
        preset.interpolation.value,
        tuple(map(float, preset.mean)),
        tuple(map(float, preset.std)),
        "torchvision",
    )

    def full(image: Image.Image) -> Any:
        return preset(image).numpy()

    refuse_other(made, full, name)
    return plain(made)
