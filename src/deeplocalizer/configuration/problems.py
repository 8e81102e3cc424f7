"""Values that the schema does not allow, in words.

find             all such problems of a configuration
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deeplocalizer.configuration.hints import key_hint, value_hint
from deeplocalizer.configuration.schema import follow, keys
from deeplocalizer.configuration.spelling import Path, join, path_text, plain_key, value_text
from deeplocalizer.configuration.validation import Refusal
from deeplocalizer.configuration.words import Problem, allowed_text, suggestion

SHOWN = 3  # items of one list that a message shows


def find(configuration: Mapping[Any, Any], refused: Iterable[Refusal], schema: Mapping[str, Any]) -> list[Problem]:
    """Say what the schema refuses, once for each value.

    Parameters
    ----------
    configuration : mapping
        What was given.
    refused : iterable of Refusal
        What `validation.refusals` found in it.
    schema : mapping
        The whole schema.

    Returns
    -------
    list of Problem
        In the order of the schema.
    """
    found = (_translate(refusal, _spell(refusal.path, configuration), schema) for refusal in refused)
    # a value that breaks two rules of one schema gives the same words twice
    return _gather_items(dict.fromkeys(problem for problems in found for problem in problems))


def _spell(path: Iterable[Any], configuration: Any) -> Path:
    """Spell the keys that YAML made numbers or booleans, to tell them from positions in a list."""
    spelled: list[str | int] = []
    for part in path:
        while isinstance(configuration, Mapping) and part not in configuration and None in configuration:
            spelled.append(plain_key(None))  # jsonschema leaves a key of nothing out of its paths
            configuration = configuration[None]
        spelled.append(part if isinstance(configuration, list) else plain_key(part))
        configuration = configuration[part]
    return tuple(spelled)


def _translate(refusal: Refusal, path: Path, root: Mapping[str, Any]) -> Iterator[Problem]:
    if refusal.is_key:
        path, given = (*path, plain_key(refusal.value)), f"{value_text(refusal.value)} cannot be a name"
        yield Problem(path, given, allowed_text(refusal.schema, root), key_hint(refusal.value))
    elif refusal.keyword == "additionalProperties":
        yield from (_unknown(path, key, refusal.schema["properties"], root) for key in refusal.unknown_keys())
    elif refusal.keyword == "required":
        yield from (_missing(path, key, refusal.schema["properties"], root) for key in refusal.missing_keys())
    else:
        given = f"got {value_text(refusal.value)}"
        yield Problem(path, given, allowed_text(refusal.schema, root), value_hint(refusal))


def _unknown(path: Path, key: Any, properties: Mapping[str, Any], root: Mapping[str, Any]) -> Problem:
    hint = suggestion(key, properties) or _elsewhere(key, root)
    return Problem((*path, plain_key(key)), "there is no such key", f"the keys {join(properties)}", hint)


def _elsewhere(key: Any, root: Mapping[str, Any]) -> str:
    places = [path_text(known.path) for known in keys(root) if known.path[-1] == key]
    return f"The key belongs at {' or '.join(places)}." if places else ""


def _missing(path: Path, key: str, properties: Mapping[str, Any], root: Mapping[str, Any]) -> Problem:
    schema = follow(properties[key], root)
    hint = f"What it is: {schema['description']}" if "description" in schema else ""
    return Problem((*path, key), "this key is missing", allowed_text(schema, root), hint)


def _gather_items(problems: Iterable[Problem]) -> list[Problem]:
    """Make one problem of items that are wrong in the same list for the same reason."""
    groups: dict[Any, list[Problem]] = {}
    for problem in problems:
        in_list = problem.path and isinstance(problem.path[-1], int)
        # two hints of one kind differ behind their colon
        reason = (problem.path[:-1], problem.allowed, problem.hint.partition(":")[0])
        groups.setdefault(reason if in_list else problem, []).append(problem)
    return [group[0] if len(group) == 1 else _several(group) for group in groups.values()]


def _several(group: list[Problem]) -> Problem:
    first = group[0]
    given = ", ".join(problem.given.removeprefix("got ") for problem in group[:SHOWN])
    more = f" and {len(group) - SHOWN} more" if len(group) > SHOWN else ""
    return Problem(first.path[:-1], f"got the items {given}{more}", f"as each item {first.allowed}", first.hint)
