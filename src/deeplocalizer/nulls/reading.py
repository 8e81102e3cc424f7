"""What a reader is told of distributions under exchanged labels.

Beyond           how many units have a larger effect, and how many would by chance
beyond           the same, of one contrast
Passed           the units that pass the family-wise threshold
passed           the same, of one contrast; None where there is no threshold
"""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Beyond:
    """How many units have a larger effect.

    Parameters
    ----------
    units : int
        As the data are.
    expected, low, high : float
        Mean, and ends of the middle 95 %, under balanced exchanges of labels.
    """

    units: int
    expected: float
    low: float
    high: float

    @property
    def more(self) -> bool:
        """Whether they are more than nearly all exchanges give."""
        return self.units > self.high

    @property
    def fewer(self) -> bool:
        """Whether they are fewer than nearly all exchanges give."""
        return self.units < self.low


def beyond(nulls: xr.Dataset, contrast: str, least: float, direction: str = "either", place: str = "") -> Beyond:
    """Count the units beyond an effect size, of the network or of one place.

    Parameters
    ----------
    nulls : Dataset
        As `measure` makes it.
    contrast : str
    least : float
        One of its ``least``.
    direction : str
        ``more``, ``less`` or ``either``.
    place : str, optional
    """
    one = nulls.sel(contrast=contrast, direction=direction, least=least)
    prefix = "" if place else "network_"
    cell = one.sel(place=place) if place else one
    ends = (float(cell[f"{prefix}beyond_null_{end}"]) for end in ("mean", "low", "high"))
    return Beyond(int(cell["beyond"].sum()), *ends)


@dataclass(frozen=True)
class Passed:
    """The units that pass the family-wise threshold.

    Parameters
    ----------
    threshold : float
        Of |d|.
    p : float
        That no unit of the network prefers.
    more, less : int
        Units beyond it that respond more, and less, to the preferred categories.
    tests : int
        Exchanges that it comes from.
    exact : bool
        Whether both sides have as many stimuli in every fold.
    """

    threshold: float
    p: float
    more: int
    less: int
    tests: int
    exact: bool


def passed(nulls: xr.Dataset, contrast: str, place: str = "") -> Passed | None:
    """Give the units that pass the family-wise threshold, of the network or of one place; None if there is none."""
    if contrast not in nulls["tested"].values:
        return None
    one = nulls.sel(tested=contrast)
    found = one["passed"].sel(place=place) if place else one["passed"].sum("place")
    more, less = (int(found.sel(direction=direction)) for direction in ("more", "less"))
    sizes = nulls.sel(contrast=contrast)
    exact = float(sizes["imbalance"]) - 1 < _ROUNDING and float(sizes["skewness"]) < _ROUNDING
    return Passed(float(one["threshold"]), float(one["p"]), more, less, int(one["tests"]), exact)
