"""What outputs and arguments are made of: tensors in tuples, lists, mappings and dataclasses.

tensors          every tensor in a value
memory           where a tensor lies
mapped           a value built anew, with every tensor changed
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch

from deeplocalizer.hooks.sites import rebuilt_mapping

PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device)


def tensors(value: Any) -> list[torch.Tensor]:
    """Give every tensor in a value, in order; what is no known structure has none."""
    if isinstance(value, torch.Tensor):
        return [value]
    return [tensor for part in _parts(value) or () for tensor in tensors(part)]


def memory(tensor: torch.Tensor) -> int | None:
    """Say where a tensor lies; None of one without a storage, such as a sparse one or one inside of ``torch.vmap``."""
    try:
        return tensor.untyped_storage().data_ptr()
    except NotImplementedError:
        return None


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Build a value anew, with every tensor changed.

    Parameters
    ----------
    value : object
        Tensors, plain values, and tuples, lists, mappings and dataclasses of them.
    change : callable
        Called for each tensor in the order of `tensors`.

    Raises
    ------
    TypeError
        If there is something else in it, naming its type: nobody knows what that holds.
    """
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, PLAIN):
        return value
    parts = _parts(value)
    if parts is None:
        raise TypeError(f"a {type(value).__name__} cannot be built anew; expected tensors in known structures")
    news = [mapped(part, change) for part in parts]
    if isinstance(value, Mapping):
        return rebuilt_mapping(value, dict(zip(value.keys(), news, strict=True)))
    if isinstance(value, tuple | list):
        # a named tuple takes its fields one by one
        return type(value)(*news) if hasattr(value, "_fields") else type(value)(news)
    names = [field.name for field in dataclasses.fields(value)]
    return dataclasses.replace(value, **dict(zip(names, news, strict=True)))


def _parts(value: Any) -> list[Any] | None:
    """Give what a structure holds; None if it is no known structure."""
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, tuple | list):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return None
