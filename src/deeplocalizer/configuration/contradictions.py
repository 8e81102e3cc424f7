"""Values that are allowed one by one and do not fit together.

find             all such problems of a configuration

Each check takes the configuration with its defaults, in which None stands for whatever the schema has refused
already; it passes over those and yields the problems that are its own.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from typing import Any

from deeplocalizer.configuration import networks, sources
from deeplocalizer.configuration.labels import find as find_labels
from deeplocalizer.configuration.sources import SOURCES
from deeplocalizer.configuration.spelling import Path, flow, join, plain_key, value_text
from deeplocalizer.configuration.words import Problem, suggestion

Configuration = Mapping[str, Any]

NAMED = (("stimuli", "categories"), ("tasks",), ("models",), ("contrasts",), ("localizers",))


def find(configuration: Configuration) -> list[Problem]:
    """Find all values that do not fit together.

    Parameters
    ----------
    configuration : mapping
        With its defaults, and with None in place of every value that the schema does not allow.
    """
    checks = (
        _capitals,
        _sources,
        _splits,
        _labels,
        _sources_and_tasks,
        _models,
        _contrasts,
        _localizers,
        _sizes,
        _recording,
        _published,
        _controls,
        _resamples,
        _dissociations,
    )
    return [problem for check in checks for problem in check(configuration)]


def _capitals(configuration: Configuration) -> Iterator[Problem]:
    """Refuse names that one folder would stand for where a file system ignores capitals."""
    for path in NAMED:
        seen: dict[str, str] = {}
        for name in _section(configuration, *path) or ():
            twin = seen.setdefault(name.casefold(), name)
            if twin != name:
                given = f"this name differs from {twin} in capitals only"
                yield Problem((*path, name), given, "names that differ in more: they become names of folders")


def _sources(configuration: Configuration) -> Iterator[Problem]:
    first: dict[str, str] = {}
    categories = _entries(configuration, "stimuli", "categories")
    yield from sources.find(categories)
    for name, category in categories.items():
        path, source = ("stimuli", "categories", name), category.get("source")
        if source not in SOURCES:
            continue
        if SOURCES[source].endless and "count" not in category:
            hint = f"{source} has no end: say how many to draw."
            yield Problem((*path, "count"), "this key is missing", "an integer", hint)
        if SOURCES[source].single and first.setdefault(source, name) != name:
            given = f"got {value_text(source)}, which is the source of {first[source]} too"
            yield Problem((*path, "source"), given, "each source once, or the same stimuli would be in two categories")


def _splits(configuration: Configuration) -> Iterator[Problem]:
    shares = _section(configuration, "stimuli", "splits")
    if not shares or None in shares.values():
        return
    total = sum(shares.values())
    if total > 1 + 1e-9:
        given = " + ".join(f"{name} {flow(share)}" for name, share in shares.items())
        hint = "" if _trained(configuration) else "No model is trained, so train can be 0."
        path = ("stimuli", "splits")
        yield Problem(path, f"got {given} = {flow(round(total, 6))}", "shares that sum to at most 1", hint)


def _labels(configuration: Configuration) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for task, labels in (_section(configuration, "tasks") or {}).items():
        for index, label in enumerate(labels or ()):
            if label is not None and owner.setdefault(label, task) != task:
                given = f"got {value_text(label)}, which is a label of tasks.{owner[label]} too"
                yield Problem(("tasks", task, index), given, "labels that belong to one task")


def _sources_and_tasks(configuration: Configuration) -> Iterator[Problem]:
    categories, models = _entries(configuration, "stimuli", "categories"), _entries(configuration, "models")
    yield from find_labels(categories, _section(configuration, "tasks") or {}, models)


def _models(configuration: Configuration) -> Iterator[Problem]:
    yield from networks.find(_entries(configuration, "models"))
    share = (_section(configuration, "stimuli", "splits") or {}).get("train")
    for name in _trained(configuration):
        path = ("models", name, "weights")
        if share == 0:
            given = f"got {value_text('trained')}, with stimuli.splits.train at {value_text(share)}"
            yield Problem(path, given, "untrained, or stimuli.splits.train more than 0")
        if configuration.get("tasks") == {}:
            given = f"got {value_text('trained')}, without any tasks to train it on"
            yield Problem(path, given, "untrained, or tasks with at least one task")


def _contrasts(configuration: Configuration) -> Iterator[Problem]:
    categories = _section(configuration, "stimuli", "categories")
    for name, contrast in _entries(configuration, "contrasts").items():
        for side in ("preferred", "other"):
            for index, category in enumerate(contrast.get(side) or ()):
                yield from _reference(("contrasts", name, side, index), category, categories, "category")
        for index, category in enumerate(contrast.get("other") or ()):
            if category is not None and category in (contrast.get("preferred") or ()):
                given = f"got {value_text(category)}, which is in contrasts.{name}.preferred too"
                yield Problem(("contrasts", name, "other", index), given, "categories that are on one side only")


def _localizers(configuration: Configuration) -> Iterator[Problem]:
    for name, localizer in _entries(configuration, "localizers").items():
        path = ("localizers", name)
        contrasts, tasks = _section(configuration, "contrasts"), _section(configuration, "tasks")
        yield from _reference((*path, "contrast"), localizer.get("contrast"), contrasts, "contrast")
        yield from _reference((*path, "task"), localizer.get("task"), tasks, "task")


def _sizes(configuration: Configuration) -> Iterator[Problem]:
    """Refuse localizers that say neither what share of the units to select nor how many, or both."""
    for name, localizer in _entries(configuration, "localizers").items():
        path = ("localizers", name)
        if localizer and "fraction" not in localizer and "count" not in localizer:
            hint = "What it is: share of the eligible units that the mask holds; or give count, their number."
            yield Problem((*path, "fraction"), "this key is missing", "a number, more than 0, less than 1", hint)
        if "fraction" in localizer and "count" in localizer:
            yield Problem((*path, "count"), "stands beside fraction", "one of the two")


def _recording(configuration: Configuration) -> Iterator[Problem]:
    section = _section(configuration, "recording") or {}
    splits, reductions = section.get("splits"), section.get("reductions") or ()
    for index, kept in enumerate(section.get("responses") or ()):
        if kept is not None and None not in reductions and kept not in reductions:
            path = ("recording", "responses", index)
            yield Problem(
                path,
                f"got {value_text(kept)}, which is not recorded",
                f"one of recording.reductions: {join(reductions)}",
            )
    if splits and None not in splits and "localize" not in splits:
        allowed = "a list with localize, where units are found"
        yield Problem(("recording", "splits"), f"got {value_text(splits)}", allowed)


def _published(configuration: Configuration) -> Iterator[Problem]:
    localizers, tasks = _section(configuration, "localizers"), _section(configuration, "tasks")
    samples = tasks or _section(configuration, "stimuli", "categories")
    for index, entry in enumerate((_section(configuration, "report") or {}).get("published") or ()):
        path = ("report", "published", index)
        yield from _reference((*path, "localizer"), (entry or {}).get("localizer"), localizers, "localizer")
        yield from _reference((*path, "sample"), (entry or {}).get("sample"), samples, "task" if tasks else "category")


def _controls(configuration: Configuration) -> Iterator[Problem]:
    """Refuse so few controls that the smallest possible p misses the level of the family (Bonferroni)."""
    controls = (_section(configuration, "ablation") or {}).get("controls")
    alpha = (_section(configuration, "inference") or {}).get("alpha")
    family = len(_section(configuration, "localizers") or ())
    if controls is None or alpha is None:
        return
    # 1 / (controls + 1) <= alpha / family, in exact decimals: 3 / 0.05 is 60, not a little more
    least = math.ceil(family / Fraction(repr(alpha))) - 1
    if controls < least:
        smallest = f"1/{controls + 1} = {1 / (controls + 1):.2g}"
        given = f"got {value_text(controls)}, with which no p can be smaller than {smallest}"
        comparisons = "1 localizer" if family == 1 else f"{family} localizers"
        fewer = " or fewer localizers" if family > 1 else ""
        hint = f"A higher inference.alpha{fewer} would need fewer controls."
        allowed = f"at least {least}, to reach inference.alpha {flow(alpha)} over {comparisons}"
        yield Problem(("ablation", "controls"), given, allowed, hint)


def _resamples(configuration: Configuration) -> Iterator[Problem]:
    """Refuse so few resamples that no p can reach the level, or no quantile the ends of an interval."""
    settings = _section(configuration, "inference") or {}
    resamples, alpha, confidence = (settings.get(key) for key in ("resamples", "alpha", "confidence"))
    if resamples is None or alpha is None or confidence is None:
        return
    least = max(math.ceil(1 / Fraction(repr(alpha))), math.ceil(10 / (1 - Fraction(repr(confidence)))))
    if resamples < least:
        allowed = (
            f"at least {least}, to reach inference.alpha {flow(alpha)} and inference.confidence {flow(confidence)}"
        )
        yield Problem(("inference", "resamples"), f"got {value_text(resamples)}", allowed)


def _dissociations(configuration: Configuration) -> Iterator[Problem]:
    localizers = _section(configuration, "localizers")
    first: dict[frozenset[str], int] = {}
    for index, pair in enumerate(configuration.get("dissociations") or ()):
        path = ("dissociations", index)
        for position, name in enumerate(pair or ()):
            yield from _reference((*path, position), name, localizers, "localizer")
        known = {name: localizers[name] for name in pair or () if localizers and localizers.get(name)}
        if len(known) < 2:
            continue
        yield from _tasks_of_pair(path, known)
        twin = first.setdefault(frozenset(pair), index)
        if twin != index:
            given = f"got {value_text(pair)}, the pair of dissociations[{twin}] in another order"
            yield Problem(path, given, "each pair once")


def _tasks_of_pair(path: Path, pair: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    given, allowed = f"got {value_text(list(pair))}", "two localizers with different tasks"
    without = [f"localizers.{name}.task" for name, localizer in pair.items() if "task" not in localizer]
    if without:
        yield Problem(path, f"{given}, without {' and '.join(without)}", allowed)
    one, two = (localizer.get("task") for localizer in pair.values())
    if one is not None and one == two:
        yield Problem(path, f"{given}, both with the task {one}", allowed)


def _reference(path: Path, name: Any, names: Collection[str] | None, kind: str) -> Iterator[Problem]:
    """Refuse a name that nothing has; without a list of names, nothing is known."""
    if name is not None and names is not None and name not in names:
        there = f"a {kind} ({join(names)})" if names else f"a {kind}, of which there is none"
        yield Problem(path, f"got {value_text(name)}, which is no {kind}", there, suggestion(name, names))


def _trained(configuration: Configuration) -> list[str]:
    """Name the models that the workflow trains."""
    models = _entries(configuration, "models")
    own = {name: model for name, model in models.items() if model.get("architecture") in networks.OWN}
    return [name for name, model in own.items() if model.get("weights", "trained") == "trained"]


def _section(configuration: Configuration, *path: str) -> dict[str, Any] | None:
    """Find a mapping; None if it is missing or was refused."""
    section: Any = configuration
    for key in path:
        section = (section or {}).get(key)
    return None if section is None else {plain_key(key): value for key, value in section.items()}


def _entries(configuration: Configuration, *path: str) -> dict[str, dict[str, Any]]:
    """Find the entries of a mapping, with nothing in those that were refused."""
    return {name: entry or {} for name, entry in (_section(configuration, *path) or {}).items()}
