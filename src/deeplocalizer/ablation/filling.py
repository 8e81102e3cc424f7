"""What replaces a unit.

VALUES           the kinds of values
Filling          the kind, and where values come from
filling          make one from a configuration
replacements     one value for each unit
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import xarray as xr

from deeplocalizer import units
from deeplocalizer.hooks import Site
from deeplocalizer.intervention import fillings
from deeplocalizer.moments import pool

VALUES = ("zero", "mean", "resample", "keep")
BACKGROUNDS = VALUES[:3]
MEANS = ("map", "scalar")
Fillings = dict[tuple[Site, str], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Filling:
    """What replaces a unit, and where its value comes from.

    Parameters
    ----------
    value : str
        ``zero``; ``mean``, the mean response to some categories in the localize split; ``resample``, the response to
        the stimulus's donor; ``keep``, where all other units are replaced by the background.
    background : str
        ``zero``, ``mean`` or ``resample``: what replaces all other units where a mask is kept.
    mean : str
        ``map``: a channel's mean at every position; ``scalar``: one mean for all of its map.
    moments : Dataset, optional
        As `moments.table` makes it, of the units of the masks.
    maps : Dataset, optional
        The same of position units of their layers, as `mean_maps` makes it; not needed where ``moments`` has them.
    others : tuple of str
        The categories that the mean is taken of.
    donors : Dataset, optional
        Inputs of the donor of each stimulus, as `donors` gives them.
    of_units : ndarray (unit,), optional
        One value for each unit, in the place of all the rest.
    """

    value: str
    background: str = "mean"
    mean: str = "map"
    moments: xr.Dataset | None = field(default=None, repr=False)
    maps: xr.Dataset | None = field(default=None, repr=False)
    others: tuple[str, ...] = ()
    donors: xr.Dataset | None = field(default=None, repr=False)
    of_units: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse unknown words."""
        for key, allowed in (("value", VALUES), ("background", BACKGROUNDS), ("mean", MEANS)):
            if getattr(self, key) not in allowed:
                raise ValueError(f"ablation {key} {getattr(self, key)!r} is unknown; allowed are {', '.join(allowed)}")

    def source(self, kept: bool) -> str:
        """Say what replaces units: under a mask, or around one that is kept."""
        return self.background if kept else self.value

    def means(
        self, table: xr.Dataset, device: torch.device, shapes: Mapping[Site, tuple[int, ...]] | None = None
    ) -> Fillings:
        """Lay mean responses out with the axes of outputs.

        Parameters
        ----------
        table : Dataset
            Coordinates of ``unit``.
        device : device
        shapes : mapping, optional
            Of each site's output, with the batch: a vector (stimulus, channel) has nothing to reduce, so its mean is
            that of its units, whatever reduction they are under.

        Returns
        -------
        dict of Tensor
            By site and reduction, as `intervention.fillings` gives them. Sites without maps are left out, and where
            one mean is wanted for all of a map, those whose units are maxima and whose means were not recorded.

        Raises
        ------
        ValueError
            If there are no moments, or they are of other units.
        """
        if self.of_units is not None:
            return fillings(table, self.of_units, device)
        if self.moments is None:
            raise ValueError("ablation value 'mean' needs the moments of the units; none were given")
        units.align(self.moments, table)
        own = fillings(table, replacements("mean", self.moments, self.others), device)
        vectors = {site for site, shape in (shapes or {}).items() if len(shape) == 2}
        flat = self._maps(device)
        laid = {}
        for (site, reduction), filled in own.items():
            if reduction == "position" or site in vectors:
                laid[site, reduction] = filled
            elif self.mean == "scalar":
                found = _scalar(site, reduction, own, flat)
                laid |= {} if found is None else {(site, reduction): found}
            elif (site, "position") in flat:
                laid[site, reduction] = flat[site, "position"]
        return laid

    def _maps(self, device: torch.device) -> Fillings:
        """Lay the means of position units out."""
        source = self.moments if self.maps is None else self.maps
        assert source is not None
        some = np.flatnonzero(source["reduction"].values == units.REDUCTIONS.index("position"))
        if len(some) == 0:
            return {}
        mapped = source.isel(unit=some)
        return fillings(mapped, replacements("mean", mapped, self.others), device)


def _scalar(site: Site, reduction: str, own: Fillings, flat: Fillings) -> torch.Tensor | None:
    """Give one mean for each channel; a mean of maxima is none."""
    if reduction != "max":
        return own[site, reduction]
    if (site, "mean") in own:
        return own[site, "mean"]
    mapped = flat.get((site, "position"))
    if mapped is None:
        return None
    return mapped if mapped.ndim == 1 else mapped[0].mean((1, 2) if mapped.ndim == 4 else 0)


def filling(
    settings: Mapping[str, Any],
    moments: xr.Dataset | None = None,
    maps: xr.Dataset | None = None,
    others: Sequence[str] = (),
    donors: xr.Dataset | None = None,
) -> Filling:
    """Make a filling from a configuration.

    Parameters
    ----------
    settings : mapping
        The section ``ablation``: ``value``, and ``background`` (mean by default) and ``mean`` (map by default).
    moments, maps, others, donors
        As `Filling` has them.

    Raises
    ------
    ValueError
        If a word is unknown, listing those that are allowed.
    """
    value, background, mean = settings["value"], settings.get("background", "mean"), settings.get("mean", "map")
    return Filling(value, background, mean, moments, maps, tuple(others), donors)


def replacements(value: str, moments: xr.Dataset, others: Sequence[str]) -> np.ndarray:
    """Give one value for each unit.

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

    Raises
    ------
    ValueError
        If the value is unknown, or there are no stimuli to take a mean of.
    """
    if value == "zero":
        return np.zeros(moments.sizes["unit"])
    if value != "mean":
        raise ValueError(f"ablation value {value!r} is unknown; allowed are zero, mean")
    pooled = pool(moments, others, ["localize"])
    if int(pooled["count"]) == 0:
        raise ValueError(f"there are no stimuli of {', '.join(others) or 'no category'} to take the mean response to")
    return np.asarray(pooled["mean"].values)
