"""How a localizer repeats in halves of the stimuli, beside localizers with shuffled labels.

Repeated         how one measure of a localizer repeats
repeated         the same, of one localizer and measure
MEASURES         what is measured: of the contrast map, and of the masks
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

MEASURES = ("correlation", "dice")


@dataclass(frozen=True)
class Repeated:
    """How one measure of a localizer repeats between halves of the stimuli.

    Parameters
    ----------
    values : ndarray of float (half,)
        One value for each way of halving.
    null : ndarray of float (shuffle,)
        The mean over the same ways of halving, under each exchange of labels.
    p : float
        By the rank among the shuffled labels; NaN without any.
    chance : float
        What is expected where nothing is preferred; NaN where it was not measured.
    """

    values: np.ndarray
    null: np.ndarray
    p: float
    chance: float

    @property
    def mean(self) -> float:
        """Mean over the ways of halving; NaN without any."""
        return float(self.values.mean()) if self.values.size else float("nan")

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest over the ways of halving."""
        return _ends(self.values, 0.0, 1.0)

    def band(self, confidence: float) -> tuple[float, float]:
        """The middle of the values under shuffled labels, of which it holds this share."""
        return _ends(self.null, (1 - confidence) / 2, (1 + confidence) / 2)


def repeated(reliability: xr.Dataset, localizer: str, measure: str) -> Repeated:
    """Say how one measure of a localizer repeats; values that are undefined (NaN) are left out.

    Parameters
    ----------
    reliability : Dataset
        The artefact of reliability: ``correlation`` and ``dice`` on (localizer, half), the same with ``_null`` on
        (localizer, shuffle) and with ``_p`` on (localizer,); where there is one, ``dice_chance`` on (localizer, half).
        The correlation is 0 by chance.
    localizer : str
    measure : str
        One of `MEASURES`.
    """
    one = reliability.sel(localizer=localizer)
    values, null = (one[name].values.astype(float) for name in (measure, f"{measure}_null"))
    by_chance = np.zeros(1) if measure == "correlation" else one.get("dice_chance", xr.DataArray([np.nan])).values
    p, chance = float(one[f"{measure}_p"]), float(np.nanmean(by_chance)) if np.isfinite(by_chance).any() else np.nan
    return Repeated(values[np.isfinite(values)], null[np.isfinite(null)], p, chance)


def _ends(values: np.ndarray, low: float, high: float) -> tuple[float, float]:
    if not values.size:
        return float("nan"), float("nan")
    first, last = np.quantile(values, [low, high])
    return float(first), float(last)
