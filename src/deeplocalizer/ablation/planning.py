"""What the masks of a run replace.

PlannedMask      what one mask replaces, and what kind of value replaces it
plan_masks       plan all masks of a table
kept_masks       which of them hold the units that are kept
refuse_unfilled  refuse a mask whose layers have no mean
side_by_side     the replacements of several masks that share a pass
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from deeplocalizer.ablation.filling import Filling, Fillings
from deeplocalizer.hooks import Site
from deeplocalizer.intervention import Part, Replacement, chosen, first_reductions, rest


@dataclass(frozen=True, eq=False)
class PlannedMask:
    """What one mask replaces, and what kind of value replaces it.

    Parameters
    ----------
    name : str
    value : str
        As outcomes name it: zero, mean, resample or keep.
    source : str
        Where values come from: zero, mean or resample.
    parts : dict of list of Part
    """

    name: str
    value: str
    source: str
    parts: dict[Site, list[Part]]


def plan_masks(masks: xr.Dataset, filling: Filling, device: torch.device) -> list[PlannedMask]:
    """Plan all masks of a table; see `ablate` for which of them hold the units that are kept."""
    kept = kept_masks(masks, filling)
    first = first_reductions(masks) if kept.any() else None
    planned = []
    for name, selected, keep in zip(masks["mask"].values, masks["selected"].values, kept, strict=True):
        parts = rest(masks, selected, device, first) if keep else chosen(masks, selected, device)
        planned.append(PlannedMask(str(name), "keep" if keep else filling.value, filling.source(bool(keep)), parts))
    return planned


def kept_masks(masks: xr.Dataset, filling: Filling) -> np.ndarray:
    """Say which masks hold the units that are kept, as bool (mask,)."""
    series = masks["series"].values.astype(str) if "series" in masks.coords else np.full(masks.sizes["mask"], "")
    return np.asarray((series == "keep") | (filling.value == "keep"))


def refuse_unfilled(mask: PlannedMask, means: Fillings, mean: str) -> None:
    """Refuse a mask that needs the mean of a layer that has none, naming the layer; ``mean`` is as in `Filling`."""
    if mask.source != "mean":
        return
    for site, parts in mask.parts.items():
        for part in parts:
            if (site, part.reduction) in means:
                continue
            if mean == "scalar":
                raise ValueError(
                    f"layer {site.name!r} (call {site.call}) was recorded as {part.reduction!r} alone; ablation.mean "
                    f"'scalar', which mask {mask.name!r} needs, needs the reduction 'mean' (or 'position')"
                )
            raise ValueError(
                f"layer {site.name!r} (call {site.call}) has no mean map, which mask {mask.name!r} needs; give "
                "maps as mean_maps records them, or set ablation.mean to scalar"
            )


def side_by_side(
    group: Sequence[PlannedMask], means: Fillings, borrowed: Mapping[Site, torch.Tensor], stimuli: int
) -> dict[Site, list[Replacement]]:
    """Put the replacements of some masks side by side: each has rows of its own."""
    replaced: dict[Site, list[Replacement]] = {}
    for index, mask in enumerate(group):
        rows = slice(index * stimuli, (index + 1) * stimuli) if len(group) > 1 else None
        for site, parts in mask.parts.items():
            for part in parts:
                zero = torch.zeros((), device=part.where[0].device)
                values = {"zero": zero, "mean": means.get((site, part.reduction)), "resample": borrowed.get(site)}
                value = values[mask.source]
                assert value is not None
                replaced.setdefault(site, []).append(Replacement(part, value, rows))
    return replaced
