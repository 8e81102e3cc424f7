"""Names that the schema allows and that would be taken for something else.

find             names that stand for a missing number, for all categories, for the intact network, or for a folder
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalizer.configuration.sections import Configuration, section
from deeplocalizer.configuration.spelling import value_text
from deeplocalizer.configuration.words import Problem

NAMED = (
    ("stimuli", "categories"),
    ("tasks",),
    ("models",),
    ("contrasts",),
    ("localizers",),
    ("readouts",),
    ("replicates",),
)
# as programs that read tables write numbers that are missing or endless; capitals do not matter
MISSING = frozenset(["nan", "na", "nat", "none", "null", "inf", "infinity"])
# of labels, which may be a data set's own, only what is read as missing just so
MISREAD = frozenset(["nan", "NaN", "NAN", "NA", "N/A", "n/a", "<NA>", "NaT", "None", "null", "NULL"])
MISREAD |= {"inf", "Inf", "INF", "infinity", "Infinity"}
TAKEN = {
    ("models",): {
        folder: "a folder of the study beside those of its models"
        for folder in ("draw", "drawn", "figures", "replicates", "tables")
    },
    ("stimuli", "categories"): {"all": "what tables call all categories together"},
    ("localizers",): {"intact": "the run of the network without a mask"},
}


def find(configuration: Configuration) -> Iterator[Problem]:
    """Find names that a reader or a file system would take for something else.

    Parameters
    ----------
    configuration : mapping
        With None in place of every value that the schema does not allow.
    """
    for path in NAMED:
        taken = TAKEN.get(path, {})
        seen: dict[str, str] = {}
        for name in section(configuration, *path) or ():
            folded = name.casefold()
            twin = seen.setdefault(folded, name)
            if twin != name:
                given = f"this name differs from {twin} in capitals only"
                yield Problem((*path, name), given, "names that differ in more: they become names of folders")
            if folded in MISSING:
                given = f"{value_text(name)} could not be told from a missing number in tables"
                yield Problem((*path, name), given, "other names")
            if folded in taken:
                yield Problem((*path, name), f"{value_text(name)} is {taken[folded]}", "other names")
    yield from _labels(configuration)


def _labels(configuration: Configuration) -> Iterator[Problem]:
    """Find labels that could not be told from a missing number."""
    allowed = "another label"
    given = "{} could not be told from a missing number in tables"
    for name, category in (section(configuration, "stimuli", "categories") or {}).items():
        label = (category or {}).get("label")
        if label in MISREAD:
            path = ("stimuli", "categories", name, "label")
            yield Problem(path, f"got {given.format(value_text(label))}", allowed)
    for task, labels in (section(configuration, "tasks") or {}).items():
        for index, label in enumerate(labels or ()):
            if label in MISREAD:
                yield Problem(("tasks", task, index), f"got {given.format(value_text(label))}", allowed)
