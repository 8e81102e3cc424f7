"""Record into artefacts.

record_to        responses and moments into files, piece by piece; a killed job takes it up again
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from deeplocalizer import provenance, recorded, store, turns
from deeplocalizer.recording.journal import Journal, Pending
from deeplocalizer.recording.passes import Recording, run
from deeplocalizer.recording.sinks import Files

Stamp = Callable[[xr.Dataset, str], xr.Dataset]


def record_to(
    recording: Recording,
    activations: str | os.PathLike[str],
    moments: str | os.PathLike[str],
    stamp: Stamp,
    shard: tuple[int, int] | None = None,
    significant_bits: int | None = None,
) -> None:
    """Record into artefacts, in memory that does not grow with the stimuli.

    Parameters
    ----------
    recording : Recording
    activations, moments : path
        Destinations. What a killed job leaves beside them is taken up again. Another process that records the same is
        waited for.
    stamp : callable
        Stamps a dataset as ``activations``, ``moments`` or ``parts``.
    shard : (int, int), optional
        Which shard, from 0, of how many: ``moments`` then holds parts, that `gathering.gather` puts together. The whole
        by default.
    significant_bits : int, optional
        Reduced precision of the responses; see `store.Large`.

    Raises
    ------
    ValueError
        As `record`.
    """
    with turns.taking(moments):  # what is taken up again must not have another writer
        _record_to(recording, activations, moments, stamp, shard, significant_bits)


def _record_to(
    recording: Recording,
    activations: str | os.PathLike[str],
    moments: str | os.PathLike[str],
    stamp: Stamp,
    shard: tuple[int, int] | None,
    significant_bits: int | None,
) -> None:
    course, book = recording.course, recording.book
    blocks = range(course.blocks) if shard is None else course.shard(*shard)
    rows, rows_large = recorded.activations(course, recording.inputs, book.kept_table, blocks, significant_bits)
    if shard is None:
        (cells, cells_large), kind = recorded.moments(course, book.table), "moments"
        slots = {slot: slot[0] for slot in recorded.slots(course, blocks)}
    else:
        (cells, cells_large, slots), kind = recorded.parts(course, book.table, blocks), "parts"
    said: dict[str, object] = {} if shard is None else {"blocks": [blocks.start, blocks.stop, course.blocks]}
    if recording.ways:
        said |= {"faster": " ".join(recording.ways), "largest_deviation": recording.deviation}
    rows, cells = (stamp(one.assign_attrs(said), name) for one, name in ((rows, "activations"), (cells, kind)))
    made = [provenance.digest_content(one) for one in (cells, rows)]
    key = provenance.digest([*made, cells.attrs["software"], recording.device.type])
    journal = Journal(Path(moments).with_name(f".{Path(moments).name}.journal"), key)
    if not all(_unfinished(path) for path in ([activations, moments] if len(book.kept) else [moments])):
        journal.remove()  # it outlived the files that it tells of
    with (
        _responses(activations, rows, rows_large, key) as taking,
        store.stream(moments, cells, cells_large, key) as summing,
    ):
        sink = Files(taking, summing, course.block(blocks.start).start, slots)
        begun = journal.read() if summing.resumed and (taking is None or taking.resumed) else None
        if begun is None:
            journal.remove()
        start, pending = begun or (blocks.start, {})

        def remember(block: int, pending: Pending) -> None:
            sink.flush()
            journal.write(block, pending)

        run(recording, range(start, blocks.stop), sink, pending, remember, blocks.start)
    journal.remove()


def _unfinished(path: str | os.PathLike[str]) -> bool:
    """Say whether a killed job left its file there; see `store.stream`."""
    return Path(path).with_name(f".{Path(path).name}.partial").is_file()


@contextlib.contextmanager
def _responses(
    path: str | os.PathLike[str], template: xr.Dataset, large: Mapping[str, store.Large], key: str
) -> Iterator[store.Stream | None]:
    """Open the stream of the responses; where none are kept, save that there are none."""
    response = large["activation"]
    if 0 not in response.shape:
        with store.stream(path, template, large, key) as stream:
            yield stream
        return
    yield None
    empty = np.empty(response.shape, dtype=np.float32)
    store.save(template.assign(activation=(tuple(response.dims), empty, dict(response.attributes))), path)
