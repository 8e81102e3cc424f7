"""What figures and sentences read of a table of robustness.

Case             one result under one variant
results          the results that a table has
cases            one result under all variants
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer.robustness.central import Result
from deeplocalizer.summaries import Effect


@dataclass(frozen=True)
class Case:
    """One result under one variant.

    Parameters
    ----------
    kind, name : str
        Of the variant, see `robustness.Variant`.
    outcome : str
        What was measured.
    effect : Effect or None
        None where there is no number.
    control, control_low, control_high : float
        Mean harm of the random masks, and between what values they lie; NaN where there are none.
    p_able : float
        Of the intact network's doing the task; NaN where that is not asked or not known.
    controls, models : int
        Number of random masks, and of networks.
    each : tuple of float
        The estimate of each network of replicates.
    """

    kind: str
    name: str
    outcome: str
    effect: Effect | None
    control: float
    control_low: float
    control_high: float
    p_able: float
    controls: int
    models: int
    each: tuple[float, ...]

    @property
    def band(self) -> tuple[float, float] | None:
        """Between what values the random masks lie, relative to their mean, as the effect is."""
        if not math.isfinite(self.control):
            return None
        return self.control_low - self.control, self.control_high - self.control

    @property
    def p(self) -> float:
        """The p that decides: adjusted for the family where the comparison belongs to one; NaN where there is none."""
        if self.effect is None:
            return math.nan
        return self.effect.p_family if math.isfinite(self.effect.p_family) else self.effect.p


def results(robustness: xr.Dataset) -> list[Result]:
    """List the results that a table of robustness has, in its order."""
    columns = [robustness[name].values.astype(str).tolist() for name in ("of", "localizer", "other", "task")]
    return [Result(*row) for row in zip(*columns, strict=True)]


def cases(robustness: xr.Dataset, asked: Result) -> list[Case]:
    """Give one result under all variants, the study as it is first.

    Parameters
    ----------
    robustness : Dataset
        As `robustness.table` makes it.
    asked : Result

    Raises
    ------
    KeyError
        If the table has no such result.
    """
    mine = robustness.sel(comparison=asked.name)
    return [_case(mine.isel(variant=row)) for row in range(mine.sizes["variant"])]


def _case(cell: xr.Dataset) -> Case:
    number = {str(name): float(cell[name]) for name in cell.data_vars if cell[name].ndim == 0}
    effect = None
    if math.isfinite(number["estimate"]):
        estimate, low, high, p, p_family = (number[name] for name in ("estimate", "low", "high", "p", "p_family"))
        effect = Effect(estimate, low, high, p, p_family, n=int(number["n"]), groups=0, method="")
    each = cell["estimate_of_model"].values.astype(float)
    return Case(
        str(cell["kind"].values),
        str(cell["name"].values),
        str(cell["outcome"].values),
        effect,
        number["control"],
        number["control_low"],
        number["control_high"],
        number["p_able"],
        int(number["controls"]),
        int(number["models"]),
        tuple(each[np.isfinite(each)].tolist()),
    )
