"""Tables that others wrote, as cells of text: CSV, TSV or Parquet.

Table            rows of text
read             a table, refused if a column is missing that is wanted
separated        the same of text
some             the first of many names, for a message

Cells are text, as they are written: ``007`` stays ``007``. The separator of a CSV file (comma, semicolon or tab) is the
one that finds the columns that are asked for; guessing it from the contents, as sniffers do, fails on tables of one
column and on commas in captions.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow

from deeplocalizer.configuration import unfolding
from deeplocalizer.configuration.words import nearest

SEPARATORS = {".csv": ",;\t", ".tsv": "\t", ".txt": "\t,;"}
LISTED = 8  # of anything that a message gives


@dataclass(frozen=True)
class Table:
    """Rows of text, each with the place where its owner finds it (``line 7``)."""

    columns: tuple[str, ...]
    places: list[str]
    rows: list[dict[str, str]]


def read(path: Path, wanted: Sequence[str]) -> Table:
    """Read a table.

    Parameters
    ----------
    path : path
    wanted : sequence of str
        Columns that it must have.

    Raises
    ------
    ValueError
        If it is missing, of another kind, cannot be read, or lacks a column.
    """
    kind = path.suffix.lower()
    if not path.is_file():
        raise ValueError(_missing(path))
    if kind == ".parquet":
        return _parquet(path, wanted)
    if kind not in SEPARATORS:
        raise ValueError(f"files of the kind {kind or path.name!r} are not read; save it as .csv, .tsv or .parquet")
    return separated(_text(path.read_bytes()), SEPARATORS[kind], wanted)


def _missing(path: Path) -> str:
    if path.is_dir():
        return "it is a folder; `source: folder` reads folders"
    folder = next(parent for parent in Path(os.path.abspath(path)).parents if parent.is_dir())
    names = sorted(one.name for one in folder.iterdir() if one.suffix.lower() in (*SEPARATORS, ".parquet"))
    close = nearest(path.name, names)
    hint = f"did you mean {close}?" if close else f"there are {some(names)}" if names else "there is no table"
    return f"there is no such file; in {str(folder)!r}, {hint}"


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("it is UTF-16, as Excel's 'Unicode text' is; save it as 'CSV UTF-8'")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"line {line} is not UTF-8 ({content[error.start : error.end]!r}); save it as UTF-8"
        ) from error


def separated(text: str, separators: str, wanted: Sequence[str]) -> Table:
    """Read a table of text.

    Parameters
    ----------
    text, separators : str
        Of the separators, each one character, the one is taken that finds most columns that are wanted.
    wanted : sequence of str
        Columns that it must have.

    Raises
    ------
    ValueError
        If a row is not whole, naming its line, or a column is missing.
    """
    headers = {one: next(csv.reader(io.StringIO(text, newline=""), delimiter=one), []) for one in separators}
    separator = max(separators, key=lambda one: (len(set(wanted) & set(headers[one])), len(headers[one])))
    columns = tuple(headers[separator])
    _refuse_columns(columns, wanted)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    places, rows, line = [], [], 1
    try:
        for cells in reader:
            place, line = f"line {line}", reader.line_num + 1
            if place == "line 1" or not any(cells):  # the header; the empty lines that spreadsheets leave
                continue
            if len(cells) != len(columns):
                raise ValueError(f"{place} has {len(cells)} cells; the header has {len(columns)}")
            places.append(place)
            rows.append(dict(zip(columns, cells, strict=True)))
    except csv.Error as error:
        raise ValueError(f"line {line}: {error}") from error
    return Table(columns, places, rows)


def _parquet(path: Path, wanted: Sequence[str]) -> Table:
    content = unfolding.read(path, sorted(set(wanted)), lambda columns: _refuse_columns(columns, wanted))
    # single precision is written as short as it is meant: 0.1, not 0.10000000149011612
    short = {field.name for field in content.schema if field.type in (pyarrow.float16(), pyarrow.float32())}
    rows = [
        {
            name: _cell(float(str(np.float32(value))) if name in short and value is not None else value)
            for name, value in row.items()
        }
        for row in content.to_pylist()
    ]
    return Table(tuple(content.schema.names), [f"row {number}" for number in range(1, len(rows) + 1)], rows)


def _cell(value: Any) -> str:
    """Write a value of a typed table as it would stand in a file of text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return "" if math.isnan(value) else repr(value).removesuffix(".0")
        case Decimal():
            return f"{value.normalize():f}"
    return str(value)


def _refuse_columns(columns: Sequence[str], wanted: Iterable[str]) -> None:
    for name, times in Counter(columns).items():
        if times > 1 and name in wanted:
            raise ValueError(f"column {name!r} stands {times} times in the header")
    for name in wanted:
        if name not in columns:
            close = nearest(name, columns)
            hint = f"did you mean {close!r}?" if close else f"columns are {some(columns) or 'none'}"
            raise ValueError(f"there is no column {name!r}; {hint}")


def some(names: Sequence[str]) -> str:
    """Name the first of many, and say how many more there are."""
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
