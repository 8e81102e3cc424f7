"""What series of masks do: more units and fewer, one layer alone, nothing but the mask. All of it is Markdown or HTML.

run              whether a model has any series
sentence         what the series show of each localizer, on what it is expected to harm
caption          of the figure
table            every point of the series
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deeplocalizer import summaries
from deeplocalizer.report import sentences, tables, wording
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, count, listed, name, percent, points, round_percent
from deeplocalizer.summaries import Curve, plain

HEADS = {"fraction": "More and fewer units", "layer": "One layer at a time", "keep": "All other units replaced"}
PANELS = {
    "fraction": "by the share of units that is silenced",
    "layer": "by the layer whose part of a mask is silenced",
    "keep": "where nothing but the units of a mask is kept",
}


def run(model: Model) -> bool:
    """Whether a model has any series."""
    return model.curves is not None and bool(summaries.series(model.curves))


def sentence(study: Study, model: Model) -> str:
    """Say what the series show of each localizer, on the tasks or categories that a study is about."""
    told = []
    for claim in sentences.leading(study, model):
        outcome, parts = study.measure(claim.task), []
        for series, tell in (("fraction", _doses), ("layer", _layers), ("keep", _kept)):
            assert model.curves is not None
            found = summaries.curves(model.curves, outcome, series, claim.task)
            parts += [tell(curve, outcome) for curve in found if curve.localizer == claim.localizer]
        if parts:
            of = f"The *{name(claim.localizer)}* units and {sentences.asked(study, claim.task)}"
            told.append(f"**{of}.** {' '.join(parts)}")
    return "\n\n".join(told)


def caption(study: Study, model: Model) -> str:
    """Caption the figure of the series."""
    assert model.curves is not None
    what = (
        "Harm" if study.config["tasks"] else "Decisions changed" + (" and, of readouts, harm" if study.performs else "")
    )
    parts = listed(PANELS[series] for series in summaries.series(model.curves))
    confidence = round_percent(study.config["inference"]["confidence"])
    own = " Filled marks are on the task that a localizer is expected to harm." if study.own else ""
    return (
        f"{what} on the test split, {parts}, with {confidence} intervals. Grey bands span as large a share of the "
        f"random masks of as many units, with a line at their mean.{own} Axes differ between panels."
    )


def table(study: Study, model: Model) -> str:
    """List every point of the series."""
    assert model.curves is not None
    rows = []
    tasks = dict.fromkeys(model.curves["task"].values.astype(str).tolist())
    for series in summaries.series(model.curves):
        for task in tasks:
            for curve in summaries.curves(model.curves, study.measure(task), series, task):
                rows += [_row(series, task, curve, point) for point in range(len(curve.level))]
    return tables.html(pd.DataFrame(rows), text=["Level", "Localizer"], by="Series")


def _row(series: str, task: str, curve: Curve, point: int) -> dict[str, str]:
    found = curve.effect(point)
    level = curve.level[point]
    shown = round_percent(float(level)) if series == "fraction" else level
    ends = (wording.decimal(100 * float(end[point])) for end in (curve.control_low, curve.control_high))
    return {
        "Series": f"{HEADS[series]}: {plain(task)}",
        "Level": shown or wording.ABSENT,
        "Localizer": plain(curve.localizer),
        "Units": percent(float(curve.dose[point])),
        "Estimate": wording.decimal(100 * found.estimate),
        "Interval": wording.interval(found),
        "Random": wording.decimal(100 * float(curve.control[point])),
        "Random, spread": f"[{f',{wording.NO_BREAK}'.join(ends)}]",
        "p": wording.p_cell(found.p),
    }


def _doses(curve: Curve, outcome: str) -> str:
    """Say what the smallest and the largest dose do."""
    parts = [
        f"{round_percent(float(curve.level[point]))} of the units silenced, {_did(curve, point, outcome)}"
        for point in dict.fromkeys((0, len(curve.level) - 1))
    ]
    return f"With {'; with '.join(parts)}."


def _layers(curve: Curve, outcome: str) -> str:
    """Say in which layer silencing does most, if it does anything."""
    best = int(np.nanargmax(curve.estimate))
    layer, did = code(curve.level[best]), _did(curve, best, outcome)
    if len(curve.level) == 1:
        return f"With the units in {layer} silenced alone, {did}."
    layers = count(len(curve.level), "layer")
    if curve.estimate[best] < sentences.VISIBLE:
        nothing = "changes a decision" if outcome == "kept" else "does harm"
        return f"Of the {layers} in which units were silenced alone, none {nothing}; in {layer}, {did}."
    return (
        f"Of the {layers} in which units were silenced alone, {layer} does most: {did}. That layer was chosen after "
        "the fact, so its number is too high on average."
    )


def _kept(curve: Curve, outcome: str) -> str:
    """Say what is lost where nothing but the mask is kept."""
    return f"With nothing but these units kept, {_did(curve, 0, outcome)}."


def _did(curve: Curve, point: int, outcome: str) -> str:
    """Say what a mask did, beside random masks."""
    found, random = curve.effect(point), float(curve.control[point])
    beside = f", {wording.p(found.p)}" if math.isfinite(found.p) else ""
    if outcome == "kept":
        return f"{wording.level(found)} of decisions change (random masks {percent(random)}{beside})"
    return f"harm is {points(found)} (random masks {wording.decimal(100 * random)}{beside})"
