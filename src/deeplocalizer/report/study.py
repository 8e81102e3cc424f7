"""A study as the report sees it: its configuration, its artefacts, and how it was run.

load             read what a description names
from_environment the same, of the description that the environment names
Study            the configuration, the stimuli, the models, the artefacts and the jobs
Model            the artefacts of one model that the report shows
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd
import xarray as xr
from PIL import Image

from deeplocalizer import store, summaries

VARIABLE = "DEEPLOCALIZER_REPORT"  # of the environment: the file that describes the study
_LOOKED_AT = 12  # stimuli of a category whose size is read


@dataclass(frozen=True)
class Model:
    """One model of a study.

    Parameters
    ----------
    name : str
    settings : mapping
        Its part of the configuration.
    architecture, contrasts, masks, effects : Dataset
        The artefacts that the report shows.
    preprocessing : mapping
        How its inputs were made.
    """

    name: str
    settings: Mapping[str, Any]
    architecture: xr.Dataset
    contrasts: xr.Dataset
    masks: xr.Dataset
    effects: xr.Dataset
    preprocessing: Mapping[str, Any]

    @property
    def trained(self) -> bool:
        """Whether the workflow trained it."""
        return bool(self.settings["weights"] == "trained")

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
    stimuli : DataFrame
        Category, label, split, group and source of each stimulus.
    sizes : mapping of str
        Size of the images of each category, in pixels.
    models : tuple of Model
    artefacts : tuple of Artefact
    jobs : tuple of Job
    """

    config: Mapping[str, Any]
    stimuli: pd.DataFrame
    sizes: Mapping[str, str]
    models: tuple[Model, ...]
    artefacts: tuple[Artefact, ...]
    jobs: tuple[Job, ...]

    @property
    def outcome(self) -> str:
        """The outcome that leads: ``correct``, or ``kept`` without tasks."""
        return summaries.expectations(self.config["tasks"], self.config["localizers"])[0]

    @property
    def own(self) -> dict[str, str]:
        """The task that each localizer is expected to harm, where it names one."""
        return summaries.expectations(self.config["tasks"], self.config["localizers"])[1]

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
        JSON with ``config``; ``root``, the folder that paths start from; ``stimuli``, a path; ``models``: for each the
        paths of its artefacts by kind (of ``outcomes`` a list); ``benchmarks``, a folder that may be absent.
    """
    given = json.loads(description.read_text(encoding="utf-8"))
    root = Path(given["root"])
    table, sizes = _stimuli(root / given["stimuli"])
    models = tuple(_model(name, given["config"], paths, root) for name, paths in given["models"].items())
    listed = [given["stimuli"]]
    for paths in given["models"].values():
        for path in paths.values():
            listed += [path] if isinstance(path, str) else path
    artefacts = tuple(_artefact(path, root) for path in listed)
    return Study(given["config"], table, sizes, models, artefacts, jobs(root / given["benchmarks"]))


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
    opened = {kind: store.open(root / paths[kind], kind) for kind in ("architecture", "contrast", "masks", "effects")}
    known = _attributes(root / paths["inputs"])
    prefix = "preprocessing_"
    preprocessing = {key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)}
    return Model(
        name,
        config["models"][name],
        opened["architecture"],
        opened["contrast"],
        opened["masks"],
        opened["effects"],
        preprocessing,
    )


def _attributes(path: Path) -> dict[str, Any]:
    """Read the attributes of a file alone: some artefacts are too large to be read for that."""
    with netCDF4.Dataset(path) as opened:
        return {name: opened.getncattr(name) for name in opened.ncattrs()}


def _artefact(path: str, root: Path) -> Artefact:
    known = _attributes(root / path)
    return Artefact(path, known["title"], known["content_digest"], json.loads(known["software"]))


def _stimuli(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read the table of stimuli, and the sizes of some images; not the images."""
    with xr.open_dataset(path, engine="netcdf4") as opened:
        names = ("category", "label", "split", "group", "source")
        table = pd.DataFrame({name: opened[name].values.astype(str) for name in names})
        sizes = {str(name): _size(opened, table, str(name)) for name in table["category"].unique()}
    return table, sizes


def _size(opened: xr.Dataset, table: pd.DataFrame, category: str) -> str:
    members = np.flatnonzero(table["category"] == category)
    end = opened["encoded_size"].values.cumsum()
    found = set()
    for index in members[:: max(1, len(members) // _LOOKED_AT)]:
        start = end[index] - opened["encoded_size"].values[index]
        with Image.open(io.BytesIO(opened["encoded"][start : end[index]].values.tobytes())) as image:
            found.add(image.size)
    if len(found) > 1:
        return "various"
    width, height = found.pop()
    return f"{width}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{height}"
