"""Which run of the network is which.

Runs             the rows of outcomes that are intact, targets and controls
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer.effects.meaning import RANDOM


@dataclass(frozen=True)
class Runs:
    """The rows of outcomes that are intact, targets and controls.

    Parameters
    ----------
    name, role, localizer, kind : ndarray of str (intervention,)
        As masks have them; ``kind`` tells controls apart.
    """

    name: np.ndarray
    role: np.ndarray
    localizer: np.ndarray
    kind: np.ndarray

    @classmethod
    def of(cls, outcomes: xr.Dataset) -> Runs:
        """Read the coordinates of outcomes; controls of no kind are random ones."""
        role, localizer = (outcomes[name].values.astype(str) for name in ("role", "localizer"))
        kind = outcomes["kind"].values.astype(str) if "kind" in outcomes.coords else _plain(role)
        return cls(outcomes["intervention"].values.astype(str), role, localizer, kind)

    @property
    def intact(self) -> int:
        """The row of the intact run."""
        found = np.flatnonzero(self.role == "intact")
        if len(found) != 1:
            raise ValueError(f"the outcomes have {len(found)} intact runs; one was expected")
        return int(found[0])

    def target(self, localizer: str) -> int:
        """Find the row of a localizer's own mask."""
        found = np.flatnonzero((self.role == "target") & (self.localizer == localizer))
        if len(found) != 1:
            raise ValueError(f"localizer {localizer!r}: the outcomes have {len(found)} runs of its mask, not one")
        return int(found[0])

    def controls(self, localizer: str, kind: str) -> np.ndarray:
        """Find the rows of the controls of one kind of a localizer, sorted by name; there must be one."""
        found = self._of_kind(localizer, kind)
        if not len(found):
            others = ", ".join(self.kinds(localizer)) or "none"
            raise ValueError(f"localizer {localizer!r}: the outcomes have no control of kind {kind!r}; kinds: {others}")
        return found

    def kinds(self, localizer: str) -> list[str]:
        """List the kinds of the controls of a localizer, sorted."""
        mine = (self.role == "control") & (self.localizer == localizer)
        return sorted({str(name) for name in self.kind[mine]})

    def _of_kind(self, localizer: str, kind: str) -> np.ndarray:
        found = np.flatnonzero((self.role == "control") & (self.localizer == localizer) & (self.kind == kind))
        # by name, so that numbers do not depend on the order of the runs
        return found[np.argsort(self.name[found], kind="stable")]


def _plain(role: np.ndarray) -> np.ndarray:
    return np.where(role == "control", RANDOM["layer"], role)
