"""Paths and values, spelled as their author would.

Path             keys, and positions in lists, from the top to a value
path_text        a path
key_text         one key of it
plain_key        a key that need not be text
value_text       a value and its kind
flow             a value on one line of YAML
join             values with commas
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import yaml

Path = tuple[str | int, ...]

LONGEST = 60  # characters of a value that a message shows
_KINDS = {  # bool stands before int, of which it is a kind
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
    list: "list",
    dict: "mapping",
}


def path_text(path: Path) -> str:
    """Write a path as ``models.cnn.layers[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{key_text(part)}"
    return text.removeprefix(".") or "the configuration"


def key_text(key: str) -> str:
    """Write one key of a path, in quotes if a dot or a space in it would mislead."""
    return key if re.fullmatch(r"[\w<>-]+", key) else json.dumps(key, ensure_ascii=False)


def plain_key(key: Any) -> str:
    """Spell a key as its author did, where YAML made it a number or a boolean."""
    return key if isinstance(key, str) else flow(key)


def value_text(value: Any) -> str:
    """Write a value and its kind as its author knows them: ``true (boolean)``."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else flow(value)
    return f"{text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'} ({_kind(value)})"


def flow(value: Any) -> str:
    """Write a value on one line of YAML; text gets quotes only where it needs them."""
    match value:
        case dict():
            return "{" + ", ".join(f"{flow(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + join(value) + "]"
        case str():
            return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)
        case float():
            return _float_text(value)
        case None | True | False:
            return json.dumps(value)
    return str(value)


def join(values: Iterable[Any]) -> str:
    """List values with commas."""
    return ", ".join(map(flow, values))


def _kind(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "infinity" if math.isinf(value) else "not a number"
    return next((word for kind, word in _KINDS.items() if isinstance(value, kind)), type(value).__name__)


def _is_plain(text: str) -> bool:
    # the words yes and null look like text and are none
    return bool(re.fullmatch(r"[A-Za-z_][\w-]*( [\w-]+)*", text)) and isinstance(yaml.safe_load(text), str)


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = repr(value)
    # YAML 1.1 takes 1e-05 for text, and 1.0e-05 for a number
    return text.replace("e", ".0e") if "e" in text and "." not in text else text
