"""What a configuration can say about a model.

LIBRARIES        where a network can come from
OWN              the networks that the workflow itself can train
complete         fill in the defaults that depend on the architecture
find             architectures that there are not, and keys that do not fit them
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deeplocalizer.configuration.spelling import join, value_text
from deeplocalizer.configuration.words import Problem, suggestion

OWN = ("small_cnn",)
LIBRARIES = ("torchvision", "timm", "transformers", "python")
WEIGHTS = ("pretrained", "none", "untrained", "trained")
FILES = (".safetensors", ".pt", ".pth")
_ON_THE_HUB = ("timm", "transformers")
_FORMS = {
    "torchvision": r"torchvision:\w+(/\w+)?",
    "timm": r"timm:[\w./-]+",
    "transformers": r"transformers:[\w./~-]+",
    "python": r"python:[\w.]+:\w+",
}
_EXAMPLES = {
    "torchvision": "torchvision:resnet34",
    "timm": "timm:resnet34.a1_in1k",
    "transformers": "transformers:microsoft/resnet-34",
    "python": "python:my_models:build",
}


def library(architecture: str) -> str:
    """Give the library of an architecture; empty for the workflow's own networks."""
    return architecture.partition(":")[0] if ":" in architecture else ""


def complete(models: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Fill in the defaults of each model that depend on its architecture.

    Parameters
    ----------
    models : mapping
        ``models`` of a configuration without mistakes.
    """
    return {name: _completed(model) for name, model in models.items()}


def find(models: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """Find architectures that there are not, and keys that do not fit them.

    Parameters
    ----------
    models : mapping
        With None in place of every value that the schema does not allow.
    """
    for name, model in models.items():
        path, architecture = ("models", name), model.get("architecture")
        wrong = [] if architecture is None else list(_architecture(path, architecture))
        yield from wrong
        architecture = None if wrong else architecture
        if architecture is not None:
            yield from _keys(path, architecture, model)
        if model.get("weights") is not None:
            yield from _weights(path, architecture, str(model["weights"]))
        yield from _preprocessing(path, model.get("preprocessing") or {})


def _architecture(path: tuple[str, ...], architecture: str) -> Iterator[Problem]:
    if architecture in OWN:
        return
    kind = library(architecture)
    if kind in _FORMS and re.fullmatch(_FORMS[kind], architecture):
        return
    allowed = f"{join(OWN)}, or a name as in {', '.join(_EXAMPLES.values())}"
    if kind in _FORMS:
        hint = f"For example: {_EXAMPLES[kind]}."
    else:
        hint = suggestion(kind, LIBRARIES) if kind else suggestion(architecture, (*OWN, *LIBRARIES))
    yield Problem((*path, "architecture"), f"got {value_text(architecture)}", allowed, hint)


def _keys(path: tuple[str, ...], architecture: str, model: Mapping[str, Any]) -> Iterator[Problem]:
    kind = library(architecture)
    fits = {
        "revision": (kind in _ON_THE_HUB, "a model of timm or transformers, which have revisions"),
        "labels": (
            bool(kind) and (kind == "python" or str(model.get("weights")).endswith(FILES)),
            "a python model or weights of your own; a library names the outputs of its own",
        ),
        "preprocessing": (bool(kind), "another model; small_cnn has its own"),
    }
    for key, (allowed, words) in fits.items():
        if key in model and model[key] is not None and not allowed:
            given = f"got {value_text(model[key])} for {architecture}"
            yield Problem((*path, key), given, f"this key only for {words}")


def _weights(path: tuple[str, ...], architecture: str | None, weights: str) -> Iterator[Problem]:
    given = f"got {value_text(weights)}"
    if weights not in WEIGHTS and not weights.endswith(FILES):
        allowed = f"one of {join(WEIGHTS)}, or a file that ends in {', '.join(FILES)}"
        yield Problem((*path, "weights"), given, allowed, suggestion(weights, WEIGHTS))
    elif architecture is not None and weights == "trained" and architecture not in OWN:
        allowed = "pretrained, none or a file: the workflow trains only small_cnn"
        yield Problem((*path, "weights"), f"{given} for {architecture}", allowed)
    elif architecture in OWN and weights == "pretrained":
        yield Problem((*path, "weights"), f"{given} for {architecture}", "trained, none or a file")


def _preprocessing(path: tuple[str, ...], settings: Mapping[str, Any]) -> Iterator[Problem]:
    mode = settings.get("mode")
    channels = {"RGB": 3, "L": 1}.get(mode or "", 0)
    for key in ("mean", "std"):
        values = settings.get(key)
        if channels and isinstance(values, list) and len(values) != channels:
            given = f"got {value_text(values)}"
            yield Problem((*path, "preprocessing", key), given, f"{channels} numbers, one for each channel of {mode}")
    resize, crop = settings.get("resize"), settings.get("crop")
    if resize is not None and crop is not None and crop > resize:
        given = f"got {value_text(crop)}, more than resize {resize}"
        yield Problem((*path, "preprocessing", "crop"), given, "at most the shorter side after resizing")


def _completed(model: Mapping[str, Any]) -> dict[str, Any]:
    own = model["architecture"] in OWN
    defaults: dict[str, Any] = {"weights": "trained" if own else "pretrained"}
    if library(model["architecture"]) in _ON_THE_HUB:
        defaults["revision"] = "main"
    return {**defaults, **model}
