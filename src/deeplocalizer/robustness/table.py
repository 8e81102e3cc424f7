"""The central results under every variant, as a labelled dataset.

KINDS            what can vary
Variant          one way of doing the study, with its effects
table            the labelled dataset
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer import summaries
from deeplocalizer.robustness.central import Result

KINDS = {
    "main": "the study as it is",
    "value": "the same masks, with another value in the place of their units",
    "replicates": "several networks of one kind, each with masks of its own; the mean over them",
    "twin": "the same network at its random initialisation, with masks of its own",
}
MEANINGS = {
    "estimate": "harm of the mask minus mean harm of its random masks; of a double dissociation, the smaller of two "
    "differences between masks",
    "low": "lower end of its interval",
    "high": "upper end of its interval",
    "p": "one-sided p",
    "p_family": "p adjusted over the localizers of the variant, each on its own task",
    "p_able": "p of the intact network's doing the task to a meaningful degree; of two tasks, the larger",
    "control": "mean harm of the random masks",
    "control_low": "lower end of the middle of the random masks' harms",
    "control_high": "upper end of the middle of the random masks' harms",
}
COUNTS = {
    "n": "number of stimuli; of a double dissociation, of both tasks",
    "controls": "number of random masks",
    "models": "number of networks",
}


@dataclass(frozen=True, eq=False)
class Variant:
    """One way of doing the study, with its effects.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    name : str
        What replaces units (``main`` and ``value``), the group of networks (``replicates``) or the network (``twin``).
    effects : Dataset
        As `effects.measure` makes it; of ``replicates``, as `replicates.table` makes it.
    """

    kind: str
    name: str
    effects: xr.Dataset

    @property
    def label(self) -> str:
        """A name that no other variant of a study has."""
        return f"{self.kind}/{self.name}"


def table(variants: Sequence[Variant], asked: Sequence[Result], outcome: str) -> xr.Dataset:
    """Put the central results under every variant together.

    Parameters
    ----------
    variants : sequence of Variant
        The first is the study as it is.
    asked : sequence of Result
        As `central` lists them.
    outcome : str
        What leads the study: ``correct``, or ``kept`` where it has no tasks. Of what has right answers, such as a
        readout, ``correct`` is taken whatever leads.

    Returns
    -------
    Dataset
        On (variant, comparison): `MEANINGS` and `COUNTS`; NaN where a variant has no number. ``estimate_of_model``
        (variant, comparison, model) holds every network of replicates. On ``variant`` there are ``kind`` and ``name``;
        on ``comparison`` ``of`` (advantage or double_dissociation), ``localizer``, ``other``, ``task`` and ``outcome``.
        The control's numbers are harms, from which an advantage is measured: 0 of it is at ``control``.

    Raises
    ------
    ValueError
        If the first variant is not the main one, another one is, or a kind is unknown, naming it.

    Notes
    -----
    Every variant is tested by itself and p are not adjusted for the number of variants: that a result holds in *all* of
    them is an intersection-union claim, which needs no adjustment (Berger 1982, Technometrics 24:295-300); that it
    holds in *some* is not a claim.
    """
    kinds = [one.kind for one in variants]
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"variant {unknown[0]!r} is unknown; allowed are {', '.join(KINDS)}")
    if kinds[:1] != ["main"] or kinds.count("main") != 1:
        raise ValueError(
            f"the first variant, and no other, must be the main one; given are {', '.join(kinds) or 'none'}"
        )
    main = variants[0].effects
    outcomes = [summaries.leads(main, one.task, outcome) if one.task else "correct" for one in asked]
    models = list(dict.fromkeys(name for one in variants for name in _models(one)))
    wanted = list(zip(asked, outcomes, strict=True))
    cells = [[_cell(one, what, told) for what, told in wanted] for one in variants]
    each = [[_each(one, what, told, models) for what, told in wanted] for one in variants]
    shape = len(variants), len(asked)
    grid = ("variant", "comparison")
    columns = {name: np.array([[cell[name] for cell in row] for row in cells]) for name in (*MEANINGS, *COUNTS)}
    kept = {**dict.fromkeys(MEANINGS, float), **dict.fromkeys(COUNTS, np.int32)}
    meaning = MEANINGS | COUNTS
    networks = np.array(each, float).reshape(*shape, len(models))
    return xr.Dataset(
        {
            **{
                name: (grid, column.reshape(shape).astype(kept[name]), {"long_name": meaning[name]})
                for name, column in columns.items()
            },
            "estimate_of_model": ((*grid, "model"), networks, {"long_name": "estimate of each network of replicates"}),
        },
        coords={
            "variant": ("variant", [one.label for one in variants], {"long_name": "way of doing the study"}),
            "kind": ("variant", kinds, {"long_name": "; ".join(f"{name}: {text}" for name, text in KINDS.items())}),
            "name": ("variant", [one.name for one in variants], {"long_name": "value, group of networks or network"}),
            "comparison": [one.name for one in asked],
            **{
                name: ("comparison", [getattr(one, "kind" if name == "of" else name) for one in asked], told)
                for name, told in _ALONG.items()
            },
            "outcome": ("comparison", outcomes, {"long_name": "what is measured of a run"}),
            "model": ("model", np.array(models, dtype=str), {"long_name": "name of a model"}),
        },
    )


_ALONG = {
    "of": {"long_name": "advantage over random masks, or double_dissociation of two masks"},
    "localizer": {"long_name": "name of the localizer that the mask belongs to"},
    "other": {"long_name": "the other localizer of a dissociation"},
    "task": {"long_name": "what the network is asked, or the category looked at where there are no tasks"},
}
_NAN = float("nan")


def _models(variant: Variant) -> list[str]:
    return [str(name) for name in variant.effects["model"].values] if variant.kind == "replicates" else []


def _cell(variant: Variant, asked: Result, outcome: str) -> dict[str, float]:
    """Give the numbers of one result under one variant."""
    empty = dict.fromkeys(MEANINGS, _NAN) | dict.fromkeys(COUNTS, 0)
    effects = variant.effects
    if asked.name not in effects["comparison"].values.astype(str) or outcome not in effects["outcome"].values:
        return empty
    if variant.kind == "replicates":
        found = effects.sel(comparison=asked.name, outcome=outcome)
        told = {name: float(found[name]) for name in ("estimate", "low", "high", "p")}
        return empty | told | {"models": int(found["models"])}
    cell = summaries.find(effects, asked.kind, outcome, localizer=asked.localizer, other=asked.other, task=asked.task)
    if cell is None:
        return empty
    told = {name: getattr(cell, name) for name in ("estimate", "low", "high", "p", "p_family", "n")}
    if asked.kind == "double_dissociation":
        told["p"] = _both(effects, asked, cell.p)
    return empty | told | {"models": 1, "p_able": _able(effects, asked)} | _random(effects, asked, outcome)


def _both(effects: xr.Dataset, asked: Result, raw: float) -> float:
    """Give the larger p of both scales, which a double dissociation needs; without a scaled one, the raw one."""
    pair = {"localizer": asked.localizer, "other": asked.other}
    scaled = summaries.find(effects, asked.kind, "correct", **pair, scale="scaled")
    return raw if scaled is None else float(np.fmax(raw, scaled.p))


def _able(effects: xr.Dataset, asked: Result) -> float:
    """Give the p of doing the tasks; without true labels that is not asked."""
    tasks = [asked.task]
    if asked.other:
        kind, one, other = (effects[name].values.astype(str) for name in ("kind", "localizer", "other"))
        pairs = ((asked.localizer, asked.other), (asked.other, asked.localizer))
        sides = [(kind == "dissociation") & (one == first) & (other == second) for first, second in pairs]
        tasks = [str(effects["task"].values[side][0]) for side in sides]
    found = effects.sel(task_name=tasks)
    return float(np.where(np.isfinite(found["chance"].values), found["p_able"].values, _NAN).max())


def _random(effects: xr.Dataset, asked: Result, outcome: str) -> dict[str, float]:
    """Give mean, spread and number of the random masks that a mask is compared with."""
    spread = summaries.find(effects, "control", outcome, localizer=asked.localizer, task=asked.task)
    if asked.kind != "advantage" or spread is None:
        return {}
    drawn = effects["control_harm"].sel(localizer_name=asked.localizer, task_name=asked.task, outcome=outcome).values
    ends = {"control": spread.estimate, "control_low": spread.low, "control_high": spread.high}
    return ends | {"controls": int(np.isfinite(drawn).sum())}


def _each(variant: Variant, asked: Result, outcome: str, models: Sequence[str]) -> list[float]:
    """Give the estimate of each network of replicates; nothing of any other variant."""
    if variant.kind != "replicates" or asked.name not in variant.effects["comparison"].values.astype(str):
        return [_NAN] * len(models)
    found = variant.effects["estimate_of_model"].sel(comparison=asked.name, outcome=outcome)
    known = dict(zip(_models(variant), found.values.astype(float).tolist(), strict=True))
    return [known.get(name, _NAN) for name in models]
