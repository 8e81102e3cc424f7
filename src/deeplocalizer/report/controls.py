"""What masks are compared with, in words.

MEANINGS         what they are, after "against"
further          the controls beside the random masks that p-values come from
compared         whether a mask does more than these other controls do
caption          of the table of localizers
table            the localizers with their overlap and their controls
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deeplocalizer import summaries
from deeplocalizer.report import tables, wording
from deeplocalizer.report.claims import Advantage
from deeplocalizer.report.comparisons import NAMES
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import count, listed
from deeplocalizer.summaries import plain

MEANINGS = {
    "random": "random masks matched by layer alone",
    "random_response": "random masks matched by layer and mean response",
    "bottom": "the units at the bottom of the ranking",
    "opposite": "the units of the opposite preference",
    "shuffled": "the units that are selected where labels are shuffled",
    "untrained": "the units that are selected in the untrained network",
}


def further(study: Study, model: Model) -> str:
    """Say what else masks are compared with; nothing where there are only random masks."""
    found: dict[str, int] = {}
    for localizer in study.config["localizers"]:
        for kind, number in summaries.controls(model.masks, localizer).items():
            found[kind] = max(found.get(kind, 0), number)
    told = [
        MEANINGS[kind] + (f" ({count(number, 'mask')})" if number > 1 else "")
        for kind, number in found.items()
        if kind != study.matched
    ]
    return f"Further controls are {listed(told)}." if told else ""


def compared(study: Study, model: Model, claim: Advantage) -> str:
    """Say whether a mask does more to a task than other controls than the random masks do; nothing without any."""
    outcome = study.measure(claim.task)
    by: dict[str, list[str]] = {"more": [], "less": [], "open": []}
    named = _named(model, claim.localizer)
    for kind, what in named.items():
        found = summaries.find(
            model.effects, "against", outcome, localizer=claim.localizer, other=kind, task=claim.task
        )
        if found is not None:
            numbers = f"{wording.decimal(100 * found.estimate)} {wording.interval(found)}, {wording.p(found.p)}"
            by["more" if found.p <= study.alpha else "less" if found.high < 0 else "open"].append(f"{what} ({numbers})")
    verb = "harm" if outcome == "correct" else "change"
    told = [f"they {verb} it more than do {listed(by['more'])}"] if by["more"] else []
    if by["less"]:
        told.append(f"they {verb} it less, not more, than do {listed(by['less'])}")
    if told:
        told = [f"In percentage points, {', but '.join(told)}."]
    if by["open"]:
        told.append(f"It is not shown that they {verb} it more than do {listed(by['open'], 'or')}.")
    return " ".join(told)


def _named(model: Model, localizer: str) -> dict[str, str]:
    """Name the kinds of controls; where the bottom of the ranking is the opposite preference, both at once."""
    masks = model.masks.isel(mask=np.flatnonzero(model.masks["localizer"].values == localizer))
    kinds = masks["kind"].values.astype(str)
    ends = [masks["selected"].values[kinds == kind] for kind in ("bottom", "opposite")]
    if not all(len(end) == 1 for end in ends) or not np.array_equal(*ends):
        return MEANINGS
    both = f"{MEANINGS['bottom']}, which are those of the opposite preference"
    return {kind: both if kind == "bottom" else what for kind, what in MEANINGS.items() if kind != "opposite"}


def caption(study: Study, model: Model) -> str:
    """Caption the table of localizers."""
    told = ["Masks of the localizers: number of units"]
    if summaries.true_shares(model.masks):
        sure = wording.round_percent(1 - study.alpha)
        told.append(f"at least how many of them truly have the preference (with a confidence of {sure} for all masks)")
    if len(study.config["localizers"]) > 1:
        told.append("units shared with the other masks (Dice coefficients in brackets)")
    told.append("number of control masks by kind")
    return f"{listed(told)}.{_matched(model)}"


def _matched(model: Model) -> str:
    """Say what the imbalance is, where it is known."""
    if not _imbalance(model):
        return ""
    return (
        " Imbalance is by how many standard deviations, over units, the mean size of the responses of the mask is "
        "above that of its random masks."
    )


def _imbalance(model: Model) -> dict[str, dict[str, float]]:
    """Average the imbalance over the control masks of every kind, by localizer and kind; of those where it is known."""
    if "imbalance" not in model.masks.coords and "imbalance" not in model.masks:
        return {}
    table = pd.DataFrame({key: model.masks[key].values for key in ("localizer", "kind", "role", "imbalance")})
    known = table[(table["role"] == "control") & np.isfinite(table["imbalance"])]
    found: dict[str, dict[str, float]] = {}
    for (localizer, kind), mean in known.groupby(["localizer", "kind"], sort=False)["imbalance"].mean().items():
        found.setdefault(str(localizer), {})[str(kind)] = float(mean)
    return found


def table(study: Study, model: Model) -> str:
    """List for each localizer its size, the bound on what is true of it, its overlap and its controls."""
    shares, apart = summaries.true_shares(model.masks), _imbalance(model)
    shared, alike = summaries.overlap(model.masks), summaries.dice(model.masks)
    names = [str(one) for one in shared["localizer"].values]
    rows = []
    for one in names:
        row = {"Localizer": plain(one), "Units": f"{int(shared.sel(localizer=one, other=one)):,}"}
        if shares:
            row["Truly preferring"] = (
                f"≥{wording.NO_BREAK}{wording.percent(shares[one])}" if one in shares else wording.ABSENT
            )
        for other in names if len(names) > 1 else []:
            number, dice = (int(shared.sel(localizer=one, other=other)), float(alike.sel(localizer=one, other=other)))
            shown = f"{number:,} ({wording.decimal(dice, 2)})"
            row[f"Shared with {plain(other)}"] = wording.ABSENT if one == other else shown
        kinds = summaries.controls(model.masks, one)
        if apart:
            row["Imbalance"] = wording.decimal(apart.get(one, {}).get(study.matched, math.nan), 2)
        row["Controls"] = "; ".join(f"{NAMES[kind]}:{wording.NO_BREAK}{number:,}" for kind, number in kinds.items())
        rows.append(row)
    return tables.html(pd.DataFrame(rows), text=["Controls"])
