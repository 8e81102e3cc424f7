"""A small study, run once through the real DAG, for all tests of the workflow."""

from __future__ import annotations

import copy
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def demo() -> dict:
    """Give the demo's configuration."""
    return yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())


def small() -> dict:
    """Give a study of the demo's shape that runs in seconds a job."""
    config = copy.deepcopy(demo())
    config["study"] = "small"
    config["stimuli"]["categories"]["digits"]["count"] = 300
    config["stimuli"]["categories"]["patches"]["count"] = 56
    config["models"]["dual_task_cnn"]["training"]["epochs"] = 12
    config["ablation"] = {
        "controls": 40,
        "compare": ["bottom", "opposite", "shuffled"],
        "shuffles": 3,
        "fractions": [0.05, 0.2],
        "keep": True,
        "series_controls": 20,
    }
    config["inference"] = {"resamples": 1000}
    return config


def command(folder: Path, config: dict | None) -> list[str]:
    """Give the command that runs the project's Snakefile on a configuration, in a folder of its own."""
    words = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    if config is None:
        return words
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return [*words, "--configfile", str(path)]


def snakemake(folder: Path, config: dict | None, *arguments: str, **options) -> subprocess.CompletedProcess:
    """Run that command and wait for it."""
    # jobs run the code beside the Snakefile, wherever else it is installed
    environment = {**options.pop("env", os.environ), "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [*command(folder, config), "--cores", "2", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        **options,
    )


def arrays(folder: Path) -> dict[str, str]:
    """Give the content digest of every artefact of a study."""
    from deeplocalizer import store

    paths = sorted((folder / "results").rglob("*.nc"))
    return {str(path.relative_to(folder)): store.open(path).attrs["content_digest"] for path in paths}


@pytest.fixture(scope="session")
def study(tmp_path_factory, worker_id) -> Path:
    """Run the small study, undisturbed, once for all workers."""
    root = tmp_path_factory.getbasetemp()
    root = root if worker_id == "master" else root.parent
    folder, done = root / "study", root / "study.done"
    with (root / "study.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            result = snakemake(folder, small())
            assert result.returncode == 0, result.stdout + result.stderr
            done.touch()
    return folder
