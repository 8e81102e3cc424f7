"""Outcomes as a labelled dataset.

INTACT           the name of the run without a mask
table            outcomes of all runs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from deeplocalizer import units
from deeplocalizer.heads import Head
from deeplocalizer.outcomes import OUTCOMES

INTACT = "intact"
KNOWN = ("stimulus", "category", "label", "split", "fold", "group")
VALUE = {"long_name": "what replaces the units: zero, mean, resample, or keep: all others are replaced"}


def table(
    columns: Mapping[str, np.ndarray],
    readouts: Mapping[str, np.ndarray],
    inputs: xr.Dataset,
    masks: xr.Dataset,
    values: Sequence[str],
    labels: Sequence[str],
    heads: Sequence[Head],
    donors: Sequence[str] | None,
) -> xr.Dataset:
    """Lay outcomes out.

    Parameters
    ----------
    columns : mapping of ndarray (intervention, stimulus)
        The intact run first, then every mask.
    readouts : mapping of ndarray (readout, intervention, stimulus)
    inputs, masks : Dataset
    values : sequence of str
        What replaces units, for each mask.
    labels : sequence of str
    heads : sequence of Head
    donors : sequence of str, optional
        The donor of each stimulus.

    Returns
    -------
    Dataset
        See `ablate`.
    """
    along = {
        str(name): ("intervention", np.array([_intact(column), *column.values.tolist()]), column.attrs)
        for name, column in masks.coords.items()
        if column.dims == ("mask",) and name != "mask"
    }
    result = xr.Dataset(
        {
            name: (("intervention", "stimulus"), column, _meaning(name, labels, column.dtype))
            for name, column in columns.items()
        },
        coords={
            "intervention": [INTACT, *masks["mask"].values.tolist()],
            **along,
            "value": ("intervention", np.array(["", *values]), VALUE),
            **{name: inputs[name] for name in KNOWN},
        },
    )
    if donors is not None:
        meaning = {"long_name": "stimulus of the localize split whose responses replace those to this one"}
        result = result.assign_coords(donor=("stimulus", np.array(donors, dtype=object), meaning))
    if heads:
        asked = {"long_name": "true class for the readout; empty where the stimulus is not asked"}
        result = result.assign_coords(readout=[head.name for head in heads])
        result["readout_label"] = (("readout", "stimulus"), np.array([head.wanted for head in heads], object), asked)
    for name, column in readouts.items():
        meaning = {"long_name": f"of the readout: {OUTCOMES[name]}"}
        result[f"readout_{name}"] = (("readout", "intervention", "stimulus"), column, meaning)
    return result


def _meaning(name: str, labels: Sequence[str], dtype: np.dtype) -> dict[str, object]:
    if name != "decided":
        return {"long_name": OUTCOMES[name]}
    return {
        "long_name": "label chosen among those of the stimulus's task",
        "flag_values": np.arange(len(labels), dtype=dtype),
        "flag_meanings": " ".join(units.escape(label or str(place)) for place, label in enumerate(labels)),
    }


def _intact(coordinate: xr.DataArray) -> object:
    """Give the intact run's entry of a coordinate of masks."""
    if coordinate.name == "role":
        return INTACT
    return "" if coordinate.dtype.kind in "OUT" else coordinate.dtype.type(0)
