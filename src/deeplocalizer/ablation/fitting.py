"""Refuse what does not fit together, before a network runs under masks.

refuse_unfit     masks, values, stimuli and readouts that cannot be run, by themselves
refuse_misfits   units that a layer has not, and means of another shape than its output
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import xarray as xr

from deeplocalizer import units
from deeplocalizer.ablation.filling import Filling, Fillings
from deeplocalizer.heads import Head
from deeplocalizer.hooks import Site
from deeplocalizer.intervention import axes, grouped, indexed

Shapes = Mapping[Site, tuple[int, ...]]


def refuse_unfit(masks: xr.Dataset, kept: np.ndarray, given: Filling, stimuli: int, heads: Sequence[Head]) -> None:
    """Refuse masks, values, stimuli and readouts that cannot be run.

    Parameters
    ----------
    masks : Dataset
        As `masks.table` makes it.
    kept : ndarray of bool (mask,)
        Which masks hold the units that are kept.
    given : Filling
    stimuli : int
        Number of stimuli of the run.
    heads : sequence of Head

    Raises
    ------
    ValueError
        If there are no stimuli, a mask has no units, a name is there twice, there is not one finite value for each
        unit, or a readout has not one wanted class for each stimulus.
    """
    if stimuli == 0:
        raise ValueError("there are no stimuli to run; expected one or more")
    names = [str(name) for name in masks["mask"].values]
    _refuse_twice("mask", names)
    _refuse_twice("readout", [head.name for head in heads])
    selected = masks["selected"].values
    for name, some, keep in zip(names, selected, kept, strict=True):
        if not keep and not some.any():
            raise ValueError(f"mask {name!r} has no units; expected one or more")
    for head in heads:
        if len(head.wanted) != stimuli:
            raise ValueError(
                f"readout {head.name!r}: {len(head.wanted)} wanted classes were given for {stimuli} stimuli"
            )
    if given.of_units is not None:
        _refuse_values(np.asarray(given.of_units), masks, _held(masks, kept))


def refuse_misfits(masks: xr.Dataset, kept: np.ndarray, means: Fillings, shapes: Shapes) -> None:
    """Refuse units that a layer has not, and means of another shape than its output.

    Parameters
    ----------
    masks : Dataset
    kept : ndarray of bool (mask,)
    means : dict of Tensor
        As `Filling.means` gives them.
    shapes : mapping
        Of each site's output, with the batch, as visitors see it; sites that are not there are not looked at.

    Raises
    ------
    ValueError
        Naming the layer, and a mask that holds the unit.
    """
    columns = axes(masks)
    for site, reduction, members in grouped(masks, np.flatnonzero(_held(masks, kept))):
        if site not in shapes:
            continue
        shape, index = shapes[site], indexed(columns, members)
        sizes = (channels(shape),) if len(index) == 1 else shape[1:]
        fits = len(index) == len(sizes)
        wrong = members
        if fits:
            wrong = members[np.any([column >= size for column, size in zip(index, sizes, strict=True)], axis=0)]
        if len(wrong):
            holds = np.flatnonzero(masks["selected"].values[:, wrong].any(axis=1))
            name = str(masks["mask"].values[holds[0] if len(holds) else 0])
            unit = str(units.label(masks.isel(unit=wrong[:1]))[0])
            raise ValueError(
                f"mask {name!r}: layer {site.name!r} (call {site.call}) has no unit {unit}; its output has the shape "
                f"{shape[1:]} per stimulus"
            )
        filled = means.get((site, reduction))
        if filled is not None:
            _refuse_shape(site, tuple(filled.shape), shape)


def channels(shape: Sequence[int]) -> int:
    """Give the number of channels of an output (stimulus, ...), as visitors see it."""
    return shape[-1] if len(shape) == 3 else shape[1]


def _held(masks: xr.Dataset, kept: np.ndarray) -> np.ndarray:
    """Say which units are of any concern: where a mask is kept, all."""
    every = np.ones(masks.sizes["unit"], dtype=bool)
    return every if kept.any() else np.asarray(masks["selected"].values.any(axis=0))


def _refuse_twice(what: str, names: Collection[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} {name!r} is there twice; expected names that differ")
        seen.add(name)


def _refuse_values(values: np.ndarray, masks: xr.Dataset, held: np.ndarray) -> None:
    if values.shape != held.shape:
        raise ValueError(f"values of shape {values.shape} were given for {len(held)} units; expected one for each")
    wrong = np.flatnonzero(held & ~np.isfinite(values))
    if len(wrong):
        unit = str(units.label(masks.isel(unit=wrong[:1]))[0])
        raise ValueError(f"the value {values[wrong[0]]} that is to replace unit {unit} is not finite")


def _refuse_shape(site: Site, filled: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Refuse a mean that does not spread over an output."""
    wide = filled[1:] if len(filled) > 1 else filled
    sizes = shape[1:] if len(filled) > 1 else (channels(shape),)
    if len(wide) != len(sizes) or any(one not in (1, size) for one, size in zip(wide, sizes, strict=True)):
        raise ValueError(
            f"layer {site.name!r} (call {site.call}) has a mean of shape {wide}, but its output has the shape "
            f"{shape[1:]} per stimulus; expected means of images of the same size"
        )
