"""Sources of stimuli, each a function that yields records.

load             the records of a source, by its name in the configuration

A source takes how many records are wanted (None: all that it has) and a seed, and yields them in a seeded order such
that asking for more keeps what was there. To add one, write a module with such a function and name it here.
"""

from __future__ import annotations

from importlib import import_module

from deeplocalizer.stimuli.record import Record

SOURCES = {
    "lfw_faces": "lfw:faces",
    "lfw_backgrounds": "lfw:backgrounds",
    "photograph_patches": "photographs:patches",
    "digits": "digits:digits",
}


def load(source: str, count: int | None, seed: int) -> list[Record]:
    """Load a source.

    Parameters
    ----------
    source : str
        A key of `SOURCES`.
    count : int or None
        How many records to draw; None for all.
    seed : int
        Seed of the draw.

    Raises
    ------
    ValueError
        If there is no such source or it has too few records.
    """
    if source not in SOURCES:
        raise ValueError(f"source {source!r} is unknown; allowed are {', '.join(SOURCES)}")
    module, function = SOURCES[source].split(":")
    records: list[Record] = list(getattr(import_module(f"{__name__}.{module}"), function)(count, seed))
    if count is not None and len(records) < count:
        raise ValueError(f"source {source!r} has {len(records)} stimuli; {count} were asked for")
    return records
