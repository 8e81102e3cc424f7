"""Effects as a labelled dataset.

Row              one comparison
table            all of them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer.effects.asking import Answers, Cell, Key
from deeplocalizer.effects.meaning import KINDS
from deeplocalizer.effects.sample import Sample
from deeplocalizer.outcomes import OUTCOMES

MEANINGS = {
    "estimate": "balanced mean over the labels of the task",
    "low": "lower end of the interval",
    "high": "upper end of the interval",
    "p": "one-sided p",
    "n": "number of stimuli",
    "groups": "number of groups that were resampled as one",
    "method": "what gave the interval",
}
ALONG = ("kind", "localizer", "other", "task", "scale")
ABSENT = Cell(float("nan"), float("nan"), float("nan"), "")


@dataclass(frozen=True)
class Row:
    """One comparison: what it is of, its numbers by outcome, and how many stimuli and groups it has."""

    key: Key
    task: str
    cells: Mapping[str, Cell]
    stimuli: int
    groups: int

    @property
    def place(self) -> tuple[str, ...]:
        """Its coordinates, as `ALONG` names them."""
        return (self.key.kind, self.key.localizer, self.key.other, self.task, self.key.scale)


def rows(sample: Sample, answers: Answers) -> list[Row]:
    """Put the answers of a sample together by comparison, in their order."""
    cells: dict[Key, dict[str, Cell]] = {}
    for (key, outcome), cell in answers.items():
        cells.setdefault(key, {})[outcome] = cell
    return [Row(key, sample.name, found, len(sample.plan.stratum), sample.plan.groups) for key, found in cells.items()]


def table(found: Sequence[Row]) -> xr.Dataset:
    """Lay comparisons out on (comparison, outcome).

    Parameters
    ----------
    found : sequence of Row

    Returns
    -------
    Dataset
        As `effects.measure` describes it; where an outcome is not known, NaN and no method.
    """
    cells = [[row.cells.get(name, ABSENT) for name in OUTCOMES] for row in found]
    columns: dict[str, np.ndarray] = {
        name: _grid([[getattr(cell, name) for cell in line] for line in cells], float)
        for name in ("estimate", "low", "high", "p")
    }
    method = _grid([[cell.method for cell in line] for line in cells], object)
    there = method != ""
    columns["p"][~there] = np.nan
    columns["n"] = np.where(there, _column([row.stimuli for row in found]), 0).astype(np.int32)
    columns["groups"] = np.where(there, _column([row.groups for row in found]), 0).astype(np.int32)
    columns["method"] = method
    places = [row.place for row in found]
    result = xr.Dataset(
        {name: (("comparison", "outcome"), column, {"long_name": MEANINGS[name]}) for name, column in columns.items()},
        coords={
            "comparison": ["/".join(part for part in place if part) for place in places],
            "outcome": list(OUTCOMES),
            **{name: ("comparison", [place[number] for place in places]) for number, name in enumerate(ALONG)},
        },
    )
    result["kind"].attrs["comment"] = "; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items())
    result["outcome"].attrs["comment"] = "; ".join(f"{name}: {meaning}" for name, meaning in OUTCOMES.items())
    return result


def _grid(lines: Sequence[Sequence[object]], dtype: type) -> np.ndarray:
    return np.array(lines, dtype=dtype).reshape(len(lines), len(OUTCOMES))


def _column(values: Sequence[int]) -> np.ndarray:
    return np.array(values)[:, None]
