"""Donors: the stimulus whose responses replace those to another one.

donors           draw one for every stimulus
feed_donors      their pixels, block by block
outputs_of       what layers give for them
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer import seeding
from deeplocalizer.hooks import Place, Site
from deeplocalizer.intervention import intervening
from deeplocalizer.models.feeding import feed


def donors(inputs: xr.Dataset, stimuli: Sequence[str], others: Sequence[str], seed: int) -> xr.Dataset:
    """Draw a donor for every stimulus of a run, from the localize split.

    Parameters
    ----------
    inputs : Dataset
        All stimuli, as `inputs.prepare` makes them; the pixels may be lazy.
    stimuli : sequence of str
        The stimuli of the run.
    others : sequence of str
        The categories to draw from: those that the contrast's preferred ones are compared with.
    seed : int
        The donor of a stimulus depends on this, the names of all candidates and its own name; not on who else is run.

    Returns
    -------
    Dataset
        The inputs of the donors, in the order of ``stimuli``; one may be there several times.

    Raises
    ------
    ValueError
        If no stimulus of these categories is in the localize split.
    """
    category, split = (inputs[name].values.astype(str) for name in ("category", "split"))
    names = inputs["stimulus"].values.astype(str)
    candidates = np.flatnonzero(np.isin(category, list(others)) & (split == "localize"))
    if len(candidates) == 0:
        raise ValueError(f"no stimulus of the categories {', '.join(others)} is in the split 'localize' to be a donor")
    candidates = candidates[np.argsort(names[candidates])]
    drawn = [int(seeding.generator(seed, "donors", str(name)).integers(len(candidates))) for name in stimuli]
    return inputs.isel(stimulus=candidates[drawn])


def feed_donors(
    drawn: xr.Dataset | None, stimuli: int, batch_size: int, device: torch.device
) -> Generator[torch.Tensor, None, None]:
    """Yield the pixels of donors in the blocks of the stimuli that they belong to.

    Parameters
    ----------
    drawn : Dataset, optional
        As `donors` gives them.
    stimuli : int
    batch_size : int
    device : device

    Raises
    ------
    ValueError
        If there is not one for each stimulus.
    """
    given = 0 if drawn is None else drawn.sizes["stimulus"]
    if drawn is None or given != stimuli:
        raise ValueError(f"units are to be resampled from donors, but {given} were given for {stimuli} stimuli")
    blocks = (np.arange(start, min(start + batch_size, stimuli)) for start in range(0, stimuli, batch_size))
    return feed(drawn, blocks, device)


def outputs_of(
    images: torch.Tensor,
    model: nn.Module,
    places: Mapping[str, Place],
    sites: Collection[Site],
    turned: Collection[Site],
) -> dict[Site, torch.Tensor]:
    """Run donors, and give copies of what the network gives at some sites.

    Parameters
    ----------
    images : Tensor (stimulus, ...)
    model : Module
    places : mapping of Module or Operation
    sites : collection of Site
    turned : collection of Site
        As `hooks.visiting` takes them.
    """
    outputs: dict[Site, torch.Tensor] = {}

    def keep(site: Site, output: torch.Tensor) -> None:
        outputs[site] = output.clone()

    with intervening(places, {}, dict.fromkeys(sites, keep), turned) as restart:
        restart()
        model(images)
    return outputs
