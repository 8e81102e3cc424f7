"""Studies whose jobs are counted and timed.

paper            the paper's study
large            the same with more of everything
starting         the command that runs the project's Snakefile on a configuration
"""

from __future__ import annotations

import copy
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def paper() -> dict[str, Any]:
    """Give the configuration of the paper's study."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    return config


def large(models: int, contrasts: int, shards: int, jobs: int) -> dict[str, Any]:
    """Enlarge the paper's study: models, each with an untrained twin; contrasts, each with a localizer and a readout.

    Five fractions, keep-only masks, two further values and all kinds of controls stay; with many localizers, more
    controls are needed to reach alpha over all of them.
    """
    config = paper()
    config["study"] = "large"
    [name, *_] = config["models"]
    one = {key: value for key, value in config["models"][name].items() if key != "untrained"}
    config["models"] = {}
    for place in range(models):
        config["models"][f"model{place}"] = one | {"seed": place, "untrained": f"untrained{place}"}
        config["models"][f"untrained{place}"] = one | {"seed": place, "weights": "none"}
    config["replicates"] = {"all": [f"model{place}" for place in range(models)]} if models > 1 else {}
    names = [f"kind{place}" for place in range(contrasts)]
    known = config["stimuli"]["categories"]["objects"]
    config["stimuli"]["categories"] = {kind: known | {"require": [_THINGS[at]]} for at, kind in enumerate(names)}
    others = {kind: [other for other in names if other != kind] for kind in names}
    config["contrasts"] = {kind: {"preferred": [kind], "other": others[kind]} for kind in names}
    readout = config["readouts"]["kind"] | {"categories": names}
    config["readouts"] = {f"of_{kind}": copy.deepcopy(readout) for kind in names}
    config["localizers"] = {kind: {"contrast": kind, "fraction": 0.01, "task": f"of_{kind}"} for kind in names}
    config["dissociations"] = [[first, second] for first, second in itertools.pairwise(names)]
    config["recording"]["shards"] = shards
    controls = max(100, 20 * contrasts)
    config["ablation"] |= {"jobs": jobs, "controls": controls, "series_controls": controls}
    return config


def starting(folder: Path, config: dict[str, Any], *words: str) -> list[str]:
    """Write a configuration into a folder and give the command that starts Snakemake on it there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return [*command, "--configfile", str(path), "--cores", "1", *words]


_THINGS = ("airplane", "bear", "cat", "clock", "dog", "elephant", "giraffe", "horse", "toilet", "train", "zebra")
