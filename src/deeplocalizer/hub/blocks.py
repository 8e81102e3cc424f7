"""Blocks of rows: what is fetched at one go, and kept.

Blocks           the blocks of some columns of a split
LARGEST          how many rows a block of a split has that is not Parquet

A block of a Parquet file is a row group: the least that can be read. Of other files it is a stretch of rows. Each is
kept in a Parquet file of its own, whose name carries its digest; a killed job loses the block at hand and no more.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from deeplocalizer.downloads import disk
from deeplocalizer.hub.errors import HubError, damaged
from deeplocalizer.hub.files import keep, names, recall
from deeplocalizer.hub.layout import STREAM_TRIES, Layout, stream
from deeplocalizer.hub.remote import RemoteFile, address, patiently, require_network
from deeplocalizer.provenance import digest

LARGEST = 500
SUFFIX = ".parquet"


class Blocks:
    """The blocks of some columns of a split, fetched when they are first read.

    Parameters
    ----------
    layout : Layout
    columns : sequence of str
        Only these are fetched.
    """

    def __init__(self, layout: Layout, columns: Sequence[str]) -> None:
        layout.require(columns)
        self.layout = layout
        self.columns = sorted(set(columns))
        self.folder = layout.folder / f"rows-{digest(self.columns)[:12]}"
        self._footers: dict[int, Any] = {}
        self._files: dict[int, RemoteFile] = {}
        self._stream: Any = None

    def groups(self, shard: int) -> int:
        """Say how many groups a shard has: row groups of a Parquet file; one otherwise."""
        return int(self._footer(shard).num_row_groups) if self.layout.files else 1

    def rows(self, shard: int) -> int:
        """Say how many rows a Parquet file has."""
        return int(self._footer(shard).num_rows)

    def cost(self, shard: int) -> float:
        """Say how many bytes a row of a Parquet file costs."""
        footer = self._footer(shard)
        return sum(map(self._group_bytes(shard), range(footer.num_row_groups))) / max(1, int(footer.num_rows))

    def read(self, shard: int, group: int) -> Iterator[tuple[int, pa.Table]]:
        """Yield the blocks of a group: where in the shard each begins, and its rows."""
        if self.layout.files:
            footer = self._footer(shard)
            start = sum(int(footer.row_group(index).num_rows) for index in range(group))
            yield start, self._kept(f"{shard:05d}-{group:06d}") or self._fetch_group(shard, group)
            return
        start = 0
        while True:
            name = f"{shard:05d}-{start:09d}"
            table = self._kept(name)
            if table is None:
                table = self._fetch_stretch(shard, start, name)
            yield start, table
            start += len(table)
            if len(table) < LARGEST:
                return

    def may_hold(self, shard: int, group: int, wanted: Mapping[str, Collection[Any]]) -> bool:
        """Say whether a group may hold a row with these values, as far as the footer tells."""
        if not self.layout.files or not wanted:
            return True
        found = self._footer(shard).row_group(group)
        for index in range(found.num_columns):
            chunk = found.column(index)
            values, statistics = wanted.get(chunk.path_in_schema), chunk.statistics
            if values is None or statistics is None or not statistics.has_min_max or statistics.null_count:
                continue
            if all(_outside(value, statistics.min, statistics.max) for value in values):
                return False
        return True

    def kept_rows(self) -> int:
        """Count the rows that are kept."""
        return sum(map(_readable_rows, names(self.folder, "*", SUFFIX)))

    def _kept(self, name: str) -> pa.Table | None:
        content = recall(self.folder, name, SUFFIX)
        return None if content is None else pq.read_table(pa.BufferReader(content))

    def _keep(self, name: str, table: pa.Table) -> pa.Table:
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="none", row_group_size=max(1, len(table)))
        disk.require(self.folder, buffer.tell(), f"rows of {self.layout.name}")
        keep(self.folder, name, buffer.getvalue(), SUFFIX)
        return table

    def _what(self, shard: int) -> str:
        return f"{self.layout.name}, {'file ' if self.layout.files else ''}{self.layout.file_name(shard)}"

    def _file(self, shard: int) -> RemoteFile:
        if shard not in self._files:
            require_network(self._what(shard))
            path = self.layout.files[shard]
            self._files[shard] = RemoteFile(
                address(self.layout.repository, self.layout.revision, path), self._what(shard)
            )
        return self._files[shard]

    def _footer(self, shard: int) -> Any:
        if shard not in self._footers:
            self._footers[shard] = self._read_footer(shard)
            missing = set(self.columns) - set(self._footers[shard].schema.to_arrow_schema().names)
            if missing:
                raise HubError(f"{self._what(shard)} lacks column {', '.join(map(repr, sorted(missing)))}")
        return self._footers[shard]

    def _read_footer(self, shard: int) -> Any:
        """Read the footer of a file: of a hundred thousand rows it is megabytes, so it is kept."""
        name = f"footer-{shard:05d}"
        content = recall(self.layout.folder, name, SUFFIX)
        if content is None:
            try:
                footer = pq.ParquetFile(self._file(shard)).metadata
            except (pa.ArrowException, OSError) as error:
                raise damaged(f"{self._what(shard)} is no readable Parquet file", error) from error
            buffer = io.BytesIO()
            footer.write_metadata_file(buffer)
            content = buffer.getvalue()
            keep(self.layout.folder, name, content, SUFFIX)
        return pq.read_metadata(pa.BufferReader(content))

    def _group_bytes(self, shard: int) -> Any:
        footer = self._footer(shard)

        def size(group: int) -> int:
            chunks = [footer.row_group(group).column(index) for index in range(footer.num_columns)]
            return sum(int(c.total_compressed_size) for c in chunks if c.path_in_schema.split(".")[0] in self.columns)

        return size

    def _fetch_group(self, shard: int, group: int) -> pa.Table:
        # its columns may lie apart in the file: neighbours are read in one request, and what lies between is not
        try:
            opened = pq.ParquetFile(self._file(shard), metadata=self._footer(shard), pre_buffer=True)
            table = opened.read_row_group(group, columns=self.columns)
        except (pa.ArrowException, OSError) as error:
            raise damaged(f"{self._what(shard)}, row group {group} is damaged", error) from error
        return self._keep(f"{shard:05d}-{group:06d}", table.replace_schema_metadata(None))

    def _fetch_stretch(self, shard: int, start: int, name: str) -> pa.Table:
        require_network(self._what(shard))
        rows = patiently(lambda: self._stretch(shard, start), self._what(shard), STREAM_TRIES)
        return self._keep(name, pa.Table.from_pylist(rows) if rows else pa.table({}))

    def _stretch(self, shard: int, start: int) -> list[dict[str, Any]]:
        layout = self.layout
        if self._stream is None:
            self._stream = stream(layout).select_columns(self.columns)
        if min(self._stream.num_shards, layout.shards) != layout.shards:
            raise HubError(
                f"it now falls into {self._stream.num_shards} parts, not {layout.shards}; delete {layout.folder}"
            )
        part = self._stream.shard(layout.shards, shard, contiguous=False).skip(start).take(LARGEST)
        return list(part)


def _readable_rows(path: Path) -> int:
    """Count the rows of a kept block; a damaged one has none, and is fetched again when it is its turn."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return 0


def _outside(value: Any, low: Any, high: Any) -> bool:
    comparable = isinstance(value, type(low)) and isinstance(value, type(high))
    return comparable and bool(value < low or value > high)
