"""A study as the report sees it: its configuration, its artefacts, and how it was run.

Study            the configuration, the stimuli, the models, the artefacts and the jobs
Model            the artefacts of one model that the report shows
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from deeplocalizer import summaries
from deeplocalizer.models.specification import Specification
from deeplocalizer.report.shown import Stimuli


@dataclass(frozen=True)
class Model:
    """One model of a study.

    Parameters
    ----------
    name : str
    settings : mapping
        Its part of the configuration.
    specification : Specification
        What it is.
    architecture, contrasts, masks, effects, confounds : Dataset
        The artefacts that the report shows.
    preprocessing : mapping
        How its inputs were made.
    reliability, curves, readouts, extremes, nulls, changes, robustness : Dataset or None
        Further artefacts, where the study has them.
    """

    name: str
    settings: Mapping[str, Any]
    specification: Specification
    architecture: xr.Dataset
    contrasts: xr.Dataset
    masks: xr.Dataset
    effects: xr.Dataset
    confounds: xr.Dataset
    preprocessing: Mapping[str, Any]
    reliability: xr.Dataset | None = None
    curves: xr.Dataset | None = None
    readouts: xr.Dataset | None = None
    extremes: xr.Dataset | None = None
    nulls: xr.Dataset | None = None
    changes: xr.Dataset | None = None
    robustness: xr.Dataset | None = None

    @property
    def trained(self) -> bool:
        """Whether the workflow trained it."""
        return bool(self.settings["weights"] == "trained")

    @property
    def untrained(self) -> bool:
        """Whether it was left at a random initialisation."""
        return self.settings["weights"] in ("none", "untrained")

    @property
    def reductions(self) -> tuple[str, ...]:
        """How the outputs of its layers became units, in the order of recording."""
        return summaries.reductions(self.contrasts)

    @property
    def units(self) -> int:
        """Number of recorded units."""
        return int(self.contrasts.sizes["unit"])


@dataclass(frozen=True)
class Artefact:
    """A file of results: where it is, what it holds and its fingerprint."""

    path: str
    title: str
    digest: str
    software: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """What one job of the workflow took.

    Parameters
    ----------
    name : str
        The path of its benchmark.
    seconds, memory : float
        Time, and most memory in mebibytes; NaN where Snakemake did not measure it.
    processor : float
        Seconds that its processor cores were busy, added up; NaN where unknown.
    rule : str
        Empty where the benchmark does not tell, as without Snakemake's ``benchmark-extended``.
    """

    name: str
    seconds: float
    memory: float
    processor: float = math.nan
    rule: str = ""


@dataclass(frozen=True)
class Study:
    """A study.

    Parameters
    ----------
    config : mapping
        The configuration, with every default.
    images : Stimuli
    models : tuple of Model
    artefacts : tuple of Artefact
    jobs : tuple of Job
    replicates : mapping of Dataset
        By the name of a group of models, their effects with the model as the replicate.
    machines : mapping
        Number of jobs by machine and graphics processor, as `logging.machines` counts them.
    rules : mapping
        ``snakemake`` (its version), ``rules`` and ``edges`` of the workflow; empty where it was not asked for them.
    figures : mapping of Path
        By ``name`` or ``model/name``, where the figures are.
    """

    config: Mapping[str, Any]
    images: Stimuli
    models: tuple[Model, ...]
    artefacts: tuple[Artefact, ...]
    jobs: tuple[Job, ...]
    replicates: Mapping[str, xr.Dataset] = field(default_factory=dict)
    machines: Mapping[tuple[str, str], int] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Path] = field(default_factory=dict)

    @property
    def stimuli(self) -> pd.DataFrame:
        """Category, label, split, group, source and licence of each stimulus."""
        return self.images.table

    @property
    def sizes(self) -> Mapping[str, str]:
        """Size of the images of each category, in pixels."""
        return self.images.sizes

    @property
    def views(self) -> tuple[tuple[Model, ...], ...]:
        """Put together the models that see the stimuli alike, in the order of the first of each."""
        alike: list[list[Model]] = []
        for model in self.models:
            same = [group for group in alike if group[0].confounds.equals(model.confounds)]
            if same:
                same[0].append(model)
            else:
                alike.append([model])
        return tuple(tuple(group) for group in alike)

    def first_alike(self, model: Model) -> Model:
        """Find the first of the models that have the layers of a model, such as that of which it is the twin."""
        described = model.architecture.drop_attrs()
        return next(one for one in self.models if one.architecture.drop_attrs().equals(described))

    @property
    def outcome(self) -> str:
        """The outcome that leads: ``correct``, or ``kept`` without tasks."""
        return summaries.expectations(self.config["tasks"], self.config["localizers"])[0]

    @property
    def own(self) -> dict[str, str]:
        """The task that each localizer is expected to harm, where it names one."""
        return summaries.expectations(self.config["tasks"], self.config["localizers"])[1]

    def measure(self, task: str) -> str:
        """The outcome that is told of a task, a readout or, where there are no tasks, a category."""
        return "correct" if task in self.config["tasks"] or task in self.config["readouts"] else self.outcome

    @property
    def performs(self) -> bool:
        """Whether anything has right answers: a task or a readout."""
        return bool(self.config["tasks"] or self.config["readouts"])

    @property
    def matched(self) -> str:
        """The kind of the random masks that a mask is ranked among."""
        return {"layer": "random", "response": "random_response"}[self.config["ablation"]["matching"]]

    @property
    def alpha(self) -> float:
        """Level of the tests."""
        return float(self.config["inference"]["alpha"])

    def label(self, kind: str, model: Model) -> str:
        """Name a figure or table of a model; with one model there is no need to name the model."""
        return kind if len(self.models) == 1 else f"{kind}-{model.name}"

    def figure(self, name: str, model: Model | None = None) -> str:
        """Say where a figure is, from the folder of the document: beside it, or where the workflow drew it."""
        known = name if model is None else f"{model.name}/{name}"
        beside = Path("figures", f"{known}.svg")
        if beside.is_file() or known not in self.figures:
            return beside.as_posix()
        return Path(os.path.relpath(self.figures[known])).as_posix()

    def heading(self, model: Model) -> str:
        """Head the part of a section that is about one model, if there are several."""
        return "" if len(self.models) == 1 else f"\n## {summaries.plain(model.name)} {{.unnumbered .unlisted}}\n"

    def select(self, *, category: Sequence[str] | None = None, split: str | None = None) -> pd.DataFrame:
        """Take the stimuli of some categories or of a split."""
        chosen = self.stimuli
        if category is not None:
            chosen = chosen[chosen["category"].isin(list(category))]
        return chosen if split is None else chosen[chosen["split"] == split]
