"""A study as the report sees it: its configuration, its artefacts, and how it was run.

load             read what a description names
from_environment the same, of the description that the environment names
Study            the configuration, the stimuli, the models, the artefacts and the jobs
Model            the artefacts of one model that the report shows
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netCDF4
import pandas as pd
import xarray as xr

from deeplocalizer import store, summaries
from deeplocalizer.models import specification
from deeplocalizer.models.specification import Specification
from deeplocalizer.provenance import digest_bytes
from deeplocalizer.report.shown import Stimuli, known

VARIABLE = "DEEPLOCALIZER_REPORT"  # of the environment: the file that describes the study
OPTIONAL = ("reliability", "curves", "readouts")  # artefacts of a model that not every study has


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
    reliability, curves, readouts : Dataset or None
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
    """What one job of the workflow took: seconds and, where it was measured, mebibytes."""

    name: str
    seconds: float
    memory: float


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
    """

    config: Mapping[str, Any]
    images: Stimuli
    models: tuple[Model, ...]
    artefacts: tuple[Artefact, ...]
    jobs: tuple[Job, ...]
    replicates: Mapping[str, xr.Dataset] = field(default_factory=dict)

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

    def heading(self, model: Model) -> str:
        """Head the part of a section that is about one model, if there are several."""
        return "" if len(self.models) == 1 else f"\n## {summaries.plain(model.name)} {{.unnumbered .unlisted}}\n"

    def select(self, *, category: Sequence[str] | None = None, split: str | None = None) -> pd.DataFrame:
        """Take the stimuli of some categories or of a split."""
        chosen = self.stimuli
        if category is not None:
            chosen = chosen[chosen["category"].isin(list(category))]
        return chosen if split is None else chosen[chosen["split"] == split]


def from_environment() -> Study:
    """Load the study whose description the environment names."""
    return load(Path(os.environ[VARIABLE]))


def load(description: Path) -> Study:
    """Load a study.

    Parameters
    ----------
    description : path
        JSON with ``config``; ``root``, the folder that paths start from; ``stimuli``, a path; ``drawn``, a path for
        each category; ``models``: for each the paths of its artefacts by kind (of ``outcomes`` a list;
        ``reliability``, ``curves`` and ``readouts`` may be absent); ``replicates``, a path for each group of models,
        may be absent; ``benchmarks``, a folder that may be absent.
    """
    given = json.loads(description.read_text(encoding="utf-8"))
    root = Path(given["root"])
    origins = {name: json.loads(str(_attributes(root / path)["origin"])) for name, path in given["drawn"].items()}
    with xr.open_dataset(root / given["stimuli"], engine="netcdf4") as opened:
        stimuli = known(opened, origins)
    models = tuple(_model(name, given["config"], paths, root) for name, paths in given["models"].items())
    listed = [*given["drawn"].values(), given["stimuli"]]
    for paths in given["models"].values():
        for path in paths.values():
            listed += [path] if isinstance(path, str) else path
    groups = given.get("replicates") or {}
    artefacts = tuple(_artefact(path, root) for path in [*listed, *groups.values()])
    replicates = {name: store.open(root / path, "replicates") for name, path in groups.items()}
    return Study(given["config"], stimuli, models, artefacts, jobs(root / given["benchmarks"]), replicates)


def jobs(folder: Path) -> tuple[Job, ...]:
    """Read what the jobs of a study took, of those that left a benchmark."""
    found = []
    for path in sorted(folder.rglob("*.jsonl")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if lines:
            last = json.loads(lines[-1])
            name = path.relative_to(folder).with_suffix("").as_posix()
            found.append(Job(name, _number(last.get("s")), _number(last.get("max_rss"))))
    return tuple(found)


def _number(value: object) -> float:
    """Read a number that Snakemake may have left out or written as text."""
    try:
        return float(str(value))
    except ValueError:
        return float("nan")


def _model(name: str, config: Mapping[str, Any], paths: Mapping[str, Any], root: Path) -> Model:
    kinds = ("architecture", "contrast", "masks", "effects", "confounds")
    opened = {kind: store.open(root / paths[kind], kind) for kind in kinds}
    further = {kind: store.open(root / paths[kind], kind) for kind in OPTIONAL if kind in paths}
    stamped = _attributes(root / paths["inputs"])
    prefix = "preprocessing_"
    preprocessing = {key.removeprefix(prefix): value for key, value in stamped.items() if key.startswith(prefix)}
    return Model(
        name,
        config["models"][name],
        specification.read(root / paths["model"]),
        opened["architecture"],
        opened["contrast"],
        opened["masks"],
        opened["effects"],
        opened["confounds"],
        preprocessing,
        **further,
    )


def _attributes(path: Path) -> dict[str, Any]:
    """Read the attributes of a file alone: some artefacts are too large to be read for that."""
    with netCDF4.Dataset(path) as opened:
        return {name: opened.getncattr(name) for name in opened.ncattrs()}


def _artefact(path: str, root: Path) -> Artefact:
    if path.endswith(".json"):
        return Artefact(path, "What the model is", digest_bytes((root / path).read_bytes()), {})
    known = _attributes(root / path)
    return Artefact(path, known["title"], known["content_digest"], json.loads(known["software"]))
