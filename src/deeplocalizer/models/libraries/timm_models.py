"""Image classifiers of timm: ``timm:resnet34.a1_in1k``, or any repository or folder that timm saved.

describe, build, pretrained
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset
from timm.models._hub import load_model_config_from_path
from torch import nn

from deeplocalizer.models import repository
from deeplocalizer.models.libraries.foreign import refuse_loading
from deeplocalizer.models.libraries.timm_pipeline import describe as describe_preprocessing
from deeplocalizer.models.libraries.wanted import Wanted, nearest, relabelled
from deeplocalizer.models.pipelines import overridden
from deeplocalizer.models.specification import Specification

SAFE = ("model.safetensors", "open_clip_model.safetensors")
SOURCES = ("url", "file", "state_dict", "hf_hub_id", "hf_hub_filename", "source", "custom_load")


def describe(wanted: Wanted) -> Specification:
    """Say what a classifier of timm is.

    Raises
    ------
    ValueError
        If timm has no such model or weights, or they are no classifier.
    HubError
        If its repository is not there.
    """
    saved = "/" in wanted.name or Path(os.path.expanduser(wanted.name)).is_dir()
    cfg, model, arguments, source, sha = _saved(wanted) if saved else _registered(wanted)
    classes = int(cfg.get("num_classes") or 0)
    if not classes and wanted.labels is None:
        raise ValueError(f"{wanted.architecture}: has no classifier, so there are no outputs to name; give 'labels'")
    labels = relabelled(wanted, _labels(cfg, classes, saved))
    kept = {key: value for key, value in cfg.items() if key not in SOURCES}
    config = {
        "model": model,
        "arguments": {**arguments, "num_classes": len(labels)},
        "cfg": json.loads(json.dumps({**kept, "num_classes": classes})),
        "repository": source,
    }
    preprocessing = None if wanted.says_how else describe_preprocessing(kept, wanted.architecture)
    chosen = overridden(preprocessing, wanted.preprocessing, wanted.architecture)
    return Specification("timm", wanted.name, sha, config, labels, chosen)


def build(specification: Specification) -> nn.Module:
    """Build the network, with weights drawn from torch's generator."""
    config = specification.config
    made: nn.Module = timm.create_model(
        config["model"], pretrained=False, pretrained_cfg=_tuples(config["cfg"]), **_tuples(config["arguments"])
    )
    return made


def pretrained(specification: Specification, downloads: Path) -> Mapping[str, torch.Tensor]:
    """Load its safetensors from the folder, or from the Hub through its cache.

    Raises
    ------
    HubError
        If they are not there and cannot be fetched.
    ValueError
        If they are damaged or do not fit.
    """
    config, source, sha = specification.config, specification.config["repository"], specification.revision
    path = repository.weights(source, sha, SAFE)[0] if sha else _local_weights(Path(os.path.expanduser(source)))
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise repository.damaged(path, error, source if sha else "", sha) from error
    cfg = {**_tuples(config["cfg"]), "state_dict": state}
    try:
        # timm itself translates the names in older files
        made = timm.create_model(config["model"], pretrained=True, pretrained_cfg=cfg, **_tuples(config["arguments"]))
    except (RuntimeError, KeyError) as error:
        raise ValueError(f"{path}: the weights do not fit {specification.architecture}: {error}") from error
    filled: Mapping[str, torch.Tensor] = made.state_dict()
    return filled


def _registered(wanted: Wanted) -> tuple[dict[str, Any], str, dict[str, Any], str, str]:
    """Look a model up in timm's own list: configuration, model, arguments, repository and commit."""
    base, _, tag = wanted.name.partition(".")
    if not timm.is_model(base):
        raise ValueError(f"timm has no model {base!r}; {nearest(base, timm.list_models())}")
    tagged = timm.list_models(f"{base}.*", pretrained=True)
    if tag and wanted.name not in tagged:
        allowed = f"it has {', '.join(tagged)}" if tagged else "it has none"
        raise ValueError(f"timm has no weights {tag!r} of {base}; {allowed}")
    found = timm.models.get_pretrained_cfg(wanted.name)
    cfg = {} if found is None else found.to_dict()  # type: ignore[no-untyped-call]
    source = str(cfg.get("hf_hub_id") or "")
    sha = ""
    if wanted.pretrained:
        if not source:
            raise ValueError(f"timm has no weights of {wanted.name} on the Hub; give 'weights: none' or a file")
        sha = repository.commit(source, wanted.revision, wanted.downloads)
        repository.refuse_without_safetensors(source, sha, SAFE)
    return cfg, base, {}, source, sha


def _saved(wanted: Wanted) -> tuple[dict[str, Any], str, dict[str, Any], str, str]:
    """Read what timm saved in a repository or a folder."""
    folder, sha = Path(os.path.expanduser(wanted.name)), ""
    if folder.is_dir():
        if wanted.pretrained:
            _local_weights(folder)
    else:
        sha = repository.commit(wanted.name, wanted.revision, wanted.downloads)
        folder = repository.configuration(wanted.name, sha)
        if wanted.pretrained:
            repository.refuse_without_safetensors(wanted.name, sha, SAFE)
    try:
        cfg, model, arguments = load_model_config_from_path(folder)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{wanted.architecture}: config.json is none of timm's: {error!r}") from error
    if not isinstance(model, str) or not timm.is_model(model):
        raise ValueError(
            f"{wanted.architecture}: timm has no model {model!r}; {nearest(str(model), timm.list_models())}"
        )
    return cfg, model, refuse_loading(arguments or {}, wanted.architecture), wanted.name, sha


def _local_weights(folder: Path) -> Path:
    for name in SAFE:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{folder}: has no {SAFE[0]}; only safetensors are loaded")


def _labels(cfg: Mapping[str, Any], classes: int, saved: bool) -> list[str]:
    names = cfg.get("label_names")
    if names and len(names) == classes:
        described = cfg.get("label_descriptions") or {}
        return [str(described.get(name, name)) for name in names]
    subset = None if saved and not str(cfg.get("tag", "")).endswith("in1k") else infer_imagenet_subset(dict(cfg))
    if subset is None:
        return [str(index) for index in range(classes)]
    return list(ImageNetInfo(subset).label_descriptions())


def _tuples(value: Any) -> Any:
    """Undo what JSON does to tuples, of which timm's configurations are made."""
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    return {key: _tuples(part) for key, part in value.items()} if isinstance(value, dict) else value
