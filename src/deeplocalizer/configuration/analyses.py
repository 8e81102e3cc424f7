"""Contrasts, localizers, readouts, ablations and what is made of them, held against one another.

contrasts        categories that there are not, or that are on both sides
localizers       contrasts and tasks that there are not, and what says which units are selected
ablation         controls that cannot be made, and values that have nothing to be compared with
dissociations    pairs of localizers that cannot be told apart
replicates       models that there are not
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deeplocalizer.configuration.sections import Configuration, entries, reference, section
from deeplocalizer.configuration.spelling import Path, join, value_text
from deeplocalizer.configuration.words import Problem

RULES = ("fraction", "count", "q", "percentile")  # what can say which units a localizer selects


def contrasts(configuration: Configuration) -> Iterator[Problem]:
    """Find categories of a contrast that there are not, or that are on both sides."""
    categories = section(configuration, "stimuli", "categories")
    for name, contrast in entries(configuration, "contrasts").items():
        for side in ("preferred", "other"):
            for place, category in _places(contrast.get(side)):
                yield from reference(("contrasts", name, side, place), category, categories, "category")
        for place, category in _places(contrast.get("other")):
            if category is not None and category in (contrast.get("preferred") or ()):
                given = f"got {value_text(category)}, which is in contrasts.{name}.preferred too"
                yield Problem(("contrasts", name, "other", place), given, "categories that are on one side only")


def _places(side: Any) -> list[tuple[Any, Any]]:
    """Give each category of a side with its place: its position in a list, its key among weights."""
    return [(name, name) for name in side] if isinstance(side, Mapping) else list(enumerate(side or ()))


def localizers(configuration: Configuration) -> Iterator[Problem]:
    """Find localizers without a contrast or task that there is, and without one rule for what they select."""
    known, tasks = section(configuration, "contrasts"), section(configuration, "tasks")
    asked = None if tasks is None else [*tasks, *(section(configuration, "readouts") or {})]
    for name, localizer in entries(configuration, "localizers").items():
        path = ("localizers", name)
        yield from reference((*path, "contrast"), localizer.get("contrast"), known, "contrast")
        yield from reference((*path, "task"), localizer.get("task"), asked, "task")
        given = [rule for rule in RULES if rule in localizer]
        if localizer and not given:
            hint = (
                "What it is: share of the eligible units that the mask holds; or give count, their number, q, a false "
                "discovery rate, or percentile, a range."
            )
            yield Problem((*path, "fraction"), "this key is missing", "a number, more than 0, less than 1", hint)
        for second in given[1:]:
            yield Problem((*path, second), f"stands beside {given[0]}", f"one of {join(RULES)}")
        low, high = localizer.get("percentile") or (0, 1)
        if None not in (low, high) and low >= high:
            allowed = "two numbers from 0 to 100, the second more than the first"
            yield Problem((*path, "percentile"), f"got {value_text([low, high])}", allowed)


def ablation(configuration: Configuration) -> Iterator[Problem]:
    """Find control masks that cannot be made, and values that have nothing to be compared with."""
    settings = section(configuration, "ablation") or {}
    models = entries(configuration, "models")
    for index, kind in enumerate(settings.get("compare") or ()):
        path = ("ablation", "compare", index)
        principal = {"layer": "random", "response": "random_response"}.get(settings.get("matching") or "")
        if kind is not None and kind == principal:
            given = f"got {value_text(kind)}, which are the random masks of ablation.matching {settings['matching']}"
            yield Problem(path, given, "kinds of control masks beside those")
        absolute = [
            name
            for name, localizer in entries(configuration, "localizers").items()
            if localizer.get("sign") == "absolute"
        ]
        if kind == "opposite" and absolute:
            given = f"got opposite, and localizers.{absolute[0]}.sign is absolute, which has no opposite"
            yield Problem(path, given, "other kinds, or localizers with a sign")
        if kind == "untrained" and not any("untrained" in model for model in models.values()):
            hint = "models.<name>.untrained names the twin of a model."
            given = "got untrained, and no model has an untrained twin"
            yield Problem(path, given, "other kinds, or a model with the key untrained", hint)
    yield from _values(settings)
    values = [settings.get("value"), settings.get("background")]
    used = [*(values if values[0] == "keep" or settings.get("keep") else values[:1]), *(settings.get("values") or ())]
    reductions = (section(configuration, "recording") or {}).get("reductions") or [None]
    if "mean" in used and settings.get("mean") == "scalar" and not {None, "mean", "position"} & set(reductions):
        given = f"got scalar, and recording.reductions is {value_text(reductions)}"
        yield Problem(("ablation", "mean"), given, "map, or the reduction mean among those recorded")
    for name, model in models.items():
        twin = model.get("untrained")
        yield from reference(("models", name, "untrained"), twin, models, "model")
        if twin is not None and twin == name:
            yield Problem(("models", name, "untrained"), f"got {value_text(twin)}, the model itself", "another model")


def _values(settings: Mapping[str, Any]) -> Iterator[Problem]:
    """Find further values of a study whose main one could not be told from them."""
    value = settings.get("value")
    for index, other in enumerate(settings.get("values") or ()):
        path = ("ablation", "values", index)
        if other is not None and value == "keep":
            given = f"got {value_text(other)}, and ablation.value is keep, which replaces everything but the mask"
            hint = "With keep, ablation.background says what replaces all other units."
            yield Problem(path, given, "no further values, or another ablation.value", hint)


def replicates(configuration: Configuration) -> Iterator[Problem]:
    """Find replicates that are no models."""
    models = section(configuration, "models")
    for name, group in (section(configuration, "replicates") or {}).items():
        for index, model in enumerate(group or ()):
            yield from reference(("replicates", name, index), model, models, "model")


def dissociations(configuration: Configuration) -> Iterator[Problem]:
    """Find pairs of localizers that cannot be told apart."""
    known_localizers = section(configuration, "localizers")
    first: dict[frozenset[str], int] = {}
    for index, pair in enumerate(configuration.get("dissociations") or ()):
        path = ("dissociations", index)
        for position, name in enumerate(pair or ()):
            yield from reference((*path, position), name, known_localizers, "localizer")
        known = {name: known_localizers[name] for name in pair or () if known_localizers and known_localizers.get(name)}
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
