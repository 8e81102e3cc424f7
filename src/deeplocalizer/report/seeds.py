"""Effects over several models of one kind, the model as the replicate.

sentence         what holds over models, for each localizer and what it is expected to harm
table            every effect over models
"""

from __future__ import annotations

import pandas as pd
import xarray as xr

from deeplocalizer.report import tables, wording
from deeplocalizer.report.comparisons import named
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import code, listed
from deeplocalizer.summaries import plain

KINDS = ("intact", "ablated", "harm", "advantage", "against", "dissociation", "double_dissociation")


def sentence(study: Study, group: str) -> str:
    """Say which models replicate one another, and what the numbers are about."""
    models = listed(code(one) for one in study.config["replicates"][group])
    return (
        f"The networks {models} replicate one another. Their effects are averaged with the network as the replicate, "
        "so that intervals and *p* speak about other networks of the same kind on these stimuli."
    )


def table(study: Study, group: str) -> str:
    """List every effect over the models of a group by the leading outcome of each task."""
    measured = study.replicates[group]
    rows = []
    for index in range(measured.sizes["comparison"]):
        one = measured.isel(comparison=index)
        place = {key: str(one[key].values) for key in ("kind", "localizer", "other", "task", "scale")}
        outcome = study.measure(place["task"])
        cell = one.sel(outcome=outcome)
        if place["kind"] in KINDS and bool(cell["estimate"].notnull()):
            rows.append(_row(place, cell))
    return tables.html(pd.DataFrame(rows), text=["Silenced", "Method"], by="Task")


def _row(place: dict[str, str], cell: xr.Dataset) -> dict[str, str]:
    estimate, low, high, p = (float(cell[key]) for key in ("estimate", "low", "high", "p"))
    every = cell["estimate_of_model"].values.astype(float)
    ends = (wording.decimal(100 * end) for end in (low, high))
    return {
        "Task": wording.capitalized(plain(place["task"]) or "both tasks of a pair"),
        "Comparison": plain(place["kind"]) + (", scaled" if place["scale"] == "scaled" else ""),
        "Silenced": named(place),
        "Mean": wording.decimal(100 * estimate),
        "Interval": f"[{f',{wording.NO_BREAK}'.join(ends)}]",
        "p": wording.p_cell(p),
        "Models": f"{int(cell['models']):,}",
        "Method": plain(str(cell["method"].values)),
        "Each model": " ".join(wording.decimal(100 * float(value)) for value in every),
    }
