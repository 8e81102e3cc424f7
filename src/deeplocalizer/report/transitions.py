"""From which label to which other one images change. Markdown or HTML.

table            the most frequent transitions of each localizer
caption          of that table, with how many it leaves out
listed_of        what is listed of one localizer, row by row
first            the first of these
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer.report import categories, tables, wording
from deeplocalizer.report.wording import listed, name
from deeplocalizer.summaries import plain

MOST = 10  # transitions that are listed of each localizer


def table(changes: xr.Dataset) -> str:
    """List from which label to which other one images change, the most frequent first; empty where none changes."""
    rows = []
    for localizer in changes["localizer_name"].values.astype(str):
        for row in listed_of(changes, "transition", localizer)[:MOST]:
            mostly = plain(str(row["category"]))
            share = "" if row["of_category"] == row["stimuli"] else f" ({row['of_category']:,} of {row['stimuli']:,})"
            rows.append(
                {
                    "Units": f"{wording.capitalized(plain(localizer))} units",
                    "Before": row["before"],
                    "After": row["after"],
                    "Images": f"{row['stimuli']:,}",
                    "Random": wording.decimal(float(row["control"]), 2),
                    "Category": f"{mostly}{share}",
                }
            )
    return tables.html(pd.DataFrame(rows), text=["After", "Category"], by="Units") if rows else ""


def caption(changes: xr.Dataset) -> str:
    """Caption the table of transitions, and say how many it leaves out."""
    masked = "where nothing but the units is kept" if categories.keeps(changes) else "where the units are silenced"
    more = [
        f"{int(number) - MOST:,} more of the {name(localizer)} units"
        for localizer, number in zip(
            changes["localizer_name"].values.astype(str), changes["transitions"].values, strict=True
        )
        if number > MOST
    ]
    rest = f" Left out are {listed(more)}." if more else ""
    return (
        f"Labels before and after {masked}: number of images, the mean number that change so under a random mask, and "
        f"the category that most of these images are of.{rest}"
    )


def listed_of(changes: xr.Dataset, along: str, localizer: str) -> list[dict[str, Any]]:
    """Give what is listed of one localizer, in its order.

    Parameters
    ----------
    changes : Dataset
        As `changes.measure` makes it.
    along : str
        ``change`` or ``transition``.
    localizer : str

    Returns
    -------
    list of dict
        By column, as the dataset names them after the dimension and an underscore.
    """
    mine = np.flatnonzero(changes[f"{along}_localizer"].values.astype(str) == localizer)
    columns = {
        str(one).removeprefix(f"{along}_"): changes[one].values[mine].tolist()
        for one in changes.data_vars
        if str(one).startswith(f"{along}_")
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def first(changes: xr.Dataset, along: str, localizer: str) -> dict[str, Any] | None:
    """Give the first of these; None where there is none."""
    return next(iter(listed_of(changes, along, localizer)), None)
