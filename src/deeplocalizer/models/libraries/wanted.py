"""What a configuration asks of a library.

Wanted           the wishes for one model
relabelled       the labels of a model's outputs
nearest          names near a misspelt one
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeplocalizer.models.plain_settings import KEYS
from deeplocalizer.models.specification import unique


@dataclass(frozen=True)
class Wanted:
    """The wishes for one model.

    Parameters
    ----------
    architecture : str
        As the configuration writes it, for messages.
    name : str
        The model's name in its library.
    revision : str
        Of its repository on the Hub; empty where there is none.
    weights : str
        ``pretrained``, ``none``, ``untrained``, ``trained`` or a file.
    preprocessing : mapping or None
        What is wanted otherwise than the library says.
    labels : tuple of str or None
        The labels that the researcher names, in the order of the outputs.
    task_labels : tuple of str
        The labels of the tasks of the study, for networks that are made for them.
    downloads : path
        The folder of what is fetched.
    """

    architecture: str
    name: str
    revision: str
    weights: str
    preprocessing: Mapping[str, Any] | None
    labels: tuple[str, ...] | None
    task_labels: tuple[str, ...]
    downloads: Path

    @property
    def pretrained(self) -> bool:
        """Whether the library's own weights are wanted."""
        return self.weights == "pretrained"

    @property
    def says_how(self) -> bool:
        """Whether all of the preprocessing is given, so that the library's is not asked for."""
        return set(KEYS) <= (self.preprocessing or {}).keys()


def relabelled(wanted: Wanted, labels: Sequence[str]) -> tuple[str, ...]:
    """Give the labels of a model's outputs: the library's, or the researcher's.

    Parameters
    ----------
    wanted : Wanted
    labels : sequence of str
        As the library names its outputs.

    Raises
    ------
    ValueError
        If the researcher names another number of labels than pretrained weights have outputs.
    """
    if wanted.labels is None:
        return unique(labels)
    if wanted.pretrained and len(wanted.labels) != len(labels):
        raise ValueError(
            f"{wanted.architecture}: labels names {len(wanted.labels)} outputs, but the pretrained weights have "
            f"{len(labels)}"
        )
    return wanted.labels


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which names are near a misspelt one."""
    found = difflib.get_close_matches(name, list(known), n=4, cutoff=0.5)
    return f"near it are {', '.join(found)}" if found else "none is near it"
