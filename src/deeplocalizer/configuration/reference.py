"""The schema as a table for the reader.

table            every key with what is allowed, its default and its meaning
renew            a README with that table between its markers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deeplocalizer.configuration.schema import Key, keys
from deeplocalizer.configuration.spelling import flow, path_text
from deeplocalizer.configuration.words import allowed_text

BEGIN, END = "<!-- keys -->", "<!-- /keys -->"
_HEAD = ("Key", "Allowed", "Default", "Meaning")


def table(schema: Mapping[str, Any]) -> str:
    """Write all keys of a configuration as a Markdown table.

    Parameters
    ----------
    schema : mapping
        As `load_schema` reads it.

    Returns
    -------
    str
        One row for each key: its path, what is allowed, its default and what it means.
    """
    rows = [_HEAD, ("---",) * len(_HEAD), *(_row(key, schema) for key in keys(schema))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def renew(readme: str, schema: Mapping[str, Any]) -> str:
    """Replace what stands between the markers of a README by the table.

    Raises
    ------
    ValueError
        If the markers are not there, once each and in order.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in before + after:
        raise ValueError(f"the README needs the lines {BEGIN} and {END}, once each and in this order")
    return f"{before}{BEGIN}\n\n{table(schema)}\n\n{END}{after}"


def _row(key: Key, schema: Mapping[str, Any]) -> tuple[str, ...]:
    meaning = key.schema.get("description", "")
    cells = (f"`{path_text(key.path)}`", _allowed(key, schema), _default(key), meaning)
    return tuple(cell.replace("|", r"\|") for cell in cells)


def _allowed(key: Key, schema: Mapping[str, Any]) -> str:
    # the keys of a mapping have rows of their own
    return "a mapping" if "properties" in key.schema else allowed_text(key.schema, schema)


def _default(key: Key) -> str:
    if key.required:
        return "required"
    if "default" not in key.schema:
        return "none"
    return "see its keys" if "properties" in key.schema else f"`{flow(key.schema['default'])}`"
