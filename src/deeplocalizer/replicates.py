"""Replicates: effects that several models show, with the model as the replicate.

table            mean, interval and p over the models
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import inference
from deeplocalizer.effects import PERFORMANCE
from deeplocalizer.effects.meaning import EVERYTHING, UNTOUCHED, bounds

TESTED = ("harm", "advantage", "against", "dissociation")
P = ("p", "p_sign")
MEANINGS = {
    "estimate": "mean over the models",
    "low": "lower end of the t interval over the models",
    "high": "upper end of the t interval over the models",
    "p": "one-sided p of the t test over the models",
    "p_sign": "one-sided p of flipping the signs of the models",
    "method": "what gave the interval",
    "models": "number of models",
    "estimate_of_model": "estimate of each model",
}
ALONG = ("kind", "localizer", "other", "task", "scale")


def table(effects_by_model: Mapping[str, xr.Dataset], settings: Mapping[str, Any]) -> xr.Dataset:
    """Tabulate the effects that several models show, with the model as the replicate.

    Parameters
    ----------
    effects_by_model : mapping of Dataset
        As `effects.measure` makes them, by the name of the model; two or more.
    settings : mapping
        ``confidence`` and ``least_performance``.

    Returns
    -------
    Dataset
        On (comparison, outcome), of the comparisons that all models have: ``estimate``, ``low``, ``high``, ``method``
        (what gave the interval, see `inference.replicate`; no interval leaves what the outcome can be), ``p`` (of
        Student's t) and ``p_sign`` (of the models' signs), one-sided, of kinds that have one, and ``models``, how many
        have a number; where one has none there is no estimate. ``estimate_of_model`` is on (model, comparison,
        outcome). Harm of ``kept`` and ``kl`` has no p, as in `effects.measure`.

    Raises
    ------
    ValueError
        If there are fewer than two models.

    Notes
    -----
    A t interval over models is about networks that are trained so, not about this one's stimuli. For performance
    outcomes p is the larger of that of the effect and that of the models' doing the task to a meaningful degree, and a
    double dissociation has the larger p and the smaller estimate of its two sides: intersection-union tests (Berger
    1982, Technometrics 24:295-300).
    """
    if len(effects_by_model) < 2:
        raise ValueError(f"replicates are two models or more; given: {', '.join(effects_by_model) or 'none'}")
    made = _shared(effects_by_model)
    estimates = np.stack([one["estimate"].values for one in made])
    present = np.isfinite(estimates)
    complete = present.all(axis=0)
    room = _bounds(made[0])
    found = inference.replicate(np.where(complete, estimates, np.nan), settings["confidence"], *room)
    columns = {name: getattr(found, name) for name in ("estimate", "low", "high", "p", "p_sign", "method")}
    places = {name: made[0][name] for name in ("comparison", "outcome", *ALONG)}
    result = xr.Dataset(coords={"model": list(effects_by_model), **places})
    for name, column in columns.items():
        result[name] = (("comparison", "outcome"), column)
    _define(result)
    kind, outcome = (result[name].values.astype(str) for name in ("kind", "outcome"))
    tested = np.isin(kind, TESTED)[:, None] & ~((kind == "harm")[:, None] & np.isin(outcome, list(UNTOUCHED)))
    for name in P:
        result[name] = result[name].where(tested)
    _gate(result, made, settings)
    _double(result)
    result["models"] = (("comparison", "outcome"), present.sum(axis=0).astype(np.int32))
    result["estimate_of_model"] = (("model", "comparison", "outcome"), estimates)
    for name, meaning in MEANINGS.items():
        result[name].attrs["long_name"] = meaning
    return result


def _shared(effects_by_model: Mapping[str, xr.Dataset]) -> list[xr.Dataset]:
    """Take the comparisons that all models have, in the order of the first model."""
    tables = list(effects_by_model.values())
    common = set.intersection(*(set(one["comparison"].values.astype(str)) for one in tables))
    names = [name for name in tables[0]["comparison"].values.astype(str).tolist() if name in common]
    outcomes = tables[0]["outcome"].values
    return [one.sel(comparison=names, outcome=outcomes) for one in tables]


def _gate(result: xr.Dataset, made: Sequence[xr.Dataset], settings: Mapping[str, Any]) -> None:
    """Let no p of performance be below that of the models' doing the task to a meaningful degree."""
    kind, task = (result[name].values.astype(str) for name in ("kind", "task"))
    columns = np.flatnonzero(np.isin(result["outcome"].values.astype(str), PERFORMANCE))
    for name in np.unique(task[np.isin(kind, ("advantage", "against", "dissociation"))]):
        able = _able(made, name, settings)
        cells = np.ix_(np.isin(kind, ("advantage", "against", "dissociation")) & (task == name), columns)
        for which in P:
            p = result[which].values
            p[cells] = np.maximum(p[cells], able[which])


def _able(made: Sequence[xr.Dataset], task: str, settings: Mapping[str, Any]) -> dict[str, float]:
    """Test whether models do a task to a meaningful degree; NaN, as all that needs it, without true labels."""
    chance = float(made[0]["chance"].sel(task_name=task))
    intact = np.array([float(one["estimate"].sel(comparison=f"intact/{task}/raw", outcome="correct")) for one in made])
    if not np.isfinite([chance, *intact]).all():
        return dict.fromkeys(P, float("nan"))
    able = chance + settings["least_performance"] * (1 - chance)
    found = inference.replicate(intact - able, settings["confidence"])
    return {name: float(getattr(found, name)) for name in P}


def _bounds(effects: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Give the lowest and highest value of every effect, (comparison, outcome)."""
    kind, scale, outcome = (effects[name].values.astype(str).tolist() for name in ("kind", "scale", "outcome"))
    levels = {"intact": "level", "ablated": "level", "harm": "harm", "control": "harm"}
    ends = [
        [bounds(name, levels.get(of, "difference")) if raw == "raw" else EVERYTHING for name in outcome]
        for of, raw in zip(kind, scale, strict=True)
    ]
    low, high = np.array(ends, dtype=float).reshape(len(kind), len(outcome), 2).transpose(2, 0, 1)
    return low, high


def _define(result: xr.Dataset) -> None:
    """Let what the intact network has by definition be known."""
    rows = result["kind"].values.astype(str) == "intact"
    for place, name in enumerate(result["outcome"].values.astype(str).tolist()):
        there = rows & np.isfinite(result["estimate"].values[:, place])
        if name in UNTOUCHED:
            for end in ("low", "high"):
                result[end].values[there, place] = UNTOUCHED[name]
            result["method"].values[there, place] = "by definition"


def _double(result: xr.Dataset) -> None:
    """Give double dissociations the larger p and the smaller estimate of their two sides."""
    place = {name: result[name].values.astype(str).tolist() for name in ALONG}
    rows = {key: row for row, key in enumerate(zip(*(place[name] for name in ALONG if name != "task"), strict=True))}
    for (kind, one, other, scale), row in rows.items():
        if kind != "double_dissociation":
            continue
        sides = [rows["dissociation", *pair, scale] for pair in ((one, other), (other, one))]
        for name in ("estimate", "low", "high"):
            result[name].values[row] = result[name].values[sides].min(axis=0)
        for name in P:
            result[name].values[row] = result[name].values[sides].max(axis=0)
        there = np.isfinite(result["estimate"].values[row])
        how = np.where(result["low"].values[row] < result["high"].values[row], "intersection-union", "constant")
        result["method"].values[row] = np.where(there, how, "")
