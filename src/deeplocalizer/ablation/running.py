"""Run a network intact and under masks.

ablate           outcomes of every stimulus, intact and under every mask
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer import allocation, units
from deeplocalizer.ablation.donors import feed_donors, outputs_of
from deeplocalizer.ablation.filling import Filling, Fillings
from deeplocalizer.ablation.fitting import refuse_misfits, refuse_unfit
from deeplocalizer.ablation.passes import Passes, Replacements
from deeplocalizer.ablation.planning import PlannedMask, kept_masks, plan_masks, refuse_unfilled, side_by_side
from deeplocalizer.ablation.readings import Readings
from deeplocalizer.ablation.scattering import group_size
from deeplocalizer.ablation.table import INTACT, table
from deeplocalizer.heads import Head
from deeplocalizer.hooks import DivergedError, Place, Site, every_module_called
from deeplocalizer.models.feeding import batches
from deeplocalizer.outcomes import Question, ask, decide, score
from deeplocalizer.recording.preparation import refuse_training

_log = logging.getLogger(__name__)


def ablate(
    model: nn.Module,
    places: Mapping[str, Place],
    labels: Sequence[str],
    inputs: xr.Dataset,
    masks: xr.Dataset,
    filling: Filling | np.ndarray,
    tasks: Mapping[str, Sequence[str]],
    batch_size: int,
    device: torch.device,
    *,
    heads: Sequence[Head] = (),
) -> xr.Dataset:
    """Run a network intact and under every mask.

    Parameters
    ----------
    model : Module
        In evaluation mode, on the device.
    places : mapping of Module or Operation
        As `hooks.find` gives them: those of the masks' units, and of the heads.
    labels : sequence of str
        The label of each output.
    inputs : Dataset
        The stimuli to run, as `inputs.prepare` makes them.
    masks : Dataset
        As `masks.table` makes it. Where its coordinate ``series`` is ``keep``, or the filling's value is, a mask holds
        the units that are kept.
    filling : Filling, or ndarray (unit,)
        What replaces units; an array gives each its value.
    tasks : mapping of sequences of str
    batch_size : int
        Rows of a batch. If there are fewer stimuli, several masks share a pass; see `group_size`.
    device : device
    heads : sequence of Head, optional
        Readouts: they see their layer after the replacement, and score each stimulus too.

    Returns
    -------
    Dataset
        What `outcomes.score` gives on (intervention, stimulus), and ``decided``, the label chosen within the task, as
        flag codes; the first intervention is ``intact``, the others carry their masks' names and coordinates, and
        ``value``. With heads ``readout_label`` (readout, stimulus), and the same outcomes of them, named
        ``readout_``…, on (readout, intervention, stimulus). Where units are resampled, ``donor`` on ``stimulus``.

    Raises
    ------
    ValueError
        If an output is not finite, a layer never ran, what units are to be replaced by was not given, the network is
        in training mode, or masks, values, readouts, stimuli and outputs do not fit together, naming what is wrong.

    Notes
    -----
    Beside what a pass takes, memory holds for a block what masks begin from, about the outputs of the layers that are
    the first in some mask; and where units are resampled, the donors' outputs of all masked layers.
    """
    given = filling if isinstance(filling, Filling) else Filling("mean", mean="scalar", of_units=filling)
    refuse_training(model)
    refuse_unfit(masks, kept_masks(masks, given), given, inputs.sizes["stimulus"], heads)
    planned = plan_masks(masks, given, device)
    run = _Run(model, places, inputs, ask(inputs["label"].values.astype(str), labels, tasks), heads)
    with allocation.kept(), torch.inference_mode(False), torch.no_grad(), every_module_called():
        _run_all(run, planned, given, masks, batch_size, device)
    resampled = given.donors is not None and any(mask.source == "resample" for mask in planned)
    donated = given.donors["stimulus"].values.tolist() if given.donors is not None and resampled else None
    values = [mask.value for mask in planned]
    return table(run.columns, run.readouts, inputs, masks, values, labels, heads, donated)


def _run_all(
    run: _Run, planned: Sequence[PlannedMask], given: Filling, masks: xr.Dataset, batch_size: int, device: torch.device
) -> None:
    """Run every block of stimuli intact and under every mask."""
    means: Fillings = {}
    stimuli = run.inputs.sizes["stimulus"]
    turned = {Site(name, call) for name, call in units.turned(masks)}
    donated = {site for mask in planned if mask.source == "resample" for site in mask.parts}
    feeding = feed_donors(given.donors, stimuli, batch_size, device) if donated else None
    groups = _grouped(planned, group_size(stimuli, batch_size))
    passes: Passes | None = None
    run.begin(1 + len(planned))
    for block, images in batches(run.inputs, batch_size, device):
        if passes is None:
            sites = [{site for mask in group for site in mask.parts} for group in groups]
            passes = Passes(run.model, run.places, sites, images, group_size(stimuli, batch_size), turned)
            groups = _grouped(planned, passes.together)
            means = _means(given, planned, masks, passes, device)
        borrowed = {}
        if feeding is not None:
            borrowed = outputs_of(next(feeding), run.model, run.places, donated, turned)
        intact = run.score_intact(passes, block, images)
        row, waiting = 1, groups
        while waiting:
            group, *waiting = waiting
            try:
                run.score_masks(passes, block, images, group, (means, borrowed), row, intact)
            except DivergedError as error:
                if len(group) == 1:
                    raise
                _log.info("one mask in a pass: %s", error)
                passes.together, groups = 1, _grouped(planned, 1)
                waiting = groups[row - 1 :]
                continue
            row += len(group)
        passes.forget()


def _means(
    given: Filling, planned: Sequence[PlannedMask], masks: xr.Dataset, passes: Passes, device: torch.device
) -> Fillings:
    """Lay means out where any mask needs them; refuse what does not fit the network."""
    means = given.means(masks, device, passes.shapes) if any(mask.source == "mean" for mask in planned) else {}
    for mask in planned:
        refuse_unfilled(mask, means, given.mean)
    refuse_misfits(masks, kept_masks(masks, given), means, passes.shapes)
    return means


def _grouped(planned: Sequence[PlannedMask], size: int) -> list[Sequence[PlannedMask]]:
    return [planned[start : start + size] for start in range(0, len(planned), size)]


@dataclass(frozen=True)
class _Intact:
    """What the intact network gave for a block: its outputs, and what each head reads."""

    outputs: np.ndarray
    read: dict[int, np.ndarray]


class _Run:
    """A network and its stimuli; the outcomes of all runs, filled in block by block."""

    def __init__(
        self,
        model: nn.Module,
        places: Mapping[str, Place],
        inputs: xr.Dataset,
        question: Question,
        heads: Sequence[Head],
    ) -> None:
        self.model, self.places, self.inputs = model, places, inputs
        self._question, self._heads = question, heads
        self._names = inputs["stimulus"].values
        self._asked = [head.ask() for head in heads]
        self._runs = 0
        self.columns: dict[str, np.ndarray] = {}
        self.readouts: dict[str, np.ndarray] = {}

    def begin(self, runs: int) -> None:
        """Prepare for so many runs of every stimulus."""
        self._runs = runs

    def score_intact(self, passes: Passes, block: slice, images: torch.Tensor) -> _Intact:
        """Run a block intact."""
        readings = Readings(self._heads)
        outputs = self._finite(passes.intact(images, readings.visitors), INTACT, block)
        if outputs.shape[1] != self._question.alternatives.shape[1]:
            raise ValueError(
                f"{self._question.alternatives.shape[1]} labels were given for a network of {outputs.shape[1]} outputs"
            )
        intact = _Intact(outputs, readings.logits)
        self._score(0, block, outputs, readings.logits, intact)
        return intact

    def score_masks(
        self,
        passes: Passes,
        block: slice,
        images: torch.Tensor,
        group: Sequence[PlannedMask],
        sources: tuple[Fillings, Mapping[Site, torch.Tensor]],
        row: int,
        intact: _Intact,
    ) -> None:
        """Run a block under some masks that share a pass; their outcomes begin at a row."""
        replaced: Replacements = side_by_side(group, *sources, len(images))
        readings = Readings(self._heads, lambda site: passes.reaches(replaced, site))
        together = passes.run(images, replaced, readings.visitors, len(group))
        if len(group) > 1:

            def alone(index: int) -> Replacements:
                return side_by_side(group[index : index + 1], *sources, len(images))

            passes.refuse_unlike(images, together, alone, len(group))
        for index, name in enumerate(mask.name for mask in group):
            rows = slice(index * len(images), (index + 1) * len(images))
            # what lies before the masks is read as in the intact run
            read = intact.read | {number: values[rows] for number, values in readings.logits.items()}
            self._score(row + index, block, self._finite(together[rows], name, block), read, intact)

    def _score(
        self, row: int, block: slice, outputs: np.ndarray, read: Mapping[int, np.ndarray], intact: _Intact
    ) -> None:
        asked = self._question.at(block)
        shape = (self._runs, len(self._names))
        for name, values in {**score(outputs, intact.outputs, asked), "decided": decide(outputs, asked)}.items():
            self.columns.setdefault(name, np.empty(shape, values.dtype))[row, block] = values
        for number, asking in enumerate(self._asked):
            for name, values in score(read[number], intact.read[number], asking.at(block)).items():
                column = self.readouts.setdefault(name, np.empty((len(self._heads), *shape), values.dtype))
                column[number, row, block] = values

    def _finite(self, outputs: torch.Tensor, name: str, block: slice) -> np.ndarray:
        """Give outputs as numbers; refuse those that are not finite."""
        numbers = np.asarray(outputs.float().cpu().numpy())
        wrong = np.flatnonzero(~np.isfinite(numbers).all(axis=1))
        if len(wrong):
            stimulus = str(self._names[block][wrong[0]])
            raise ValueError(f"under {name!r} the network's output for {stimulus!r} is not finite")
        return numbers
