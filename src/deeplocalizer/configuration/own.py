"""The researcher's own files that a study is made of, so that a change of them is noticed.

of_category      the table that a category is read from
content          fingerprint of what files hold, wherever they lie
listing          fingerprint of the image files that a category is read from
weights          the file of a model's weights
states           fingerprint of files

Snakemake asks before any job starts and in every job, so this knows the standard library only, and looks at sizes and
times of images and large files, not at what they hold.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deeplocalizer.configuration.networks import WEIGHTS

SMALL = 1_000_000  # bytes; up to here Snakemake, too, looks at what files hold


def of_category(category: Mapping[str, Any]) -> list[str]:
    """Name the table that a category is read from; nothing for other sources."""
    return [os.path.expanduser(category["path"])] if category["source"] == "table" else []


def content(paths: Iterable[Path]) -> str:
    """Fingerprint what files hold, by their names, wherever they lie (hex SHA-256)."""
    sha = hashlib.sha256()
    for path in paths:
        sha.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return sha.hexdigest()


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
        return states(of_category(category)) + _fingerprint(_listed(category))
    return ""


def weights(model: Mapping[str, Any]) -> list[str]:
    """Name the file of a model's weights; nothing where they come from elsewhere."""
    return [] if model["weights"] in WEIGHTS else [os.path.expanduser(model["weights"])]


def states(paths: Iterable[str]) -> str:
    """Fingerprint files: one put in the place of another may be older than it, which Snakemake would not notice.

    Returns
    -------
    str
        Hex SHA-256 of their names and of what they hold; of files above a megabyte, of their sizes and times. Empty
        for no files.
    """
    listed = list(paths)
    return _fingerprint(listed, _held) if listed else ""


def _fingerprint(paths: Iterable[str], look: Callable[[str], object] | None = None) -> str:
    look, sha = look or _state, hashlib.sha256()
    for path in paths:
        sha.update(f"{path}\0{look(path)}\n".encode(errors="surrogateescape"))
    return sha.hexdigest()


def _held(path: str) -> object:
    """Give what a small file holds, as a digest; of another one, what `_state` gives."""
    state = _state(path)
    if not state or state[0] > SMALL or not os.path.isfile(path):
        return state
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _state(path: str) -> tuple[int, ...]:
    """Give size and time of a file; nothing where a link leads nowhere, or what stands in a table is no name of one."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return ()
    return (state.st_size, state.st_mtime_ns)


def _below(root: str) -> Iterator[str]:
    """Walk through a folder as its source does: links are followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(root, followlinks=True):
        state = os.stat(here)
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders.sort()
        # a path for each of many images would take longer than looking at them
        start = str(Path(here, "x"))[:-1]
        yield from (start + name for name in sorted(files))


def _listed(category: Mapping[str, Any]) -> Iterator[str]:
    """Give the files that a table lists; what is wrong with the table is said by its source."""
    table = Path(category["path"]).expanduser()
    column = category["columns"]["image"]
    root = Path(category["root"]).expanduser() if category["root"] else table.parent
    if not table.is_file():
        return
    cells = _of_parquet(table, column) if table.suffix.lower() == ".parquet" else _of_text(table, column)
    yield from (str(root / os.path.expanduser(cell)) for cell in dict.fromkeys(cells) if cell and "://" not in cell)


def _of_text(table: Path, column: str) -> list[str]:
    text = table.read_text(encoding="utf-8-sig", errors="replace")
    for separator in ",;\t":
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
        with contextlib.suppress(csv.Error):
            if column in (rows.fieldnames or ()):
                return [row[column] or "" for row in rows]
    return []


def _of_parquet(table: Path, column: str) -> list[str]:
    # an environment that only runs Snakemake may lack it: then the table itself is all that is looked at
    if find_spec("pyarrow") is None:
        return []
    from deeplocalizer.configuration import unfolding

    try:
        return [str(cell) for cell in unfolding.read(table, [column])[column].to_pylist()]
    except (ValueError, KeyError):
        return []
