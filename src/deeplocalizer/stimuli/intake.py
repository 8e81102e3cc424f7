"""Intake: image files on disk become records, each read once.

Candidate        a file that may become a record, and what is known of it
take             read as many as are wanted, in their order
in_seeded_order  an order that further candidates do not change
refuse           the error that names files that are no readable images
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deeplocalizer import seeding
from deeplocalizer.stimuli.images import ImageError, fingerprint
from deeplocalizer.stimuli.record import Draw, Record, Refused

LARGEST_DRAW = 4 * 1024**3  # bytes; a category is held in memory
SHOWN = 10  # files that a message names


@dataclass(frozen=True)
class Candidate:
    """A file that may become a record.

    Parameters
    ----------
    id : str
        Of the record that it may become.
    place : str
        Where its owner finds it: a file, a line of a table.
    path : path or None
        None if it cannot be read for ``reason``.
    reason : str
        What is wrong with it, if that is known before it is read.
    source, label, group, split, licence, attributes
        As `Record` has them.
    """

    id: str
    place: str
    path: Path | None
    reason: str = ""
    source: str = ""
    label: str = ""
    group: str = ""
    split: str = ""
    licence: str = ""
    attributes: Mapping[str, int] = field(default_factory=dict)


def in_seeded_order(candidates: Iterable[Candidate], seed: int, source: str) -> list[Candidate]:
    """Shuffle candidates by a digest of each one's id, so that files that come later never reorder the others."""
    return sorted(candidates, key=lambda one: (seeding.integer(seed, source, one.id), one.id))


def take(
    draw: Draw, candidates: Sequence[Candidate], room: Mapping[str, int] | None
) -> tuple[list[Record], list[Refused]]:
    """Read as many candidates as are wanted.

    Parameters
    ----------
    draw : Draw
        Its setting ``unreadable`` says whether files that are no readable images are an error (``refuse``) or are left
        out (``skip``).
    candidates : sequence of Candidate
        The first are taken. A file is read only if there is room for it.
    room : mapping of int or None
        How many of each split are wanted; None for all.

    Returns
    -------
    records : list of Record
        Each picture once: of several files with the same pixels, the first.
    refused : list of Refused
        Files that were met and left out.

    Raises
    ------
    ValueError
        If files are no readable images and that is to be refused, naming them all; or if more than `LARGEST_DRAW` would
        have to be read.
    """
    _refuse_too_much(draw, candidates, room)
    left = None if room is None else Counter(room)
    first: dict[str, str] = {}
    records: list[Record] = []
    unreadable: list[Refused] = []
    refused: list[Refused] = []
    for one in candidates:
        if left is not None and left[one.split] <= 0:
            continue
        try:
            encoded = _read(one)
            earlier = first.setdefault(fingerprint(encoded, one.id), one.id)
        except ImageError as error:
            unreadable.append(Refused(one.place, error.reason))
            refused.append(Refused(one.id, error.reason))
            continue
        if earlier != one.id:
            refused.append(Refused(one.id, f"the same picture as {earlier}"))
            continue
        records.append(_record(one, encoded))
        if left is not None:
            left[one.split] -= 1
    if unreadable and draw.settings.get("unreadable", "refuse") == "refuse":
        raise refuse(draw.category, unreadable)
    return records, refused


def refuse(category: str, unreadable: Sequence[Refused]) -> ValueError:
    """Make the error that names files that are no readable images."""
    number = f"{len(unreadable)} files are" if len(unreadable) > 1 else "1 file is"
    shown = "; ".join(f"{one.id}: {one.reason}" for one in unreadable[:SHOWN])
    more = f"; and {len(unreadable) - SHOWN} more" if len(unreadable) > SHOWN else ""
    return ValueError(
        f"category {category!r}: {number} not readable as an image: {shown}{more}. "
        "Repair or remove what is named, or leave it out by `unreadable: skip`"
    )


def _refuse_too_much(draw: Draw, candidates: Iterable[Candidate], room: Mapping[str, int] | None) -> None:
    sizes = [one.path.stat().st_size for one in _first(candidates, room) if one.path is not None and one.path.is_file()]
    if sum(sizes) > LARGEST_DRAW:
        raise ValueError(
            f"category {draw.category!r}: {len(sizes):,} image files of {sum(sizes) / 1024**3:.1f} GiB would be read; "
            f"at most {LARGEST_DRAW // 1024**3} GiB fit; say by `count` how many to draw, or make the images smaller"
        )


def _first(candidates: Iterable[Candidate], room: Mapping[str, int] | None) -> Iterator[Candidate]:
    """Give the candidates that are read if nothing is wrong with any."""
    left = None if room is None else Counter(room)
    for one in candidates:
        if left is None or left[one.split] > 0:
            yield one
            if left is not None:
                left[one.split] -= 1


def _read(one: Candidate) -> bytes:
    if one.path is None:
        raise ImageError(one.id, one.reason)
    if one.path.exists() and not one.path.is_file():  # reading a pipe would wait for ever
        raise ImageError(one.id, "it is no regular file")
    try:
        return one.path.read_bytes()
    except OSError as error:
        raise ImageError(one.id, f"the file cannot be read ({error.strerror})") from error


def _record(one: Candidate, encoded: bytes) -> Record:
    return Record(one.id, encoded, one.source, one.label, one.group, one.split, one.licence, one.attributes)
