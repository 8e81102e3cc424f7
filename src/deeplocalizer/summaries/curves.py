"""Series of masks: more units and fewer, one layer alone, or nothing but the mask.

Curve            harm of a series of masks of one localizer, to one task
curves           the curves of one series and task
series           the series that were run
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer.summaries.effects import Effect

SERIES = ("fraction", "layer", "keep")  # in the order in which they are shown
_COLUMNS = ("estimate", "low", "high", "control", "control_low", "control_high", "p")


@dataclass(frozen=True)
class Curve:
    """Harm of a series of masks of one localizer to one task, every array on the points of the series.

    Parameters
    ----------
    localizer : str
    level : tuple of str
        What tells the masks of the series apart: a fraction, or the name of a layer.
    dose : ndarray of float
        Share of the eligible units that the mask holds.
    estimate, low, high : ndarray of float
        Harm of the localizer's mask with its interval.
    control, control_low, control_high : ndarray of float
        Mean harm of the random masks, and the middle of their harms.
    p : ndarray of float
        By the rank of the mask among the random ones.
    n, controls : ndarray of int
        Numbers of stimuli and of random masks.
    """

    localizer: str
    level: tuple[str, ...]
    dose: np.ndarray
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    control: np.ndarray
    control_low: np.ndarray
    control_high: np.ndarray
    p: np.ndarray
    n: np.ndarray
    controls: np.ndarray

    def effect(self, point: int) -> Effect:
        """Give the harm of the localizer's mask at one point."""
        estimate, low, high, p = (float(values[point]) for values in (self.estimate, self.low, self.high, self.p))
        return Effect(estimate, low, high, p, float("nan"), int(self.n[point]), int(self.n[point]), "")


def series(measured: xr.Dataset) -> tuple[str, ...]:
    """List the series that were run, in the order in which they are shown.

    Parameters
    ----------
    measured : Dataset
        The artefact of curves.
    """
    found = set(measured["series"].values.astype(str))
    return tuple(name for name in SERIES if name in found)


def curves(measured: xr.Dataset, outcome: str, wanted: str, task: str) -> list[Curve]:
    """Take the curves of one series and task, a curve for each localizer that has a finite point.

    Parameters
    ----------
    measured : Dataset
        The artefact of curves: on (point, outcome), with ``localizer``, ``series``, ``level``, ``dose`` and ``task``
        on ``point``.
    outcome : str
    wanted : str
        The series. Fractions are in the order of the dose; layers stay in the order in which they were measured.
    task : str
    """
    key = {name: measured[name].values.astype(str) for name in ("series", "task", "localizer")}
    here = (key["series"] == wanted) & (key["task"] == task)
    made = []
    for localizer in dict.fromkeys(key["localizer"][here].tolist()):
        points = measured.sel(outcome=outcome).isel(point=np.flatnonzero(here & (key["localizer"] == localizer)))
        points = points.isel(point=np.flatnonzero(np.isfinite(points["estimate"].values)))
        if wanted == "fraction":
            points = points.isel(point=np.argsort(points["dose"].values, kind="stable"))
        if points.sizes["point"]:
            made.append(_curve(localizer, points))
    return made


def _curve(localizer: str, points: xr.Dataset) -> Curve:
    numbers = {name: points[name].values.astype(float) for name in ("dose", *_COLUMNS)}
    counts = {name: points[name].values.astype(int) for name in ("n", "controls")}
    return Curve(localizer, tuple(points["level"].values.astype(str).tolist()), **numbers, **counts)
