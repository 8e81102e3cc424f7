"""Random masks that match a target mask.

random_matched   random masks with as many units in each stratum
draw             the same, one at a time and packed
possible         how many different ones there are
binned           strata divided by quantiles of the mean response
pack, unpack     a mask as bits, eight units to a byte, and back
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

import numpy as np
from scipy.special import gammaln

from deeplocalizer.masks.scores import members
from deeplocalizer.masks.selection import counts

LEAST = 5  # units of a bin


def random_matched(
    selected: np.ndarray, eligible: np.ndarray, strata: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw random masks with as many units of each stratum as a target mask.

    Parameters
    ----------
    selected : ndarray of bool (unit,)
        The target mask.
    eligible : ndarray of bool (unit,)
        What may be drawn, the target's own units included: only then is the rank of the target among its controls a
        valid permutation p (Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39).
    strata : ndarray of int (unit,)
        Such as the layer of each unit.
    count : int
        Number of masks; no two are equal.
    rng : Generator

    Returns
    -------
    ndarray of bool (mask, unit)

    Raises
    ------
    ValueError
        If there are fewer different masks than asked for.
    """
    masks = np.zeros((count, len(selected)), dtype=bool)
    for row, packed in zip(masks, draw(selected, eligible, strata, count, rng), strict=True):
        row[:] = unpack(packed, len(selected))
    return masks


def draw(
    selected: np.ndarray, eligible: np.ndarray, strata: np.ndarray, count: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Draw the masks of `random_matched` one at a time, each packed as `pack` does."""
    wanted = counts(selected, strata)
    pools = [(pool, wanted[place]) for place, pool in members(strata, eligible) if place in wanted]
    if (found := possible(selected, eligible, strata, max(count, 1))) < count:
        raise ValueError(f"only {found} different control masks match the target; {count} were asked for")
    seen: set[bytes] = set()
    mask = np.zeros(len(selected), dtype=bool)
    while len(seen) < count:
        mask[:] = False
        for pool, size in pools:
            mask[pool[rng.choice(len(pool), size, replace=False, shuffle=False)]] = True
        packed = pack(mask)
        key = hashlib.sha256(packed.tobytes()).digest()
        if key not in seen:
            seen.add(key)
            yield packed


def possible(selected: np.ndarray, eligible: np.ndarray, strata: np.ndarray, enough: int) -> int:
    """Count the different masks that match a target.

    Returns
    -------
    int
        Exact below ``enough``; beyond that some number above it: of a million units there are too many to write down.
    """
    wanted, found = counts(selected, strata), 1
    for place, pool in members(strata, eligible):
        size = wanted.get(place, 0)
        about = gammaln(len(pool) + 1) - gammaln(size + 1) - gammaln(len(pool) - size + 1)
        found *= enough if about > math.log(enough) + 1 else math.comb(len(pool), size)
    return found


def binned(
    strata: np.ndarray, eligible: np.ndarray, selected: np.ndarray, response: np.ndarray, bins: int
) -> np.ndarray:
    """Divide strata into bins of units that respond alike.

    Parameters
    ----------
    strata : ndarray of int (unit,)
        Such as the layer of each unit.
    eligible, selected : ndarray of bool (unit,)
        What may be drawn, and the target mask; of it only the number of units in each stratum counts.
    response : ndarray (unit,)
        What is to be alike, such as the mean |response|.
    bins : int
        Quantile bins of the eligible units of each stratum; equal responses share a bin.

    Returns
    -------
    ndarray of int (unit,)
        A number for each bin of each stratum; 0 for units that are not eligible.

    Notes
    -----
    Bins of fewer than `LEAST` units, or than twice as many as the target holds in the stratum, are merged with the next
    lower one, the lowest with the next higher, until none is left or there is one bin. So a bin always leaves as many
    units to draw as the target can hold of it. How bins are merged depends on how many units the target holds, but not
    on which: only then would each of the masks that are drawn be matched in the same bins, were it the target, and the
    target's rank among them be a valid p (Hemerik & Goeman 2018, TEST 27:811-825).
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}; expected 1 or more")
    numbers = np.zeros(len(strata), dtype=np.int64)
    used = 1
    held = counts(selected, strata)
    for place, pool in members(strata, eligible):
        edges = np.quantile(response[pool], np.arange(1, bins) / bins)
        home = np.unique(np.searchsorted(edges, response[pool], side="left"), return_inverse=True)[1]
        merged = _merged(np.bincount(home), max(LEAST, 2 * held.get(place, 0)))
        numbers[pool] = used + merged[home]
        used += int(merged.max()) + 1
    return numbers


def _merged(sizes: np.ndarray, least: int) -> np.ndarray:
    """Give the bins of one stratum new numbers, so that each holds so many units, or there is one."""
    groups: list[list[int]] = []
    for number in reversed(range(len(sizes))):  # from the highest response down: there the targets crowd
        if groups and sizes[groups[-1]].sum() < least:
            groups[-1].append(number)
        else:
            groups.append([number])
    if len(groups) > 1 and sizes[groups[-1]].sum() < least:
        last = groups.pop()
        groups[-1] += last
    numbers = np.empty(len(sizes), dtype=np.int64)
    for number, group in enumerate(reversed(groups)):
        numbers[group] = number
    return numbers


def pack(mask: np.ndarray) -> np.ndarray:
    """Write a mask of bool (unit,) as uint8, eight units to a byte."""
    return np.packbits(mask)


def unpack(packed: np.ndarray, units: int) -> np.ndarray:
    """Read what `pack` wrote, as bool (unit,)."""
    return np.unpackbits(packed, count=units).view(bool)
