"""The one hook core: everything that reads or writes a module's output goes through it.

Site             one tensor in the output of one call of a module
visiting         call a visitor on every output of some modules, for as long as the context lasts
find             the modules whose paths match a pattern

A visitor is called right after its module, before anything can overwrite the output in place; it must reduce or copy
what it wants to keep. What it returns replaces the output; None leaves it. The caller's gradient mode is kept.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Site:
    """One tensor in the output of one call of a module.

    Parameters
    ----------
    name : str
        Module path; with an index such as ``[0]`` or ``[hidden]`` where the output holds several tensors.
    call : int
        Which call of the module within this forward pass, from 0.
    """

    name: str
    call: int

    @property
    def module(self) -> str:
        """Name of the module whose output it lies in."""
        return self.name.split("[")[0]


Visitor = Callable[[Site, torch.Tensor], torch.Tensor | None]


@contextlib.contextmanager
def visiting(modules: Mapping[str, nn.Module], visit: Visitor) -> Iterator[Callable[[], None]]:
    """Call a visitor on every output of some modules.

    Parameters
    ----------
    modules : mapping of Module
        By the name that their sites shall have. A module under several names is visited once, under the first.
    visit : callable
        Takes a `Site` and the tensor; returns a replacement or None.

    Yields
    ------
    callable
        Call it before each forward pass: it starts counting calls anew.

    Notes
    -----
    The hooks are gone when the context ends, also after an exception.

    Raises
    ------
    ValueError
        If a name holds ``[``, which marks a part of an output.
    """
    for name in modules:
        if "[" in name:
            raise ValueError(f"layer {name!r}: a name must not hold '[', which marks a part of an output")
    calls: Counter[str] = Counter()
    unique = {module: name for name, module in reversed(list(modules.items()))}

    def hook(module: nn.Module, _: Any, output: Any) -> Any:
        name = unique[module]
        call = calls[name]
        calls[name] += 1
        return _visit(output, name, call, visit)

    handles = [module.register_forward_hook(hook) for module in unique]
    try:
        yield calls.clear
    finally:
        for handle in handles:
            handle.remove()


def find(model: nn.Module, patterns: Sequence[str]) -> dict[str, nn.Module]:
    """Find the modules whose paths match any pattern, in the model's own order.

    Parameters
    ----------
    model : Module
    patterns : sequence of str
        Module paths; ``*`` stands for any text within one part of a path, ``**`` for any number of parts.

    Raises
    ------
    ValueError
        If a pattern matches nothing, naming the nearest path.
    """
    paths = dict(model.named_modules())
    paths.pop("")
    chosen: set[str] = set()
    for pattern in patterns:
        matches = {path for path in paths if _expression(pattern).fullmatch(path)}
        if not matches:
            near = difflib.get_close_matches(pattern, paths, n=3, cutoff=0.4) or list(paths)[:8]
            raise ValueError(
                f"layer {pattern!r} matches no module of {type(model).__name__}; near it are: {', '.join(near)}"
            )
        chosen |= matches
    return {path: module for path, module in paths.items() if path in chosen}


def _visit(output: Any, name: str, call: int, visit: Visitor) -> Any:
    """Visit every floating-point tensor of an output; return it with replacements, or None if there are none."""
    if isinstance(output, torch.Tensor):
        return visit(Site(name, call), output) if output.is_floating_point() else None
    if isinstance(output, Mapping):
        parts: dict[Any, Any] = {key: _visit(part, f"{name}[{key}]", call, visit) for key, part in output.items()}
        replaced = {key: new for key, new in parts.items() if new is not None}
        return _rebuilt_mapping(output, replaced) if replaced else None
    if isinstance(output, tuple | list):
        news = [_visit(part, f"{name}[{index}]", call, visit) for index, part in enumerate(output)]
        if all(new is None for new in news):
            return None
        merged = [old if new is None else new for old, new in zip(output, news, strict=True)]
        # a named tuple takes its fields one by one
        return type(output)(*merged) if hasattr(output, "_fields") else type(output)(merged)
    return None


def _rebuilt_mapping(output: Mapping[Any, Any], replaced: Mapping[Any, Any]) -> Any:
    try:
        return type(output)(**{**output, **replaced})  # a transformers ModelOutput is a dataclass
    except TypeError:
        return type(output)({**output, **replaced})  # type: ignore[call-arg]


def _expression(pattern: str) -> re.Pattern[str]:
    parts = []
    for part in pattern.split("."):
        if part == "**":
            parts.append(r"[^.]+(?:\.[^.]+)*")
        else:
            parts.append("[^.]*".join(re.escape(text) for text in part.split("*")))
    return re.compile(r"\.".join(parts))
