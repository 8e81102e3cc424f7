"""Time what every job takes beside its own work: to start, to import and to be looked after by Snakemake.

    python -m tests.benchmarks overhead

The paper's study, made small and served on loopback, runs once, and Snakemake keeps the scripts of its jobs. The last
script of each rule then runs twice in a new process, with one thread. The second time is ``work_s``, the job's own
work; what the first takes beyond it, from the start of the process, is ``import_s``: what a job pays for imports and
for all that libraries do once. A library that remembers something of the first time makes work less, and this more.
``snakemake_s`` is what the Snakemake that runs the study takes for each job, from the moment it knows all jobs.

``local_s`` adds both. ``cluster_s`` adds to the imports two starts of Snakemake, as `dag` times them for one job: on a
cluster, one is started by the scheduler and one by that. How long a scheduler lets a job wait is not in it. All are
seconds of CPU time.
"""

from __future__ import annotations

import ast
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks import dag, studies
from tests.benchmarks.tables import Row
from tests.serving import hub
from tests.workflow import world as worlds


def main(targets: Sequence[str] = (), rounds: int = 3) -> list[Row]:
    """Run the study up to some targets, the report by default, and time each of its rules."""
    with tempfile.TemporaryDirectory() as temporary, worlds.served(Path(temporary, "home")) as world:
        folder, config = Path(temporary, "study"), worlds.paper(world)
        config["recording"] |= {"shards": 2, "validate": True}
        config["ablation"] |= {"jobs": 2}
        environment = hub.environment(world.hub, world.home) | {"OMP_NUM_THREADS": "1"}
        environment.pop("PYTHONPATH", None)
        command = studies.starting(folder, config, "--skip-script-cleanup", *targets)
        own = _own(command, environment)
        job = f"stimuli:study={config['study']}"
        start = float(dag.start_of_a_job(folder, config, job, "stimuli", rounds)["cpu_s"])
        return [_row(script, folder, environment, own, start, rounds) for script in kept(folder).values()]


def kept(folder: Path) -> dict[str, str]:
    """Name the last script of each rule that Snakemake kept in a study's folder, in the order in which they ran."""
    found: dict[str, str] = {}
    for path in sorted((folder / ".snakemake/scripts").glob("*.py"), key=lambda path: path.stat().st_mtime):
        found[rule_of(path)] = str(path)
    return found


def rule_of(script: Path) -> str:
    """Read from the preamble of a script which rule it is of."""
    calls = [node for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    given = next(call.args[0] for call in calls if ast.unparse(call.func) == "pickle.loads")
    return str(pickle.loads(ast.literal_eval(given)).rule)  # which this very run wrote


def _own(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run a study; give the CPU seconds for each job that Snakemake itself took, beside those of the jobs."""
    with tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT) as process:
            running, known, last = psutil.Process(process.pid), None, 0.0
            while process.poll() is None:
                used = running.cpu_times()  # without those of its children
                last = max(last, used.user + used.system)
                # the position of the file is the child's, too: read it by another way
                text = os.pread(said.fileno(), 1_000_000, 0).decode(errors="replace") if known is None else ""
                known = last if dag.LISTED in text else known
                time.sleep(0.2)
        text = os.pread(said.fileno(), 100_000_000, 0).decode(errors="replace")
    if process.returncode or known is None:
        raise RuntimeError(f"the study failed: {text}")
    jobs = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("total "))
    return (last - known) / jobs


def _row(script: str, folder: Path, environment: Mapping[str, str], own: float, start: float, rounds: int) -> Row:
    runs = [_ran(script, folder, environment) for _ in range(rounds)]
    work = min(run["again_s"] for run in runs)
    extra = min(run["anew_s"] for run in runs) - work
    return {
        "rule": runs[0]["rule"],
        "kind": "torch" if runs[0]["torch"] else "statistics",
        "work_s": work,
        "import_s": extra,
        "snakemake_s": own,
        "local_s": extra + own,
        "cluster_s": extra + 2 * start,
    }


def _ran(script: str, folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    command = [sys.executable, str(studies.ROOT / "tests/benchmarks/twice.py"), script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=dict(environment))
    if done.returncode:
        raise RuntimeError(f"{script} failed: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
