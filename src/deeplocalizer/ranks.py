"""Ranks of responses: how well a unit tells two groups of stimuli apart, whatever its scale.

auroc            exact area under the ROC curve of every unit

Only the order of the labels counts. So each response becomes an integer key that keeps the order, with the label in its
lowest bit; keys are sorted by NumPy's vectorised sort, and pairs are counted in integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

SLAB = 1 << 15  # responses that are taken at once: what is made of them stays in the cache of a core
LEAST = 16  # units that are taken at once, however many stimuli there are: 64 bytes of a row are read at a time


class _Form(NamedTuple):
    """A float type, and the integers that its values become."""

    integer: type[np.signedinteger]
    infinity: int  # the bits of infinity; those of NaN are larger
    floor: int  # the bits of the magnitude that takes key 0: 2**-64, or 2**-512
    keys: int  # number of keys on each side of 0; with the label's bit they fill the integer


_FORMS = {
    np.dtype(np.float32): _Form(np.int32, 0xFF << 23, (127 - 64) << 23, 1 << 30),
    np.dtype(np.float64): _Form(np.int64, 0x7FF << 52, (1023 - 512) << 52, 1 << 62),
}


def auroc(responses: np.ndarray, preferred: np.ndarray) -> np.ndarray:
    r"""Give the area under the ROC curve of every unit, exactly.

    Parameters
    ----------
    responses : ndarray (stimulus, unit)
        Of float32 or float64; infinities are the largest and the smallest response, and -0 equals 0.
    preferred : ndarray (stimulus,)
        Booleans: which stimuli are of the preferred kind; all others are of the other.

    Returns
    -------
    ndarray (unit,)
        Float64: the share of pairs of a preferred and another stimulus in which the preferred one has the larger
        response; a pair of equal responses counts half. This is U / (n\ :sub:`1` n\ :sub:`2`) of Mann & Whitney (1947,
        Ann Math Stat 18:50-60) with midranks for ties, and the area under the empirical ROC curve by the trapezoidal
        rule (Hanley & McNeil 1982, Radiology 143:29-36). Pairs are counted in integers, and the quotient is the double
        next to their ratio (up to 2**52 pairs). A constant unit has exactly 0.5.

    Raises
    ------
    TypeError
        If responses are of another type, or the labels are no booleans.
    ValueError
        If the shapes do not fit, a side has no stimulus, or a response is NaN, naming its unit and its stimulus.

    Notes
    -----
    Beyond the responses and the result, at most 64 bytes are held for each of `SLAB` responses, or for each response
    of `LEAST` units if those are more: 2 MiB up to 2,048 stimuli, 98 MiB for 100,000. A thread of one's own may work on
    other units at the same time.
    """
    _check(responses, preferred)
    order = np.concatenate([np.flatnonzero(preferred), np.flatnonzero(~preferred)])
    stimuli, units = responses.shape
    width = max(LEAST, SLAB // stimuli)
    areas = np.empty(units)
    for start in range(0, units, width):
        part = slice(start, start + width)
        areas[part] = _areas(responses[:, part], order, int(np.count_nonzero(preferred)), start)
    return areas


def _check(responses: np.ndarray, preferred: np.ndarray) -> None:
    """Refuse what has no ROC curve."""
    if responses.dtype not in _FORMS:
        raise TypeError(f"responses are of {responses.dtype}; expected float32 or float64")
    if preferred.dtype != np.bool_:
        raise TypeError(f"the labels of the stimuli are of {preferred.dtype}; expected booleans")
    if responses.ndim != 2 or preferred.shape != responses.shape[:1]:
        raise ValueError(
            f"responses of shape {responses.shape} and labels of shape {preferred.shape}; "
            "expected (stimulus, unit) and (stimulus,)"
        )
    count = int(np.count_nonzero(preferred))
    if count in (0, len(preferred)):
        raise ValueError(f"{count} of {len(preferred)} stimuli are preferred; expected one or more on either side")


def _areas(slab: np.ndarray, order: np.ndarray, preferred: int, start: int) -> np.ndarray:
    """Give the areas (unit,) of a slab; its preferred stimuli come first in the order, its first unit is named."""
    slab = np.take(slab, order, axis=0)
    keys = _keys(slab, lambda row, column: f"unit {start + column}, stimulus {order[row]}")
    labelled = np.ascontiguousarray((keys << 1).T)
    labelled[:, :preferred] |= 1
    labelled.sort(axis=1)
    pairs = preferred * (len(order) - preferred)
    return (2 * _not_larger(labelled, preferred) - _equal(labelled)) / (2 * pairs)


def _keys(slab: np.ndarray, name: Callable[[int, int], str]) -> np.ndarray:
    """Give integers (stimulus, unit) that are in the order of the responses, and leave room for one more bit.

    The bits of a float's magnitude are in the order of magnitudes. One bit is the sign's; that of the label is gained
    where no magnitude lies outside 2**-64 to 2**64 (2**-512 to 2**512 in float64) but 0.
    """
    form = _FORMS[slab.dtype]
    bits = slab.view(form.integer)
    magnitude = bits & form.integer(np.iinfo(form.integer).max)
    most = int(magnitude.max(initial=0))
    if most > form.infinity:
        row, column = np.argwhere(np.isnan(slab))[0]
        raise ValueError(f"the response of {name(row, column)} is NaN; expected a number")
    floor = form.integer(form.floor)
    too_small = np.count_nonzero(magnitude <= floor) > np.count_nonzero(magnitude == 0)
    if too_small or most >= form.floor + form.keys:
        return _wider(slab, name)
    np.maximum(magnitude, floor, out=magnitude)
    magnitude -= floor
    sign = bits >> form.integer(8 * slab.itemsize - 1)  # -1 or 0: takes the two's complement or leaves the key
    magnitude ^= sign
    magnitude -= sign
    return magnitude


def _wider(slab: np.ndarray, name: Callable[[int, int], str]) -> np.ndarray:
    """Give the keys of very large, very small or infinite responses: of their doubles, or their dense ranks."""
    if slab.dtype == np.float32:
        largest = 2.0**200  # stands for infinity: above every float32, and within the doubles that have keys
        return _keys(np.clip(slab.astype(np.float64), -largest, largest), name)
    ranks = [np.unique(column, return_inverse=True)[1] for column in slab.T]
    return np.stack(ranks, axis=1)


def _not_larger(labelled: np.ndarray, preferred: int) -> np.ndarray:
    """Count the pairs (unit,) in which the other stimulus is before the preferred one: it is smaller, or equal."""
    place = np.arange(labelled.shape[1], dtype=np.int64)
    places = np.einsum("us,s->u", labelled & 1, place, dtype=np.int64)
    return places - preferred * (preferred - 1) // 2


def _equal(labelled: np.ndarray) -> np.ndarray:
    """Count the pairs (unit,) of equal responses, one of each label.

    Sorted keys are runs; where one differs from the next in the label's bit only, every key of the one is tied with
    every key of the other.
    """
    counts = np.zeros(len(labelled), dtype=np.int64)
    meet = np.zeros(labelled.shape, dtype=bool)
    np.equal(labelled[:, 1:] ^ labelled[:, :-1], 1, out=meet[:, 1:])
    tied = np.flatnonzero(meet.any(axis=1))
    if not len(tied):
        return counts
    keys = labelled[tied]
    change = np.ones(keys.shape, dtype=bool)
    np.not_equal(keys[:, 1:], keys[:, :-1], out=change[:, 1:])
    starts = np.append(np.flatnonzero(change), keys.size)
    second = np.flatnonzero(meet[tied])
    run = np.searchsorted(starts, second)
    pairs = (second - starts[run - 1]) * (starts[run + 1] - second)
    np.add.at(counts, tied[second // labelled.shape[1]], pairs)
    return counts
