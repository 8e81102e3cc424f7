"""Networks of the researcher's own: ``python:module:function``.

describe, build, pretrained

The module is imported from the working directory or from anywhere that Python looks. The function takes nothing, or
``pretrained`` (true or false), and returns a Module, or a Module and a mapping that says how it wants its images.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deeplocalizer.models import own_code
from deeplocalizer.models.libraries.wanted import Wanted, nearest
from deeplocalizer.models.pipelines import from_settings, overridden, plain
from deeplocalizer.models.plain_settings import KEYS
from deeplocalizer.models.seeded import seeded
from deeplocalizer.models.specification import Specification
from deeplocalizer.models.trial import outputs
from deeplocalizer.provenance import digest_bytes

logger = logging.getLogger(__name__)
USUAL = {"mode": "RGB", "resample": "bilinear"}  # as in a configuration


def describe(wanted: Wanted) -> Specification:
    """Say what the network of a function is.

    Raises
    ------
    ValueError
        If the module or function is not there or fails, returns something else, does not say how it wants its images,
        or is wanted untrained and comes with weights of its own.
    """
    config = _config(wanted.name)
    with seeded(0):
        module, said = _call(config, wanted.architecture, pretrained=False)
    if wanted.weights in ("none", "untrained"):
        _refuse_loaded(config, module, wanted.architecture)
    known = None if said is None else _preprocessing(said, wanted.architecture)
    preprocessing = overridden(known, wanted.preprocessing, wanted.architecture)
    draft = Specification("python", wanted.name, "", config, (), preprocessing)
    labels = wanted.labels or tuple(
        str(index) for index in range(outputs(module, draft.input_shape, wanted.architecture))
    )
    return Specification("python", wanted.name, "", config, labels, preprocessing)


def build(specification: Specification) -> nn.Module:
    """Build the network, without the weights that the function may load if it can do without.

    Raises
    ------
    ValueError
        If the file of the function, or one that it imports from the working directory, is not what it was when the
        model was described.
    """
    config = specification.config
    found = _config(specification.name)
    known, now = config.get("files", {}), found["files"]
    changed = sorted(path for path in known.keys() | now.keys() if known.get(path) != now.get(path))
    if changed:
        raise ValueError(
            f"{specification.architecture}: the code of module {config['module']!r} has changed since the model was "
            f"described ({', '.join(changed)}); delete the model's results (its model.json and what follows from it) "
            "and run again"
        )
    return _call(config, specification.architecture, pretrained=False)[0]


def pretrained(specification: Specification, downloads: Path) -> Mapping[str, torch.Tensor]:
    """Let the function load its weights."""
    with seeded(0):
        module, _ = _call(specification.config, specification.architecture, pretrained=True)
    state: Mapping[str, torch.Tensor] = module.state_dict()
    return state


def _config(name: str) -> dict[str, Any]:
    module_name, _, function = name.partition(":")
    if not module_name or not function:
        raise ValueError(f"architecture 'python:{name}': expected python:module:function")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        found = importlib.util.find_spec(module_name)
    except (ImportError, ValueError) as error:
        raise ValueError(f"architecture 'python:{name}': cannot find module {module_name!r}: {error}") from error
    if found is None:
        here = [path.stem for path in Path(folder).glob("*.py")]
        raise ValueError(
            f"architecture 'python:{name}': there is no module {module_name!r} in {folder} or where Python looks; "
            f"{nearest(module_name, here)}"
        )
    return {"module": module_name, "function": function, "files": _digests(module_name, found.origin, Path(folder))}


def _digests(module: str, origin: str | None, folder: Path) -> dict[str, str]:
    """Fingerprint the files that a module is made of: by their path, or by its name where it lies elsewhere."""
    paths = {path: folder / path for path in own_code.files(module, folder)}
    known = {path.resolve() for path in paths.values()}
    if origin is not None and Path(origin).is_file() and Path(origin).resolve() not in known:
        paths[module] = Path(origin)
    return {name: digest_bytes(path.read_bytes()) for name, path in sorted(paths.items())}


def _function(config: Mapping[str, Any], name: str) -> Callable[..., Any]:
    try:
        module = importlib.import_module(config["module"])
    except Exception as error:
        raise ValueError(f"{name}: importing {config['module']!r} fails: {type(error).__name__}: {error}") from error
    function = getattr(module, config["function"], None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise ValueError(
            f"{name}: {config['module']!r} has no function {config['function']!r}; {nearest(config['function'], known)}"
        )
    made: Callable[..., Any] = function
    return made


def _takes_pretrained(function: Callable[..., Any]) -> bool:
    return "pretrained" in inspect.signature(function).parameters


def _call(config: Mapping[str, Any], name: str, pretrained: bool) -> tuple[nn.Module, Mapping[str, Any] | None]:
    function = _function(config, name)
    arguments = {"pretrained": pretrained} if _takes_pretrained(function) else {}
    try:
        made = function(**arguments)
    except Exception as error:
        raise ValueError(f"{name}: the function fails: {type(error).__name__}: {error}") from error
    said: Any = None
    if isinstance(made, tuple) and len(made) == 2:
        made, said = made
    if not isinstance(made, nn.Module) or not (said is None or isinstance(said, Mapping)):
        raise ValueError(
            f"{name}: the function returns {_kind(made)}{'' if said is None else ' and ' + _kind(said)}; expected a "
            "torch.nn.Module, or a Module and a mapping that says how it wants its images"
        )
    if isinstance(made, torch.jit.ScriptModule):
        raise ValueError(
            f"{name}: the function returns a torch.jit.ScriptModule ({type(made).__name__}), whose layers cannot be "
            "recorded or ablated; return the Module that it was scripted or traced from"
        )
    return made, said


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"


def _preprocessing(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    said = {**USUAL, **said}
    missing = [key for key in KEYS if key not in said]
    unknown = sorted(map(str, said.keys() - set(KEYS)))
    if missing or unknown:
        words = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown {', '.join(unknown)}"] * bool(unknown)
        raise ValueError(
            f"{name}: the mapping that the function returns {' and '.join(words)}; it takes {', '.join(KEYS)}"
        )
    return plain(from_settings(said, name, library="python"))


def _refuse_loaded(config: Mapping[str, Any], first: nn.Module, name: str) -> None:
    """Refuse a network whose weights do not depend on the seed: it is no untrained control."""
    before = {key: value.clone() for key, value in first.named_parameters()}
    with seeded(1):
        second, _ = _call(config, name, pretrained=False)
    after = dict(second.named_parameters())
    # what starts at one value, such as biases, says nothing
    drawn = [key for key, value in before.items() if value.numel() > 1 and bool((value != value.flatten()[0]).any())]
    kept = [key for key in drawn if key in after and torch.equal(before[key], after[key])]
    if drawn and len(kept) == len(drawn):
        function = _function(config, name)
        helps = (
            "with pretrained=False it must not load any"
            if _takes_pretrained(function)
            else "give the function a parameter 'pretrained' (true or false), and load weights only where it is true"
        )
        raise ValueError(
            f"{name}: weights are 'none', but the function gives the same ones whatever the seed: it seems to load "
            f"them itself; {helps}"
        )
    if kept:
        logger.warning(
            "%s: %d of %d drawn parameters do not depend on the seed (%s …): is a part of it loaded?",
            name,
            len(kept),
            len(drawn),
            kept[0],
        )
