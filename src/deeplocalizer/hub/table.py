"""All rows of some columns.

table            some columns of a split as a data frame
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from deeplocalizer.downloads import disk
from deeplocalizer.hub.errors import HubError
from deeplocalizer.hub.files import keep, recall
from deeplocalizer.hub.layout import STREAM_TRIES, Layout, describe, stream
from deeplocalizer.hub.remote import RemoteFile, address, patiently, require_network
from deeplocalizer.provenance import digest

SUFFIX = ".parquet"


def table(
    repository: str, revision: str, subset: str, columns: Sequence[str], downloads: Path, configuration: str = ""
) -> pd.DataFrame:
    """Read all rows of some columns of a split; nothing else is fetched.

    Parameters
    ----------
    repository : str
    revision : str
        A full sha, as `resolve` gives it.
    subset : str
        The split of the data set.
    columns : sequence of str
    downloads : path
        The table is kept there, and a later call needs no network.
    configuration : str
        Of the data set, if it has several.

    Returns
    -------
    DataFrame
        In the order of the data set, columns as asked for.

    Raises
    ------
    HubError
        If something is missing, damaged or cannot be reached.
    """
    layout = describe(repository, revision, subset, downloads, configuration)
    layout.require(columns)
    name = f"table-{digest(list(columns))[:12]}"
    content = recall(layout.folder, name, SUFFIX)
    if content is None:
        require_network(f"{layout.name}: columns {', '.join(columns)}")
        buffer = io.BytesIO()
        pq.write_table(_fetch(layout, list(columns)), buffer)
        content = buffer.getvalue()
        disk.require(layout.folder, len(content), f"columns of {layout.name}")
        keep(layout.folder, name, content, SUFFIX)
    frame: pd.DataFrame = pq.read_table(pa.BufferReader(content)).to_pandas()
    return frame


def _fetch(layout: Layout, columns: list[str]) -> pa.Table:
    if not layout.files:
        return patiently(lambda: _fetch_stream(layout, columns), layout.name, STREAM_TRIES)
    return pa.concat_tables([_fetch_file(layout, path, columns) for path in layout.files])


def _fetch_file(layout: Layout, path: str, columns: list[str]) -> pa.Table:
    what = f"{layout.name}, file {path}"
    try:
        opened = pq.ParquetFile(RemoteFile(address(layout.repository, layout.revision, path), what), pre_buffer=True)
        return opened.read(columns).select(columns).replace_schema_metadata(None)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise HubError(f"{what} is damaged or lacks a column: {error}") from error


def _fetch_stream(layout: Layout, columns: list[str]) -> pa.Table:
    return pa.Table.from_pylist(list(stream(layout).select_columns(columns))).select(columns)
