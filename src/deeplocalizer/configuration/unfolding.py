"""Parquet tables of others, read without unfolding more than a table of images holds.

read             columns of a Parquet file
MOST_ROWS        rows that are read
MOST_BYTES       bytes that the text of these columns comes to

A Parquet file of a kilobyte can say one long text of every one of a thousand million rows. Text is therefore read as
what it is in the file, a dictionary and references to it, and its size known before it is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow

MOST_ROWS = 10_000_000
MOST_BYTES = 2 * 1024**3


def read(path: Path, columns: Sequence[str], check: Callable[[tuple[str, ...]], None] | None = None) -> pyarrow.Table:
    """Read columns of a Parquet file.

    Parameters
    ----------
    path : path
    columns : sequence of str
    check : callable, optional
        Given the names of all columns before any is read; raises if it does not like them.

    Raises
    ------
    ValueError
        If it is no whole Parquet file, has more than `MOST_ROWS`, its text comes to more than `MOST_BYTES`, or a column
        holds something else than text, numbers, booleans, dates and times.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            if check is not None:
                check(tuple(file.schema_arrow.names))
            _refuse_large(file.metadata)
            wanted = [one for one in file.schema_arrow if one.name in columns]
            _refuse_kinds(wanted)
            texts = [one.name for one in wanted if _is_text(one.type)]
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            content = file.read(columns=list(columns))
            _refuse_long(content)
            return content.cast(_plain(content.schema))
    except (OSError, MemoryError, pyarrow.ArrowException) as error:
        raise ValueError(f"it is no whole Parquet file: {error}") from error


def _is_text(kind: pyarrow.DataType) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


def _refuse_kinds(fields: Sequence[pyarrow.Field]) -> None:
    """Refuse lists and bytes, of which nothing says how much they would unfold to."""
    import pyarrow
    from pyarrow import types

    for field in fields:
        kind = field.type
        while isinstance(kind, pyarrow.BaseExtensionType | pyarrow.DictionaryType):
            kind = kind.value_type if isinstance(kind, pyarrow.DictionaryType) else kind.storage_type
        bounded = (types.is_primitive, types.is_null, types.is_decimal, _is_text)  # booleans and times are primitive
        if not any(is_kind(kind) for is_kind in bounded):
            raise ValueError(f"column {field.name!r} holds {field.type}; expected text, numbers or booleans")


def _refuse_large(metadata: pyarrow.parquet.FileMetaData) -> None:
    if metadata.num_rows > MOST_ROWS:
        raise ValueError(f"it says that it has {metadata.num_rows:,} rows; at most {MOST_ROWS:,} are read")


def _refuse_long(content: pyarrow.Table) -> None:
    import pyarrow
    from pyarrow import compute

    for name in content.schema.names:
        size = 0
        for chunk in content[name].chunks:
            if pyarrow.types.is_dictionary(chunk.type):
                lengths = compute.binary_length(chunk.dictionary).cast(pyarrow.int64())
                size += compute.sum(lengths.take(chunk.indices)).as_py() or 0
        if size > MOST_BYTES:
            raise ValueError(
                f"the text of its column {name!r} comes to {size:,} bytes; at most {MOST_BYTES:,} are read"
            )


def _plain(schema: pyarrow.Schema) -> pyarrow.Schema:
    """Give the types without dictionaries."""
    import pyarrow

    fields = (
        field.with_type(field.type.value_type) if pyarrow.types.is_dictionary(field.type) else field for field in schema
    )
    return pyarrow.schema(list(fields))
