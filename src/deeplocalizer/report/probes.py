"""Readouts: what is decoded from the network, and what silencing does to that. All of it is Markdown or HTML.

sentence         what each readout does intact
table            every readout: classes, layer, accuracy in cross-validation and on the test split
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from deeplocalizer import summaries
from deeplocalizer.report import claims, tables, wording
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, level, listed, name, percent
from deeplocalizer.summaries import plain

CLASSES = {"category": "the category", "label": "the label", "group": "the group"}


def sentence(study: Study, model: Model) -> str:
    """Say what each readout decodes, and how well it does on the test split while nothing is silenced."""
    told = []
    for readout, settings in study.config["readouts"].items():
        intact = summaries.find(model.effects, "intact", "correct", task=readout)
        if intact is None:
            told.append(f"On the readout *{name(readout)}* there is no number.")
            continue
        chance = float(model.effects["chance"].sel(task_name=readout))
        able = claims.able(model.effects, readout, study.alpha)
        but = "" if able else "; this is not shown to be a meaningful degree, so nothing is claimed about it"
        told.append(
            f"The readout *{name(readout)}* decodes {decoded(settings)} from {code(settings['layer'])}: on the test "
            f"split, with nothing silenced, with a balanced accuracy of {level(intact)} (chance {percent(chance)}, "
            f"{wording.sample(intact.n, intact.groups)}){but}."
        )
    return " ".join(told)


def decoded(settings: Mapping[str, Any]) -> str:
    """Say what a readout decodes, of which stimuli."""
    classes = settings["classes"]
    if isinstance(classes, str):
        what = CLASSES[classes]
    elif len(classes) == 1:
        what = f"whether an image has the attribute *{name(classes[0])}*"
    else:
        what = f"which of {listed(f'*{name(one)}*' for one in classes)} an image has"
    among = settings.get("categories")
    return f"{what} (of {listed(name(one) for one in among)})" if among else what


def table(study: Study, model: Model) -> str:
    """List every readout with its accuracy in cross-validation and on the test split."""
    rows = []
    for readout, settings in study.config["readouts"].items():
        intact = summaries.find(model.effects, "intact", "correct", task=readout)
        fitted = None if model.readouts is None else model.readouts.sel(readout=readout)
        p_able = float(model.effects["p_able"].sel(task_name=readout))
        rows.append(
            {
                "Readout": plain(readout),
                "Layer": settings["layer"],
                "Classes": wording.ABSENT if fitted is None else f"{round(1 / float(fitted['chance'])):,}",
                "n, select": wording.ABSENT if fitted is None else f"{int(fitted['n']):,}",
                "Cross-validated": wording.ABSENT if fitted is None else percent(float(fitted["accuracy"])),
                "Chance": percent(float(model.effects["chance"].sel(task_name=readout))),
                "Test, intact": level(intact),
                "p": wording.p_cell(p_able if intact is not None else np.nan),
                "n, test": wording.ABSENT if intact is None else f"{intact.n:,}",
            }
        )
    return tables.html(pd.DataFrame(rows), code=["Layer"])
