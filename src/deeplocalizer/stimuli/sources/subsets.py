"""A data set's own splits as the splits of a study.

compose          draw records from the splits of a data set
subsets          the splits of a data set that are drawn from
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from deeplocalizer import seeding
from deeplocalizer.stimuli.record import Draw, Record, Refused
from deeplocalizer.stimuli.splits import UNUSED, deal, slots

Opener = Callable[[str, int], Iterator[Record | Refused]]


def compose(draw: Draw, open_subset: Opener, length: Callable[[str], int | None]) -> tuple[list[Record], list[Refused]]:
    """Draw records from the splits of a data set.

    Parameters
    ----------
    draw : Draw
        ``subset`` of its settings is the name of a split of the data set: then what is drawn has no split of the study
        yet; or a mapping from each split of the study to one of the data set. Two splits of the study may share one:
        they get different rows.
    open_subset : callable
        Given a split of the data set and how many rows it should expect to give, yields its candidates in an order that
        does not depend on that number.
    length : callable
        How many rows a split of the data set has; None if that is not known before.

    Returns
    -------
    records : list of Record
        Asking for more keeps every record, and the split that it is in.
    refused : list of Refused

    Raises
    ------
    ValueError
        If a split of the study has no split of the data set, or a split of the data set has too few rows.
    """
    places = _places(draw)
    needed = Counter(subset for _, subset in places)
    _require_enough(draw, needed, length)
    if draw.count is None:
        return _all(draw, open_subset, length)
    streams = {subset: open_subset(subset, number) for subset, number in needed.items()}
    records: list[Record] = []
    refused: list[Refused] = []
    drawn: Counter[str] = Counter()
    for split, subset in places:
        record = _next(streams[subset], refused)
        if record is None:
            raise _shortage(draw, subset, drawn[subset], needed[subset], "that can be used")
        drawn[subset] += 1
        records.append(replace(record, split=split))
    return records, refused


def subsets(draw: Draw) -> list[str]:
    """List the splits of a data set that are drawn from."""
    return list(dict.fromkeys(_mapping(draw).values()))


def _mapping(draw: Draw) -> dict[str, str]:
    """Give the split of the data set for each split of the study; of the empty split if there is but one name."""
    subset: str | Mapping[str, str] = draw.settings["subset"]
    if isinstance(subset, str):
        return {"": subset}
    used = [split for split, share in draw.shares.items() if share > 0]
    for split in used:
        if split not in subset:
            raise ValueError(
                f"category {draw.category!r}: subset names no split of the data set for {split!r}, which the study "
                f"uses; it names {', '.join(subset)}"
            )
    return {split: subset[split] for split in used}


def _places(draw: Draw) -> list[tuple[str, str]]:
    """List the split of the study and of the data set for each record that is asked for."""
    mapping = _mapping(draw)
    if draw.count is None:
        return []
    if "" in mapping:
        return [("", mapping[""])] * draw.count
    dealt = slots(draw.count, draw.shares, seeding.generator(draw.seed, "subsets", draw.category))
    return [(split, mapping[split]) for split in dealt if split != UNUSED]


def _all(draw: Draw, open_subset: Opener, length: Callable[[str], int | None]) -> tuple[list[Record], list[Refused]]:
    """Draw all there is; splits of the study that share one of the data set part it as their shares say."""
    records: list[Record] = []
    refused: list[Refused] = []
    mapping = _mapping(draw)
    for subset in subsets(draw):
        found: list[Record] = []
        for candidate in open_subset(subset, length(subset) or 0):
            found.append(candidate) if isinstance(candidate, Record) else refused.append(candidate)
        shares = {split: draw.shares.get(split, 1.0) for split, name in mapping.items() if name == subset}
        rng = seeding.generator(draw.seed, "subsets", draw.category, subset)
        splits = deal([""] * len(found), [str(index) for index in range(len(found))], shares, rng)
        records += [replace(record, split=str(split)) for record, split in zip(found, splits, strict=True)]
    return records, refused


def _next(stream: Iterator[Record | Refused], refused: list[Refused]) -> Record | None:
    for candidate in stream:
        if isinstance(candidate, Record):
            return candidate
        refused.append(candidate)
    return None


def _require_enough(draw: Draw, needed: Mapping[str, int], length: Callable[[str], int | None]) -> None:
    for subset, number in needed.items():
        there = length(subset)
        if there is not None and there < number:
            raise _shortage(draw, subset, there, number, "in all")


def _shortage(draw: Draw, subset: str, there: int, needed: int, which: str) -> ValueError:
    return ValueError(
        f"category {draw.category!r}: split {subset!r} of {draw.settings['repository']} has {there} rows {which}; "
        f"{needed} are needed for the {draw.count} that were asked for"
    )
