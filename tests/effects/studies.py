"""Studies whose effects are planted."""

import numpy as np
import xarray as xr

from deeplocalizer import effects

TASKS = {"ab": ["a", "b"], "xy": ["x", "y"]}
LOCALIZERS = {"one": {"task": "ab"}, "two": {"task": "xy"}}
SETTINGS = {"alpha": 0.05, "confidence": 0.95, "resamples": 1000, "least_performance": 0.1}
CONTROLS = 60


def study(accuracy, count=120, seed=0):
    """Outcomes whose accuracy is planted: ``accuracy[role or localizer][task]``."""
    rng = np.random.default_rng(seed)
    label = np.array(["a", "b", "x", "y"])[np.arange(count) % 4]
    names = ["intact", *(f"{n}{i}" for n in ("one", "two") for i in range(CONTROLS + 1))]
    localizer = ["", *(n for n in ("one", "two") for _ in range(CONTROLS + 1))]
    role = ["intact", *(["target"] + ["control"] * CONTROLS) * 2]
    wanted = [accuracy[r if r != "target" else n] for r, n in zip(role, localizer, strict=True)]
    # one draw a stimulus: a higher accuracy gets right what a lower one does
    ease = rng.random(count)
    jitter = rng.normal(0, 0.02, (len(names), count))
    task = np.where(np.isin(label, ["a", "b"]), "ab", "xy")
    share = np.array([[row[t] for t in task] for row in wanted])
    correct = (ease + jitter < share).astype(np.int8)
    margin = (share - ease + jitter).astype(np.float32)
    along = ("intervention", "stimulus")
    intact = correct[:1]
    return xr.Dataset(
        {
            "correct": (along, correct),
            "margin": (along, margin),
            "log_likelihood": (along, np.minimum(margin, 0)),
            "kept": (along, (correct == intact).astype(np.int8)),
            "kl": (along, np.abs(margin - margin[:1])),
        },
        coords={
            "intervention": names,
            "localizer": ("intervention", localizer),
            "role": ("intervention", role),
            "stimulus": [f"s{i}" for i in range(count)],
            "label": ("stimulus", label.astype(object)),
            "category": ("stimulus", label.astype(object)),
            "group": ("stimulus", np.array([f"s{i}" for i in range(count)], dtype=object)),
            "split": ("stimulus", np.array(["test"] * count, dtype=object)),
        },
    )


def measured(accuracy, dissociations=(("one", "two"),), tasks=TASKS, localizers=LOCALIZERS, **more):
    outcomes = study(accuracy, **more)
    return outcomes, effects.measure(outcomes, tasks, localizers, list(dissociations), SETTINGS, seed=0)


BOTH = {
    "intact": {"ab": 0.95, "xy": 0.95},
    "control": {"ab": 0.93, "xy": 0.93},
    "one": {"ab": 0.55, "xy": 0.93},
    "two": {"ab": 0.93, "xy": 0.55},
}


def value(result, comparison, outcome="correct", name="estimate"):
    return float(result[name].sel(comparison=comparison, outcome=outcome))


def with_kinds(outcomes, kinds):
    """Call the controls of every localizer by the kinds, in turn: ``kinds`` maps a name to a number, of all 60."""
    names = [kind for kind, number in kinds.items() for _ in range(number)]
    role = outcomes["role"].values
    kind = np.where(role == "control", "", role).astype(object)
    kind[role == "control"] = names * 2
    return outcomes.assign_coords(kind=("intervention", kind.astype(str)))


def with_readouts(outcomes, tasks):
    """Add a readout for each task, with the very outcomes that the task has."""
    label = outcomes["label"].values.astype(str)
    members = {name: np.isin(label, classes) for name, classes in tasks.items()}
    made = outcomes.assign_coords(readout=list(tasks))
    made["readout_label"] = (("readout", "stimulus"), [np.where(here, label, "") for here in members.values()])
    for name in ("correct", "margin", "log_likelihood", "kept"):
        values = outcomes[name].values
        absent = -1 if values.dtype.kind == "i" else np.nan
        column = np.stack([np.where(here, values, absent).astype(values.dtype) for here in members.values()])
        made[f"readout_{name}"] = (("readout", "intervention", "stimulus"), column)
    return made


def without_labels(outcomes):
    """Forget what is right: the outcomes of a network without the labels of the study."""
    made = outcomes.copy(deep=True)
    made["correct"][:] = -1
    made["margin"][:] = np.nan
    made["log_likelihood"][:] = np.nan
    return made
