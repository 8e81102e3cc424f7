"""A study of a few jobs, for faults that are tried through the real DAG.

tiny             its configuration: a network of three layers as it was initialised, two categories
pictures         images in a folder, as a researcher has them
run              run the workflow on it, as a user does
EFFECTS          the artefact that it ends in
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.workflow.conftest import ROOT, command

MODEL = "results/tiny/net"
EFFECTS = f"{MODEL}/effects.nc"


def tiny() -> dict[str, Any]:
    """Give a study of one's own images and of the digits that ship with scikit-learn."""
    return {
        "study": "tiny",
        "stimuli": {
            "categories": {
                "noise": {"source": "folder", "path": "pictures", "label": "noise"},
                "digits": {"source": "digits", "count": 60},
            },
            "splits": {"train": 0, "localize": 0.5, "select": 0, "test": 0.5},
        },
        "models": {"net": {"architecture": "small_cnn", "weights": "untrained", "layers": ["conv*", "hidden"]}},
        "contrasts": {"noise": {"preferred": ["noise"], "other": ["digits"]}},
        "localizers": {"noise": {"contrast": "noise", "fraction": 0.1}},
        "ablation": {"controls": 20},
        "inference": {"resamples": 1000},
    }


def pictures(folder: Path, number: int = 30, seed: int = 0) -> list[Path]:
    """Write images of noise into a folder; all files have one size."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (number, 16, 16), dtype=np.uint8)
    paths = [folder / f"{index:02d}.png" for index in range(number)]
    for path, one in zip(paths, pixels, strict=True):
        Image.fromarray(one).save(path, compress_level=0)
    return paths


def run(folder: Path, *words: str, fails: bool | None = False, cores: int = 1) -> str:
    """Run the workflow in a folder and give what it says; it must succeed, or fail where expected (None: any)."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    whole = [*command(folder, tiny()), "--cores", str(cores), *words]
    done = subprocess.run(whole, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    told = done.stdout + done.stderr
    assert fails is None or bool(done.returncode) == fails, told
    return told
