"""What to do about a value that the schema refuses.

value_hint       advice on a value, where a common slip explains it
key_hint         advice on a key that is no name
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from deeplocalizer.configuration.spelling import flow, join
from deeplocalizer.configuration.validation import Refusal
from deeplocalizer.configuration.words import NAME, suggestion


def value_hint(refusal: Refusal) -> str:
    """Say what to do about a value; empty if nothing better than what is allowed can be said."""
    if "enum" in refusal.schema:
        return suggestion(refusal.value, refusal.schema["enum"])
    match refusal.keyword:
        case "uniqueItems":
            return f"{join(_repeated(refusal.value))} stands there more than once."
        case "pattern" if refusal.schema["pattern"] == NAME:
            return _example(refusal.value)
        case "type":
            return _kind_hint(refusal.value, refusal.schema)
        case "anyOf" if isinstance(refusal.value, str) and not _takes_text(refusal.schema):
            return _kind_hint(refusal.value, {"type": "array"})
    return ""


def key_hint(key: Any) -> str:
    """Say what to do about a key that is no name."""
    return _example(key) if isinstance(key, str) else _quote_hint(key)


def _kind_hint(value: Any, schema: dict[str, Any]) -> str:
    if value is None:
        return "Leave the key out to get its default." if "default" in schema else ""
    match schema["type"]:
        case "integer" | "number" if isinstance(value, str):
            return _number_hint(value)
        case "string" if not isinstance(value, list | dict):
            return _quote_hint(value)
        case "array" if not isinstance(value, list | dict):
            return f"Write it as a list: {flow([value])}."
    return ""


def _takes_text(schema: dict[str, Any]) -> bool:
    """Say whether one of several things allowed is text, or no list at all is among them."""
    kinds = [choice.get("type", "string") for choice in schema["anyOf"]]
    return "string" in kinds or "array" not in kinds


def _repeated(items: list[Any]) -> list[Any]:
    return [item for index, item in enumerate(items) if items.index(item) == index and items.count(item) > 1]


def _example(text: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")
    return f"For example: {cleaned}." if cleaned else ""


def _quote_hint(value: Any) -> str:
    if isinstance(value, bool):
        return "YAML reads yes, no, on, off, true and false as booleans: write the word in quotes."
    return "" if value is None else f'Write it in quotes: "{flow(value)}".'


def _number_hint(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    if isinstance(yaml.safe_load(text.strip()), int | float):
        return f"Write it without quotes: {text.strip()}."
    # YAML 1.1, which Snakemake reads, wants a point in every number with an exponent
    whole = number.is_integer() and abs(number) < 1e15
    return f"YAML reads {text} as text: write {flow(int(number) if whole else number)}."
