"""The table of stimuli: what each is, its split and fold, and its image file.

compose          put what the sources gave together as the stimuli of a study
gather           the same, asking the sources first
build            lay records out as a dataset
encoded          the image file of one stimulus
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import seeding
from deeplocalizer.provenance import digest, digest_bytes
from deeplocalizer.stimuli import drawn as drawn_room
from deeplocalizer.stimuli import layout, matching, sources
from deeplocalizer.stimuli.layout import encoded as encoded
from deeplocalizer.stimuli.record import Attribute, Record, Refused
from deeplocalizer.stimuli.splits import SPLITS, UNUSED, deal, with_unused


def compose(parts: Mapping[str, xr.Dataset], settings: Mapping[str, Any], seed: int) -> xr.Dataset:
    """Put what the sources gave together as the stimuli of a study.

    Parameters
    ----------
    parts : mapping of Dataset
        By category, as `drawn.table` makes them.
    settings : mapping
        ``stimuli`` of the configuration: ``categories``, ``splits``, ``folds`` and ``matching``.
    seed : int

    Returns
    -------
    Dataset
        As `build` makes it.

    Raises
    ------
    ValueError
        If one picture is in two categories, or two sources mean different things by one attribute.
    """
    records: dict[str, list[Record]] = {}
    refused: dict[str, list[Refused]] = {}
    vocabulary: dict[str, Attribute] = {}
    seen: dict[str, tuple[str, str]] = {}
    for name, part in parts.items():
        drawn, prints = drawn_room.read(part)
        records[name], twins = _without_twins(name, drawn.records, prints, seen)
        refused[name] = [*drawn.refused, *twins]
        for attribute, meaning in drawn.vocabulary.items():
            if vocabulary.setdefault(attribute, meaning) != meaning:
                raise ValueError(f"category {name!r}: attribute {attribute!r} is another category's attribute too")
    originals = {record.id: digest_bytes(record.encoded) for members in records.values() for record in members}
    shown = {name: _shown(members, settings["categories"][name]) for name, members in records.items()}
    shown = matching.match(shown, settings.get("matching", {}))
    built = build(shown, settings["splits"], settings["folds"], seed, vocabulary, refused)
    came = [originals[str(identity)] for identity in built["stimulus"].values]
    return built.assign_coords(original_digest=layout.text("stimulus", came, "SHA-256 of the image file as it came"))


def gather(settings: Mapping[str, Any], seed: int, downloads: Path = Path("resources")) -> xr.Dataset:
    """Ask the sources of a study for their records, and compose its stimuli of them.

    Parameters
    ----------
    settings : mapping
        As `compose` takes them.
    seed : int
    downloads : path
        Folder of what is fetched from the network.
    """
    parts = {
        name: drawn_room.table(sources.draw(name, category, seed, settings["splits"], downloads))
        for name, category in settings["categories"].items()
    }
    return compose(parts, settings, seed)


def build(
    categories: Mapping[str, Sequence[Record]],
    shares: Mapping[str, float],
    folds: int,
    seed: int,
    vocabulary: Mapping[str, Attribute] | None = None,
    refused: Mapping[str, Sequence[Refused]] | None = None,
) -> xr.Dataset:
    """Lay records out as a labelled table and deal them into splits and folds.

    Parameters
    ----------
    categories : mapping of sequences of Record
        The records of each category, in the order of their draw: what comes later never moves what came before.
    shares : mapping of float
        Share of each split; what is missing to one stays unused and is left out.
    folds : int
        Number of folds within each split.
    seed : int
    vocabulary : mapping of Attribute, optional
        Every attribute that a record has.
    refused : mapping of sequences of Refused, optional
        By category, the candidates that were left out.

    Returns
    -------
    Dataset
        On ``stimulus`` (its id): modality, category, label, split, fold, group, item, digest, source, licence and
        ``encoded_size``; on ``byte``: ``encoded``, the image files end to end (CF contiguous ragged array);
        ``has_attribute(stimulus, attribute)``, int8 (1, 0, -1 unknown); on ``refused``: what was left out.

    Raises
    ------
    ValueError
        If an id occurs twice, a category has nothing in a split, or a source puts one group in two splits.
    """
    members = [(name, record) for name, group in categories.items() for record in group]
    _refuse_twins([record.id for _, record in members])
    split = _splits(members, shares, seed)
    used = [index for index, name in enumerate(split) if name != UNUSED]
    members, split = [members[index] for index in used], [split[index] for index in used]
    fold = _folds(members, split, folds, seed)
    _refuse_empty([name for name, _ in members], split, shares)
    # the order of a table must not depend on the order of sources
    order = sorted(range(len(members)), key=lambda index: members[index][1].id)
    category = [members[index][0] for index in order]
    ordered = [members[index][1] for index in order]
    dataset = layout.variables(ordered, vocabulary or {}).assign_coords(
        {
            **layout.coordinates(ordered),
            "modality": layout.text("stimulus", ["image"] * len(ordered), "kind of input"),
            "category": layout.text("stimulus", category, "kind of stimulus"),
            "split": layout.text("stimulus", [split[index] for index in order], "what the stimulus is used for"),
            "fold": ("stimulus", np.array(fold, dtype=np.int8)[order], {"long_name": "seeded fold within the split"}),
            "group": layout.text("stimulus", [_group(record) for record in ordered], "stimuli of one group never part"),
            "item": layout.text("stimulus", [""] * len(ordered), "matched pair; empty where there is none"),
            "digest": layout.text("stimulus", [digest_bytes(r.encoded) for r in ordered], "SHA-256 of the image file"),
            **layout.left_out(refused or {}),
        }
    )
    columns = [dataset[name].values.tolist() for name in ("stimulus", "digest", "category", "label", "split", "fold")]
    return dataset.assign_attrs(stimuli_digest=digest(columns))


def _without_twins(
    category: str, records: Sequence[Record], prints: Sequence[str], seen: dict[str, tuple[str, str]]
) -> tuple[list[Record], list[Refused]]:
    """Keep the first of several records with the same picture; refuse a picture of two categories."""
    kept, twins = [], []
    for record, fingerprint in zip(records, prints, strict=True):
        where, first = seen.setdefault(fingerprint, (category, record.id))
        if where != category:
            raise ValueError(
                f"stimulus {record.id!r} of category {category!r} is the same picture as {first!r} of category "
                f"{where!r}; a picture can be in one category only"
            )
        if first == record.id:
            kept.append(record)
        else:
            twins.append(Refused(record.id, f"the same picture as {first}"))
    return kept, twins


def _shown(records: Sequence[Record], settings: Mapping[str, Any]) -> list[Record]:
    """Give records the label of their category, and the JPEG history that it asks for."""
    label, quality = settings.get("label"), settings.get("resave")
    shown = list(records) if label is None else [replace(record, label=label) for record in records]
    return shown if quality is None else [matching.resave(record, quality) for record in shown]


def _splits(members: Sequence[tuple[str, Record]], shares: Mapping[str, float], seed: int) -> list[str]:
    """Deal the records of each category in turn; a group that an earlier one has placed stays there."""
    home: dict[str, str] = {}
    for category, record in members:
        if record.split and home.setdefault(_group(record), record.split) != record.split:
            raise ValueError(
                f"category {category!r}: group {_group(record)!r} is in the splits {home[_group(record)]!r} and "
                f"{record.split!r}; a group must never cross splits"
            )
    split = [""] * len(members)
    for category in dict.fromkeys(name for name, _ in members):
        mine = [index for index, (name, _) in enumerate(members) if name == category]
        strata, groups = ([of(members[index][1]) for index in mine] for of in (_stratum, _group))
        dealt = deal(strata, groups, with_unused(shares), _rng(seed, "splits", category), home)
        for index, name in zip(mine, dealt, strict=True):
            split[index] = str(name)
    return split


def _folds(members: Sequence[tuple[str, Record]], split: Sequence[str], folds: int, seed: int) -> list[int]:
    fold = [0] * len(members)
    shares = {str(index): 1.0 for index in range(folds)}
    home: dict[str, str] = {}  # a group lies in one split, so it has one fold
    for name in dict.fromkeys(split):
        for category in dict.fromkeys(category for category, _ in members):
            mine = [i for i, (own, _) in enumerate(members) if own == category and split[i] == name]
            strata, groups = ([of(members[index][1]) for index in mine] for of in (_stratum, _group))
            dealt = deal(strata, groups, shares, _rng(seed, f"folds of {name}", category), home)
            for index, number in zip(mine, dealt, strict=True):
                fold[index] = int(number)
    return fold


def _group(record: Record) -> str:
    return record.group or record.id


def _stratum(record: Record) -> str:
    return record.label


def _rng(seed: int, purpose: str, category: str) -> np.random.Generator:
    return seeding.generator(seed, "stimuli", purpose, category)


def _refuse_twins(ids: Sequence[str]) -> None:
    unique, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"stimulus {str(unique[counts > 1][0])!r} occurs {counts.max()} times; is a source used twice?"
        )


def _refuse_empty(category: Sequence[str], split: Sequence[str], shares: Mapping[str, float]) -> None:
    met = set(zip(category, split, strict=True))
    for name in dict.fromkeys(category):
        for wanted in SPLITS:
            if shares.get(wanted, 0) > 0 and (name, wanted) not in met:
                raise ValueError(
                    f"category {name!r} has no stimulus for the split {wanted!r}: "
                    f"it has too few groups ({category.count(name)} stimuli in all)"
                )
