"""Intervals and p-values of many columns of outcomes at once.

Key              which comparison a number belongs to
Request          a column of outcomes of which an interval, and perhaps a p, is asked for
Cell             the answer
answer           answer all requests of one sample together
gated            a p that also asks whether the network can do the task
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from deeplocalizer import inference
from deeplocalizer.effects.meaning import EVERYTHING, PERFORMANCE
from deeplocalizer.effects.sample import Sample
from deeplocalizer.inference import Intervals

BLOCK = 256  # columns that are resampled together: 10,000 resamples of them are 20 MB


class Key(NamedTuple):
    """Which comparison a number belongs to, beside its task."""

    kind: str
    localizer: str = ""
    other: str = ""
    scale: str = "raw"


@dataclass(frozen=True)
class Request:
    """A column of outcomes of which an interval, and perhaps a p, is asked for.

    Parameters
    ----------
    key : Key
    outcome : str
    column : ndarray (stimulus,)
    bounds : tuple of float
        The lowest and highest value that the mean can have.
    tested : bool
        Whether p of the paired permutation test is asked for.
    gated : bool
        Whether that p is at least the one of the network's doing the task at all.
    fixed : bool
        Whether the column is what it is by definition.
    """

    key: Key
    outcome: str
    column: np.ndarray
    bounds: tuple[float, float]
    tested: bool = False
    gated: bool = False
    fixed: bool = False


@dataclass(frozen=True)
class Cell:
    """An estimate with its interval, p and method."""

    estimate: float
    low: float
    high: float
    method: str
    p: float = float("nan")


Answers = dict[tuple[Key, str], Cell]


def answer(
    sample: Sample, requests: Sequence[Request], settings: Mapping[str, Any], rng: np.random.Generator
) -> Answers:
    """Answer all requests of one sample, in their order.

    Parameters
    ----------
    sample : Sample
    requests : sequence of Request
    settings : mapping
        ``confidence``, ``resamples`` and ``interval``.
    rng : Generator
        For the permutation tests, which share their flips: of each by itself that is a fresh draw.
    """
    cells = [
        cell for start in range(0, len(requests), BLOCK) for cell in _block(sample, requests[start:][:BLOCK], settings)
    ]
    tested = [place for place, one in enumerate(requests) if one.tested]
    if tested:
        columns = np.stack([requests[place].column for place in tested], axis=1)
        for place, p in zip(
            tested, inference.sign_flips(sample.plan, columns, settings["resamples"], rng), strict=True
        ):
            one = requests[place]
            cells[place] = replace(cells[place], p=gated(sample, one.outcome, float(p)) if one.gated else float(p))
    return {(one.key, one.outcome): cell for one, cell in zip(requests, cells, strict=True)}


def gated(sample: Sample, outcome: str, p: float) -> float:
    """Give the larger of a p and that of the network's doing the task, where the outcome is one of performance."""
    return max(p, sample.p_able) if outcome in PERFORMANCE else p


def method(settings: Mapping[str, Any]) -> str:
    """Give the kind of bootstrap interval, as `inference.intervals` names it."""
    return str(settings.get("interval", "bca"))


def _block(sample: Sample, requests: Sequence[Request], settings: Mapping[str, Any]) -> list[Cell]:
    """Give intervals of columns that are resampled together; exact ones where a column has a single value."""
    found: dict[int, Cell] = {}
    alike: dict[tuple[bool, tuple[float, float]], list[int]] = {}
    for place, one in enumerate(requests):
        if one.fixed:
            value = float(one.column[0])
            found[place] = Cell(value, value, value, "by definition")
        else:
            alike.setdefault((one.key.scale == "scaled", one.bounds), []).append(place)
    for (scaled, bounds), places in alike.items():
        columns = np.stack([requests[place].column for place in places], axis=1)
        cells = _scaled(sample, columns, settings) if scaled else _balanced(sample, columns, bounds, settings)
        found |= dict(zip(places, cells, strict=True))
    return [found[place] for place in range(len(requests))]


def _balanced(
    sample: Sample, columns: np.ndarray, bounds: tuple[float, float], settings: Mapping[str, Any]
) -> list[Cell]:
    room = bounds if np.isfinite(bounds).all() else None
    return _cells(inference.balanced(sample.boot, columns, settings["confidence"], method(settings), room), bounds)


def _scaled(sample: Sample, columns: np.ndarray, settings: Mapping[str, Any]) -> list[Cell]:
    """Give differences of ``correct`` as shares of what the intact network has above chance."""
    gain = sample.level("correct", sample.runs.intact) - sample.chance
    means = sample.boot.means(np.column_stack([columns, gain]))
    found = inference.intervals(means.of(_ratio), settings["confidence"], method(settings))
    raw = inference.balanced(sample.boot, columns, settings["confidence"], method(settings), (-1.0, 1.0))
    plain = inference.intervals(sample.boot.means(columns), settings["confidence"], method(settings))
    above = float(sample.mean(gain))
    for place, how in enumerate(found.method):
        if how in ("constant", "nothing to resample"):
            # the difference is the same throughout; what it is a share of may be lower or higher
            least, most = _above_chance(sample, gain, settings)
            found.low[place] = _quotient(raw[place].low, most if raw[place].low > 0 else least)
            found.high[place] = _quotient(raw[place].high, least if raw[place].high > 0 else most)
            found.method[place] = raw[place].method
        elif np.isfinite(plain.low[place]):
            # the room of labels that are alike, as a share
            found.low[place] -= max(plain.low[place] - raw.low[place], 0) / above
            found.high[place] += max(raw.high[place] - plain.high[place], 0) / above
            found.method[place] += raw[place].method.removeprefix(plain[place].method)
    return _cells(found, EVERYTHING)


def _above_chance(sample: Sample, gain: np.ndarray, settings: Mapping[str, Any]) -> tuple[float, float]:
    room = -sample.chance, 1 - sample.chance
    found = inference.balanced(sample.boot, gain[:, None], settings["confidence"], method(settings), room)[0]
    return max(found.low, 0.0), found.high


def _quotient(end: float, by: float) -> float:
    return end / by if by > 0 else float(np.copysign(np.inf, end)) if end else 0.0


def _ratio(means: np.ndarray) -> np.ndarray:
    return means[..., :-1] / means[..., -1:]


def _cells(found: Intervals, bounds: tuple[float, float]) -> list[Cell]:
    # the basic interval mirrors the resamples, and may so leave what is possible
    low, high = (np.clip(end, *bounds) for end in (found.low, found.high))
    columns = (found.estimate.tolist(), low.tolist(), high.tolist(), found.method.astype(str).tolist())
    return [Cell(*cell) for cell in zip(*columns, strict=True)]
