"""What each source of stimuli can give, and the keys of a category that are for it.

Source           size, labels, keys and defaults of a source
SOURCES          all of them
dealt            whether the splits of the study decide on what is drawn
complete         fill in the defaults that depend on the source
find             keys that a source has not, and keys that it cannot do without
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deeplocalizer.configuration.spelling import join, value_text
from deeplocalizer.configuration.words import Problem

COMMON = ("source", "label", "count", "resave")
DEALT = frozenset(["celeba", "hub", "table"])  # a source of these may have splits of its own


@dataclass(frozen=True)
class Source:
    """What a source can give.

    Parameters
    ----------
    size : int or None
        Number of its stimuli; None if it is not known before, or there is no end to them.
    labels : tuple of str or None
        Its own labels; None if they are not known before.
    endless : bool
        Whether there is no end to its stimuli.
    defaults : mapping
        Its keys that need not be given.
    required : tuple of str
        Its keys that must be given.
    """

    size: int | None = None
    labels: tuple[str, ...] | None = ()
    endless: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that a category of this source may have."""
        return (*COMMON, *self.required, *self.defaults)

    @property
    def single(self) -> bool:
        """Whether it always gives the same images, so that two categories of it would be one."""
        return not self.defaults and not self.required


_COLUMNS = {"label": "", "group": "", "id": "", "licence": "", "attributes": []}

SOURCES = {
    "lfw_faces": Source(100),
    "lfw_backgrounds": Source(100),
    "photograph_patches": Source(endless=True),
    "digits": Source(1797, tuple("0123456789")),
    "celeba": Source(
        defaults={
            "repository": "tpremoli/CelebA-attrs",
            "revision": "ed9021d",
            "subset": {"train": "train", "localize": "train", "select": "validation", "test": "test"},
            "exclude": [],
            "require": [],
        }
    ),
    "coco": Source(
        defaults={
            "repository": "phiyodr/coco2017",
            "revision": "036f3f8291db64d17faad9b09e59dd30bb65c4d7",
            "annotations": "http://images.cocodataset.org/annotations/annotations_trainval2017.zip",
            "subset": ["validation", "train"],
            "exclude": ["person"],
            "require": [],
        }
    ),
    "folder": Source(required=("path",), defaults={"group_by": "none", "unreadable": "refuse"}),
    "table": Source(
        labels=None,
        required=("path",),
        defaults={
            "columns": {"image": "path", "split": "", **_COLUMNS},
            "where": {},
            "root": "",
            "unreadable": "refuse",
        },
    ),
    "hub": Source(
        labels=None,
        required=("repository",),
        defaults={
            "revision": "main",
            "configuration": "",
            "subset": "train",
            "columns": {"image": "image", **_COLUMNS},
            "where": {},
        },
    ),
}


def dealt(category: Mapping[str, Any]) -> bool:
    """Say whether what is drawn of a category depends on the splits of the study."""
    return category["source"] in DEALT


def complete(categories: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Fill in the defaults of each category that depend on its source.

    Parameters
    ----------
    categories : mapping
        ``stimuli.categories`` of a configuration without mistakes.
    """
    return {name: _completed(category) for name, category in categories.items()}


def find(categories: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """Find keys that a category's source has not, and keys that it cannot do without.

    Parameters
    ----------
    categories : mapping
        With None in place of every value that the schema does not allow.
    """
    for name, category in categories.items():
        source, path = SOURCES.get(category.get("source") or ""), ("stimuli", "categories", name)
        if source is None:
            continue
        kind = category["source"]
        for key in category:
            if key not in source.keys:
                owners = [other for other, known in SOURCES.items() if key in known.keys]
                hint = f"It is a key of {' and '.join(owners)}."
                yield Problem((*path, key), f"{kind} has no such key", f"the keys {join(source.keys)}", hint)
        for key in source.required:
            if key not in category:
                yield Problem((*path, key), "this key is missing", f"what {kind} needs to know: its {key}")
        yield from _misfits(path, kind, category)


def _misfits(path: tuple[str, ...], kind: str, category: Mapping[str, Any]) -> Iterator[Problem]:
    """Refuse values that the schema allows for another source."""
    subset = category.get("subset")
    if subset is not None and isinstance(subset, list) != (kind == "coco"):
        allowed = "a list of the data set's splits" if kind == "coco" else "a split, or a mapping of the study's splits"
        yield Problem((*path, "subset"), f"got {value_text(subset)}", allowed)
    if kind == "table" and isinstance(category.get("path"), list):
        yield Problem((*path, "path"), f"got {value_text(category['path'])}", "one file")
    if kind == "hub" and (category.get("columns") or {}).get("split"):
        given = f"got {value_text(category['columns']['split'])}"
        hint = "A data set's own splits are named by subset."
        yield Problem((*path, "columns", "split"), given, "nothing, for a data set on the hub", hint)


def _completed(category: Mapping[str, Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = copy.deepcopy(dict(SOURCES[category["source"]].defaults))
    given = dict(category)
    if "columns" in defaults:
        given["columns"] = {**defaults["columns"], **given.get("columns", {})}
    return {**defaults, **given}
