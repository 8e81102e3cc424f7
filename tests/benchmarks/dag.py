"""Time Snakemake before the first job of a study: how long until it knows all jobs, and how long one job's start takes.

    python -m tests.benchmarks dag

A dry run of each study in an empty folder, where every job is to be run. ``cpu_s`` and ``seconds`` are those until
Snakemake lists the jobs: that is the time to start, to read the workflow and the configuration, and to build the graph.
``all_cpu_s`` includes what a dry run does then: it tells of every job. The row *one job* is what a job on a cluster
starts with, twice: Snakemake with the job as its only target. ``bare`` is a dry run of an empty Snakefile.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.benchmarks import studies
from tests.benchmarks.tables import Row

LISTED = "Job stats:"
NEEDED = ("inputs.nc", "weights.safetensors", "moments.nc", "maps.nc", "readouts.nc", "masks/kind0.nc")  # by `ablate`
Sizes = tuple[int, int, int, int]  # models with their twins, contrasts, shards, jobs of a localizer


def main(sizes: Sequence[Sizes] = ((3, 5, 4, 4), (5, 10, 8, 16)), rounds: int = 3) -> list[Row]:
    """Time the demo, the paper's study and larger ones."""
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "demo": lambda: yaml.safe_load((studies.ROOT / "config" / "demo.yaml").read_text(encoding="utf-8")),
        "paper": studies.paper,
    }
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "Snakefile").write_text("rule all:\n    shell: 'true'\n")
        bare = studies.starting(folder, {}, "--dry-run", "--snakefile", str(folder / "Snakefile"))
        rows.append({"study": "bare", **_best(bare, folder, rounds)})
        for name, config in made.items():
            command = studies.starting(folder / name, config(), "--dry-run")
            rows.append({"study": name, **_best(command, folder, rounds)})
        for size in sizes:
            config_of, inside = studies.large(*size), folder / "-".join(map(str, size))
            told = dict(zip(("models", "contrasts", "shards", "scattered"), size, strict=True))
            command = studies.starting(inside, config_of, "--dry-run")
            rows.append({"study": "large", **told, **_best(command, folder, rounds)})
            job = ",job=0" if size[-1] > 1 else ""
            target = f"ablate:study=large,model=model0,localizer=kind0{job}"
            rows.append({"study": "large, one job", **told, **_job(inside, config_of, target, rounds)})
    return rows


def _job(folder: Path, config: dict[str, Any], target: str, rounds: int) -> Row:
    """Time the start for one job, whose input is there."""
    for name in NEEDED:
        path = folder / "results/large/model0" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return start_of_a_job(folder, config, target, "ablate", rounds)


def start_of_a_job(folder: Path, config: dict[str, Any], target: str, rule: str, rounds: int) -> Row:
    """Time what a job on a cluster starts with, twice; its input is there."""
    words = ("--dry-run", "--force", "--nolock", "--allowed-rules", rule, "--target-jobs", target)
    return _best(studies.starting(folder, config, *words), folder, rounds)


def _best(command: list[str], folder: Path, rounds: int) -> Row:
    """Run a command several times and give the run that took least CPU time: others only add to it."""
    return min((_dry(command, folder) for _ in range(rounds)), key=lambda row: row["cpu_s"])


def _dry(command: list[str], folder: Path) -> Row:
    start = time.perf_counter()
    before = os.times()
    pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    listed: Row = {}
    jobs, said = 0, []
    with subprocess.Popen(command, cwd=folder, **pipe) as process:
        for line in process.stdout or ():
            said.append(line)
            if line.startswith(LISTED) and not listed:
                used = psutil.Process(process.pid).cpu_times()
                listed = {"cpu_s": used.user + used.system, "seconds": time.perf_counter() - start}
            if line.startswith("total ") and not jobs:
                jobs = int(line.split()[1])
    after = os.times()
    if process.returncode or not listed:
        raise RuntimeError(f"the dry run failed: {''.join(said)}")
    every = after.children_user + after.children_system - before.children_user - before.children_system
    return {"jobs": jobs, **listed, "all_cpu_s": every}
