"""Places and sites.

Site             one tensor in the output of one call of a place
Operation        a place that is no module
turn             an output of channels last as one of channels first, and the like
visit_parts      visit every tensor of an output
parts            the tensors of an output
rebuilt_mapping  a mapping of the same kind with other entries
undisturbed      whether no visitor is at work
scripted         whether a module comes from `torch.jit.script`
hookable         the modules that PyTorch lets hooks be put on
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.jit._script import RecursiveScriptModule

CALLED = "()"  # ends the name of an operation


@dataclass(frozen=True)
class Site:
    """One tensor in the output of one call of a place.

    Parameters
    ----------
    name : str
        Module path, or name of an operation; with an index such as ``[0]`` or ``[hidden]`` where the output holds
        several tensors.
    call : int
        Which call of the place within this forward pass, from 0.
    """

    name: str
    call: int

    @property
    def place(self) -> str:
        """Name of the place whose output it lies in."""
        return self.name.split("[")[0]

    def __str__(self) -> str:
        return f"{self.name}#{self.call}" if self.call else self.name


@dataclass(frozen=True, eq=False)
class Operation:
    """A place that is no module: ``F.relu``, ``+``, ``torch.cat``.

    Parameters
    ----------
    root : Module
        The network in whose forward pass it runs.
    name : str
        Path of the module whose code calls it and name of the function: ``layer1.0.add()``.
    """

    root: nn.Module
    name: str


Place = nn.Module | Operation
Visitor = Callable[[Site, torch.Tensor], torch.Tensor | None]


def scripted(module: object) -> bool:
    """Say whether a module comes from `torch.jit.script`: PyTorch refuses hooks on it; on a traced one it does not."""
    return isinstance(module, RecursiveScriptModule)


def hookable(model: nn.Module, aliases: bool = False) -> dict[str, nn.Module]:
    """Give the modules that hooks can be put on, by path; PyTorch refuses scripted ones and all inside of them.

    Parameters
    ----------
    model : Module
    aliases : bool
        A module under several names is there under each.
    """
    named = model.named_modules(remove_duplicate=not aliases)
    return {path: module for path, module in named if not scripted(module)}


class _Visits(threading.local):
    """How many visitors are at work in this thread: what they compute is no part of the network."""

    depth = 0


_visits = _Visits()


def undisturbed() -> bool:
    """Say whether no visitor is at work."""
    return _visits.depth == 0


@contextlib.contextmanager
def disturbing() -> Iterator[None]:
    """Mark what runs inside as the work of a visitor."""
    _visits.depth += 1
    try:
        yield
    finally:
        _visits.depth -= 1


def turn(output: torch.Tensor, back: bool = False) -> torch.Tensor:
    """Bring the channels of an output where visitors expect them, or back.

    Parameters
    ----------
    output : Tensor (stimulus, y, x, channel) or (stimulus, channel, token)
        Or what that was turned to, for the way back.
    back : bool

    Returns
    -------
    Tensor (stimulus, channel, y, x) or (stimulus, token, channel)
        A view.
    """
    if output.ndim == 3:
        return output.transpose(1, 2)
    return output.movedim(1, -1) if back else output.movedim(-1, 1)


def visit_parts(output: Any, name: str, call: int, visit: Visitor) -> Any:
    """Visit every floating-point tensor of an output; return it with replacements, or None if there are none."""
    if isinstance(output, torch.Tensor):
        return visit(Site(name, call), output) if output.is_floating_point() else None
    if isinstance(output, Mapping):
        parts: dict[Any, Any] = {key: visit_parts(part, f"{name}[{key}]", call, visit) for key, part in output.items()}
        replaced = {key: new for key, new in parts.items() if new is not None}
        return rebuilt_mapping(output, replaced) if replaced else None
    if isinstance(output, tuple | list):
        news = [visit_parts(part, f"{name}[{index}]", call, visit) for index, part in enumerate(output)]
        if all(new is None for new in news):
            return None
        merged = [old if new is None else new for old, new in zip(output, news, strict=True)]
        # a named tuple takes its fields one by one
        return type(output)(*merged) if hasattr(output, "_fields") else type(output)(merged)
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        fields = {field.name: getattr(output, field.name) for field in dataclasses.fields(output)}
        visited = {key: visit_parts(part, f"{name}[{key}]", call, visit) for key, part in fields.items()}
        new = {key: part for key, part in visited.items() if part is not None}
        return dataclasses.replace(output, **new) if new else None
    return None


def parts(output: Any) -> list[torch.Tensor]:
    """Give the floating-point tensors of an output, whatever it is."""
    found: list[torch.Tensor] = []
    visit_parts(output, "", 0, lambda _, part: found.append(part))
    return found


def rebuilt_mapping(output: Mapping[Any, Any], replaced: Mapping[Any, Any]) -> Any:
    """Build a mapping of the same kind, with some entries replaced."""
    try:
        return type(output)(**{**output, **replaced})  # a transformers ModelOutput is a dataclass
    except TypeError:
        return type(output)({**output, **replaced})  # type: ignore[call-arg]
