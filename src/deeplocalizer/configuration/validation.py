"""What the schema refuses.

Refusal          a value that the schema refuses
refusals         all of them
sound            the configuration without them

JSON Schema as the library `jsonschema` checks it, but for two things in which YAML and Python differ from it:
NaN and infinity are no numbers, and the ``$`` of a pattern is the very end of the text.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from deeplocalizer.configuration.words import nearest

# a key too many or too few says nothing against the values of a mapping
_ABOUT_KEYS = ("additionalProperties", "required", "minProperties", "maxProperties")


@dataclass(frozen=True)
class Refusal:
    """A value that the schema refuses.

    Parameters
    ----------
    path : tuple
        Keys, and positions in lists, from the top to the value.
    value : object
        What is there; the key itself if ``is_key``.
    keyword : str
        The rule of the schema that it breaks, such as ``type`` or ``required``.
    schema : dict
        The part of the schema with that rule.
    is_key : bool
        Whether it is a key of the mapping at the path that is refused, as no name.
    """

    path: tuple[Any, ...]
    value: Any
    keyword: str
    schema: dict[str, Any]
    is_key: bool

    def unknown_keys(self) -> list[Any]:
        """Give the keys that the mapping should not have."""
        return [key for key in self.value if key not in self.schema["properties"]]

    def missing_keys(self) -> list[str]:
        """Give the keys that the mapping should have, but for those that it has misspelt."""
        required = self.schema.get("required", ())
        return [key for key in required if key not in self.value and key not in self.meant_keys()]

    def meant_keys(self) -> list[str]:
        """Give the keys that it lacks and that are close to one that it should not have."""
        meant = (nearest(key, self.schema["properties"]) for key in self.unknown_keys())
        return [key for key in meant if key is not None and key not in self.value]


def refusals(configuration: Mapping[Any, Any], schema: Mapping[str, Any]) -> list[Refusal]:
    """Find everything that a schema refuses.

    Parameters
    ----------
    configuration : dict
        Plain dictionaries, lists and scalars.
    schema : mapping
        JSON schema, draft 2020-12.

    Returns
    -------
    list of Refusal
        One for each rule that a value breaks.
    """
    found = (inner for error in _VALIDATOR(schema).iter_errors(configuration) for inner in _meant(error))
    return [_refusal(error, configuration) for error in found]


def sound(configuration: Mapping[Any, Any], refused: Collection[Refusal]) -> dict[Any, Any]:
    """Leave out unknown keys, and put None in the place of what is refused or missing because it is misspelt.

    Whoever looks further at the copy does not trip over the same mistake again.
    """
    believed = copy.deepcopy(dict(configuration))
    paths = [refusal.path for refusal in refused if not (refusal.is_key or refusal.keyword in _ABOUT_KEYS)]
    for refusal in refused:
        if refusal.keyword == "additionalProperties":
            mapping = _at(believed, refusal.path)
            for key in refusal.unknown_keys():
                del mapping[key]
            paths += [(*refusal.path, key) for key in refusal.meant_keys()]
    for path in sorted(paths, key=len, reverse=True):  # what is inside first, while it is still there
        _at(believed, path[:-1])[path[-1]] = None
    return believed


def _meant(error: ValidationError) -> list[ValidationError]:
    """Of several things allowed, take what is wrong with the only one of the kind that was given."""
    if error.validator != "anyOf" or not isinstance(error.instance, list | dict):
        return [error]
    of_another_kind = {
        inner.schema_path[0] for inner in error.context or () if inner.validator == "type" and not inner.path
    }
    meant = [inner for inner in error.context or () if inner.schema_path[0] not in of_another_kind]
    return meant if len({inner.schema_path[0] for inner in meant}) == 1 else [error]


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def _refusal(error: ValidationError, configuration: Mapping[Any, Any]) -> Refusal:
    schema = dict(error.schema) if isinstance(error.schema, Mapping) else {}
    is_key = "propertyNames" in error.absolute_schema_path
    return Refusal(_whole_path(error, configuration, is_key), error.instance, str(error.validator), schema, is_key)


def _whole_path(error: ValidationError, configuration: Any, is_key: bool) -> tuple[Any, ...]:
    """Give the path to what is refused, with the keys of nothing that jsonschema leaves out of its paths."""
    path: list[Any] = []
    for part in (*error.absolute_path, *(() if is_key else (_END,))):
        while isinstance(configuration, Mapping) and None in configuration and part not in configuration:
            if part is _END and (configuration is error.instance or configuration == error.instance):
                break
            path.append(None)
            configuration = configuration[None]
        if part is not _END:
            path.append(part)
            configuration = configuration[part]
    return tuple(path)


def _is_number(_: object, value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(_: object, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError("")


_END = object()
_extend: Callable[..., Any] = validators.extend
_VALIDATOR = _extend(
    Draft202012Validator,
    validators={"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number),
)
