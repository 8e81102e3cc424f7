"""The one hook core: everything that reads or writes a module's output goes through it.

Site             one tensor in the output of one call of a module
visiting         call a visitor on every output of some modules, for as long as the context lasts
watching         note what some modules give, for as long as the context lasts
turn             an output of channels last as one of channels first, and the like
find             the modules whose paths match a pattern

A visitor is called right after its module, before anything can overwrite the output in place; it must reduce or copy
what it wants to keep. What it returns replaces the output; None leaves it. The caller's gradient mode is kept.
Visitors see axes in one order, whatever that of the module: (stimulus, channel, y, x) and (stimulus, token, channel).
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
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

LISTING = "python -m deeplocalizer.models layers <architecture>"
NEAR = 6  # paths that an error shows


@contextlib.contextmanager
def visiting(
    modules: Mapping[str, nn.Module], visit: Visitor, turned: Container[Site] = ()
) -> Iterator[Callable[[], None]]:
    """Call a visitor on every output of some modules.

    Parameters
    ----------
    modules : mapping of Module
        By the name that their sites shall have. A module under several names is visited once, under the first.
    visit : callable
        Takes a `Site` and the tensor; returns a replacement or None.
    turned : container of Site
        Where the module gives its axes in another order: the visitor gets, and gives, tensors as `turn` makes them.

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
        return _visit(output, name, call, visit_turned)

    def visit_turned(site: Site, output: torch.Tensor) -> torch.Tensor | None:
        if site not in turned:
            return visit(site, output)
        replacement = visit(site, turn(output))
        return None if replacement is None else turn(replacement, back=True)

    handles = [module.register_forward_hook(hook) for module in unique]
    try:
        yield calls.clear
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def watching(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, str]]:
    """Note what some modules give.

    Parameters
    ----------
    modules : mapping of Module

    Yields
    ------
    dict of str
        Filled while the context lasts: what the last output of each module was, in words, under all of its names.
    """
    gave: dict[str, str] = {}
    names: dict[nn.Module, list[str]] = {}
    for name, module in modules.items():
        names.setdefault(module, []).append(name)

    def hook(module: nn.Module, _: Any, output: Any) -> None:
        kind = type(output).__name__
        gave.update(
            dict.fromkeys(names[module], f"{kind} of {output.dtype}" if isinstance(output, torch.Tensor) else kind)
        )

    handles = [module.register_forward_hook(hook) for module in names]
    try:
        yield gave
    finally:
        for handle in handles:
            handle.remove()


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
        If a pattern matches nothing, naming the nearest paths, the patterns one level up or down that match, and the
        command that lists all.
    """
    paths = dict(model.named_modules())
    paths.pop("")
    chosen: set[str] = set()
    for pattern in patterns:
        matches = {path for path in paths if _expression(pattern).fullmatch(path)}
        if not matches:
            raise ValueError(
                f"layer {pattern!r} matches no module of {type(model).__name__}; near it are: "
                f"{', '.join(_near(pattern, list(paths)))}{_levels(pattern, list(paths))}; list all with: {LISTING}"
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


def _near(pattern: str, paths: Sequence[str]) -> list[str]:
    """Give the paths that a pattern would match if its words were spelt a little differently, else the most alike."""
    parts = pattern.split(".")
    scores = {path: _likeness(parts, path.split(".")) for path in paths}
    best = max(scores.values(), default=0.0)
    if best > 0:
        return _some([path for path, score in scores.items() if score > best - 0.02])
    return difflib.get_close_matches(pattern, paths, n=3, cutoff=0.4) or _some(paths)


def _likeness(wanted: Sequence[str], given: Sequence[str]) -> float:
    """Compare a pattern and a path part by part, from 0 (another depth, or a part is unlike) to 1."""
    if len(wanted) != len(given):
        return 0.0
    alike = [
        1.0 if _expression(one).fullmatch(other) else difflib.SequenceMatcher(None, one.strip("*"), other).ratio()
        for one, other in zip(wanted, given, strict=True)
    ]
    return sum(alike) / len(alike) if min(alike) > 0.6 else 0.0


def _levels(pattern: str, paths: Sequence[str]) -> str:
    """Say which patterns with a part more or less match."""
    parts = pattern.split(".")
    deeper = [[*parts[:i], "*", *parts[i:]] for i in range(len(parts), -1, -1)]
    shallower = [[*parts[:i], *parts[i + 1 :]] for i in range(len(parts) - 1, -1, -1) if len(parts) > 1]
    hints = []
    for word, variants in (("deeper", deeper), ("shallower", shallower)):
        for variant in dict.fromkeys(map(".".join, variants)):
            count = sum(_expression(variant).fullmatch(path) is not None for path in paths)
            if count and set(variant) - set("*."):  # a pattern of stars alone says nothing
                hints.append(f"; one level {word}, {variant!r} matches {count} module{'s' if count > 1 else ''}")
                break
    return "".join(hints)


def _some(paths: Sequence[str]) -> list[str]:
    return [*paths[:NEAR], *(["…"] if len(paths) > NEAR else [])]
