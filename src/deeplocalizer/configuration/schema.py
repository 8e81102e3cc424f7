"""The JSON schema of the configuration, and how to walk it.

load_schema      read it from its YAML file
follow           a part of the schema with its `$ref` replaced by what it refers to
fill             a value with the defaults of the schema
Key              a key that a configuration can have
keys             all of them
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

NAME = "<name>"  # stands in a path for a name that the user chooses


@dataclass(frozen=True)
class Key:
    """A key that a configuration can have.

    Parameters
    ----------
    path : tuple of str
        Where it stands, from the top; `NAME` where the user chooses a name.
    schema : dict
        What is allowed there.
    required : bool
        Whether the mapping around it must have it.
    """

    path: tuple[str, ...]
    schema: dict[str, Any]
    required: bool


def load_schema(path: Path) -> dict[str, Any]:
    """Read a JSON schema that is written as YAML."""
    # every job on a cluster reads it twice: ten times as fast with LibYAML, which PyYAML may be built without
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schema = yaml.load(path.read_text(encoding="utf-8"), loader)
    if not isinstance(schema, dict):
        raise ValueError(f"{path.name} is no JSON schema: a schema is a mapping")
    return schema


def follow(schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a reference by what it refers to.

    Parameters
    ----------
    schema : mapping or bool
        A part of a schema; ``true`` and ``false`` say nothing about what they allow and become an empty one.
    root : mapping
        The whole schema.

    Returns
    -------
    dict
        What is referred to; words that stand beside the reference, such as a description, win.
    """
    followed = dict(schema) if isinstance(schema, Mapping) else {}
    while "$ref" in followed:
        target: Any = root
        for part in followed.pop("$ref").removeprefix("#/").split("/"):
            target = target[part]
        followed = {**target, **followed}
    return followed


def fill(value: Any, schema: Any, root: Mapping[str, Any]) -> Any:
    """Fill the defaults of a schema into a value.

    Parameters
    ----------
    value : object
        Mappings, lists and scalars; not changed.
    schema : mapping or bool
        What is allowed there.
    root : mapping
        The whole schema, for its references.

    Returns
    -------
    object
        A deep copy with every default, at every depth, and keys in the order of the schema, so that how they were
        ordered runs nothing again; names that the user chose keep theirs. A float that stands for an integer becomes
        one.
    """
    schema = follow(schema, root)
    if isinstance(value, dict):
        return _fill_mapping(value, schema, root)
    if isinstance(value, list):
        return [fill(item, schema.get("items"), root) for item in value]
    if schema.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return copy.copy(value)


def keys(root: Mapping[str, Any]) -> Iterator[Key]:
    """Walk through all keys that a configuration can have, each before those inside it."""
    yield from _keys((), root, root)


def _fill_mapping(value: dict[Any, Any], schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[Any, Any]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    filled = {}
    for key, inner in properties.items():
        followed = follow(inner, root)
        if key in value:
            filled[key] = fill(value[key], inner, root)
        elif "default" in followed:
            filled[key] = fill(followed["default"], inner, root)
    return filled | {key: fill(inner, others, root) for key, inner in value.items() if key not in properties}


def _keys(path: tuple[str, ...], schema: Any, root: Mapping[str, Any]) -> Iterator[Key]:
    schema = follow(schema, root)
    for name, inner in schema.get("properties", {}).items():
        yield Key((*path, name), follow(inner, root), name in schema.get("required", []))
        yield from _keys((*path, name), inner, root)
    yield from (
        _keys((*path, NAME), schema["additionalProperties"], root) if schema.get("additionalProperties") else ()
    )
