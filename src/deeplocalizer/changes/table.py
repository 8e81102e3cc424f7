"""Changes as labelled datasets.

value            what replaces the units of a localizer's mask
of_categories    what the masks do to each category
of_localizers    the random masks of each localizer, and what replaces units
of_changes       the stimuli that change their label
of_transitions   from which label to which other one
of_outputs       how many outputs the network has, whether they have names, and which one it chooses most
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from deeplocalizer.changes.listing import LISTED, Changed, Transitions, labels
from deeplocalizer.changes.shares import OUTCOMES, Share
from deeplocalizer.effects.runs import Runs
from deeplocalizer.effects.subjects import Subject

NUMBERS = {
    "estimate": "what the mask does, every stimulus weighing alike",
    "low": "lower end of its interval",
    "high": "upper end of its interval",
    "method": "what gave the interval",
    "control": "mean over the random masks",
    "control_low": "lower end of the middle of the random masks",
    "control_high": "upper end of the middle of the random masks",
    "p": "one-sided p, the rank among the random masks: of doing more; where the mask is kept, of doing less; not "
    "adjusted for the number of categories",
}
CHANGE = {
    "stimulus": "stimulus that changes its label",
    "category": "category of the stimulus",
    "label": "true label; empty where there is none",
    "before": "label chosen by the intact network",
    "after": "label chosen under the mask",
    "controls": "number of random masks under which the label changes, too",
    "same": "number of random masks under which it becomes the same label",
    "kl": "Kullback-Leibler divergence of the outputs, ablated from intact, in nats",
}
TRANSITION = {
    "before": "label chosen by the intact network",
    "after": "label chosen under the mask",
    "stimuli": "number of stimuli that change so",
    "control": "mean number of stimuli that change so under a random mask",
    "category": "category that most of these stimuli are of",
    "of_category": "number of these stimuli that are of that category",
}
_OWNER = {"long_name": "localizer whose mask it is"}
_UNNAMED = r"(?:label|class)?[_ ]?{}"  # what libraries call outputs without names


def value(outcomes: xr.Dataset, localizer: str) -> str:
    """Give what replaces the units of a localizer's mask; empty where outcomes do not say."""
    if "value" not in outcomes.coords:
        return ""
    return str(outcomes["value"].values[Runs.of(outcomes).target(localizer)])


def of_categories(
    numbers: Mapping[str, Sequence[tuple[Mapping[str, Share], tuple[float, float]]]], subjects: Sequence[Subject]
) -> xr.Dataset:
    """Lay out what masks do.

    Parameters
    ----------
    numbers : mapping of sequence
        For each localizer, for each subject: its numbers by outcome, and the shares decided right, intact and ablated.
    subjects : sequence of Subject
    """
    along = ("localizer_name", "category", "outcome")
    columns = {
        name: np.array(
            [
                [
                    [
                        getattr(found[one], name) if one in found else "" if name == "method" else np.nan
                        for one in OUTCOMES
                    ]
                    for found, _ in of_localizer
                ]
                for of_localizer in numbers.values()
            ],
            dtype=object if name == "method" else float,
        )
        for name in NUMBERS
    }
    right = np.array([[levels for _, levels in of_localizer] for of_localizer in numbers.values()])
    groups = [len(np.unique(subject.group)) for subject in subjects]
    return xr.Dataset(
        {
            **{name: (along, column, {"long_name": NUMBERS[name]}) for name, column in columns.items()},
            "intact": (along[:2], right[..., 0], {"long_name": "share that the intact network decides right"}),
            "ablated": (along[:2], right[..., 1], {"long_name": "share that is decided right under the mask"}),
            "n": ("category", np.array([len(s.label) for s in subjects], np.int32), {"long_name": "number of stimuli"}),
            "groups": ("category", np.array(groups, np.int32), {"long_name": "number of groups resampled as one"}),
        },
        coords={
            "localizer_name": list(numbers),
            "category": ("category", [s.name for s in subjects], {"long_name": "kind of stimulus; empty: all of them"}),
            "outcome": ("outcome", list(OUTCOMES), {"comment": "; ".join(f"{n}: {m}" for n, m in OUTCOMES.items())}),
        },
    )


def of_localizers(parts: Mapping[str, xr.Dataset], kind: str) -> xr.Dataset:
    """Lay out how many random masks each localizer has, and what replaces units."""
    number = np.array([len(Runs.of(one).controls(name, kind)) for name, one in parts.items()], dtype=np.int32)
    replaced = [value(one, name) for name, one in parts.items()]
    what = {"long_name": "what replaces the units: zero, mean, resample, or keep: all others are replaced"}
    return xr.Dataset(
        {
            "controls": ("localizer_name", number, {"long_name": "number of random masks"}),
            "replaced_by": ("localizer_name", np.array(replaced, dtype=str), what),
        },
        coords={"localizer_name": list(parts)},
    )


def of_changes(found: Mapping[str, Changed]) -> xr.Dataset:
    """Lay out the first `LISTED` stimuli that change their label, of each localizer, on ``change``."""
    return _rows("change", found, CHANGE, "changed", "number of stimuli that change their label")


def of_transitions(found: Mapping[str, Transitions]) -> xr.Dataset:
    """Lay out the first `LISTED` transitions, of each localizer, on ``transition``."""
    return _rows("transition", found, TRANSITION, "transitions", "number of different transitions")


def of_outputs(outcomes: xr.Dataset, tasks: Mapping[str, Sequence[str]]) -> xr.Dataset:
    """Tell how many outputs the network has, whether they have names (those of tasks do), and which it chooses most."""
    names = labels(outcomes)
    intact = outcomes["decided"].values[outcomes["role"].values.astype(str) == "intact"][0]
    times = np.bincount(intact, minlength=len(names))
    share = times.max() / len(intact)
    plain = all(re.fullmatch(_UNNAMED.format(place), name, re.IGNORECASE) for place, name in enumerate(names))
    return xr.Dataset(
        {
            "outputs": ((), np.int32(len(names)), {"long_name": "number of outputs of the network"}),
            "named": ((), np.int8(bool(tasks) or not plain), {"long_name": "outputs have names (1) or numbers (0)"}),
            "commonest": ((), str(names[times.argmax()]), {"long_name": "label that the intact network chooses most"}),
            "commonest_share": (
                (),
                float(share),
                {"long_name": "share of the test stimuli for which it does", "units": "1"},
            ),
        }
    )


def _rows(
    along: str,
    found: Mapping[str, Changed] | Mapping[str, Transitions],
    meanings: Mapping[str, str],
    total: str,
    meaning: str,
) -> xr.Dataset:
    # a list of no words would not be read as words
    owner = np.array([name for name, rows in found.items() for _ in range(min(len(rows), LISTED))], dtype=str)
    columns = {}
    for name, what in meanings.items():
        column = np.concatenate([getattr(rows, name)[:LISTED] for rows in found.values()])
        told = column.astype(str) if column.dtype.kind in "OU" else column
        columns[f"{along}_{name}"] = (along, told, {"long_name": what})
    numbers = np.array([len(rows) for rows in found.values()], dtype=np.int32)
    listed = {"long_name": f"{meaning}, of which the first {LISTED:,} are listed"}
    return xr.Dataset(
        {f"{along}_localizer": (along, owner, _OWNER), **columns, total: ("localizer_name", numbers, listed)},
        coords={"localizer_name": list(found)},
    )
