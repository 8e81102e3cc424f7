"""Image classifiers of transformers: ``transformers:microsoft/resnet-34``, or a folder that ``save_pretrained`` made.

describe, build, pretrained

Code from a repository is never run: one that needs its own is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from torch import nn
from transformers import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING, AutoConfig, AutoModelForImageClassification
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from deeplocalizer.models import repository
from deeplocalizer.models.libraries.foreign import harmless
from deeplocalizer.models.libraries.transformers_pipeline import describe as describe_preprocessing
from deeplocalizer.models.libraries.wanted import Wanted, nearest, relabelled
from deeplocalizer.models.pipelines import overridden
from deeplocalizer.models.plain_settings import KEYS
from deeplocalizer.models.specification import Specification

PROCESSORS = ("preprocessor_config.json", "processor_config.json")


def describe(wanted: Wanted) -> Specification:
    """Say what a classifier of transformers is.

    Raises
    ------
    ValueError
        If transformers has no such classifier, it needs code of its own, or its weights are pickled.
    HubError
        If its repository is not there.
    """
    folder, sha = _folder(wanted)
    config = _configuration(folder, wanted)
    if wanted.pretrained and sha:
        repository.refuse_without_safetensors(wanted.name, sha)
    elif wanted.pretrained:
        _local_weights(folder)
    channels = int(getattr(config, "num_channels", 3) or 3)
    if channels not in (1, 3):
        raise ValueError(f"{wanted.architecture}: wants images of {channels} channels; 1 and 3 are supported")
    names = {int(index): str(name) for index, name in (config.id2label or {}).items()}
    labels = relabelled(wanted, [names.get(index, str(index)) for index in range(config.num_labels)])
    if len(labels) != config.num_labels:
        config.num_labels = len(labels)
    if wanted.labels is not None:
        config.id2label = dict(enumerate(labels))
        config.label2id = {name: index for index, name in enumerate(labels)}
    preprocessing = None
    if not wanted.says_how:
        if not any((folder / name).is_file() for name in PROCESSORS):
            raise ValueError(
                f"{wanted.architecture}: has no {PROCESSORS[0]}, so how it wants its images is not known; give "
                f"'preprocessing' ({', '.join(KEYS)})"
            )
        preprocessing = describe_preprocessing(folder, channels, wanted.architecture)
    chosen = overridden(preprocessing, wanted.preprocessing, wanted.architecture)
    # without a list, even an empty one, transformers cannot choose between the classifiers of one type
    told = {**json.loads(config.to_json_string(use_diff=False)), "architectures": config.architectures or []}
    kept = harmless(told, wanted.architecture)
    return Specification("transformers", wanted.name, sha, kept, labels, chosen)


def build(specification: Specification) -> nn.Module:
    """Build the network, with weights drawn from torch's generator."""
    known = dict(specification.config)
    config = CONFIG_MAPPING[known["model_type"]].from_dict(known)
    if type(config) not in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
        raise ValueError(
            f"{specification.architecture}: transformers has no image classifier of the type {known['model_type']!r}"
        )
    try:
        made: nn.Module = AutoModelForImageClassification.from_config(  # type: ignore[no-untyped-call]
            config, dtype=torch.float32, trust_remote_code=False
        )
    except Exception as error:
        raise ValueError(
            f"{specification.architecture}: transformers cannot build it from its config.json: "
            f"{type(error).__name__}: {error}"
        ) from error
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
    name, sha = specification.name, specification.revision
    folder = repository.weights(name, sha)[0].parent if sha else Path(os.path.expanduser(name))
    if not sha:
        _local_weights(folder)
    known = dict(specification.config)
    try:
        # transformers itself translates the names in older files and joins the parts of large ones
        made, report = AutoModelForImageClassification.from_pretrained(
            folder,
            config=CONFIG_MAPPING[known["model_type"]].from_dict(known),
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except SafetensorError as error:
        raise repository.damaged(folder, error, name if sha else "", sha) from error
    except (RuntimeError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{specification.architecture}: its weights cannot be loaded: {reason}") from error
    _refuse_partial(report, specification.architecture)
    state: Mapping[str, torch.Tensor] = made.state_dict()
    return state


def _folder(wanted: Wanted) -> tuple[Path, str]:
    """Give the folder of the configurations, and the commit if it is a repository's."""
    folder = Path(os.path.expanduser(wanted.name))
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ValueError(f"{wanted.architecture}: the folder has no config.json; save_pretrained makes one")
        return folder, ""
    if wanted.name.count("/") != 1 or wanted.name.startswith((".", "/", "~")):
        raise ValueError(f"{wanted.architecture}: there is no folder {wanted.name}; on the Hub a name reads owner/name")
    sha = repository.commit(wanted.name, wanted.revision, wanted.downloads)
    return repository.configuration(wanted.name, sha), sha


def _configuration(folder: Path, wanted: Wanted) -> Any:
    try:
        known = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{wanted.architecture}: its config.json is not readable: {error}") from error
    kind = known.get("model_type") if isinstance(known, dict) else None
    if kind == "timm_wrapper" or (kind is None and "pretrained_cfg" in known):
        raise ValueError(f"{wanted.architecture}: is a model of timm; write timm:{wanted.name}")
    if kind not in CONFIG_MAPPING:
        if "auto_map" in known:
            raise ValueError(
                f"{wanted.architecture}: needs code of its own ({', '.join(sorted(known['auto_map'].values()))}), and "
                "code from the network is never run; wrap it in a module of yours, as python:module:function"
            )
        near = nearest(str(kind), CONFIG_MAPPING.keys())
        raise ValueError(
            f"{wanted.architecture}: transformers {transformers.__version__} knows no models of the type {kind!r}; "
            f"{near}"
        )
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # each type of model reads its own keys, and trips over them in its own way
        raise ValueError(
            f"{wanted.architecture}: transformers cannot read its config.json: {type(error).__name__}: {error}"
        ) from error


def _local_weights(folder: Path) -> None:
    if (folder / repository.SAFE[0]).is_file():
        return
    if not (folder / repository.INDEX).is_file():
        raise ValueError(f"{folder}: has no {repository.SAFE[0]}; only safetensors are loaded")
    repository.parts(folder / repository.INDEX, str(folder))


def _refuse_partial(report: Mapping[str, Any], name: str) -> None:
    """Refuse weights that leave a part of the network random, as those of a backbone leave its classifier."""
    missing, others = sorted(report.get("missing_keys", ())), sorted(map(str, report.get("mismatched_keys", ())))
    if missing:
        raise ValueError(
            f"{name}: its weights lack {', '.join(missing[:5])}; are they those of a backbone without a classifier?"
        )
    if others:
        raise ValueError(f"{name}: its weights have another shape than its configuration says: {', '.join(others[:5])}")
