"""Responses under the names that BrainIO and Brain-Score use.

assembly         responses laid out and named as BrainIO's NeuroidAssembly
stimulus_set     the table of the stimuli, as BrainIO's StimulusSet
ExportError      responses cannot be laid out as an assembly

Layout: BrainIO 1.1, docs/SPECIFICATION.md (one data variable, flat coordinates, ``identifier`` and
``stimulus_set_identifier``). Names on ``neuroid``: those that Brain-Score's ``ActivationsExtractorHelper`` gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer import units

DATA = "data"  # the one data variable, named as BrainIO itself names it
DIMENSIONS = ("presentation", "neuroid")
STIMULUS = {
    "stimulus": "id of the stimulus",
    "category": "kind of the stimulus",
    "label": "right answer to the stimulus",
    "split": "split of the stimulus",
    "fold": "fold within the split",
    "group": "group that never crosses splits, empty where there is none",
}
NEUROID = {
    "neuroid_id": "model, layer and neuroid_num, joined by points",
    "neuroid_num": "number of the unit within its layer, from 0",
    "model": "model of the unit",
    "layer": "layer of the unit",
    "channel": "first axis of the response: its channel, or its token where there is an embedding",
    "channel_x": "second axis of the response, the row, from the top; NaN where there is none",
    "channel_y": "third axis of the response, the column, from the left; NaN where there is none",
    "embedding": "second axis of a response of tokens, its channel; NaN where there is none",
    "token": "token of the unit; NaN where there is none",
    "call": "call of the layer within one forward pass, from 0",
    "reduction": "how space or tokens were reduced; position where they were not",
    "unit": "unit of the model in the other files of the study",
}
KEPT = ("model", "weights_digest", "units_digest", "stimuli_digest", "configuration_digest", "parameters", "software")


class ExportError(ValueError):
    """Responses cannot be laid out as an assembly."""


def assembly(activations: xr.Dataset, stimulus_set_identifier: str, identifier: str | None = None) -> xr.Dataset:
    """Lay responses out as BrainIO's NeuroidAssembly.

    Parameters
    ----------
    activations : Dataset
        ``activation`` (stimulus, unit) with the coordinates of `units.table` on ``unit`` and ``stimulus``,
        ``category``, ``label``, ``split``, ``fold`` and ``group`` on ``stimulus``; attribute ``model``.
    stimulus_set_identifier : str
        Name of the stimulus set.
    identifier : str, optional
        Name of the assembly; by default model and stimulus set, joined by a point.

    Returns
    -------
    Dataset
        ``data`` (presentation, neuroid), not loaded if it was not, with flat coordinates. A response with one axis has
        ``channel``, one of tokens ``channel`` (the token) and ``embedding`` (our channel), a map ``channel``,
        ``channel_x`` (our y) and ``channel_y`` (our x); what a unit has not is NaN. Units of one layer are numbered on
        over its calls and reductions, in their order, so that ``neuroid_id`` is unique. ``embedding`` and ``token`` are
        there if any unit has them.

    Raises
    ------
    ExportError
        If a variable, coordinate or attribute is missing, or there are no units.
    """
    _refuse_incomplete(activations)
    model = str(activations.attrs["model"])
    names = {"identifier": identifier or f"{model}.{stimulus_set_identifier}"}
    names["stimulus_set_identifier"] = stimulus_set_identifier
    bare = activations[["activation"]].drop_vars(list(activations.coords))
    values = bare.rename_dims(dict(zip(("stimulus", "unit"), DIMENSIONS, strict=True))).rename(activation=DATA)
    values[DATA].attrs = {"long_name": "response of the unit", **names}  # readers of one array see only its attributes
    presentation = {
        "stimulus_id" if name == "stimulus" else name: (DIMENSIONS[0], _plain(activations[name]), {"long_name": text})
        for name, text in STIMULUS.items()
    }
    neuroid = {
        name: (DIMENSIONS[1], column, {"long_name": NEUROID[name]})
        for name, column in _neuroids(activations, model).items()
    }
    kept = {name: activations.attrs[name] for name in KEPT if name in activations.attrs}
    title = {"Conventions": "CF-1.11", "title": f"Responses of {model} as a BrainIO assembly"}
    made = values.assign_coords({**presentation, **neuroid})
    made.attrs = {**title, **kept, **names}
    return made


def stimulus_set(activations: xr.Dataset) -> pd.DataFrame:
    """Give the table of a BrainIO StimulusSet.

    Parameters
    ----------
    activations : Dataset
        As `assembly` takes it.

    Returns
    -------
    DataFrame
        ``stimulus_id``, ``filename`` (the id, made fit for a file's name) and what else is known of each stimulus.

    Raises
    ------
    ExportError
        If a coordinate is missing or a stimulus is there twice.
    """
    _refuse_missing(activations, STIMULUS)
    columns = {name: _plain(activations[name]) for name in STIMULUS}
    found, counts = np.unique(columns["stimulus"], return_counts=True)
    if (counts > 1).any():
        raise ExportError(f"stimulus {str(found[counts > 1][0])!r} is there twice; a stimulus set names each once")
    ids = columns.pop("stimulus")
    return pd.DataFrame({"stimulus_id": ids, "filename": [quote(str(one), safe="") for one in ids], **columns})


def _neuroids(activations: xr.Dataset, model: str) -> dict[str, np.ndarray]:
    """Name the units as Brain-Score does."""
    layer, number = units.layer_names(activations), _numbers(activations["layer"].values)
    channel, y, x, token = (activations[name].values for name in ("channel", "y", "x", "token"))
    of_tokens = token != units.ABSENT
    identity = np.char.add(np.char.add(np.char.add(f"{model}.", layer), "."), number.astype(str))
    columns = {"neuroid_id": identity, "neuroid_num": number, "model": np.full(len(layer), model), "layer": layer}
    columns["channel"] = np.where(of_tokens, token, channel).astype(np.int64)
    columns |= {"channel_x": _or_nan(y), "channel_y": _or_nan(x)}
    if of_tokens.any():
        columns |= {"embedding": np.where(of_tokens, channel, np.nan), "token": _or_nan(token)}
    columns |= {
        "call": activations["call"].values.astype(np.int64),
        "reduction": units.decode(activations["reduction"]),
    }
    return columns | {"unit": activations["unit"].values.astype(np.int64)}


def _numbers(codes: np.ndarray) -> np.ndarray:
    """Number the units of each layer from 0, in their order."""
    order = np.argsort(codes, kind="stable")
    _, first, counts = np.unique(codes[order], return_index=True, return_counts=True)
    numbers = np.empty(len(codes), dtype=np.int64)
    numbers[order] = np.arange(len(codes)) - np.repeat(first, counts)
    return numbers


def _or_nan(column: np.ndarray) -> np.ndarray:
    """Mark what is absent; where nothing is, keep integers: BrainIO's xarray cannot select by a level of floats."""
    absent = column == units.ABSENT
    return np.where(absent, np.nan, column) if absent.any() else column.astype(np.int64)


def _plain(column: xr.DataArray) -> np.ndarray:
    return column.values if column.dtype.kind in "biuf" else column.values.astype(str)


def _refuse_incomplete(activations: xr.Dataset) -> None:
    if "activation" not in activations or activations["activation"].dims != ("stimulus", "unit"):
        raise ExportError(
            f"there is no variable 'activation' (stimulus, unit); found {sorted(map(str, activations.data_vars))}"
        )
    _refuse_missing(activations, [*STIMULUS, "unit", *units.COORDINATES])
    if "model" not in activations.attrs:
        raise ExportError("there is no attribute 'model' to name the units by")
    if 0 in activations["activation"].shape:
        raise ExportError(f"there is nothing to hand on: activation has the shape {activations['activation'].shape}")


def _refuse_missing(activations: xr.Dataset, names: Iterable[str]) -> None:
    missing = [name for name in names if name not in activations.coords]
    if missing:
        raise ExportError(f"there is no coordinate {', '.join(map(repr, missing))}; expected {', '.join(names)}")
