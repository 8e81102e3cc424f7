"""A study read from what the workflow made of it.

load             read what a description names
from_environment the same, of the description that the environment names
jobs             what the jobs of a study took
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from deeplocalizer import store
from deeplocalizer.logging import machines
from deeplocalizer.models import specification
from deeplocalizer.provenance import digest_bytes
from deeplocalizer.report import lineage
from deeplocalizer.report.present import belongs
from deeplocalizer.report.shown import known
from deeplocalizer.report.study import Artefact, Job, Model, Study

VARIABLE = "DEEPLOCALIZER_REPORT"  # of the environment: the file that describes the study
# artefacts of a model that not every study has
OPTIONAL = ("reliability", "curves", "readouts", "extremes", "nulls", "changes", "robustness")


def from_environment() -> Study:
    """Load the study whose description the environment names."""
    return load(Path(os.environ[VARIABLE]))


def load(description: Path) -> Study:
    """Load a study.

    Parameters
    ----------
    description : path
        JSON with ``config``; ``root``, the folder that paths start from, itself from the folder of the description;
        ``stimuli``, a path; ``drawn``, a path for each category; ``models``: for each the paths of its artefacts by
        kind (lists of ``outcomes`` and ``values``; those of `OPTIONAL` may be absent);
        ``benchmarks``, a folder. May be absent: ``replicates``, a path for each group of models; ``figures``, a path
        for each; ``logs``, a folder; ``rules``, the path of the rule graph.
    """
    given = json.loads(description.read_text(encoding="utf-8"))
    root = (description.parent / given["root"]).resolve()
    origins = {name: json.loads(lineage.attributes(root / path)["origin"]) for name, path in given["drawn"].items()}
    with store.lazy(root / given["stimuli"], "stimuli", verify=False) as opened:
        stimuli = known(opened, origins)
    models = tuple(_model(name, given["config"], paths, root) for name, paths in given["models"].items())
    listed = [*given["drawn"].values(), given["stimuli"]]
    for paths in given["models"].values():
        for path in paths.values():
            listed += [path] if isinstance(path, str) else path
    groups = given.get("replicates") or {}
    artefacts = tuple(_artefact(path, root) for path in [*listed, *groups.values()])
    replicates = {name: store.open(root / path, "replicates") for name, path in groups.items()}
    rules = json.loads((root / given["rules"]).read_text(encoding="utf-8")) if "rules" in given else {}
    names = {rule["name"] for rule in rules["rules"]} if rules else None
    timed = jobs(root / given["benchmarks"], given["config"], names)
    return Study(
        given["config"],
        stimuli,
        models,
        artefacts,
        timed,
        replicates,
        # a log has the name of the benchmark beside it
        machines(root / given["logs"], {job.name for job in timed} or None) if "logs" in given else {},
        rules,
        {name: root / path for name, path in (given.get("figures") or {}).items()},
    )


def jobs(
    folder: Path, config: Mapping[str, Any] | None = None, rules: Collection[str] | None = None
) -> tuple[Job, ...]:
    """Read what the jobs of a study took, of those that left a benchmark.

    Parameters
    ----------
    folder : path
        Of benchmarks, of which some may be left from earlier configurations of the study.
    config : mapping or None
        The configuration, with every default: only its jobs count. None to count all.
    rules : collection of str or None
        The names of all rules of the study, where they are known.
    """
    found = []
    for path in sorted(folder.rglob("*.jsonl")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if lines:
            last = json.loads(lines[-1])
            rule = str(last.get("rule_name", ""))
            if config is not None and not belongs(rule, last.get("wildcards") or {}, config, rules):
                continue
            name = path.relative_to(folder).with_suffix("").as_posix()
            seconds, memory, processor = (_number(last.get(key)) for key in ("s", "max_rss", "cpu_time"))
            found.append(Job(name, seconds, memory, processor, rule))
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
    stamped = lineage.attributes(root / paths["inputs"])
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


def _artefact(path: str, root: Path) -> Artefact:
    if path.endswith(".json"):
        return Artefact(path, "What the model is", digest_bytes((root / path).read_bytes()), {})
    known = lineage.attributes(root / path)
    return Artefact(path, known["title"], known["content_digest"], json.loads(known["software"]))
