"""The units that a localizer selects.

select           the mask of a localizer
top_fraction     the same, under its older name
ranked           the units that rank where a rule asks for them
counts           how many units of each place a mask holds
with_fraction    a localizer that takes another fraction
rule_of          the one rule that a localizer has
rule             a localizer's rule in words
naming           put a localizer's name before an error
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer.masks.places import eligible_units, layer_label
from deeplocalizer.masks.scores import BESIDE, between, highest, members, places_of, score, side

RULES = ("fraction", "count", "q", "percentile")
NEAR = 10  # a q this many times the threshold is near it


def select(contrast: xr.Dataset, localizer: Mapping[str, Any]) -> np.ndarray:
    """Select units by their contrast.

    Parameters
    ----------
    contrast : Dataset
        One contrast: variables on ``unit``, ``dead`` among them.
    localizer : mapping
        ``statistic`` (a variable of the contrast), ``sign`` (``positive``, ``negative`` or ``absolute``), ``scope``
        (``network`` or ``layer``), and one rule, the others absent or None:

        ``fraction``
            the highest share of the eligible units, rounded up, of the network or of each layer;
        ``count``
            the highest so many of the network or of each layer;
        ``q``
            all with a false discovery rate of at most this, by the one-sided q of the sign's own side, or the two-sided
            one for ``absolute``; with ``least: true`` that of the test against the least effect. The scope plays no
            part: q has its own family;
        ``percentile``
            ``[low, high]``: all whose percentile rank by the score lies above ``low`` and not above ``high``, whatever
            their sign; 100 is the highest. This is the range of the localizer for language models (AlKhamissi et al.
            2025, NAACL, 10887-10911), whose 100-100 and 0-0 are the k highest and lowest, here ``count`` and the
            control ``bottom``. Here the range alone says how many units there are; none are drawn from it by chance.

    Returns
    -------
    ndarray of bool (unit,)
        Units that are not eligible are never selected (see `eligible_units`), nor, but for ``percentile``, units that
        are on the wrong side of the statistic's neutral value. Ties break by unit index.

    Raises
    ------
    ValueError
        If there is not exactly one rule, fewer than ``count`` units are eligible and on the right side, none has such
        a q, or the statistic is not known for an eligible unit.
    """
    eligible = eligible_units(contrast)
    scores = score(contrast, localizer, eligible)
    if rule_of(localizer) == "q":
        return _by_q(contrast, localizer, scores, eligible)
    parts = [part for _, part in members(places_of(contrast, localizer), eligible)]
    if rule_of(localizer) == "count":
        _refuse_too_few(contrast, localizer, scores, parts)
    return ranked(scores, parts, localizer)


def ranked(scores: np.ndarray, parts: Sequence[np.ndarray], localizer: Mapping[str, Any]) -> np.ndarray:
    """Select units by their rank, as a localizer with a fraction, a count or a percentile range does.

    Parameters
    ----------
    scores : ndarray (unit,)
        As `score` gives them.
    parts : sequence of ndarray of int
        Positions of the eligible units of each place that the localizer ranks in.
    localizer : mapping

    Returns
    -------
    ndarray of bool (unit,)
        Fewer than asked for where fewer are above 0.
    """
    given = rule_of(localizer)
    selected = np.zeros(len(scores), dtype=bool)
    for part in parts:
        values = scores[part]
        if given == "percentile":
            selected[part[between(values, *localizer["percentile"])]] = True
            continue
        best = np.flatnonzero(values > 0)
        count = localizer["count"] if given == "count" else math.ceil(round(localizer["fraction"] * len(part), 9))
        selected[part[best[highest(values[best], count)]]] = True
    return selected


def _refuse_too_few(
    contrast: xr.Dataset, localizer: Mapping[str, Any], scores: np.ndarray, parts: Sequence[np.ndarray]
) -> None:
    for part in parts:
        found, count = int(np.sum(scores[part] > 0)), localizer["count"]
        if found < count:
            where = f" of layer {layer_label(contrast, part[0])!r}" if localizer["scope"] == "layer" else ""
            raise ValueError(
                f"count is {count}, but only {found} of {len(part)} eligible units{where} have a "
                f"{localizer['statistic']} that is {side(localizer)}"
            )


top_fraction = select


def _by_q(contrast: xr.Dataset, localizer: Mapping[str, Any], scores: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    name = ("log10_q_least" if localizer.get("least") else "log10_q") + BESIDE[localizer["sign"]]
    if name not in contrast:
        raise ValueError(f"{name} is not in the contrast; there are {', '.join(map(str, contrast))}")
    values, limit = contrast[name].values, localizer["q"]
    candidates = eligible & (scores > 0)
    selected = np.asarray(candidates & (values <= math.log10(limit)))
    if not selected.any():
        least = float(10 ** values[candidates].min()) if candidates.any() else math.nan
        near = int(np.sum(values[candidates] <= math.log10(min(NEAR * limit, 1.0))))
        raise ValueError(
            f"q is {limit:g}, but none of {int(eligible.sum())} eligible units has a q so low and a "
            f"{localizer['statistic']} that is {side(localizer)}: {int(candidates.sum())} lie on that side, the lowest "
            f"q there is {least:.3g}, and {near} have a q of at most {min(NEAR * limit, 1.0):g}"
        )
    return selected


def rule_of(localizer: Mapping[str, Any]) -> str:
    """Name the one rule that a localizer has.

    Raises
    ------
    ValueError
        If it has none or several.
    """
    given = [name for name in RULES if localizer.get(name) is not None]
    if len(given) != 1:
        raise ValueError(f"expected exactly one of {', '.join(RULES)}; given are {', '.join(given) or 'none'}")
    return given[0]


def with_fraction(localizer: Mapping[str, Any], fraction: float) -> dict[str, Any]:
    """Replace a localizer's rule by a fraction; its statistic, sign and scope stay."""
    return {**localizer, **dict.fromkeys(RULES), "fraction": fraction}


def counts(selected: np.ndarray, places: np.ndarray) -> dict[int, int]:
    """Count the units that a mask holds in each place, where it holds any."""
    numbers, found = np.unique(places[selected], return_counts=True)
    return dict(zip(numbers.tolist(), found.tolist(), strict=True))


def rule(localizer: Mapping[str, Any]) -> str:
    """Say a localizer's rule in words."""
    ranking = "by {sign} {statistic}".format(**localizer)
    place = "each layer" if localizer["scope"] == "layer" else "the network"
    given = rule_of(localizer)
    if given == "fraction":
        return "top {fraction:g} of the {scope} ".format(**localizer) + ranking
    if given == "count":
        return f"top {localizer['count']} units of {place} {ranking}"
    if given == "q":
        against = " against the least effect" if localizer.get("least") else ""
        return f"units with q at most {localizer['q']:g}{against} {ranking}"
    low, high = localizer["percentile"]
    return f"percentiles {low:g} to {high:g} of {place} {ranking}"


@contextlib.contextmanager
def naming(localizer: str) -> Iterator[None]:
    """Put a localizer's name before the message of a ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"localizer {localizer!r}: {error}") from error
