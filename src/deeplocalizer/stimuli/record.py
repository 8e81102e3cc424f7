"""What a source of stimuli is asked for, and what it gives.

Draw             what is asked of a source
Drawn            what it gives
Record           one stimulus
Refused          one candidate that was left out, and why
Attribute        what an attribute of stimuli belongs to
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Record:
    """A stimulus before it enters a study.

    Parameters
    ----------
    id : str
        Unique within the source and stable, whatever else is drawn.
    encoded : bytes
        The image file as it is (PNG, JPEG, …).
    source : str
        What it is, for the reader: library, file, place in it.
    label : str
        True label; empty if there is none.
    group : str
        What must not cross splits (an identity, a photograph); empty if the stimulus stands alone.
    split : str
        The split of the study that the source puts it in; empty if it is to be dealt.
    licence : str
        Terms of use, where the source knows them.
    attributes : mapping of int
        By name: 1 present, 0 absent; an attribute that is not there is unknown.
    """

    id: str
    encoded: bytes
    source: str
    label: str = ""
    group: str = ""
    split: str = ""
    licence: str = ""
    attributes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """A candidate that was drawn and left out: its id (or file, or address) and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Attribute:
    """What an attribute belongs to: its vocabulary (``celeba``, ``coco``) and its parent there, empty at the top."""

    vocabulary: str
    parent: str = ""


@dataclass(frozen=True)
class Draw:
    """What is asked of a source.

    Parameters
    ----------
    category : str
        Name of the category, for messages.
    settings : mapping
        All keys of the category in the configuration, with their defaults.
    count : int or None
        How many records; None for all that the source has.
    seed : int
    shares : mapping of float
        Share of each split of the study, for sources that have splits of their own.
    downloads : path
        Folder of what was fetched from the network; shared by studies.
    """

    category: str
    settings: Mapping[str, Any]
    count: int | None
    seed: int
    shares: Mapping[str, float]
    downloads: Path


@dataclass(frozen=True)
class Drawn:
    """What a source gives.

    Parameters
    ----------
    records : tuple of Record
        In a seeded order that is stable: asking for more keeps what was there.
    refused : tuple of Refused
        Candidates that were left out, in the order in which they were met.
    vocabulary : mapping of Attribute
        By name of attribute; every attribute of a record is there.
    origin : mapping of str
        What pins the draw down: repository, resolved revision, address of an archive, …
    """

    records: tuple[Record, ...]
    refused: tuple[Refused, ...] = ()
    vocabulary: Mapping[str, Attribute] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
