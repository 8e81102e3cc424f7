"""What is found of units and masks, in sentences that follow the numbers. All of them are Markdown.

selectivity      what a contrast finds
selection        what the localizers select
"""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from deeplocalizer import summaries
from deeplocalizer.report import controls, sentences, wording
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, count, listed, name, percent

PAIRS = 3  # localizers whose masks are compared in words


def selectivity(study: Study, model: Model, contrast: str) -> str:
    """Say what a contrast finds."""
    one = model.contrasts.sel(contrast=contrast)
    summary = summaries.selectivity(model.contrasts, study.alpha).sel(contrast=contrast).sum("place")
    sides = study.config["contrasts"][contrast]
    preferred, other = (sentences.categories(sides[side]) for side in ("preferred", "other"))
    prefer, oppose, dead = (int(summary[key]) for key in ("preferring", "opposing", "dead"))
    more, less = (f"{number:,} ({percent(number / model.units)})" for number in (prefer, oppose))
    responds, as_well = ("responds" if number == 1 else "respond" for number in (prefer, oppose))
    silent = f"; {count(dead, 'unit does', 'units do')} not respond to anything" if dead else ""
    return (
        f"The contrast *{name(contrast)}* compares {preferred} "
        f"({count(int(one['n_preferred']), 'stimulus', 'stimuli')}) with {other} ({int(one['n_other']):,}). "
        f"Of {count(model.units, 'unit')}, {more} {responds} more and {less} {as_well} less to {preferred} at a false "
        f"discovery rate of {study.alpha:g}{silent}. {_reliability(one, dead < model.units)} {_strongest(one)}"
    )


def selection(study: Study, model: Model) -> str:
    """Say what the localizers select, and what they are compared with."""
    summary = summaries.selection(model.masks)
    names = [str(one) for one in summary["localizer"].values]
    told = [
        f"The localizer *{name(one)}* selects {count(int(summary['selected'].sel(localizer=one).sum()), 'unit')} "
        f"of {model.units:,}, {_where(summary.sel(localizer=one))}."
        for one in names
    ]
    shared = summaries.overlap(model.masks)
    for index, one in enumerate(names if len(names) <= PAIRS else []):
        for other in names[index + 1 :]:
            number = int(shared.sel(localizer=one, other=other))
            held = count(number, "unit") if number else "no unit"
            told.append(f"The masks of *{name(one)}* and *{name(other)}* share {held}.")
    drawn = summaries.control_overlap(model.masks, study.matched)
    shares = listed(dict.fromkeys(percent(float(drawn.sel(localizer=one)), 0) for one in names))
    random = count(study.config["ablation"]["controls"], "random mask")
    whose = "the mask's" if len(names) == 1 else "the masks'"
    told.append(
        f"Each mask is compared with {random} of as many units in every layer; by chance, they hold on "
        f"average {shares} of {whose} own units."
    )
    return " ".join([*told, *(part for part in [controls.further(study, model), _true(study, model)] if part)])


def _true(study: Study, model: Model) -> str:
    """Say at least how many of the selected units truly prefer, where there is a bound."""
    shares = summaries.true_shares(model.masks)
    if not shares:
        return ""
    sure = wording.round_percent(1 - study.alpha)
    bounds = listed(f"{percent(share)} of the *{name(one)}* units" for one, share in shares.items() if share > 0)
    unsure = listed(f"*{name(one)}*" for one, share in shares.items() if share <= 0)
    if not bounds:
        return f"That any of the {unsure} units truly has the preference is not shown with a confidence of {sure}."
    rest = f" (of the {unsure} units this is not shown of any)" if unsure else ""
    return (
        f"At least {bounds} truly have the preference that they were selected for{rest}: "
        f"such bounds hold for all sets of units at once with a confidence of {sure}, so that choosing a mask after "
        "having seen the contrast does not weaken them."
    )


def _reliability(one: xr.Dataset, alive: bool) -> str:
    """Say how preferences repeat."""
    correlation = float(one["reliability"])
    if not alive:
        return "So there is nothing to compare between halves of the stimuli."
    if not math.isfinite(correlation):
        return "There are too few stimuli to compare halves of them."
    return (
        "Between two halves of the stimuli, the units' *d* correlates with "
        f"*r*{wording.NO_BREAK}={wording.NO_BREAK}{wording.decimal(correlation, 2)}."
    )


def _strongest(one: xr.Dataset) -> str:
    """Name the unit that prefers most."""
    d = np.where(one["dead"].values | np.isnan(one["d"].values), -np.inf, one["d"].values)
    best = int(np.argmax(d))
    if d[best] <= 0:
        return "No unit prefers these categories."
    unit, size = code(str(summaries.unit_names(one, np.array([best]))[0])), wording.decimal(float(d[best]), 2)
    return f"The strongest preference is that of unit {unit} (*d*{wording.NO_BREAK}={wording.NO_BREAK}{size})."


def _where(summary: xr.Dataset) -> str:
    """Say where the selected units of one localizer are."""
    selected = summary["selected"].values
    best = int(np.argmax(selected))
    place = code(str(summary["place"].values[best]))
    if selected[best] == selected.sum():
        return f"all of them in {place}"
    share = "most of them" if 2 * selected[best] > selected.sum() else "the largest part"
    return f"{share} ({int(selected[best]):,}) in {place}"
