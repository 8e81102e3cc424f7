"""Measure the activation store: writing against raw disk and zlib, and reading blocks of stimuli and slabs of units.

    python -m tests.benchmarks.store [--stimuli 2048] [--units 131072] [--folder /tmp] [--rounds 2]

Activations are made up, a fifth of them zero as after a ReLU. Each figure is the median over rounds, in MB/s of
float32 values; what is compared alternates within a round. "cold" means that the kernel was asked to forget the file.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr

from deeplocalizer import provenance, store

BATCH = 32  # stimuli that come at a time
BLOCK, SLAB = 128, 256  # stimuli and units that are read at a time
READS = 8
CHUNKS = [(256, 1024), (128, 4096), (512, 512), (32, 16384)]  # beside the chosen one


def main(arguments: Sequence[str] | None = None) -> list[dict[str, object]]:
    """Measure, print a table and give its rows."""
    parser = argparse.ArgumentParser()
    for name, default in (("--stimuli", 2048), ("--units", 131072), ("--rounds", 2)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        rows = measure(Path(folder), asked.stimuli, asked.units, asked.rounds)
    print(table(rows))
    return rows


def measure(folder: Path, stimuli: int, units: int, rounds: int) -> list[dict[str, object]]:
    """Write and read every kind of file, in turn, several times."""
    activation = made(stimuli, units)
    kinds = writers(activation)
    found: dict[str, dict[str, list[float]]] = {name: {} for name in kinds}
    size = activation.nbytes / 1e6
    for _ in range(rounds):
        for name, write in kinds.items():
            path = folder / "activations.nc"
            note = found[name]
            with timed(note, "write", size), processor(note, "write_cpu_s"):
                write(path)
            if name != "np.save":
                for state in ("warm", "cold"):
                    with opened(path, state == "cold") as read:
                        with timed(note, f"stimuli_{state}", READS * min(BLOCK, stimuli) * units * 4 / 1e6):
                            read("stimulus", starts(stimuli, BLOCK), BLOCK)
                    with opened(path, state == "cold") as read:
                        with timed(note, f"units_{state}", READS * min(SLAB, units) * stimuli * 4 / 1e6):
                            read("unit", starts(units, SLAB), SLAB)
            note.setdefault("file_MB", []).append(path.stat().st_size / 1e6)
            path.unlink()
    return [
        {"store": name, "MB": round(size), **{key: round(statistics.median(v), 2) for key, v in note.items()}}
        for name, note in found.items()
    ]


def made(stimuli: int, units: int) -> np.ndarray:
    """Make activations up, a fifth of them zero."""
    values = np.random.default_rng(0).standard_normal((stimuli, units), dtype=np.float32)
    values += np.float32(0.85)
    return np.maximum(values, 0, out=values)


def writers(activation: np.ndarray) -> dict[str, Callable[[Path], None]]:
    """Name what is compared; all of it is on the disk when it returns."""
    known = xr.Dataset(coords={"stimulus": np.arange(len(activation)), "unit": np.arange(activation.shape[1])})
    template = provenance.stamp(known, "activations", "measured", {})

    def raw(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, activation)
            file.flush()
            os.fsync(file.fileno())

    def whole(path: Path, **encoding: object) -> None:
        dataset = template.assign(activation=(("stimulus", "unit"), activation))
        dataset.to_netcdf(path, engine="netcdf4", encoding={"activation": encoding})
        with path.open("rb") as file:
            os.fsync(file.fileno())

    def streamed(path: Path, chunks: tuple[int, int] | None, bits: int | None = None) -> None:
        dims = dict(zip(("stimulus", "unit"), activation.shape, strict=True))
        if chunks is not None:
            chunks = (min(chunks[0], dims["stimulus"]), min(chunks[1], dims["unit"]))
        large = {"activation": store.Large(dims, "float32", {}, chunks, bits)}
        with store.stream(path, template, large) as pieces:
            for start in range(0, len(activation), BATCH):
                pieces.write("activation", start, activation[start : start + BATCH])

    best = store.chunks(*activation.shape)
    return {
        "np.save": raw,
        "to_netcdf": whole,
        "to_netcdf zlib 1": lambda path: whole(path, zlib=True, complevel=1, shuffle=True),
        "stream contiguous": lambda path: streamed(path, None),
        **{f"stream {c}": lambda path, c=c: streamed(path, c) for c in dict.fromkeys([best, *CHUNKS])},
        "stream 10 bits": lambda path: streamed(path, best, 10),
    }


@contextmanager
def opened(path: Path, cold: bool) -> Iterator[Callable[[str, Iterable[int], int], None]]:
    """Open a file, as any user of xarray does; give a function that reads some parts along a dimension."""
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        if cold:
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

        def read(dimension: str, firsts: Iterable[int], length: int) -> None:
            for first in firsts:
                dataset["activation"].isel({dimension: slice(first, first + length)}).values  # noqa: B018

        yield read


def starts(size: int, length: int) -> list[int]:
    """Give places spread over a dimension, on no border of a chunk in particular."""
    return [int(first) for first in np.linspace(0, max(0, size - length), READS)]


@contextmanager
def timed(note: dict[str, list[float]], key: str, size: float) -> Iterator[None]:
    """Note the throughput of a block."""
    begin = time.perf_counter()
    yield
    note.setdefault(key, []).append(size / (time.perf_counter() - begin))


@contextmanager
def processor(note: dict[str, list[float]], key: str) -> Iterator[None]:
    """Note the processor time of a block, in seconds."""
    begin = time.process_time()
    yield
    note.setdefault(key, []).append(time.process_time() - begin)


def table(rows: Sequence[dict[str, object]]) -> str:
    """Lay rows out as text."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *([str(row.get(key, "")) for key in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


if __name__ == "__main__":
    main()
