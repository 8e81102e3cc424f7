"""What each mask does to each category: labels kept, decisions that are right, divergence. Markdown or HTML.

table            every number of every category, beside random masks
caption          of that table
measured         the categories that were measured, all stimuli together first
keeps            whether masks hold the units that are kept
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer.changes import EVERY
from deeplocalizer.report import tables, wording
from deeplocalizer.report.study import Study
from deeplocalizer.summaries import plain

MEASURES = {
    "kept": "label kept (%)",
    "correct": "decided right (%)",
    "kl": "divergence of the outputs (nats)",
}


def table(study: Study, changes: xr.Dataset) -> str:
    """List what each mask does to each category: labels kept, decisions that are right, and divergence."""
    rows = []
    for localizer in changes["localizer_name"].values.astype(str):
        for outcome, what in MEASURES.items():
            for category in measured(study, changes):
                cell = changes.sel(localizer_name=localizer, category=category, outcome=outcome)
                if np.isfinite(float(cell["estimate"])):
                    rows.append(
                        {"Measure": f"{wording.capitalized(plain(localizer))} units: {what}", **_row(cell, outcome)}
                    )
    frame = pd.DataFrame(rows)
    if not _performs(changes):
        frame = frame.rename(columns={"Harm": "Change"})
    return tables.html(frame, text=["Method"], by="Measure")


def caption(study: Study, changes: xr.Dataset) -> str:
    """Caption the table of categories."""
    confidence = wording.round_percent(study.config["inference"]["confidence"])
    keep = keeps(changes)
    masked = "where nothing but the units of a mask is kept" if keep else "without the units of a mask"
    performs = _performs(changes)
    what, right = ("harm", " and of right decisions") if performs else ("change", "")
    doing = f"{'less' if keep else 'more'} {'harm' if performs else ''}".rstrip()
    return (
        f"What each mask does to each category, intact and {masked}: {what} (what is lost of labels kept{right}, and "
        "by how much the Kullback-Leibler divergence of the outputs, ablated from intact, grows) with its "
        f"{confidence} interval, and mean and middle {confidence} of the {what} by the random masks. Every stimulus "
        "weighs alike. The *p* is the rank of the mask among the random masks, of "
        f"{'doing' if performs else 'changing'} {doing}; it is not adjusted for the number of categories."
    )


def measured(study: Study, changes: xr.Dataset) -> list[str]:
    """List all stimuli together and the categories that were measured, in the order of the configuration."""
    there = changes["category"].values.astype(str).tolist()
    return [EVERY, *(one for one in study.config["stimuli"]["categories"] if one in there)]


def keeps(changes: xr.Dataset) -> bool:
    """Say whether masks hold the units that are kept, all others being replaced."""
    return bool((changes["replaced_by"].values.astype(str) == "keep").all())


def _row(cell: xr.Dataset, outcome: str) -> dict[str, str]:
    """Write one number of a category as it stands in the table."""
    scale, digits = (1, 3) if outcome == "kl" else (100, 1)

    def write(value: float) -> str:
        return wording.decimal(scale * value, digits)

    estimate = float(cell["estimate"])
    levels = {"kept": (1.0, 1 - estimate), "kl": (0.0, estimate)}
    intact, ablated = levels.get(outcome, (float(cell["intact"]), float(cell["ablated"])))
    ends, spread = (
        f"[{write(float(cell[low]))},{wording.NO_BREAK}{write(float(cell[high]))}]"
        for low, high in (("low", "high"), ("control_low", "control_high"))
    )
    category = plain(str(cell["category"].values)) or "all"
    return {
        "Category": f"{wording.capitalized(category)} ({wording.sample(int(cell['n']), int(cell['groups']))})",
        "Intact": write(intact),
        "Ablated": write(ablated),
        "Harm": write(estimate),
        "Interval": ends,
        "Random": write(float(cell["control"])),
        "Random, middle": spread,
        "p": wording.p_cell(float(cell["p"])),
        "Method": str(cell["method"].values),
    }


def _performs(changes: xr.Dataset) -> bool:
    return bool(np.isfinite(changes["estimate"].sel(outcome="correct")).any())
