"""The target mask of a localizer and its controls.

Maker            what masks are made from: contrasts, moments and settings
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import seeding
from deeplocalizer.masks import controls
from deeplocalizer.masks.controls import Ground
from deeplocalizer.masks.drawing import binned, draw, pack, possible, unpack
from deeplocalizer.masks.entries import Entry, imbalance
from deeplocalizer.masks.places import eligible_units, stratum
from deeplocalizer.masks.selection import naming, rule, select

RANDOM = {"layer": "random", "response": "random_response"}


@dataclass(frozen=True)
class Maker:
    """What the masks of one localizer are made from.

    Parameters
    ----------
    name : str
    localizer : mapping
    contrasts : Dataset
    settings : mapping
        ``matching`` and ``bins``, among others.
    seed : int
    moments : Dataset, optional
    sides : mapping, optional
        Of the localizer's contrast.
    """

    name: str
    localizer: Mapping[str, Any]
    contrasts: xr.Dataset
    settings: Mapping[str, Any]
    seed: int
    moments: xr.Dataset | None = None
    sides: Mapping[str, Any] | None = None

    @cached_property
    def contrast(self) -> xr.Dataset:
        """The localizer's contrast."""
        return self.contrasts.sel(contrast=self.localizer["contrast"])

    @cached_property
    def eligible(self) -> np.ndarray:
        """The units that a mask may hold, bool (unit,)."""
        return eligible_units(self.contrast)

    @cached_property
    def strata(self) -> np.ndarray:
        """The places that controls are matched in, int (unit,)."""
        return stratum(self.contrasts)

    @cached_property
    def response(self) -> np.ndarray | None:
        """The mean |response| of each unit, as the contrast has it or, if moments were given, as they say."""
        if "magnitude" in self.contrast:
            return np.asarray(self.contrast["magnitude"].values)
        if self.moments is None or self.sides is None:
            return None
        return controls.mean_response(self.moments, self.sides)

    def target(self, localizer: Mapping[str, Any] | None = None) -> np.ndarray:
        """Select the localizer's units, or those of the same with another rule, as bool (unit,).

        Raises
        ------
        ValueError
            If there are none, naming the localizer.
        """
        with naming(self.name):
            selected = select(self.contrast, localizer or self.localizer)
        if not selected.any():
            raise ValueError(f"localizer {self.name!r} selects none of {int(self.eligible.sum())} eligible units")
        return selected

    def random(self, selected: np.ndarray, kind: str, count: int, purpose: tuple[str, ...]) -> Iterator[np.ndarray]:
        """Draw random masks that match a target, packed.

        Raises
        ------
        ValueError
            If there are fewer different ones, or the mean response is not known, naming the localizer.
        """
        rng = seeding.generator(self.seed, *purpose)
        with naming(self.name):
            yield from draw(selected, self.eligible, self._strata(selected, kind), count, rng)

    def room(self, selected: np.ndarray, kind: str, enough: int) -> int:
        """Count the different random masks that match a target, up to what is enough."""
        with naming(self.name):
            return min(possible(selected, self.eligible, self._strata(selected, kind), enough), enough)

    def chosen(self, selected: np.ndarray, kind: str, untrained: xr.Dataset | None) -> list[np.ndarray]:
        """Choose the control masks of a kind that is not random, packed.

        Raises
        ------
        ValueError
            If the kind is unknown or cannot be made, naming the localizer.
        """
        ground = Ground(self.contrast, self.localizer, selected, self.eligible, self.moments, self.sides)
        with naming(self.name):
            if kind == "bottom":
                return [pack(controls.bottom(ground))]
            if kind == "opposite":
                return [pack(controls.opposite(ground))]
            if kind == "shuffled":
                rng = seeding.generator(self.seed, "shuffled", self.name)
                return list(controls.shuffled(ground, self.settings["shuffles"], rng))
            if kind == "untrained":
                if untrained is None:
                    raise ValueError("the untrained control needs the contrasts of an untrained model; none were given")
                return [pack(controls.untrained(ground, untrained))]
            allowed = ", ".join(("bottom", "opposite", "shuffled", *RANDOM.values(), "untrained"))
            raise ValueError(f"control {kind!r} is unknown; allowed are {allowed}")

    def entry(self, name: str, packed: np.ndarray, target: np.ndarray, kind: str, **about: Any) -> Entry:
        """Describe a mask; ``target`` is the mask that it is a control of, or itself."""
        mask = unpack(packed, len(target))
        known = {
            "mask": name,
            "localizer": self.name,
            "contrast": self.localizer["contrast"],
            "rule": rule(self.localizer),
            "fraction": self.fraction(self.localizer, target),
            "role": "target" if kind == "localizer" else "control",
            "kind": kind,
            "seed": self.seed,
            "units": int(mask.sum()),
            "imbalance": np.nan if self.response is None else imbalance(target, mask, self.response),
        }
        return Entry(packed, known | about)

    def fraction(self, localizer: Mapping[str, Any], selected: np.ndarray) -> float:
        """Give the share of the eligible units, as asked for or as it comes to."""
        share = localizer.get("fraction")
        return float(share) if share is not None else float(selected.sum() / self.eligible.sum())

    def _strata(self, selected: np.ndarray, kind: str) -> np.ndarray:
        if kind == "random":
            return self.strata
        if self.response is None:
            raise ValueError("to match the mean response needs magnitude in the contrast, or moments and categories")
        return binned(self.strata, self.eligible, selected, self.response, self.settings["bins"])
