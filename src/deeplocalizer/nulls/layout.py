"""The artefact of distributions under exchanged labels.

Found            what was found of one contrast
lay_out          what was found of all, as a labelled dataset
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer.nulls.counting import BAND, BINS, DIRECTIONS, LEVELS, Bins, Counts
from deeplocalizer.summaries import Places


@dataclass(frozen=True)
class Found:
    """What was found of one contrast.

    Parameters
    ----------
    name : str
    counts : Counts
        Under the data as they are and balanced exchanges.
    ends : ndarray (exchange, 2)
        The largest and the smallest d under each exchange.
    turned : sequence of int
        Number of folds exchanged in each of them.
    folds, stimuli : int
        That enter.
    imbalance, skewness : float
        See `exchanging.imbalance` and `exchanging.skewness`.
    untested : str
        Why there is no threshold; nothing if there is.
    tests : int
        Exchanges that a threshold comes from.
    thresholds : tuple of float
        For all units, and after the step-down; 0 without a test.
    p : float
        That no unit prefers; 1 without a test.
    passed : ndarray of int (place, direction)
    """

    name: str
    counts: Counts
    ends: np.ndarray
    turned: Sequence[int]
    folds: int
    stimuli: int
    imbalance: float
    skewness: float
    untested: str
    tests: int
    thresholds: tuple[float, float]
    p: float
    passed: np.ndarray


Column = tuple[tuple[str, ...], str, Callable[[Found], object]]
_UNITS = "number of live units"
_OF_CONTRASTS: dict[str, Column] = {
    "observed": (("place", "bin"), f"{_UNITS} by d", lambda one: one.counts.histogram[0]),
    "beyond": (("place", "direction", "least"), f"{_UNITS} beyond d", lambda one: one.counts.beyond[0]),
    "units": (("place",), _UNITS, lambda one: one.counts.histogram[0].sum(axis=-1)),
    "folds": ((), "folds whose labels are exchanged", lambda one: one.folds),
    "stimuli": ((), "stimuli in these folds", lambda one: one.stimuli),
    "exchanges": ((), "balanced exchanges, complements included", lambda one: len(one.counts.null()[0])),
    "imbalance": ((), "imbalance of the sides' sizes: 1 where equal", lambda one: one.imbalance),
    "skewness": ((), "share of the responses' skewness that a difference keeps", lambda one: one.skewness),
    "untested": ((), "why there is no family-wise threshold: empty where there is one", lambda one: one.untested),
}
_OF_TESTED: dict[str, Column] = {
    "threshold": ((), "family-wise threshold of |d|, after the step-down", lambda one: one.thresholds[1]),
    "threshold_first": ((), "family-wise threshold of |d|, of all units at once", lambda one: one.thresholds[0]),
    "p": ((), "p that no unit prefers, by the largest |d|", lambda one: one.p),
    "tests": ((), "exchanges of the test, the data as they are included", lambda one: one.tests),
    "passed": (("place", "direction"), f"{_UNITS} beyond the threshold", lambda one: one.passed),
}
_BEYOND = ("place", "direction", "least")
_NULLS = {("", "histogram"): ("place", "bin"), ("beyond_", "beyond"): _BEYOND}


def lay_out(found: Sequence[Found], bins: Bins, where: Places, omitted: Mapping[str, str]) -> xr.Dataset:
    """Lay out what `measuring.measure` says."""
    sizes = {"place": len(where.names), "bin": BINS, "direction": len(DIRECTIONS), "least": len(LEVELS)}
    tested = [one for one in found if not one.untested]
    variables = _columns("contrast", _OF_CONTRASTS, found, sizes) | _columns("tested", _OF_TESTED, tested, sizes)
    variables |= _columns("contrast", _summaries(), found, sizes)
    runs = [(one.name, turned, *ends) for one in found for turned, ends in zip(one.turned, one.ends, strict=True)]
    along = ("of_contrast", "turned", "largest", "smallest")
    words = ("contrast that is exchanged", "number of folds that are exchanged", "largest d", "smallest d")
    for column, (name, meaning) in enumerate(zip(along, words, strict=True)):
        kind = (str, np.int64, float, float)[column]
        variables[name] = (("exchange",), np.array([run[column] for run in runs], dtype=kind), {"long_name": meaning})
    reasons = np.array(list(omitted.values()), dtype=str)
    variables["reason"] = (("omitted",), reasons, _named("why labels cannot be exchanged: folds or stimuli too few"))
    names: dict[str, tuple[Sequence[str], str]] = {
        "contrast": ([one.name for one in found], "contrast whose labels are exchanged"),
        "tested": ([one.name for one in tested], "contrast with a family-wise threshold"),
        "omitted": (list(omitted), "contrast whose labels cannot be exchanged"),
        "place": (where.names, "layer, call and reduction"),
    }
    labels = {name: (name, np.array(list(column), dtype=str), _named(words)) for name, (column, words) in names.items()}
    return xr.Dataset(
        variables,
        coords={
            **labels,
            "edge": ("edge", bins.edges, _named("ends of the bins of d; what lies beyond is in the first and last")),
            "direction": ("direction", list(DIRECTIONS), _named("responds more, less, or either, to the preferred")),
            "least": ("least", list(LEVELS), _named("|d| that is exceeded")),
        },
    )


def _summaries() -> dict[str, Column]:
    """Say how the counts under balanced exchanges are summed up, by place and of the network."""
    found: dict[str, Column] = {}
    ways: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
        "mean": ("mean", lambda values: values.mean(axis=0)),
        "low": (f"{100 * BAND[0]:g} % quantile", lambda values: np.quantile(values, BAND[0], axis=0)),
        "high": (f"{100 * BAND[1]:g} % quantile", lambda values: np.quantile(values, BAND[1], axis=0)),
    }
    for index, ((prefix, words), dims) in enumerate(_NULLS.items()):
        for way, (said, summed) in ways.items():
            meaning = f"{_UNITS}, {words}: {said} over balanced exchanges of labels"

            def of_places(one: Found, index: int = index, summed: Callable[..., np.ndarray] = summed) -> np.ndarray:
                return summed(one.counts.null()[index])

            def of_all(one: Found, index: int = index, summed: Callable[..., np.ndarray] = summed) -> np.ndarray:
                return summed(one.counts.null()[index].sum(axis=1))

            found[f"{prefix}null_{way}"] = (dims, meaning, of_places)
            found[f"network_{prefix}null_{way}"] = (dims[1:], f"{meaning}, of all places", of_all)
    return found


def _columns(
    rows: str, columns: Mapping[str, Column], found: Sequence[Found], sizes: Mapping[str, int]
) -> dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]]:
    """Stack what was found of contrasts; of none, there are no rows."""
    made = {}
    for name, (dims, words, take) in columns.items():
        shape = (len(found), *(sizes[dim] for dim in dims))
        values = np.array([take(one) for one in found]) if found else np.zeros(shape)
        made[name] = ((rows, *dims), values.reshape(shape), _named(words))
    return made


def _named(words: str) -> dict[str, str]:
    return {"long_name": words}
