"""Rows of a split in a seeded order, fetched as they are drawn.

Row              one row
rows             draw rows
length           how many rows a split has

The order is a function of the seed and of the split alone: row groups come in a seeded order, and rows are drawn from a
few of them at a time, so that a data set that is sorted by label gives more than its first label. At first two groups
are open, then one more for every four that were opened, up to sixteen: some rows more are fetched than are drawn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from deeplocalizer import seeding
from deeplocalizer.downloads import disk
from deeplocalizer.hub.blocks import Blocks
from deeplocalizer.hub.errors import DamagedError, HubError
from deeplocalizer.hub.layout import Layout, describe

WAVE = 16  # files of a split that are looked into at a time
FEWEST_OPEN, MOST_OPEN, OPENED_FOR_ONE_MORE = 2, 16, 4
LARGEST_OPEN = 256 * 2**20  # bytes of rows in memory, above the two groups that are always open


@dataclass(frozen=True)
class Row:
    """One row.

    Parameters
    ----------
    values : mapping
        By column; an image is a mapping of ``bytes`` and ``path``.
    file : str
        The file of the repository that it comes from.
    shard, index : int
        Number of that file in its split, and of the row in the file: together they name the row.
    """

    values: dict[str, Any]
    file: str
    shard: int
    index: int

    @property
    def key(self) -> str:
        """What names the row within its split, whatever else is drawn."""
        return f"{self.shard:05d}-{self.index:07d}"


@dataclass
class _Open:
    """A group that rows are drawn from."""

    shard: int
    blocks: Iterator[tuple[int, pa.Table]]
    start: int
    table: pa.Table
    left: list[int]


def rows(
    repository: str,
    revision: str,
    subset: str,
    seed: int,
    downloads: Path,
    columns: Sequence[str],
    configuration: str = "",
    expected: int = 0,
    where: Mapping[str, Collection[Any]] | None = None,
) -> Iterator[Row]:
    """Draw rows of a split in a seeded order.

    Parameters
    ----------
    repository : str
    revision : str
        A full sha, as `resolve` gives it.
    subset : str
        The split of the data set.
    seed : int
    downloads : path
        What was fetched is kept there: drawing on, or again, or with another seed, fetches what is missing and no more.
    columns : sequence of str
        What is needed of a row; nothing else is fetched.
    configuration : str
        Of the data set, if it has several.
    expected : int
        How many rows will be drawn; there must be room for them on the disk.
    where : mapping of collections, optional
        By column, the values that a row must have one of. Row groups that hold none, as far as the footer of their file
        tells, are not fetched: of a data set that is sorted by label, only the label's part is.

    Yields
    ------
    Row
        Each row of the split once. Asking for more keeps those that were there.

    Raises
    ------
    HubError
        If something is missing, damaged or cannot be reached; naming the data set, the split, the file and what helps.
    """
    layout = describe(repository, revision, subset, downloads, configuration)
    wanted = dict(where or {})
    blocks = Blocks(layout, [*columns, *wanted])
    rng = seeding.generator(seed, "hub", repository, configuration, subset)
    try:
        groups = (place for place in _groups(blocks, rng) if blocks.may_hold(*place, wanted))
        if expected and layout.files:
            _require_room(blocks, expected)
        mixed = _mix(groups, blocks, seeding.generator(seed, "hub rows", repository, configuration, subset))
        yield from (row for row in mixed if all(row.values[name] in values for name, values in wanted.items()))
    except DamagedError as error:
        raise DamagedError(f"{error}. {blocks.kept_rows()} rows are kept in {blocks.folder}") from error
    except HubError as error:
        raise HubError(
            f"{error}. {blocks.kept_rows()} rows are kept in {blocks.folder}; the same command goes on from there"
        ) from error


def length(repository: str, revision: str, subset: str, downloads: Path, configuration: str = "") -> int | None:
    """Say how many rows a split has; None if only reading it all would tell (it is not Parquet)."""
    layout = describe(repository, revision, subset, downloads, configuration)
    blocks = Blocks(layout, ())
    return sum(blocks.rows(shard) for shard in range(layout.shards)) if layout.files else None


def _require_room(blocks: Blocks, expected: int) -> None:
    # the footers tell what is left to fetch only once all are here, so what is kept already counts in full
    missing = max(0, expected - blocks.kept_rows())
    disk.require(blocks.folder, int(missing * blocks.cost(0)), f"{missing} rows of {blocks.layout.name}")


def _groups(blocks: Blocks, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield (shard, group) in a seeded order; files are looked into as they come."""
    order = rng.permutation(blocks.layout.shards)
    for start in range(0, len(order), WAVE):
        wave = [(int(s), group) for s in order[start : start + WAVE] for group in range(blocks.groups(int(s)))]
        yield from (wave[index] for index in rng.permutation(len(wave)))


def _mix(groups: Iterator[tuple[int, int]], blocks: Blocks, rng: np.random.Generator) -> Iterator[Row]:
    """Yield the rows of a few groups at a time, each row that lies open as likely as any other."""
    opened, count = list[_Open](), 0
    while True:
        while _may_open(opened, count) and (place := next(groups, None)) is not None:
            count += 1
            one = _Open(place[0], blocks.read(*place), 0, pa.table({}), [])
            if _turn(one, rng):
                opened.append(one)
        if not opened:
            return
        chosen = _choose([len(one.left) for one in opened], rng)
        one = opened[chosen]
        yield _row(one, one.left.pop(), blocks.layout)
        if not one.left and not _turn(one, rng):
            del opened[chosen]


def _may_open(opened: list[_Open], count: int) -> bool:
    if len(opened) < FEWEST_OPEN:
        return True
    most = min(MOST_OPEN, FEWEST_OPEN + count // OPENED_FOR_ONE_MORE)
    return len(opened) < most and sum(one.table.nbytes for one in opened) < LARGEST_OPEN


def _turn(one: _Open, rng: np.random.Generator) -> bool:
    """Go on to the next block of a group; say whether there is one."""
    for start, table in one.blocks:
        one.start, one.table = start, table
        one.left = [int(index) for index in rng.permutation(len(table))]
        if one.left:
            return True
    return False


def _choose(weights: list[int], rng: np.random.Generator) -> int:
    place = int(rng.integers(sum(weights)))
    for index, weight in enumerate(weights):
        place -= weight
        if place < 0:
            return index
    raise AssertionError("unreachable")


def _row(one: _Open, index: int, layout: Layout) -> Row:
    values = {name: one.table.column(name)[index].as_py() for name in one.table.column_names}
    return Row(values, layout.file_name(one.shard), one.shard, one.start + index)
