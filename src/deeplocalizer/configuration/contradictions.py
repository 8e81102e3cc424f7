"""Values that are allowed one by one and do not fit together.

find             all such problems of a configuration

Each check takes the configuration with its defaults, in which None stands for whatever the schema has refused
already; it passes over those and yields the problems that are its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalizer.configuration import analyses, naming, networks, power, readouts, sources
from deeplocalizer.configuration.labels import find as find_labels
from deeplocalizer.configuration.sections import Configuration, entries, reference, section
from deeplocalizer.configuration.sources import SOURCES
from deeplocalizer.configuration.spelling import flow, join, value_text
from deeplocalizer.configuration.words import Problem


def find(configuration: Configuration) -> list[Problem]:
    """Find all values that do not fit together.

    Parameters
    ----------
    configuration : mapping
        With its defaults, and with None in place of every value that the schema does not allow.
    """
    checks = (
        naming.find,
        _sources,
        _splits,
        _labels,
        _sources_and_tasks,
        _models,
        analyses.contrasts,
        analyses.localizers,
        readouts.find,
        _recording,
        _published,
        power.controls,
        power.resamples,
        analyses.ablation,
        analyses.dissociations,
        analyses.replicates,
    )
    return [problem for check in checks for problem in check(configuration)]


def _sources(configuration: Configuration) -> Iterator[Problem]:
    first: dict[str, str] = {}
    categories = entries(configuration, "stimuli", "categories")
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
    shares = section(configuration, "stimuli", "splits")
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
    for task, labels in (section(configuration, "tasks") or {}).items():
        for index, label in enumerate(labels or ()):
            if label is not None and owner.setdefault(label, task) != task:
                given = f"got {value_text(label)}, which is a label of tasks.{owner[label]} too"
                yield Problem(("tasks", task, index), given, "labels that belong to one task")


def _sources_and_tasks(configuration: Configuration) -> Iterator[Problem]:
    categories, models = entries(configuration, "stimuli", "categories"), entries(configuration, "models")
    yield from find_labels(categories, section(configuration, "tasks") or {}, models)


def _models(configuration: Configuration) -> Iterator[Problem]:
    yield from networks.find(entries(configuration, "models"))
    share = (section(configuration, "stimuli", "splits") or {}).get("train")
    for name in _trained(configuration):
        path = ("models", name, "weights")
        if share == 0:
            given = f"got {value_text('trained')}, with stimuli.splits.train at {value_text(share)}"
            yield Problem(path, given, "untrained, or stimuli.splits.train more than 0")
        if configuration.get("tasks") == {}:
            given = f"got {value_text('trained')}, without any tasks to train it on"
            yield Problem(path, given, "untrained, or tasks with at least one task")


def _recording(configuration: Configuration) -> Iterator[Problem]:
    recording = section(configuration, "recording") or {}
    splits, reductions = recording.get("splits"), recording.get("reductions") or ()
    for index, kept in enumerate(recording.get("responses") or ()):
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
    localizers, tasks = section(configuration, "localizers"), section(configuration, "tasks")
    readouts = section(configuration, "readouts") or {}
    samples = [*(tasks or section(configuration, "stimuli", "categories") or ()), *readouts]
    for index, entry in enumerate((section(configuration, "report") or {}).get("published") or ()):
        path = ("report", "published", index)
        yield from reference((*path, "localizer"), (entry or {}).get("localizer"), localizers, "localizer")
        yield from reference((*path, "sample"), (entry or {}).get("sample"), samples, "task" if tasks else "category")


def _trained(configuration: Configuration) -> list[str]:
    """Name the models that the workflow trains."""
    models = entries(configuration, "models")
    own = {name: model for name, model in models.items() if model.get("architecture") in networks.OWN}
    return [name for name, model in own.items() if model.get("weights", "trained") == "trained"]
