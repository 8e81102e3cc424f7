"""Readouts, held against what is recorded, and what is known of the stimuli.

find             categories, classes and responses that there are not, and names that tasks have
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deeplocalizer.configuration.sections import Configuration, entries, reference, section
from deeplocalizer.configuration.sources import SOURCES
from deeplocalizer.configuration.spelling import Path, join, value_text
from deeplocalizer.configuration.words import Problem

ATTRIBUTED = ("celeba", "coco")  # sources whose images have attributes


def find(configuration: Configuration) -> Iterator[Problem]:
    """Find readouts that cannot be fitted.

    Parameters
    ----------
    configuration : mapping
        With its defaults, and with None in place of every value that the schema does not allow.
    """
    categories, tasks = section(configuration, "stimuli", "categories"), section(configuration, "tasks")
    for name, readout in entries(configuration, "readouts").items():
        path = ("readouts", name)
        for index, category in enumerate(readout.get("categories") or ()):
            yield from reference((*path, "categories", index), category, categories, "category")
        for kind, names in (("task", tasks), ("category", categories)):
            if names and name in names:
                given = f"this name is that of a {kind}, too"
                yield Problem(path, given, "a name that no task and no category has, to tell their effects apart")
        yield from _responses(configuration, path, readout.get("reduction"))
        yield from _split(configuration, path)
        yield from _classes(configuration, path, readout)


def _responses(configuration: Configuration, path: Path, reduction: Any) -> Iterator[Problem]:
    recording = section(configuration, "recording") or {}
    recorded = recording.get("reductions") or [None]
    stored = recording.get("responses", [one for one in recorded if one != "position"]) or []
    if reduction is not None and None not in stored and reduction not in stored:
        given = f"got {value_text(reduction)}, of which no responses are stored"
        hint = "recording.reductions says what is recorded, recording.responses what of it is stored."
        yield Problem((*path, "reduction"), given, f"one of {join(stored)}" if stored else "a stored reduction", hint)


def _split(configuration: Configuration, path: Path) -> Iterator[Problem]:
    splits = (section(configuration, "recording") or {}).get("splits") or ()
    if splits and None not in splits and "select" not in splits:
        given = "needs the select split, which is not recorded"
        yield Problem(path, given, "recording.splits with select, on which readouts are fitted")
    if (section(configuration, "stimuli", "splits") or {}).get("select") == 0:
        given = "needs the select split, which is empty"
        yield Problem(path, given, "stimuli.splits.select more than 0, on which readouts are fitted")


def _classes(configuration: Configuration, path: Path, readout: Mapping[str, Any]) -> Iterator[Problem]:
    """Refuse classes of which there cannot be two."""
    all_of_them = entries(configuration, "stimuli", "categories")
    names = readout.get("categories") or list(all_of_them)
    chosen = [all_of_them[name] for name in names if name in all_of_them]
    classes, where = readout.get("classes"), (*path, "classes")
    known = len(chosen) == len(names) and all(category.get("source") in SOURCES for category in chosen)
    if classes is None or not known:
        return
    if classes == "category" and len(chosen) == 1:
        given = f"got category, and {names[0]} is the only one that is asked about"
        yield Problem(where, given, "label or attributes, or two categories or more")
    labels = [_labels(category) for category in chosen]
    if classes == "label" and None not in labels and len({label for some in labels for label in some or ()}) < 2:
        yield Problem(where, "got label, and the stimuli have not two labels or more", "category or attributes")
    if isinstance(classes, list) and not any(_attributed(category) for category in chosen):
        given = f"got {value_text(classes)}, and no source of {join(names)} has attributes"
        hint = "celeba and coco have, and so has what columns.attributes names of a table or of a hub data set."
        yield Problem(where, given, "category or label, or categories with attributes", hint)


def _labels(category: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Give the labels of a category; None where they are not known before it is drawn."""
    if "label" in category:
        return (category["label"],)
    if "label" in (category.get("columns") or {}):
        return None
    source = SOURCES[category["source"]]
    return source.labels


def _attributed(category: Mapping[str, Any]) -> bool:
    return category["source"] in ATTRIBUTED or bool((category.get("columns") or {}).get("attributes"))
