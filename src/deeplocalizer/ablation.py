"""Ablation: outcomes of a network without some of its units.

replacements     what replaces each unit: zero, or its mean response
ablate           outcomes of every stimulus, intact and under every mask
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer import allocation, units
from deeplocalizer.hooks import Place, Site
from deeplocalizer.intervention import Replacement, intervening, plan
from deeplocalizer.models.feeding import batches, logits
from deeplocalizer.moments import pool
from deeplocalizer.outcomes import OUTCOMES, Question, ask, score

INTACT = "intact"


def replacements(value: str, moments: xr.Dataset, others: Sequence[str]) -> np.ndarray:
    """Work out what replaces each unit.

    Parameters
    ----------
    value : str
        ``zero``, or ``mean``: the unit's mean response to some categories in the localize split.
    moments : Dataset
        As `moments.table` makes it.
    others : sequence of str
        Those categories.

    Returns
    -------
    ndarray (unit,)
    """
    if value == "zero":
        return np.zeros(moments.sizes["unit"])
    if value == "mean":
        return pool(moments, others, ["localize"])["mean"].values
    raise ValueError(f"ablation value {value!r} is unknown; allowed are zero, mean")


def ablate(
    model: nn.Module,
    places: Mapping[str, Place],
    labels: Sequence[str],
    inputs: xr.Dataset,
    masks: xr.Dataset,
    values: np.ndarray,
    tasks: Mapping[str, Sequence[str]],
    batch_size: int,
    device: torch.device,
) -> xr.Dataset:
    """Run a network intact and under every mask.

    Parameters
    ----------
    model : Module
        In evaluation mode, on the device.
    places : mapping of Module or Operation
        As `hooks.find` gives them.
    labels : sequence of str
        The label of each output.
    inputs : Dataset
        The stimuli to run, as `inputs.prepare` makes them.
    masks : Dataset
        As `masks.table` makes it.
    values : ndarray (unit,)
        As `replacements` gives them.
    tasks : mapping of sequences of str
    batch_size : int
    device : device

    Returns
    -------
    Dataset
        Each of `outcomes.OUTCOMES` on (intervention, stimulus), and ``decided``, the label chosen within the task, as
        flag codes; the first intervention is ``intact``, the others carry their masks' names and coordinates.
    """
    question = ask(inputs["label"].values.astype(str), labels, tasks)
    # the intact run is an intervention that replaces nothing
    plans: list[tuple[str, dict[Site, Replacement]]] = [(INTACT, {})] + [
        (str(name), plan(masks, selected, values, device))
        for name, selected in zip(masks["mask"].values, masks["selected"].values, strict=True)
    ]
    columns: dict[str, np.ndarray] = {}
    with allocation.kept(), torch.inference_mode():
        for block, images in batches(inputs, batch_size, device):
            asked = question.at(block)
            intact: np.ndarray | None = None
            for row, (name, replaced) in enumerate(plans):
                with intervening(places, replaced) as restart:
                    restart()
                    outputs = logits(model(images)).float().cpu().numpy()
                _refuse_infinite(outputs, name, inputs["stimulus"].values[block])
                intact = outputs if intact is None else intact
                for outcome, scored in _scored(outputs, intact, asked).items():
                    if outcome not in columns:
                        columns[outcome] = np.empty((len(plans), inputs.sizes["stimulus"]), scored.dtype)
                    columns[outcome][row, block] = scored
    return _table(columns, inputs, masks, labels)


def _scored(outputs: np.ndarray, intact: np.ndarray, asked: Question) -> dict[str, np.ndarray]:
    decided = np.where(asked.alternatives, outputs, -np.inf).argmax(axis=1)
    return score(outputs, intact, asked) | {"decided": decided.astype(np.int16)}


def _refuse_infinite(outputs: np.ndarray, name: str, stimuli: np.ndarray) -> None:
    wrong = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(wrong):
        raise ValueError(f"under {name!r} the network's output for {str(stimuli[wrong[0]])!r} is not finite")


def _table(
    columns: Mapping[str, np.ndarray], inputs: xr.Dataset, masks: xr.Dataset, labels: Sequence[str]
) -> xr.Dataset:
    meanings: dict[str, dict[str, object]] = {name: {"long_name": meaning} for name, meaning in OUTCOMES.items()}
    meanings["decided"] = {
        "long_name": "label chosen among those of the stimulus's task",
        "flag_values": np.arange(len(labels), dtype=np.int16),
        "flag_meanings": " ".join(units.escape(label) for label in labels),
    }
    names = [INTACT, *masks["mask"].values.tolist()]
    along = {
        name: ("intervention", np.array([_intact(masks[name]), *masks[name].values.tolist()]))
        for name in ("localizer", "contrast", "rule", "fraction", "role", "kind", "seed")
    }
    return xr.Dataset(
        {name: (("intervention", "stimulus"), column, meanings[name]) for name, column in columns.items()},
        coords={
            "intervention": names,
            **along,
            **{name: inputs[name] for name in ("stimulus", "category", "label", "split", "fold", "group")},
        },
    )


def _intact(coordinate: xr.DataArray) -> object:
    """Give the intact run's entry of a coordinate of masks."""
    if coordinate.name == "role":
        return INTACT
    return "" if coordinate.dtype.kind in "OU" else 0
