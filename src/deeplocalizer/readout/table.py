"""The readouts of a study as one dataset, and back as heads.

fit              fit the readouts of a study
heads            take them out of the dataset, for the stimuli of a run
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from deeplocalizer.heads import Head
from deeplocalizer.readout import features, folds, probe
from deeplocalizer.readout.questions import LEARNED, classes, kind, positions, refuse

_KNOWN = ("stimulus", "category", "label", "split", "group")
_MEANINGS = {
    "layer": "layer that is read",
    "call": "call of the layer, from 0",
    "reduction": "how a map becomes the features",
    "classes": "what the classes are",
    "penalty": "inverse strength of the penalty on standardised features: C of scikit-learn's LogisticRegression",
    "accuracy": "balanced accuracy of nested cross-validation within the select split",
    "chance": "balanced accuracy of guessing: 1 / number of classes",
    "n": "stimuli that it was fitted on",
    "groups": "groups of stimuli that never part",
    "folds": "number of folds",
    "converged": "whether the fit, and all fits that chose its penalty, converged",
}
_COORDINATES = ("layer", "call", "reduction", "classes")


class Fitted(NamedTuple):
    """One readout."""

    name: str
    place: features.Place
    words: np.ndarray
    wanted: np.ndarray
    probe: probe.Probe
    row: dict[str, object]


def fit(
    activations: xr.Dataset, stimuli: xr.Dataset, readouts: Mapping[str, Mapping[str, Any]], seed: int
) -> xr.Dataset:
    """Fit the readouts of a study on the select split.

    Parameters
    ----------
    activations : Dataset
        ``activation`` (stimulus, unit) of the intact network; may be opened lazily.
    stimuli : Dataset
        Category, label, split and group on ``stimulus``, and ``has_attribute`` (stimulus, attribute) where attributes
        are read; may be opened lazily, the images are not read.
    readouts : mapping
        By name: ``layer``, ``reduction``, ``classes``, ``categories`` and ``folds``; see `classes`.
    seed : int

    Returns
    -------
    Dataset
        On ``readout``: layer, call, reduction and classes; ``penalty``, ``accuracy``, ``chance``, ``n``, ``groups``,
        ``folds``, ``converged``; ``readout_label`` (readout, stimulus), the true class, "" where a stimulus is not
        asked; and for each readout ``weight_<name>`` (class_<name>, channel_<name>) and ``bias_<name>``, for raw
        responses, with ``unit_<name>``, the unit of each channel.

    Raises
    ------
    ValueError
        If a layer, reduction, attribute or category is not there, a class cannot be learned and tested, or a stimulus
        of the select split has no responses. The message names the readout.

    Notes
    -----
    Of the responses only those to the select split are read, and of the test split only which classes there are: so
    nothing about the weights can be chosen by what is tested.
    """
    if not readouts:
        raise ValueError("there are no readouts to fit")
    known = xr.Dataset(coords={name: stimuli[name].load() for name in _KNOWN})
    attributes = stimuli["has_attribute"].load() if "has_attribute" in stimuli else None
    fitted = [_fitted(name, one, activations, known, attributes, seed) for name, one in readouts.items()]
    table = xr.merge([_common(fitted, known), *(_own(one, activations) for one in fitted)], join="exact")
    kept = ("units_digest", "stimuli_digest", "weights_digest", "model")
    return table.assign_attrs({key: activations.attrs[key] for key in kept if key in activations.attrs})


def heads(dataset: xr.Dataset, stimuli: xr.Dataset) -> list[Head]:
    """Take the readouts out of a dataset.

    Parameters
    ----------
    dataset : Dataset
        As `fit` makes it.
    stimuli : Dataset
        Those of the run, in order: ``stimulus`` holds their ids.

    Returns
    -------
    list of Head
        In the order of ``readout``.

    Raises
    ------
    ValueError
        If a stimulus is unknown, or the readouts were fitted on its split.
    """
    rows = positions(stimuli["stimulus"].values, dataset["stimulus"].values, "readouts", "the stimuli of the readouts")
    learned = dataset["split"].values.astype(str)[rows] == LEARNED
    if learned.any():
        first = str(stimuli["stimulus"].values[learned][0])
        raise ValueError(
            f"stimulus {first!r} is of the {LEARNED} split, on which the readouts were fitted: it cannot test them"
        )
    return [_head(dataset, str(name), rows) for name in dataset["readout"].values]


def _fitted(
    name: str,
    readout: Mapping[str, Any],
    activations: xr.Dataset,
    known: xr.Dataset,
    attributes: xr.DataArray | None,
    seed: int,
) -> Fitted:
    wanted = classes(readout, known, attributes, name)
    refuse(name, wanted, known, readout)
    place = features.find(activations, readout["layer"], readout["reduction"], name)
    chosen = np.flatnonzero((wanted != "") & (known["split"].values.astype(str) == LEARNED))
    # by id, so that no number depends on the order of a file
    chosen = chosen[np.argsort(known["stimulus"].values[chosen].astype(str), kind="stable")]
    rows = positions(
        known["stimulus"].values[chosen], activations["stimulus"].values, f"readout {name!r}", "those recorded"
    )
    words, codes = np.unique(wanted[chosen], return_inverse=True)
    group = known["group"].values[chosen].astype(str)
    parted = np.arange(len(chosen)) if readout["classes"] == "group" else group
    dealt = folds.deal(words[codes], parted, readout["folds"], seed, name)
    found = probe.fit(features.responses(activations, place, rows, name), codes, dealt)
    row: dict[str, object] = {
        "layer": place.layer,
        "call": place.call,
        "reduction": place.reduction,
        "classes": kind(readout),
        "penalty": found.penalty,
        "accuracy": found.accuracy,
        "chance": 1 / len(words),
        "n": len(chosen),
        "groups": len(np.unique(parted)),
        "folds": readout["folds"],
        "converged": found.converged,
    }
    return Fitted(name, place, words, np.where(np.isin(wanted, words), wanted, ""), found, row)


def _common(fitted: list[Fitted], known: xr.Dataset) -> xr.Dataset:
    """Lay out what every readout has."""
    columns: dict[str, tuple[str, np.ndarray, dict[str, str]]] = {
        key: ("readout", np.array([one.row[key] for one in fitted], dtype=_dtype(fitted[0].row[key])), {"long_name": m})
        for key, m in _MEANINGS.items()
    }
    wanted = np.array([one.wanted for one in fitted], dtype=object)
    label = {"long_name": "true class of the stimulus; empty where it is not asked"}
    return xr.Dataset(
        {
            "readout_label": (("readout", "stimulus"), wanted, label),
            **{key: column for key, column in columns.items() if key not in _COORDINATES},
        },
        coords={
            "readout": ("readout", np.array([one.name for one in fitted], dtype=object), {"long_name": "readout"}),
            **{key: columns[key] for key in _COORDINATES},
            **known.drop_vars("label").coords,
        },
    )


def _own(one: Fitted, activations: xr.Dataset) -> xr.Dataset:
    """Lay out the weights of one readout."""
    output, entry = f"class_{one.name}", f"channel_{one.name}"
    weight = {"long_name": f"weight of the raw response, readout {one.name}"}
    unit = activations["unit"].isel(unit=one.place.columns).values
    return xr.Dataset(
        {
            f"weight_{one.name}": ((output, entry), one.probe.weight, weight),
            f"bias_{one.name}": (output, one.probe.bias, {"long_name": f"bias, readout {one.name}"}),
        },
        coords={
            output: (output, one.words.astype(object), {"long_name": f"class of the readout {one.name}"}),
            f"unit_{one.name}": (entry, unit, {"long_name": f"unit that the readout {one.name} reads"}),
        },
    )


def _head(dataset: xr.Dataset, name: str, rows: np.ndarray) -> Head:
    mine = dataset.sel(readout=name)
    return Head(
        name=name,
        layer=str(mine["layer"].values),
        call=int(mine["call"].values),
        reduction=str(mine["reduction"].values),
        weight=dataset[f"weight_{name}"].values,
        bias=dataset[f"bias_{name}"].values,
        classes=tuple(dataset[f"class_{name}"].values.astype(str).tolist()),
        wanted=mine["readout_label"].values[rows].astype(str),
    )


def _dtype(value: object) -> type:
    """Give the type of a column of such values."""
    return object if isinstance(value, str) else type(value)
