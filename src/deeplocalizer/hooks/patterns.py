"""The places that match patterns.

find             the modules and operations that match any pattern
places           those that layers lie in
matches          whether a pattern covers the name of a place
rank             the pattern that a site matches first
wide             whether a pattern takes whatever can be recorded

``*`` stands for any text within one part of a path, ``**`` for any number of parts, ``#1`` at the end for one call. A
pattern that ends in ``()`` is of operations, any other of modules; one that spells out the name of an operation may
leave the ``()`` off.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from torch import nn

from deeplocalizer.hooks.sites import CALLED, Operation, Place, Site, hookable

LISTING = "python -m deeplocalizer.models layers <architecture>"
NEAR = 6  # paths that an error shows


def find(model: nn.Module, patterns: Sequence[str], operations: Sequence[str] = ()) -> dict[str, Place]:
    """Find the places whose names match any pattern, in the model's own order.

    Parameters
    ----------
    model : Module
    patterns : sequence of str
    operations : sequence of str
        The names of the operations that there are, as `tracing.operations` gives them.

    Returns
    -------
    dict of Module or Operation
        By name; modules first. A module under several names has the first, unless a pattern matches another only.

    Raises
    ------
    ValueError
        If a pattern matches nothing, naming the nearest paths, the patterns one level up or down that match, and the
        command that lists all.
    """
    paths = hookable(model)
    paths.pop("", None)
    known = [*paths, *operations]
    every = hookable(model, aliases=True)
    aliases = {path: module for path, module in every.items() if path not in (*paths, "")}
    chosen: set[str] = set()
    for pattern in patterns:
        met = {path for path in known if matches(pattern, path)} or {path for path in aliases if matches(pattern, path)}
        if not met:
            name = _parted(pattern)[0]
            _refuse_scripted(model, pattern)
            raise ValueError(
                f"layer {pattern!r} matches no module of {type(model).__name__}; near it are: "
                f"{', '.join(_near(name, known))}{_levels(name, known)}; list all with: {LISTING}"
            )
        chosen |= met
    found: dict[str, Place] = {path: module for path, module in (paths | aliases).items() if path in chosen}
    return found | {name: Operation(model, name) for name in operations if name in chosen}


def places(model: nn.Module, names: Iterable[str]) -> dict[str, Place]:
    """Give the places that layers lie in, by the names that a recording gave them.

    Parameters
    ----------
    model : Module
    names : iterable of str
        Such as ``layer1.0``, ``layer1.0.add()`` or ``lstm[0]``.

    Raises
    ------
    ValueError
        If there is no such module.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    found: dict[str, Place] = {}
    for name in names:
        place = Site(str(name), 0).place
        if not place.endswith(CALLED) and place not in modules:
            raise ValueError(f"layer {str(name)!r} is no module of {type(model).__name__}")
        found[place] = Operation(model, place) if place.endswith(CALLED) else modules[place]
    return found


def matches(pattern: str, path: str) -> bool:
    """Say whether a pattern covers the name of a place."""
    name, _ = _parted(pattern)
    if name.endswith(CALLED) == path.endswith(CALLED):
        return _expression(name.removesuffix(CALLED)).fullmatch(path.removesuffix(CALLED)) is not None
    return name + CALLED == path


def rank(patterns: Sequence[str], site: Site) -> int | None:
    """Give the index of the first pattern that a site matches, its call included; None if it matches none."""
    for index, pattern in enumerate(patterns):
        call = _parted(pattern)[1]
        if matches(pattern, site.place) and call in (None, site.call):
            return index
    return None


def wide(pattern: str) -> bool:
    """Say whether a pattern takes whatever can be recorded: any depth, or operations of any name."""
    name, _ = _parted(pattern)
    return "**" in name or (name.endswith(CALLED) and "*" in name)


def _refuse_scripted(model: nn.Module, pattern: str) -> None:
    """Refuse a pattern that matches nothing but scripted modules."""
    for path, _ in model.named_modules():
        if path and matches(pattern, path):
            raise ValueError(f"layer {path!r} is scripted (torch.jit.script), and PyTorch allows no hooks on it")


def _parted(pattern: str) -> tuple[str, int | None]:
    """Part a pattern from the call at its end."""
    name, mark, call = pattern.rpartition("#")
    return (name, int(call)) if mark and call.isdecimal() else (pattern, None)


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
