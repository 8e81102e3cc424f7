"""The artefact of reliability.

Measured         what was measured of one localizer
lay_out          what was measured of all, as a labelled dataset
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

_COMMENTS = {
    "correlation_p": "of F folds (of more than 8, that many bundles) never below 2 / 2^F: with two it says nothing",
    "dice_p": "of F folds (of more than 8, that many bundles) never below 1 / 2^F: with two it says nothing",
    "dice_chance": "where a half has too few folds to exchange half of them, of random masks with as many units",
}
_TIE = 1e-12  # two values of one exchange may differ by rounding


@dataclass(frozen=True)
class Measured:
    """What was measured of one localizer, of the correlation and of Dice in this order.

    Parameters
    ----------
    observed : ndarray (2, half)
    null : ndarray (2, shuffle)
        Under balanced exchanges.
    chance : ndarray (half,)
        Dice by chance.
    exchanged : ndarray (2, exchange)
        Under all exchanges, means over the halvings.
    statistic : str
        What the map was of.
    """

    observed: np.ndarray
    null: np.ndarray
    chance: np.ndarray
    exchanged: np.ndarray
    statistic: str


def lay_out(names: Sequence[str], measured: Sequence[Measured], moments: xr.Dataset) -> xr.Dataset:
    """Lay out what was measured of some localizers, with what `measuring.measure` says."""
    variables = {
        name: (dims, values, {"long_name": words} | ({"comment": _COMMENTS[name]} if name in _COMMENTS else {}))
        for name, dims, values, words in _columns(measured)
    }
    mean = variables["correlation_mean"][1]
    with np.errstate(divide="ignore"):
        whole = 2 * mean / (1 + mean)
    words = "correlation expected between the map of all stimuli and that of as many others (Spearman-Brown)"
    dataset = xr.Dataset(variables | {"spearman_brown": (("localizer",), whole, {"long_name": words})})
    dataset = dataset.assign_coords(
        localizer=("localizer", np.array(names, dtype=str), {"long_name": "localizer"}),
        half=("half", np.arange(dataset.sizes["half"]), {"long_name": "way to halve the folds"}),
        shuffle=("shuffle", np.arange(dataset.sizes["shuffle"]), {"long_name": "exchange that cancels a preference"}),
        exchange=("exchange", np.arange(dataset.sizes["exchange"]), {"long_name": "exchange of labels"}),
        statistic=(
            "localizer",
            np.array([one.statistic for one in measured], dtype=str),
            {"long_name": "statistic of the map"},
        ),
    )
    return dataset.assign_attrs(moments.attrs)


def _p(one: Measured, row: int) -> float:
    """Rank the observed mean among those of the exchanges; equal ones by their correlation."""
    mean, null = one.observed.mean(axis=1), one.exchanged
    above, level = null[row] > mean[row] + _TIE, np.abs(null[row] - mean[row]) <= _TIE
    return float((1 + np.sum(above | (level & (null[0] >= mean[0] - _TIE)))) / (1 + null.shape[1]))


def _columns(measured: Sequence[Measured]) -> Iterator[tuple[str, tuple[str, ...], np.ndarray, str]]:
    words = (("correlation", "correlation of the map between two halves"), ("dice", "Dice of the masks of two halves"))
    for row, (name, meaning) in enumerate(words):
        yield name, ("localizer", "half"), _filled([one.observed[row] for one in measured]), meaning
        null = _filled([one.null[row] for one in measured])
        yield f"{name}_null", ("localizer", "shuffle"), null, f"{meaning}, exchanged labels cancelling a preference"
        exchanged = _filled([one.exchanged[row] for one in measured])
        yield f"{name}_exchanged", ("localizer", "exchange"), exchanged, f"{meaning}, labels exchanged; mean"
        mean = np.array([one.observed[row].mean() for one in measured])
        yield f"{name}_mean", ("localizer",), mean, f"{meaning}, mean over the halvings"
        p = np.array([_p(one, row) for one in measured])
        yield f"{name}_p", ("localizer",), p, f"{meaning}: p among all exchanges of labels"
    chance = _filled([one.chance for one in measured])
    yield "dice_chance", ("localizer", "half"), chance, "mean Dice where exchanged labels cancel a preference"


def _filled(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Lay rows side by side; a localizer with fewer folds has fewer values, and the rest are not numbers."""
    result = np.full((len(rows), max((len(values) for values in rows), default=0)), np.nan)
    for row, values in zip(result, rows, strict=True):
        row[: len(values)] = values
    return result
