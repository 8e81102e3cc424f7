"""What a study asks about: its tasks and readouts, or each category by itself.

Subject          some stimuli with their labels and outcomes
subjects         those of a study
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer.effects.meaning import PERFORMANCE
from deeplocalizer.outcomes import OUTCOMES

MEASURED = "test"  # the only split that effects are measured in: units and readouts were chosen in the others
READOUT = ("correct", "margin", "log_likelihood", "kept")  # the outcomes of a readout


@dataclass(frozen=True)
class Subject:
    """Some stimuli with their labels and outcomes.

    Parameters
    ----------
    name : str
        Of a task, a readout or a category.
    classes : tuple of str
        The labels among which a stimulus is decided; none of a category.
    label, category, group : ndarray of str (stimulus,)
    columns : mapping of ndarray (intervention, stimulus)
        By outcome; what is not known is left out.
    """

    name: str
    classes: tuple[str, ...]
    label: np.ndarray
    category: np.ndarray
    group: np.ndarray
    columns: Mapping[str, np.ndarray]


def subjects(outcomes: xr.Dataset, tasks: Mapping[str, Sequence[str]]) -> Iterator[Subject]:
    """List the subjects of a study, one after another, since each copies its stimuli's outcomes.

    Parameters
    ----------
    outcomes : Dataset
        As `ablation.ablate` makes it, with ``readout_*`` variables where the study has readouts.
    tasks : mapping of sequences of str
        The labels of each task; where there are none, each category is a subject.

    Raises
    ------
    ValueError
        If two subjects have one name, or a label of a task has no stimulus, naming them; if an outcome is unknown of
        some stimuli only; or if a stimulus is not of the test split, in which nothing was chosen (Kriegeskorte et al.
        2009, Nat Neurosci 12:535-540).
    """
    refuse_clashes(outcomes, tasks)
    _refuse_seen(outcomes)
    label, category = (outcomes[name].values.astype(str) for name in ("label", "category"))
    for task, names in tasks.items():
        members = np.isin(label, list(names))
        _refuse_absent(task, names, label[members])
        yield _subject(outcomes, task, tuple(names), members, label)
    for name in np.unique(category) if not tasks else ():
        yield _subject(outcomes, str(name), (), category == name, category)
    for name in readouts(outcomes):
        yield _readout(outcomes, name)


def _refuse_seen(outcomes: xr.Dataset) -> None:
    """Refuse stimuli in which units or readouts may have been chosen."""
    split = outcomes["split"].values.astype(str)
    if (split != MEASURED).any():
        first = int(np.argmax(split != MEASURED))
        raise ValueError(
            f"stimulus {str(outcomes['stimulus'].values[first])!r} is of the split {str(split[first])!r}; effects are "
            f"measured in the split {MEASURED!r} alone, because units are found and readouts fitted in the others"
        )


def readouts(outcomes: xr.Dataset) -> list[str]:
    """Name the readouts that outcomes are there of."""
    return outcomes["readout"].values.astype(str).tolist() if "readout_correct" in outcomes else []


def names(outcomes: xr.Dataset, tasks: Mapping[str, Sequence[str]]) -> list[str]:
    """Name the subjects of a study, in their order."""
    first = list(tasks) or np.unique(outcomes["category"].values.astype(str)).tolist()
    return [*first, *readouts(outcomes)]


def refuse_clashes(outcomes: xr.Dataset, tasks: Mapping[str, Sequence[str]]) -> None:
    """Refuse a readout that has the name of a task, or of a category where categories are looked at."""
    known = set(tasks) or set(outcomes["category"].values.astype(str))
    for name in readouts(outcomes):
        if name in known:
            what = "task" if tasks else "category, which is looked at by itself as the study has no tasks"
            raise ValueError(f"readout {name!r} has the name of a {what}; give it another one")


def _subject(
    outcomes: xr.Dataset, name: str, classes: tuple[str, ...], members: np.ndarray, label: np.ndarray
) -> Subject:
    here = np.flatnonzero(members)
    # by name, so that numbers do not depend on the order of the stimuli
    here = here[np.argsort(outcomes["stimulus"].values.astype(str)[here], kind="stable")]
    columns = {
        outcome: outcomes[outcome].transpose("intervention", "stimulus").values[:, here]
        for outcome in OUTCOMES
        if outcome in outcomes and (classes or outcome not in PERFORMANCE)
    }
    category, group = (outcomes[part].values.astype(str)[here] for part in ("category", "group"))
    return Subject(
        name, classes, label[here], category, group, _known(name, outcomes["stimulus"].values[here], columns)
    )


def _readout(outcomes: xr.Dataset, name: str) -> Subject:
    own = outcomes.sel(readout=name)
    label = own["readout_label"].values.astype(str)
    if not (label != "").any():
        raise ValueError(f"readout {name!r}: it is asked about no stimulus of the test split")
    known = own[[f"readout_{outcome}" for outcome in READOUT]].rename({f"readout_{o}": o for o in READOUT})
    table = known.assign_coords({part: outcomes[part] for part in ("category", "group")})
    return _subject(table, name, tuple(sorted(set(label) - {""})), label != "", label)


def _known(subject: str, stimuli: np.ndarray, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Leave out the outcomes that no stimulus has: -1 of whole numbers, else NaN; refuse those that some have not."""
    found = {}
    for name, column in columns.items():
        there = column >= 0 if column.dtype.kind in "iu" else np.isfinite(column)
        if there.all():
            found[name] = column
        elif there.any() or np.isinf(column).any():
            row, place = np.argwhere(~there)[0]
            raise ValueError(
                f"{subject!r}: {name} of stimulus {str(stimuli[place])!r} is {column[row, place]} in run {row}; either "
                "all stimuli of a task have an outcome in all runs, or none has it in any"
            )
    return found


def _refuse_absent(task: str, classes: Sequence[str], label: np.ndarray) -> None:
    if not len(label):
        raise ValueError(f"task {task!r}: no stimulus of the test split has one of its labels")
    absent = sorted(set(classes) - set(label))
    if absent:
        raise ValueError(f"task {task!r}: no stimulus of the test split has the label {absent[0]!r}")
