"""Parts of a configuration, for checks that pass over what the schema has refused.

section          a mapping
entries          the entries of a mapping
reference        a problem with a name that nothing has
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from deeplocalizer.configuration.spelling import Path, join, plain_key, value_text
from deeplocalizer.configuration.words import Problem, suggestion

Configuration = Mapping[str, Any]


def section(configuration: Configuration, *path: str) -> dict[str, Any] | None:
    """Find a mapping; None if it is missing or was refused."""
    found: Any = configuration
    for key in path:
        found = (found or {}).get(key)
    return None if found is None else {plain_key(key): value for key, value in found.items()}


def entries(configuration: Configuration, *path: str) -> dict[str, dict[str, Any]]:
    """Find the entries of a mapping, with nothing in those that were refused."""
    return {name: entry or {} for name, entry in (section(configuration, *path) or {}).items()}


def reference(path: Path, name: Any, names: Collection[str] | None, kind: str) -> Iterator[Problem]:
    """Refuse a name that nothing has; without a list of names, nothing is known."""
    if name is not None and names is not None and name not in names:
        there = f"a {kind} ({join(names)})" if names else f"a {kind}, of which there is none"
        yield Problem(path, f"got {value_text(name)}, which is no {kind}", there, suggestion(name, names))
