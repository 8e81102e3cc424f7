"""All masks of a study as labelled datasets.

table            the target masks and their controls
series           further masks: other fractions, one layer at a time, and those for keeping
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import units
from deeplocalizer.masks.bounds import bounded
from deeplocalizer.masks.drawing import pack
from deeplocalizer.masks.entries import Entry, lay_out
from deeplocalizer.masks.making import RANDOM, Maker
from deeplocalizer.masks.places import layer_label
from deeplocalizer.masks.selection import rule, with_fraction

DEFAULTS: Mapping[str, Any] = {
    "controls": 200,
    "matching": "layer",
    "bins": 10,
    "compare": (),
    "shuffles": 20,
    "fractions": (),
    "keep": False,
    "layers": False,
    "series_controls": 100,
}
_COLUMNS = {
    "mask": str,
    "localizer": str,
    "contrast": str,
    "rule": str,
    "fraction": float,
    "role": str,
    "kind": str,
    "seed": np.int64,
    "units": np.int64,
    "imbalance": float,
}
_SERIES = _COLUMNS | {"series": str, "level": str, "dose": float}


def table(
    contrasts: xr.Dataset,
    localizers: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any] | int,
    seed: int,
    *,
    moments: xr.Dataset | None = None,
    sides: Mapping[str, Mapping[str, Any]] | None = None,
    untrained: xr.Dataset | None = None,
    alpha: float | None = 0.05,
) -> xr.Dataset:
    """Make the target masks of all localizers and their controls.

    Parameters
    ----------
    contrasts : Dataset
        As `contrast.welch` makes it.
    localizers : mapping
        By name; see `select`.
    settings : mapping or int
        ``controls`` (random masks for each localizer), ``matching`` (``layer`` or ``response``: matched in number per
        layer, or per layer and bin of the mean |response|), ``bins``, ``compare`` (kinds of further controls) and
        ``shuffles`` (number of shuffled-label masks); or the number of controls alone.
    seed : int
    moments : Dataset, optional
        As `moments.table` makes it; needed for shuffled labels, and to match responses where the contrasts have no
        ``magnitude``.
    sides : mapping, optional
        The contrasts as configured, by name; needed with ``moments``.
    untrained : Dataset, optional
        The contrasts of an untrained model of the same units.
    alpha : float or None
        Level of ``true_share`` and ``true_share_least``; None leaves them to `bounded`.

    Returns
    -------
    Dataset
        ``selected`` (mask, unit); on ``mask``: ``localizer``, ``contrast``, ``rule``, ``fraction`` (of the eligible
        units, as asked for or as it comes to), ``role`` (target or control), ``kind`` (localizer, random,
        random_response, bottom, opposite, shuffled or untrained), ``seed``, ``units``, ``true_share``,
        ``true_share_least`` and ``imbalance``. The masks of one localizer do not depend on which others there are.

    Raises
    ------
    ValueError
        If a localizer selects no unit, or fewer than its ``count``, or a control cannot be made, naming it.
    UnitsMismatchError
        If the untrained model has other units.
    """
    if untrained is not None:
        units.align(contrasts, untrained)
    given = dict(DEFAULTS) | (dict(settings) if isinstance(settings, Mapping) else {"controls": settings})
    entries: list[Entry] = []
    for name, localizer in localizers.items():
        maker = _maker(name, localizer, contrasts, given, seed, moments, sides)
        selected = maker.target()
        entries.append(maker.entry(name, pack(selected), selected, "localizer"))
        principal = RANDOM[given["matching"]]
        for kind in dict.fromkeys([principal, *given["compare"]]):
            if kind in RANDOM.values():
                purpose = ("controls", name) if kind == "random" else ("controls", name, kind)
                made: Any = maker.random(selected, kind, given["controls"], purpose)
            else:
                made = maker.chosen(selected, kind, untrained)
            single = kind not in ("shuffled", *RANDOM.values())
            for index, packed in enumerate(made):
                called = f"{name}/{kind}" if single else f"{name}/{kind}-{index:05d}"
                entries.append(maker.entry(called, packed, selected, kind))
    made = lay_out(entries, contrasts, _COLUMNS)
    return made if alpha is None else bounded(made, contrasts, localizers, alpha)


def series(
    contrasts: xr.Dataset,
    localizers: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
    seed: int,
    *,
    moments: xr.Dataset | None = None,
    sides: Mapping[str, Mapping[str, Any]] | None = None,
    alpha: float | None = 0.05,
) -> xr.Dataset:
    """Make the masks of a dose-response, of single layers, and for keeping nothing else.

    Parameters
    ----------
    contrasts, localizers, seed, moments, sides, alpha
        As in `table`.
    settings : mapping
        ``fractions`` (each in place of the localizer's rule; statistic, sign and scope stay), ``layers`` (each layer's
        part of the target mask by itself), ``keep`` (the target mask, whose units are to be kept), ``series_controls``
        (random masks for each), ``matching`` and ``bins``.

    Returns
    -------
    Dataset
        As `table` gives it, with no masks if nothing is asked for; on ``mask`` also ``series`` (fraction, keep or
        layer), ``level`` (the fraction or the layer, or nothing) and ``dose`` (share of the eligible units).

    Notes
    -----
    A mask that few others match, such as one unit out of eight of a layer, has as many controls as there are
    different ones, its own among them; one that nothing else matches has none.

    Raises
    ------
    ValueError
        If a localizer selects no unit, naming it.
    """
    given = dict(DEFAULTS) | dict(settings)
    entries: list[Entry] = []
    kind = RANDOM[given["matching"]]
    for name, localizer in localizers.items():
        maker = _maker(name, localizer, contrasts, given, seed, moments, sides)
        for what, level, selected, own in _steps(maker, given):
            called = f"{name}@{what}={level}" if level else f"{name}@{what}"
            about = {
                "series": what,
                "level": level,
                "dose": float(selected.sum() / maker.eligible.sum()),
                "rule": rule(own),
                "fraction": maker.fraction({} if what == "layer" else own, selected),
            }
            entries.append(maker.entry(called, pack(selected), selected, "localizer", **about))
            room = maker.room(selected, kind, given["series_controls"])
            drawn = maker.random(selected, kind, room if room > 1 else 0, ("series", called, kind))
            for index, packed in enumerate(drawn):
                entries.append(maker.entry(f"{called}/{kind}-{index:05d}", packed, selected, kind, **about))
    made = lay_out(entries, contrasts, _SERIES)
    return made if alpha is None else bounded(made, contrasts, localizers, alpha)


def _steps(maker: Maker, settings: Mapping[str, Any]) -> Iterator[tuple[str, str, np.ndarray, Mapping[str, Any]]]:
    """Give the series, level, units and localizer of each mask of the series of a localizer."""
    for fraction in settings["fractions"]:
        turned = with_fraction(maker.localizer, fraction)
        yield "fraction", repr(float(fraction)), maker.target(turned), turned
    if settings["keep"]:
        yield "keep", "", maker.target(), maker.localizer
    if settings["layers"]:
        selected = maker.target()
        for place in np.unique(maker.strata[selected]):
            part = selected & (maker.strata == place)
            yield "layer", layer_label(maker.contrasts, int(np.argmax(part))), part, maker.localizer


def _maker(
    name: str,
    localizer: Mapping[str, Any],
    contrasts: xr.Dataset,
    settings: Mapping[str, Any],
    seed: int,
    moments: xr.Dataset | None,
    sides: Mapping[str, Mapping[str, Any]] | None,
) -> Maker:
    own = None if sides is None else sides[localizer["contrast"]]
    return Maker(name, localizer, contrasts, settings, seed, moments, own)
