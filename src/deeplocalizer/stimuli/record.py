"""One stimulus as its source gives it."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    id: str
    encoded: bytes
    source: str
    label: str = ""
    group: str = ""
