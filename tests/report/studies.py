"""A study whose effects are written by hand, so that every branch can be reached."""

import math

import numpy as np
import xarray as xr

from deeplocalizer import inputs
from deeplocalizer.report.shown import known
from deeplocalizer.report.study import Model, Study
from tests import synthetic
from tests.report.defaults import completed

TASKS = ("face_detection", "digit_recognition")
NAN = math.nan


def effects(rows, p_able=(0.001, 0.001), tasks=TASKS, outcome="correct", chance=(0.5, 0.5), groups=40):
    """Write effects: ``rows`` maps a comparison to estimate, low, high and, if there are any, p and p_family."""
    keys = [(*key, *("",) * (4 - len(key))) for key in rows]
    numbers = np.array([(*row, *(NAN,) * (5 - len(row))) for row in rows.values()], dtype=float).reshape(-1, 5)
    cells = ("comparison", "outcome")
    shape = (len(rows), 1)
    return xr.Dataset(
        {
            **{name: (cells, numbers[:, [i]]) for i, name in enumerate(("estimate", "low", "high", "p", "p_family"))},
            "n": (cells, np.full(shape, 60)),
            "groups": (cells, np.full(shape, groups)),
            "method": (cells, np.full(shape, "BCa bootstrap", dtype=object)),
            "chance": ("task_name", list(chance[: len(tasks)])),
            "p_able": ("task_name", list(p_able[: len(tasks)])),
        },
        coords={
            "comparison": ["/".join(key) for key in keys],
            "kind": ("comparison", [key[0] for key in keys]),
            "localizer": ("comparison", [key[1] for key in keys]),
            "other": ("comparison", [key[2] for key in keys]),
            "task": ("comparison", [key[3] for key in keys]),
            "scale": ("comparison", ["scaled" if row[0].endswith("*") else "raw" for row in rows]),
            "outcome": [outcome],
            "task_name": list(tasks),
            "localizer_name": ["faces", "digits"],
        },
    ).pipe(lambda made: made.assign_coords(kind=("comparison", [key[0].rstrip("*") for key in keys])))


def study(made, **changes):
    """Make a study of one network with these effects."""
    config = completed(synthetic.configuration(**changes))
    table = synthetic.stimuli(config)
    contrasted = synthetic.contrasts(config, table, synthetic.LAYERS, dead=2)
    (name, settings), *_ = config["models"].items()
    prepared = inputs.prepare(table, synthetic.preprocessing(settings))
    model = Model(
        name, settings, synthetic.specification(settings), synthetic.architecture(synthetic.LAYERS), contrasted,
        synthetic.selected(config, contrasted), made, synthetic.confounded(config, prepared),
        dict(synthetic.preprocessing(settings).attributes()),
    )  # fmt: skip
    return Study(config, known(table, {}), (model,), (), ())


def spoken(text: str) -> str:
    """Take the spaces as a reader does."""
    return text.replace("\N{NO-BREAK SPACE}", " ")
