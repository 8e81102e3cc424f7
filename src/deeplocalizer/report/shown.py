"""What a report knows of the stimuli, without the images.

Stimuli          what is known of the stimuli
known            the same, of a table of stimuli
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer.stimuli import images

VARIOUS = "various"  # size of images that have not one
_LOOKED_AT = 12  # stimuli of a category whose size is read


@dataclass(frozen=True)
class Stimuli:
    """What is known of the stimuli, without the images.

    Parameters
    ----------
    table : DataFrame
        Category, label, split, group, source and licence of each stimulus.
    sizes : mapping of str
        Size of the images of each category, in pixels.
    refused : DataFrame
        Category, id and reason of each candidate that was left out.
    attributes : DataFrame
        By attribute (row) and category (column), the number of stimuli that have it.
    vocabularies : mapping of int
        Number of attributes by the vocabulary that they are words of.
    origins : mapping of mappings
        By category, what pins down where its images came from, such as the commit of a data set.
    """

    table: pd.DataFrame
    sizes: Mapping[str, str]
    refused: pd.DataFrame
    attributes: pd.DataFrame
    vocabularies: Mapping[str, int]
    origins: Mapping[str, Mapping[str, str]]


def known(stimuli: xr.Dataset, origins: Mapping[str, Mapping[str, str]]) -> Stimuli:
    """Take what is known of stimuli, what was left out, and the sizes of some images; the other images are not read.

    Parameters
    ----------
    stimuli : Dataset
        As `stimuli.table.compose` makes it; it may be a file that was opened.
    origins : mapping of mappings
        By category, what pins down where its images came from.
    """
    names = ("category", "label", "split", "group", "source", "licence")
    table = pd.DataFrame({name: stimuli[name].values.astype(str) for name in names})
    sizes = {str(name): _size(stimuli, table, str(name)) for name in table["category"].unique()}
    refused = {name: stimuli[f"refused_{name}"].values.astype(str) for name in ("category", "id", "reason")}
    vocabularies = dict(Counter(stimuli["vocabulary"].values.astype(str).tolist()))
    return Stimuli(
        table, sizes, pd.DataFrame(refused), _present(stimuli, table["category"]), vocabularies, dict(origins)
    )


def _present(stimuli: xr.Dataset, category: pd.Series) -> pd.DataFrame:
    """Count the stimuli of each category that have each attribute."""
    has = stimuli["has_attribute"].values == 1
    counts = {name: has[(category == name).to_numpy()].sum(axis=0) for name in category.unique()}
    return pd.DataFrame(counts, index=stimuli["attribute"].values.astype(str))


def _size(stimuli: xr.Dataset, table: pd.DataFrame, category: str) -> str:
    members = np.flatnonzero(table["category"] == category)
    end = stimuli["encoded_size"].values.cumsum(dtype=np.int64)
    found = set()
    for index in members[:: max(1, len(members) // _LOOKED_AT)]:
        start = end[index] - stimuli["encoded_size"].values[index]
        content = stimuli["encoded"][start : end[index]].values.tobytes()
        found.add(images.size(content, str(stimuli["stimulus"].values[index])))
    if len(found) > 1:
        return VARIOUS
    width, height = found.pop()
    return f"{width}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{height}"
