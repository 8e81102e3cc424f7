"""One effect among all, and all of them.

Effect           one cell of an effects artefact
find             one effect, or None where there is none
changed          the share of decisions that a mask changes
effect_table     every effect, as a frame
leads            the outcome that is shown of one task
expectations     the outcome that leads a study, and the task of each localizer
expected         what each localizer is expected to change
preferred        the categories that the units of a localizer prefer
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

_EFFECT_COLUMNS = ("estimate", "low", "high", "p", "p_family", "n", "groups", "method")


@dataclass(frozen=True)
class Effect:
    """One cell of an effects artefact; see `effects.measure` for the meaning of each part."""

    estimate: float
    low: float
    high: float
    p: float
    p_family: float
    n: int
    groups: int
    method: str


def find(
    effects: xr.Dataset,
    kind: str,
    outcome: str,
    *,
    localizer: str = "",
    other: str = "",
    task: str = "",
    scale: str = "raw",
) -> Effect | None:
    """Find one effect.

    Parameters
    ----------
    effects : Dataset
        As `effects.measure` makes it.
    kind, outcome, localizer, other, task, scale : str
        What the comparison's coordinates say.

    Returns
    -------
    Effect or None
        None where there is no such comparison, or it has no estimate.
    """
    wanted = {"kind": kind, "localizer": localizer, "other": other, "task": task, "scale": scale}
    rows = np.logical_and.reduce([effects[key].values.astype(str) == value for key, value in wanted.items()])
    if not rows.any():
        return None
    cell = effects.isel(comparison=int(np.flatnonzero(rows)[0])).sel(outcome=outcome)
    if not np.isfinite(float(cell["estimate"])):
        return None
    estimate, low, high, p, p_family = (float(cell[name]) for name in _EFFECT_COLUMNS[:5])
    n, groups, method = int(cell["n"]), int(cell["groups"]), str(cell["method"].values)
    return Effect(estimate, low, high, p, p_family, n, groups, method)


def changed(effects: xr.Dataset, localizer: str, task: str) -> Effect | None:
    """Find the share of decisions that a mask changes, which is never below zero: one less the share that it keeps.

    Parameters
    ----------
    effects : Dataset
        As `effects.measure` makes it.
    localizer, task : str
        ``task`` is a category where the study has no tasks.
    """
    kept = find(effects, "ablated", "kept", localizer=localizer, task=task)
    return None if kept is None else replace(kept, estimate=1 - kept.estimate, low=1 - kept.high, high=1 - kept.low)


def leads(effects: xr.Dataset, task: str, outcome: str) -> str:
    """Give the outcome that is shown of one task: ``correct`` of what has right answers, such as a readout.

    Parameters
    ----------
    effects : Dataset
        As `effects.measure` makes it.
    task : str
        A task, a readout or a category.
    outcome : str
        What leads the study.
    """
    return "correct" if np.isfinite(float(effects["chance"].sel(task_name=task))) else outcome


def effect_table(effects: xr.Dataset) -> pd.DataFrame:
    """List every effect that has an estimate.

    Parameters
    ----------
    effects : Dataset
        As `effects.measure` makes it.

    Returns
    -------
    DataFrame
        A row for each comparison and outcome.
    """
    shape = (effects.sizes["comparison"], effects.sizes["outcome"])
    along = {
        name: np.repeat(effects[name].values.astype(str), shape[1])
        for name in ("comparison", "kind", "localizer", "other", "task", "scale")
    }
    outcome = np.tile(effects["outcome"].values.astype(str), shape[0])
    cells = effects.transpose("comparison", "outcome", ...)
    frame = pd.DataFrame(
        {**along, "outcome": outcome, **{name: cells[name].values.ravel() for name in _EFFECT_COLUMNS}}
    )
    available: pd.DataFrame = frame[np.isfinite(frame["estimate"])]
    return available.reset_index(drop=True)


def expectations(
    tasks: Mapping[str, Sequence[str]], localizers: Mapping[str, Mapping[str, Any]]
) -> tuple[str, dict[str, str]]:
    """Give the outcome that leads a study and the task that each localizer is expected to harm.

    Parameters
    ----------
    tasks : mapping of sequences of str
    localizers : mapping
        By name; ``task``, where there is one, is what the localizer is expected to harm.

    Returns
    -------
    outcome : str
        ``correct``; without tasks there are no right answers, then ``kept``.
    own : dict of str
        By localizer; those without a task are left out.
    """
    own = {name: str(localizer["task"]) for name, localizer in localizers.items() if localizer.get("task")}
    return ("correct" if tasks else "kept"), own


def expected(
    tasks: Mapping[str, Sequence[str]],
    localizers: Mapping[str, Mapping[str, Any]],
    contrasts: Mapping[str, Mapping[str, Sequence[str]]],
) -> dict[str, frozenset[str]]:
    """Give what each localizer is expected to change: its task or readout and, without tasks, what its units prefer.

    Parameters
    ----------
    tasks, localizers, contrasts : mapping
        By name, as configured.

    Returns
    -------
    dict of frozenset of str
        By localizer: names of tasks and readouts and, in a study without tasks, of categories. Units that are taken by
        absolute size may prefer either side.
    """
    found: dict[str, frozenset[str]] = {}
    for name, localizer in localizers.items():
        categories = [] if tasks else preferred(localizer, contrasts)
        own = [str(localizer["task"])] if localizer.get("task") else []
        if own or categories:
            found[name] = frozenset([*own, *categories])
    return found


def preferred(localizer: Mapping[str, Any], contrasts: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    """Name the categories to which the units of a localizer respond more; by absolute size, either side may be.

    Parameters
    ----------
    localizer : mapping
        As configured, with ``contrast`` and perhaps ``sign``.
    contrasts : mapping
        By name, as configured.
    """
    sides = contrasts[localizer["contrast"]]
    sign = localizer.get("sign", "positive")
    if sign == "absolute":
        return [*sides["preferred"], *sides["other"]]
    return list(sides["other" if sign == "negative" else "preferred"])
