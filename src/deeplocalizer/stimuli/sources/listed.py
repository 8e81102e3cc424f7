"""Images that a table lists: CSV, TSV or Parquet, one image a row, with what is known of it.

listed           the images of the rows of a category

Cells are text, as they are written: ``007`` stays ``007``. The separator of a CSV file (comma, semicolon or tab) is the
one that finds the columns that are asked for; guessing it from the contents, as sniffers do, fails on tables of one
column and on commas in captions.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

from deeplocalizer import seeding
from deeplocalizer.configuration.words import nearest
from deeplocalizer.provenance import digest_bytes
from deeplocalizer.stimuli.intake import Candidate, in_seeded_order, take
from deeplocalizer.stimuli.record import Attribute, Draw, Drawn, Record, Refused
from deeplocalizer.stimuli.splits import SPLITS, slots

SEPARATORS = {".csv": ",;\t", ".tsv": "\t", ".txt": "\t,;"}
PRESENT, ABSENT, UNKNOWN = ("1", "true", "1.0"), ("0", "false", "0.0"), ("", "-1", "-1.0")
LISTED = 8  # of anything that a message gives
_SINGLE = ("image", "label", "group", "split", "id", "licence")


@dataclass(frozen=True)
class _Table:
    """Rows of text, each with the place where its owner finds it (``line 7``)."""

    columns: tuple[str, ...]
    places: list[str]
    rows: list[dict[str, str]]


def listed(draw: Draw) -> Drawn:
    """Draw the images that a table lists.

    Parameters
    ----------
    draw : Draw
        Its settings: ``path`` of the table; ``columns``, the names of the columns ``image`` (paths), ``label``,
        ``group``, ``split``, ``id``, ``licence`` (empty: there is none) and ``attributes``, a list; ``where``, values
        or lists of values by column, which rows of the category have; ``root``, the folder that paths start from, by
        default the table's own; ``unreadable``, ``refuse`` or ``skip``.

    Returns
    -------
    Drawn
        Ids are ``category/id`` or, without a column of ids, ``category/path`` as it is written. Records are ordered by
        a digest of the id, so rows that are added later never reorder the others; with a column of splits, that many
        of each are drawn as the study has, and of a split that it has not, none. Of rows with the same picture the
        first is kept. Only as many files are read as are wanted.

    Raises
    ------
    ValueError
        If the table is missing or cannot be read, a column is missing, no row fits, ids recur, a split or an attribute
        has another value than it may have, or a file is no readable image (and is not to be skipped), naming what is
        wrong and where.

    Notes
    -----
    An attribute is 1 or true, 0 or false, or unknown: -1 or empty. In CelebA's own list -1 means absent; a column
    that has 1 and -1 and nothing else is refused, as it may be such a one.
    """
    path = Path(draw.settings["path"]).expanduser()
    columns = dict(draw.settings.get("columns") or {})
    named = {key: columns.get(key) or ("path" if key == "image" else "") for key in _SINGLE}
    attributes = list(columns.get("attributes") or [])
    where = dict(draw.settings.get("where") or {})
    try:
        table = _read(path, [*filter(None, named.values()), *attributes, *where])
        rows = _chosen(table, where)
        _refuse_splits(table, rows, named["split"])
        values = {name: _attribute(table, rows, name) for name in attributes}
        root = Path(draw.settings.get("root") or path.parent).expanduser()
        if not root.is_dir():
            raise ValueError(f"root {str(root)!r} is no folder; paths start from there")
        candidates, twins = _once([_candidate(table, row, named, values, draw, root) for row in rows], named["id"])
        _refuse_wrong_root(candidates, root)
    except ValueError as error:
        raise ValueError(f"category {draw.category!r}: table {draw.settings['path']!r}: {error}") from error
    wanted = [one for one in candidates if not one.split or draw.shares.get(one.split, 0) > 0]
    room = None if draw.count is None else _room(draw, draw.count, bool(named["split"]))
    records, refused = take(draw, in_seeded_order(wanted, draw.seed, "table"), room)
    if named["split"] and room is not None:
        _refuse_shortage(draw, records, room)
    vocabulary = {name: Attribute(path.stem) for name in attributes}
    origin = {"path": str(draw.settings["path"]), "digest": digest_bytes(path.read_bytes())}
    return Drawn(tuple(records), (*twins, *refused), vocabulary, origin)


def _read(path: Path, wanted: Sequence[str]) -> _Table:
    """Read a table, and refuse it if a column is missing that is wanted."""
    kind = path.suffix.lower()
    if not path.is_file():
        raise ValueError(_missing(path))
    if kind == ".parquet":
        return _parquet(path, wanted)
    if kind not in SEPARATORS:
        raise ValueError(f"files of the kind {kind or path.name!r} are not read; save it as .csv, .tsv or .parquet")
    return _separated(_text(path.read_bytes()), SEPARATORS[kind], wanted)


def _missing(path: Path) -> str:
    if path.is_dir():
        return "it is a folder; `source: folder` reads folders"
    folder = next(parent for parent in Path(os.path.abspath(path)).parents if parent.is_dir())
    names = sorted(one.name for one in folder.iterdir() if one.suffix.lower() in (*SEPARATORS, ".parquet"))
    close = nearest(path.name, names)
    hint = f"did you mean {close}?" if close else f"there are {_some(names)}" if names else "there is no table"
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


def _separated(text: str, separators: str, wanted: Sequence[str]) -> _Table:
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
    return _Table(columns, places, rows)


def _parquet(path: Path, wanted: Sequence[str]) -> _Table:
    try:
        with parquet.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            _refuse_columns(columns, wanted)
            content = file.read(columns=sorted(set(wanted)))
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"it is no whole Parquet file: {error}") from error
    for name, kind in zip(content.schema.names, content.schema.types, strict=True):
        if pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
            raise ValueError(f"column {name!r} holds {kind}; expected text, numbers or booleans")
    # single precision is written as short as it is meant: 0.1, not 0.10000000149011612
    short = {field.name for field in content.schema if field.type in (pyarrow.float16(), pyarrow.float32())}
    rows = [
        {
            name: _cell(float(str(np.float32(value))) if name in short and value is not None else value)
            for name, value in row.items()
        }
        for row in content.to_pylist()
    ]
    return _Table(columns, [f"row {number}" for number in range(1, len(rows) + 1)], rows)


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
            hint = f"did you mean {close!r}?" if close else f"columns are {_some(columns) or 'none'}"
            raise ValueError(f"there is no column {name!r}; {hint}")


def _chosen(table: _Table, where: Mapping[str, Any]) -> list[int]:
    """Find the rows of a category."""
    for column, wanted in where.items():
        met = list(dict.fromkeys(row[column] for row in table.rows))
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if not any(_fits(cell, value) for cell in met):
                close = nearest(value, met)
                hint = f"did you mean {close!r}?" if close else f"it has {_some(list(map(repr, met))) or 'no rows'}"
                padded = [cell for cell in met if cell.lstrip("0") == str(value)]
                hint = f"{padded[0]} is text: write it in quotes" if padded and not isinstance(value, str) else hint
                raise ValueError(f"where: no row has {str(value)!r} in column {column!r}; {hint}")
    chosen = [row for row, cells in enumerate(table.rows) if all(_fits(cells[key], where[key]) for key in where)]
    if not chosen:
        raise ValueError("no row fits all of `where`" if where else "it has no rows")
    return chosen


def _refuse_splits(table: _Table, rows: Sequence[int], column: str) -> None:
    wrong = [row for row in rows if column and table.rows[row][column] not in SPLITS]
    if wrong:
        shown = _some([f"{table.places[row]} has {table.rows[row][column]!r}" for row in wrong])
        raise ValueError(f"column {column!r} must be one of {', '.join(SPLITS)}; {shown}")


def _attribute(table: _Table, rows: Sequence[int], column: str) -> dict[int, int]:
    """Read an attribute: 1 present, 0 absent, by row; a row where it is unknown is not there."""
    cells = {row: table.rows[row][column].casefold() for row in rows}
    wrong = [row for row, cell in cells.items() if cell not in (*PRESENT, *ABSENT, *UNKNOWN)]
    if wrong:
        shown = _some([f"{table.places[row]} has {table.rows[row][column]!r}" for row in wrong])
        raise ValueError(f"attribute {column!r} must be 1 or true, 0 or false, or -1 or empty (unknown); {shown}")
    met = {row[column].casefold() for row in table.rows} - {""}
    if met & set(PRESENT) and met & set(UNKNOWN) and not met & set(ABSENT):
        raise ValueError(
            f"attribute {column!r} is 1 or -1 and never 0: here, -1 means unknown; if it means absent, as in CelebA's "
            "own list, write 0"
        )
    return {row: int(cell in PRESENT) for row, cell in cells.items() if cell not in UNKNOWN}


def _candidate(
    table: _Table,
    row: int,
    named: Mapping[str, str],
    attributes: Mapping[str, Mapping[int, int]],
    draw: Draw,
    root: Path,
) -> Candidate:
    place, cells = table.places[row], table.rows[row]
    image = cells[named["image"]]
    known = {key: cells[named[key]] if named[key] else "" for key in ("label", "group", "split", "licence")}
    known["source"] = f"{draw.settings['path']}, {place}: {image}"
    present = {name: of_row[row] for name, of_row in attributes.items() if row in of_row}
    name = cells[named["id"]] if named["id"] else image.removeprefix("./").lstrip("/")
    if named["id"] and not name:
        raise ValueError(f"{place} has no id in column {named['id']!r}")
    identity = unicodedata.normalize("NFC", f"{draw.category}/{name or place}")
    reason = ""
    if not image:
        reason = f"the cell of column {named['image']!r} is empty"
    elif "://" in image:
        reason = "it is an address; expected the path of a file"
    path = None if reason else root / Path(image).expanduser()
    place = f"{Path(draw.settings['path']).name}, {place}"
    return Candidate(identity, f"{place} ({image})" if image else place, path, reason, attributes=present, **known)


def _once(candidates: Iterable[Candidate], column: str) -> tuple[list[Candidate], list[Refused]]:
    """Keep the first of rows that name the same file; ids that their owner gave must differ."""
    first: dict[str, Candidate] = {}
    twins = []
    for one in candidates:
        if first.setdefault(one.id, one) is not one:
            twins.append((one, first[one.id]))
    if twins and column:
        shown = _some([f"{one.id.split('/', 1)[1]!r} at {two.place} and {one.place}" for one, two in twins])
        raise ValueError(f"ids in column {column!r} recur: {shown}")
    return list(first.values()), [Refused(f"{one.id}, {one.place}", f"listed at {two.place}") for one, two in twins]


def _refuse_wrong_root(candidates: Sequence[Candidate], root: Path) -> None:
    paths = [one.path for one in candidates if one.path is not None]
    if not paths or any(path.exists() for path in paths):
        return
    first = paths[0].relative_to(root).as_posix() if paths[0].is_relative_to(root) else str(paths[0])
    hint = f"paths start from {str(root)!r}, which `root` can change"
    if (root / first.strip()).exists():
        hint = "without the spaces around it, it would: remove them from the table"
    elif (root / first.strip().replace("\\", "/")).exists():
        hint = "with / in place of each backslash, it would: write paths so"
    raise ValueError(f"none of its {len(paths)} files exists, such as {str(paths[0])!r}; {hint}")


def _room(draw: Draw, count: int, split: bool) -> dict[str, int]:
    """Say how many stimuli of each split to draw."""
    if not split:
        return {"": count}
    dealt = Counter(slots(count, draw.shares, seeding.generator(draw.seed, "table", draw.category)))
    return {name: dealt[name] for name in SPLITS}


def _refuse_shortage(draw: Draw, records: Sequence[Record], room: Mapping[str, int]) -> None:
    drawn = Counter(record.split for record in records)
    for split, wanted in room.items():
        if drawn[split] < wanted:
            raise ValueError(
                f"category {draw.category!r}: split {split!r} of table {draw.settings['path']!r} has {drawn[split]} "
                f"images; its share of a count of {draw.count} is {wanted}"
            )


def _fits(cell: str, wanted: Any) -> bool:
    """Say whether a cell has a value, or one of a list: as text; a boolean, however it is spelt."""
    if isinstance(wanted, list):
        return any(_fits(cell, one) for one in wanted)
    if isinstance(wanted, bool):
        return cell.casefold() in (PRESENT if wanted else ABSENT)
    if isinstance(wanted, int | float):
        return _number(cell) == wanted
    return cell == str(wanted)


def _number(cell: str) -> float | None:
    """Read a cell as a number, if it is one: 7 and 7.0 are the same, but 007 is text."""
    try:
        return None if re.match(r"[+-]?0\d", cell) else float(cell)
    except ValueError:
        return None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
