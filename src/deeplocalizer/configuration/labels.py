"""Labels and numbers that the sources of stimuli can give, held against what the configuration asks for.

find             labels that nothing gives or asks for, and counts that a source has not
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from deeplocalizer.configuration.sources import SOURCES
from deeplocalizer.configuration.spelling import Path, join, value_text
from deeplocalizer.configuration.words import Problem, suggestion


def find(
    categories: Mapping[str, Mapping[str, Any]],
    tasks: Mapping[str, list[str | None] | None],
    models: Mapping[str, Mapping[str, Any]],
) -> Iterator[Problem]:
    """Find labels that do not meet, and counts that a source has not.

    Parameters
    ----------
    categories, tasks, models : mapping
        Of the configuration, with None in place of every value that the schema does not allow.
    """
    asked = {label for labels in tasks.values() for label in labels or ()}
    given = {label for category in categories.values() for label in _labels(category)}
    yield from _counts(categories)
    # where a label itself was refused, it may be the one that is missed here
    if asked and None not in asked:
        yield from _of_categories(categories, asked)
        yield from _mirrored(models, asked)
    if None not in given and all(_known(category) for category in categories.values()):
        for task, labels in tasks.items():
            for index, label in enumerate(labels or ()):
                if label is not None and label not in given:
                    yield _unmet(("tasks", task, index), label, given, "category")


def _counts(categories: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    for name, category in categories.items():
        source, count = SOURCES.get(category.get("source") or ""), category.get("count")
        if source and source.size and count is not None and count > source.size:
            allowed = f"at most {source.size}, which is all that {category['source']} has"
            yield Problem(("stimuli", "categories", name, "count"), f"got {value_text(count)}", allowed)


def _of_categories(categories: Mapping[str, Mapping[str, Any]], asked: Collection[Any]) -> Iterator[Problem]:
    for name, category in categories.items():
        label = category.get("label")
        if label is not None and label not in asked:
            yield _unmet(("stimuli", "categories", name, "label"), label, asked, "task")


def _mirrored(models: Mapping[str, Mapping[str, Any]], asked: Collection[Any]) -> Iterator[Problem]:
    for name, model in models.items():
        for index, label in enumerate((model.get("training") or {}).get("mirror") or ()):
            if label is not None and label not in asked:
                yield _unmet(("models", name, "training", "mirror", index), label, asked, "task")


def _unmet(path: Path, label: str, known: Collection[Any], kind: str) -> Problem:
    allowed = f"a label that a {kind} has ({join(sorted(known))})"
    return Problem(path, f"got {value_text(label)}, which no {kind} has", allowed, suggestion(label, known))


def _labels(category: Mapping[str, Any]) -> tuple[Any, ...]:
    if "label" in category:
        return (category["label"],)
    source = SOURCES.get(category.get("source") or "")
    return (source.labels or ()) if source else ()


def _known(category: Mapping[str, Any]) -> bool:
    """Say whether the labels of a category are known before it is drawn."""
    source = SOURCES.get(category.get("source") or "")
    return source is not None and ("label" in category or source.labels is not None)
