"""Images that a table lists: CSV, TSV or Parquet, one image a row, with what is known of it.

listed           the images of the rows of a category
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deeplocalizer import seeding
from deeplocalizer.configuration.words import nearest
from deeplocalizer.provenance import digest_bytes
from deeplocalizer.stimuli.cells import Table, read, some
from deeplocalizer.stimuli.intake import Candidate, in_seeded_order, take
from deeplocalizer.stimuli.record import Attribute, Draw, Drawn, Record, Refused
from deeplocalizer.stimuli.splits import SPLITS, slots

PRESENT, ABSENT, UNKNOWN = ("1", "true", "1.0"), ("0", "false", "0.0"), ("", "-1", "-1.0")
LONGEST_PATH, LONGEST_NAME = 1024, 255  # bytes; no file system that is about has longer names
_SINGLE = ("image", "label", "group", "split", "id", "licence")


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
        If the table is missing or cannot be read, a column is missing, a path leads out of its folder, no row fits, ids
        recur, a split or an attribute has another value than it may have, or a file is no readable image (and is not to
        be skipped), naming what is wrong and where.

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
        table = read(path, [*filter(None, named.values()), *attributes, *where])
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


def _chosen(table: Table, where: Mapping[str, Any]) -> list[int]:
    """Find the rows of a category."""
    for column, wanted in where.items():
        met = list(dict.fromkeys(row[column] for row in table.rows))
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if not any(_fits(cell, value) for cell in met):
                close = nearest(value, met)
                hint = f"did you mean {close!r}?" if close else f"it has {some(list(map(repr, met))) or 'no rows'}"
                padded = [cell for cell in met if cell.lstrip("0") == str(value)]
                hint = f"{padded[0]} is text: write it in quotes" if padded and not isinstance(value, str) else hint
                raise ValueError(f"where: no row has {str(value)!r} in column {column!r}; {hint}")
    chosen = [row for row, cells in enumerate(table.rows) if all(_fits(cells[key], where[key]) for key in where)]
    if not chosen:
        raise ValueError("no row fits all of `where`" if where else "it has no rows")
    return chosen


def _refuse_splits(table: Table, rows: Sequence[int], column: str) -> None:
    wrong = [row for row in rows if column and table.rows[row][column] not in SPLITS]
    if wrong:
        shown = some([f"{table.places[row]} has {table.rows[row][column]!r}" for row in wrong])
        raise ValueError(f"column {column!r} must be one of {', '.join(SPLITS)}; {shown}")


def _attribute(table: Table, rows: Sequence[int], column: str) -> dict[int, int]:
    """Read an attribute: 1 present, 0 absent, by row; a row where it is unknown is not there."""
    cells = {row: table.rows[row][column].casefold() for row in rows}
    wrong = [row for row, cell in cells.items() if cell not in (*PRESENT, *ABSENT, *UNKNOWN)]
    if wrong:
        shown = some([f"{table.places[row]} has {table.rows[row][column]!r}" for row in wrong])
        raise ValueError(f"attribute {column!r} must be 1 or true, 0 or false, or -1 or empty (unknown); {shown}")
    met = {row[column].casefold() for row in table.rows} - {""}
    if met & set(PRESENT) and met & set(UNKNOWN) and not met & set(ABSENT):
        raise ValueError(
            f"attribute {column!r} is 1 or -1 and never 0: here, -1 means unknown; if it means absent, as in CelebA's "
            "own list, write 0"
        )
    return {row: int(cell in PRESENT) for row, cell in cells.items() if cell not in UNKNOWN}


def _candidate(
    table: Table,
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
    elif _too_long(image):
        reason = "no file has so long a name"
    path = None if reason else root / os.path.expanduser(image)
    if path is not None:
        _refuse_outside(path, root, f"{place}: {image!r}")
    place = f"{Path(draw.settings['path']).name}, {place}"
    return Candidate(identity, f"{place} ({image})" if image else place, path, reason, attributes=present, **known)


def _too_long(name: str) -> bool:
    return len(name) > LONGEST_PATH or any(len(os.fsencode(part)) > LONGEST_NAME for part in name.split("/"))


def _refuse_outside(path: Path, root: Path, what: str) -> None:
    """Refuse a path that leads, as it is written, out of the folder that paths start from and of the study's folder.

    A table may be somebody else's. Links in the folders are their owner's, and may lead elsewhere.
    """
    if "\0" in str(path):
        raise ValueError(f"{what} is no path: it holds a character of number 0")
    absolute = Path(os.path.abspath(path))
    if not any(absolute.is_relative_to(os.path.abspath(folder)) for folder in (root, Path.cwd())):
        raise ValueError(
            f"{what} leads out of {str(root)!r}; expected a path below that folder, or below the one in which the "
            "workflow runs; `root` names another one"
        )


def _once(candidates: Iterable[Candidate], column: str) -> tuple[list[Candidate], list[Refused]]:
    """Keep the first of rows that name the same file; ids that their owner gave must differ."""
    first: dict[str, Candidate] = {}
    twins = []
    for one in candidates:
        if first.setdefault(one.id, one) is not one:
            twins.append((one, first[one.id]))
    if twins and column:
        shown = some([f"{one.id.split('/', 1)[1]!r} at {two.place} and {one.place}" for one, two in twins])
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
