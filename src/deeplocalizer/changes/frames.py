"""Changes as plain tables, for those who read them elsewhere.

stimuli          the stimuli that change their label, a row each
categories       what each mask does to each category, a row for each number
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer.changes.shares import EVERY


def stimuli(changes: xr.Dataset) -> pd.DataFrame:
    """List the stimuli that change their label.

    Parameters
    ----------
    changes : Dataset
        As `changes.measure` makes it.

    Returns
    -------
    DataFrame
        ``localizer``, ``stimulus``, ``category``, ``label``, ``before``, ``after``, ``controls``, ``same`` and ``kl``,
        in the order of the dataset.
    """
    columns = {
        str(name).removeprefix("change_"): changes[name].values
        for name in changes.data_vars
        if changes[name].dims == ("change",)
    }
    return pd.DataFrame(columns)


def categories(changes: xr.Dataset) -> pd.DataFrame:
    """List what each mask does to each category.

    Parameters
    ----------
    changes : Dataset
        As `changes.measure` makes it.

    Returns
    -------
    DataFrame
        ``localizer``, ``category`` (``all`` for all stimuli together), ``outcome``, ``n``, ``groups``, and the numbers
        of that cell; no row where there is none.
    """
    along = ("localizer_name", "category", "outcome")
    numbers = [name for name in changes.data_vars if changes[name].dims == along]
    table = changes[[*numbers, "n", "groups"]].to_dataframe(dim_order=along).reset_index()
    table = table[np.isfinite(table["estimate"])].rename(columns={"localizer_name": "localizer"})
    table["category"] = table["category"].replace(EVERY, "all")
    order = ["localizer", "category", "outcome", "n", "groups", *(str(name) for name in numbers)]
    listed: pd.DataFrame = table[order].reset_index(drop=True)
    return listed
