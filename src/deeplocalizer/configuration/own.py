"""The researcher's own files that a study is made of, so that a change of them is noticed.

of_category      the table that a category is read from
listing          fingerprint of the image files that a category is read from
weights          the file of a model's weights

Snakemake asks before any job starts and in every job, so this knows the standard library only, and looks at sizes and
times of files, not at what they hold.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deeplocalizer.configuration.networks import WEIGHTS


def of_category(category: Mapping[str, Any]) -> list[str]:
    """Name the table that a category is read from; nothing for other sources."""
    return [os.path.expanduser(category["path"])] if category["source"] == "table" else []


def listing(category: Mapping[str, Any]) -> str:
    """Fingerprint the image files that a category is read from: their names, sizes and times.

    Returns
    -------
    str
        Hex SHA-256; empty for sources that are no files of one's own.
    """
    if category["source"] == "folder":
        paths = category["path"] if isinstance(category["path"], list) else [category["path"]]
        return _fingerprint(found for root in paths for found in _below(os.path.expanduser(root)))
    if category["source"] == "table":
        return _fingerprint(_listed(category))
    return ""


def weights(model: Mapping[str, Any]) -> list[str]:
    """Name the file of a model's weights; nothing where they come from elsewhere."""
    return [] if model["weights"] in WEIGHTS else [os.path.expanduser(model["weights"])]


def _fingerprint(paths: Iterable[Path]) -> str:
    sha = hashlib.sha256()
    for path in paths:
        state = path.stat() if path.exists() else None
        known = (state.st_size, state.st_mtime_ns) if state else ()  # a link may lead nowhere
        sha.update(f"{path}\0{known}\n".encode(errors="surrogateescape"))
    return sha.hexdigest()


def _below(root: str) -> Iterator[Path]:
    """Walk through a folder as its source does: links are followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(root, followlinks=True):
        state = os.stat(here)
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders.sort()
        yield from (Path(here, name) for name in sorted(files))


def _listed(category: Mapping[str, Any]) -> Iterator[Path]:
    """Give the files that a table lists; what is wrong with the table is said by its source."""
    table = Path(category["path"]).expanduser()
    column = category["columns"]["image"]
    root = Path(category["root"]).expanduser() if category["root"] else table.parent
    if not table.is_file():
        return
    cells = _of_parquet(table, column) if table.suffix.lower() == ".parquet" else _of_text(table, column)
    yield from (root / Path(cell).expanduser() for cell in dict.fromkeys(cells) if cell and "://" not in cell)


def _of_text(table: Path, column: str) -> list[str]:
    text = table.read_text(encoding="utf-8-sig", errors="replace")
    for separator in ",;\t":
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
        if column in (rows.fieldnames or ()):
            return [row[column] or "" for row in rows]
    return []


def _of_parquet(table: Path, column: str) -> list[str]:
    # an environment that only runs Snakemake may lack it: then the table itself is all that is looked at
    if find_spec("pyarrow") is None:
        return []
    from pyarrow import ArrowException, parquet

    try:
        return [str(cell) for cell in parquet.read_table(table, columns=[column])[column].to_pylist()]
    except (ArrowException, KeyError):
        return []
