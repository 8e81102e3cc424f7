"""Which class each stimulus has, and whether a probe can learn and be tested on these classes.

classes          the class of each stimulus, "" where it is not asked
kind             in words, what the classes are
refuse           refuse classes that cannot be learned in one split and tested in the other
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

LEARNED, TESTED = "select", "test"
COLUMNS = ("category", "label", "group")
_HAS, _LACKS = 1, 0


def kind(readout: Mapping[str, Any]) -> str:
    """Say what the classes of a readout are: a column of the stimuli, or attributes."""
    chosen = readout["classes"]
    return chosen if isinstance(chosen, str) else "attributes: " + ", ".join(chosen)


def classes(
    readout: Mapping[str, Any], known: xr.Dataset, attributes: xr.DataArray | None = None, name: str = ""
) -> np.ndarray:
    """Give each stimulus its class.

    Parameters
    ----------
    readout : mapping
        ``classes``: ``category``, ``label``, ``group``, or a list of attributes; ``categories``: those whose stimuli
        are asked, all if empty or absent.
    known : Dataset
        ``stimulus``, ``category``, ``label`` and ``group`` on ``stimulus``.
    attributes : DataArray of int8 (stimulus, attribute), optional
        1 present, 0 absent, -1 unknown; needed where the classes are attributes.
    name : str
        Of the readout, for the message of an error.

    Returns
    -------
    ndarray of str (stimulus,)
        "" where the stimulus is not asked. Of one attribute ``a`` the classes are ``a`` and ``not a``, and a stimulus
        of which it is unknown is not asked. Of several, a stimulus is asked that is known to have just one of them.

    Raises
    ------
    ValueError
        If the classes, an attribute or a category are unknown, or a stimulus has no row among the attributes.
    """
    chosen = readout["classes"]
    if not isinstance(chosen, str):
        found = _of_attributes(chosen, known, attributes, name)
    elif chosen in COLUMNS:
        found = known[chosen].values.astype(str)
    else:
        raise ValueError(
            f"readout {name!r}: classes {chosen!r}; expected {', '.join(COLUMNS)}, or attributes as a list: [{chosen}]"
        )
    return np.where(_of_categories(readout.get("categories") or (), known, name), found, "")


def _of_categories(wanted: Sequence[str], known: xr.Dataset, name: str) -> np.ndarray:
    category = known["category"].values.astype(str)
    for one in wanted:
        if one not in category:
            raise ValueError(f"readout {name!r}: no stimulus is of category {one!r}{_near(one, np.unique(category))}")
    return np.isin(category, wanted) if len(wanted) else np.ones(len(category), dtype=bool)


def _of_attributes(wanted: Sequence[str], known: xr.Dataset, table: xr.DataArray | None, name: str) -> np.ndarray:
    if table is None or not len(wanted):
        raise ValueError(f"readout {name!r}: classes {list(wanted)} are attributes, and none are given")
    names = table["attribute"].values.astype(str)
    for one in wanted:
        if one not in names:
            raise ValueError(f"readout {name!r}: no stimulus has the attribute {one!r}{_near(one, names)}")
    rows = positions(known["stimulus"].values, table["stimulus"].values, f"readout {name!r}", "the attributes")
    has = table.values[rows][:, [names.tolist().index(one) for one in wanted]]
    if len(wanted) == 1:
        return np.select([has[:, 0] == _HAS, has[:, 0] == _LACKS], [wanted[0], f"not {wanted[0]}"], "")
    # where one of them is unknown, another may be there too
    single = ((has == _HAS).sum(axis=1) == 1) & ((has == _LACKS).sum(axis=1) == len(wanted) - 1)
    return np.where(single, np.array(wanted, dtype=str)[has.argmax(axis=1)], "")


def refuse(name: str, wanted: np.ndarray, known: xr.Dataset, readout: Mapping[str, Any]) -> None:
    """Refuse classes that cannot be learned in the select split and tested in the test split.

    Parameters
    ----------
    name : str
        Of the readout.
    wanted : ndarray of str (stimulus,)
        As `classes` gives them.
    known : Dataset
        ``split`` and ``group`` on ``stimulus``.
    readout : mapping
        ``classes`` and ``folds``.

    Raises
    ------
    ValueError
        If there is one class only, one is missing in a split, or has fewer stimuli or groups than folds.
    """
    if readout["folds"] < 3:
        raise ValueError(
            f"readout {name!r}: {readout['folds']} folds; expected 3 or more, as the penalty is chosen within them"
        )
    split, group = known["split"].values.astype(str), known["group"].values.astype(str)
    here = {one: np.unique(wanted[(split == one) & (wanted != "")]) for one in (LEARNED, TESTED)}
    both = np.union1d(here[LEARNED], here[TESTED])
    if len(both) < 2:
        raise ValueError(f"readout {name!r}: it has {len(both)} classes ({', '.join(both)}); expected 2 or more")
    for one, other in ((LEARNED, TESTED), (TESTED, LEARNED)):
        lone = np.setdiff1d(here[one], here[other])
        if len(lone):
            raise ValueError(
                f"readout {name!r}: class {str(lone[0])!r} has stimuli in the {one} split and none in the {other} "
                f"split; a probe is fitted in one and tested in the other{_advice(readout)}"
            )
    for one in both:
        members = (wanted == one) & (split == LEARNED)
        stimuli, groups = int(members.sum()), len(np.unique(group[members]))
        count, what = (stimuli, "stimuli") if readout["classes"] == "group" else (groups, "groups of stimuli")
        if count < readout["folds"]:
            raise ValueError(
                f"readout {name!r}: class {str(one)!r} has {count} {what} in the {LEARNED} split ({stimuli} stimuli); "
                f"expected {readout['folds']} or more, one for each fold"
            )


def _advice(readout: Mapping[str, Any]) -> str:
    if readout["classes"] != "group":
        return ""
    return (
        ". A group never crosses splits, so groups cannot be told apart in a split where they are not: "
        "draw the identities as label, with groups of their own, and take classes: label"
    )


def positions(wanted: np.ndarray, among: np.ndarray, whose: str, where: str) -> np.ndarray:
    """Find stimuli by their ids.

    Parameters
    ----------
    wanted, among : ndarray of str
    whose, where : str
        For the message of an error.

    Returns
    -------
    ndarray of int
        The place of each wanted id.

    Raises
    ------
    ValueError
        Naming the first that is missing.
    """
    rows = pd.Index(among.astype(str)).get_indexer(pd.Index(wanted.astype(str)))
    if (rows < 0).any():
        raise ValueError(f"{whose}: stimulus {str(wanted[rows < 0][0])!r} is not among {where}")
    return rows


def _near(given: str, allowed: Sequence[str] | np.ndarray) -> str:
    near = difflib.get_close_matches(given, list(allowed), n=3)
    shown = near or [str(one) for one in list(allowed)[:8]]
    return f"; {'did you mean' if near else 'there are'} {', '.join(map(str, shown))}{'?' if near else ''}"
