"""Files of weights: read without running anything in them, and fitted to a network strictly.

read             the tensors in a .safetensors, .pt or .pth file
fit              load tensors into a network, all of them and nothing else
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

logger = logging.getLogger(__name__)
SAFE = (".safetensors",)
ZIPPED = (".pt", ".pth")
WRAPPERS = ("state_dict", "model", "model_state_dict", "module", "net", "network", "params", "weights")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
SHOWN = 5  # names in a message


def read(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """Read the tensors in a file.

    Parameters
    ----------
    path : path
        ``.safetensors``, or a state dict that torch saved, as ``.pt`` or ``.pth``; also one that a training script
        wrapped with other things, if it is plain which it is. A leading ``~`` is the home folder.

    Raises
    ------
    ValueError
        If there is no such file, it is damaged, it would run code, or it holds no state dict.
    """
    source = Path(os.path.expanduser(path))
    if not source.is_file():
        raise ValueError(f"weights: there is no file {source}")
    if source.suffix in SAFE:
        try:
            return dict(load_file(source))
        except SafetensorError as error:
            raise ValueError(f"{source}: not a readable safetensors file (truncated?): {error}") from error
    if source.suffix not in ZIPPED:
        raise ValueError(f"{source}: weights must be a file that ends in {', '.join(SAFE + ZIPPED)}")
    try:
        content = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()
        raise ValueError(
            f"{source}: holds more than tensors (a whole pickled module?), which could run any code; save "
            f"model.state_dict() instead, best as safetensors ({reason[-1] if reason else 'not loadable'})"
        ) from error
    except (RuntimeError, EOFError, ValueError, OSError) as error:
        raise ValueError(f"{source}: not a readable file of torch (truncated?): {error}") from error
    return _unwrapped(content, source)


def fit(module: nn.Module, state: Mapping[str, torch.Tensor], source: str, name: str) -> None:
    """Load tensors into a network, all of them and nothing else.

    Parameters
    ----------
    module : Module
    state : mapping of Tensor
        By the names of the network's state dict; a prefix that all of them share, such as ``module.``, is taken off if
        they fit without it.
    source : str
        Where they come from, for the message of an error.
    name : str
        The model, for the same.

    Raises
    ------
    ValueError
        If tensors are missing, left over or of another shape, naming some.
    """
    expected = module.state_dict()
    state = _stripped(state, expected, source)
    # batch normalisation counts its batches, which older files do not hold and inference does not need
    state = {**{name: value for name, value in expected.items() if name.endswith(".num_batches_tracked")}, **state}
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    others = [name for name in expected if name in state and state[name].shape != expected[name].shape]
    problems = []
    if missing:
        problems.append(f"{len(missing)} of {len(expected)} tensors are missing ({_some(missing)})")
    if unexpected:
        problems.append(f"{len(unexpected)} are unknown to it ({_some(unexpected)})")
    if others:
        shapes = [f"{name}: {tuple(state[name].shape)}, expected {tuple(expected[name].shape)}" for name in others]
        problems.append(f"{len(others)} have another shape ({_some(shapes, '; ')})")
    if problems:
        heads = others and not missing and not unexpected and len(others) <= 2
        hint = "; does the last layer have another number of outputs than there are labels?" if heads else ""
        raise ValueError(f"{source}: the weights do not fit {name!r}: {', '.join(problems)}{hint}")
    halved = sorted({str(value.dtype) for name, value in state.items() if value.dtype != expected[name].dtype})
    if halved:
        logger.info("%s: tensors of %s are converted", source, ", ".join(halved))
    module.load_state_dict(state)


def _unwrapped(content: Any, source: Path) -> dict[str, torch.Tensor]:
    if _is_state(content):
        return dict(content)
    if not isinstance(content, Mapping):
        raise ValueError(f"{source}: holds a {type(content).__name__}, expected a state dict")
    found = [key for key, value in content.items() if key in WRAPPERS and _is_state(value)]
    if len(found) != 1:
        held = ", ".join(map(str, list(content)[:8]))
        count = "several state dicts" if found else "no state dict"
        raise ValueError(f"{source}: holds {count} (its entries: {held}); save the one that is meant alone")
    logger.info("%s: the state dict is its entry %r", source, found[0])
    return dict(content[found[0]])


def _is_state(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(isinstance(key, str) and isinstance(part, torch.Tensor) for key, part in value.items())
    )


def _stripped(
    state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], source: str
) -> dict[str, torch.Tensor]:
    current = dict(state)
    for _ in range(2):  # a compiled network in a parallel one has two
        if current.keys() & expected.keys():
            break
        for prefix in PREFIXES:
            bare = {name.removeprefix(prefix): value for name, value in current.items()}
            if all(name.startswith(prefix) for name in current):
                logger.info("%s: the prefix %r is taken off all names", source, prefix)
                current = bare
                break
    # what did not help must not confuse the message
    return current if current.keys() & expected.keys() else dict(state)


def _some(names: Sequence[str], between: str = ", ") -> str:
    more = f"{between}… {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return between.join(names[:SHOWN]) + more
