"""Rules and mistakes in plain words.

Problem          one mistake: where, what was given, what is allowed, what to do
allowed_text     what a part of a schema allows
nearest          the name that was probably meant
suggestion       the question whether it was
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deeplocalizer.configuration.schema import follow
from deeplocalizer.configuration.spelling import Path, flow, join, path_text

# a pattern says nothing to most readers; one that is not listed here is shown as it is
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
PATTERNS = {
    NAME: "letters, digits, - and _, the first a letter or digit",
    r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$": "a repository, as in owner/name",
    r"^https?://.+$": "an address that begins with http:// or https://",
}


@dataclass(frozen=True)
class Problem:
    """One mistake in a configuration.

    Parameters
    ----------
    path : tuple of str and int
        Keys, and positions in lists, from the top to where it is.
    given : str
        What is there.
    allowed : str
        What may be there.
    hint : str
        What to do about it, in whole sentences.
    """

    path: Path
    given: str
    allowed: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{path_text(self.path)}: {self.given}; allowed: {self.allowed}. {self.hint}".rstrip()


def allowed_text(schema: Any, root: Mapping[str, Any]) -> str:
    """Say what a part of a schema allows; ``root`` is the whole, for its references."""
    schema = follow(schema, root)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return ", or ".join(allowed_text(choice, root) for choice in schema[word])
    if "enum" in schema:
        return f"one of {join(schema['enum'])}" if len(schema["enum"]) > 1 else f"only {join(schema['enum'])}"
    match schema.get("type"):
        case "integer" | "number" as kind:
            return ", ".join(["an integer" if kind == "integer" else "a number", *_limits(schema)])
        case "string":
            return _text_text(schema)
        case "boolean":
            return "true or false"
        case "array":
            return _list_text(schema, root)
        case "object":
            return _mapping_text(schema, root)
    return "anything"


def nearest(name: Any, candidates: Iterable[Any]) -> str | None:
    """Find the candidate that was probably meant, if one is close."""
    folded = {str(candidate).casefold(): str(candidate) for candidate in candidates}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=1)
    return folded[close[0]] if close else None


def suggestion(name: Any, candidates: Iterable[Any]) -> str:
    """Ask for the candidate that was probably meant; empty if none is close."""
    meant = nearest(name, candidates)
    return f"Did you mean {meant}?" if meant else ""


def _limits(schema: Mapping[str, Any]) -> list[str]:
    words = {"minimum": "at least", "exclusiveMinimum": "more than"}
    words |= {"maximum": "at most", "exclusiveMaximum": "less than"}
    return [f"{words[key]} {flow(schema[key])}" for key in words if key in schema]


def _text_text(schema: Mapping[str, Any]) -> str:
    least, pattern = schema.get("minLength", 0), schema.get("pattern")
    rules = [PATTERNS.get(pattern, f"matching {pattern}")] if pattern else []
    rules += ["not empty"] if least == 1 else [f"at least {least} characters"] if least else []
    rules += [f"at most {schema['maxLength']} characters"] if "maxLength" in schema else []
    kind = "a name" if pattern == NAME else "text"
    return f"{kind} ({'; '.join(rules)})" if rules else kind


def _list_text(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    bounds = [f"at least {least}"] * (least > 0) + [f"at most {most}"] * (most is not None)
    number = f"exactly {least}" if least == most else " and ".join(bounds)
    items = " ".join(filter(None, ("a list of", number, "item" if (most or least) == 1 else "items")))
    different = ", all different" if schema.get("uniqueItems") else ""
    each = f", each {allowed_text(schema['items'], root)}" if "items" in schema else ""
    return items + different + each


def _mapping_text(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    if "properties" in schema:
        return f"a mapping with the keys {join(schema['properties'])}"
    least = schema.get("minProperties", 0)
    names = f"at least {least} name{'' if least == 1 else 's'}" if least else "names"
    inner = follow(schema.get("additionalProperties"), root)
    return f"a mapping of {names}, each to {allowed_text(inner, root)}" if inner else f"a mapping of {names}"
