"""Artefacts written by hand in the layout that the workflow gives them: reliability, series and replicates."""

import numpy as np
import xarray as xr

LOCALIZERS = ("faces", "digits")
TASKS = ("face_detection", "digit_recognition")


def reliability(localizers=LOCALIZERS, halves=7, shuffles=20):
    """Give localizers that repeat well, and shuffled labels that do not."""
    rng = np.random.default_rng(4)
    real, null = (len(localizers), halves), (len(localizers), shuffles)
    made = xr.Dataset(
        {
            "correlation": (("localizer", "half"), rng.uniform(0.7, 0.9, real)),
            "dice": (("localizer", "half"), rng.uniform(0.5, 0.8, real)),
            "correlation_null": (("localizer", "shuffle"), rng.normal(0, 0.1, null)),
            "dice_chance": (("localizer", "half"), rng.uniform(0.05, 0.15, real)),
            "dice_null": (("localizer", "shuffle"), rng.uniform(0, 0.3, null)),
            "correlation_p": ("localizer", np.full(len(localizers), 1 / (1 + shuffles) if shuffles else np.nan)),
            "dice_p": ("localizer", np.full(len(localizers), 2 / (1 + shuffles) if shuffles else np.nan)),
        },
        coords={"localizer": list(localizers)},
    )
    return made


def points(localizers=LOCALIZERS, tasks=TASKS, doses=(0.01, 0.05, 0.2), layers=("conv1", "conv2"), keep=True):
    """List the points of every series: localizer, series, level, dose and task."""
    levels = [("fraction", f"{dose:g}", dose) for dose in doses]
    levels += [("layer", layer, 0.1) for layer in layers]
    levels += [("keep", "", 0.1)] if keep else []
    return [(name, *level, task) for task in tasks for name in localizers for level in levels]


def curves(rows=None, outcome="correct"):
    """Give harm that grows with the dose, of random masks less."""
    rows = points() if rows is None else rows
    dose = np.array([row[3] for row in rows])
    harm = 0.1 + 2 * dose + 0.01 * np.arange(len(rows))
    control = 0.3 * dose
    cell = ("point", "outcome")
    numbers = {
        "estimate": harm, "low": harm - 0.05, "high": harm + 0.06, "control": control, "control_low": control - 0.03,
        "control_high": control + 0.04, "p": np.full(len(rows), 0.01),
    }  # fmt: skip
    return xr.Dataset(
        {
            **{name: (cell, column[:, None]) for name, column in numbers.items()},
            "n": (cell, np.full((len(rows), 1), 20)),
            "controls": (cell, np.full((len(rows), 1), 100)),
        },
        coords={
            **{
                name: ("point", [row[column] for row in rows])
                for column, name in enumerate(("localizer", "series", "level", "dose", "task"))
            },
            "outcome": [outcome],
        },
    )


def replicates(models=("one", "two", "three"), outcome="correct"):
    """Give two comparisons over some models."""
    keys = [("harm", "faces", "", "face_detection", "raw"), ("advantage", "faces", "", "face_detection", "raw")]
    rng = np.random.default_rng(5)
    of_model = rng.uniform(0.2, 0.4, (len(models), len(keys), 1))
    mean, cell = of_model.mean(axis=0), ("comparison", "outcome")
    return xr.Dataset(
        {
            "estimate": (cell, mean),
            "low": (cell, mean - 0.1),
            "high": (cell, mean + 0.1),
            "p": (cell, np.full(mean.shape, 0.004)),
            "models": (cell, np.full(mean.shape, len(models))),
            "method": (cell, np.full(mean.shape, "t over models")),
            "estimate_of_model": (("model", *cell), of_model),
        },
        coords={
            "comparison": ["/".join(part for part in key if part) for key in keys],
            **{
                name: ("comparison", [key[i] for key in keys])
                for i, name in enumerate(("kind", "localizer", "other", "task", "scale"))
            },
            "outcome": [outcome],
            "model": list(models),
        },
    )
