"""The demo through a real Slurm, on two nodes, while jobs are killed and cancelled and nodes drained and lost."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.slurm import cluster
from tests.slurm.test_profile import edited
from tests.workflow.conftest import arrays, command, demo, snakemake

REASON = cluster.missing()
pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.skipif(bool(REASON), reason=REASON)]
MODEL = "results/demo/dual_task_cnn"
WANTED = ["confounds", "reliability", "nulls", "extremes", "effects", "curves", "changes", "robustness"]
WANTED = [f"{MODEL}/{name}.nc" for name in WANTED] + [f"{MODEL}/figures/effects.svg"]
# MB for a first attempt that the jobs of recording do not get along with
TOO_LITTLE = "500 * attempt ** 2"


def brief() -> dict:
    """Give the demo with all that it has, and less of each."""
    config = demo()
    config["models"]["dual_task_cnn"]["training"]["epochs"] = 8
    config["ablation"] |= {"controls": 40, "compare": ["bottom", "shuffled"], "shuffles": 3}
    config["ablation"] |= {"values": ["mean"], "fractions": [0.2]}
    config["inference"] = {"resamples": 1000}
    return config


def scattered() -> dict:
    """Give the same in more jobs."""
    config = brief()
    config["recording"] = {"shards": 2}
    config["ablation"]["jobs"] = 2
    return config


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    """Run the demo here, in one job of each kind."""
    folder = tmp_path_factory.mktemp("undisturbed")
    ran = snakemake(folder, brief(), *WANTED, timeout=1200)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


@pytest.fixture(scope="module")
def slurm() -> Iterator[cluster.Cluster]:
    """Bring up the cluster."""
    with cluster.started() as started:
        yield started


class Run:
    """A Snakemake that submits to the cluster, in a folder, with the shipped profile."""

    def __init__(self, folder: Path, profile: Path, *arguments: str) -> None:
        words = [*command(folder, scattered()), "--profile", str(profile)]
        words += ["--latency-wait", "10", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.log = folder / "terminal.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=environment)

    def said(self) -> str:
        """Give what the terminal shows."""
        return self.log.read_text()

    def end(self, timeout: float = 1200) -> str:
        """Wait until it ends, and give what the terminal shows."""
        self.process.wait(timeout)
        return self.said()

    def wait_for(self, asked: Callable, what: str, timeout: float = 600):
        """Wait for something that happens while it runs."""

        def answered():
            assert self.process.poll() is None, f"ended before {what}: {self.said()}"
            return asked()

        return cluster.until(answered, what, timeout)


@pytest.fixture
def submit(slurm, tmp_path) -> Iterator[Callable[..., Run]]:
    """Give what starts a run, in the folder of the test; kill what is left in the end."""
    runs = []

    def start(folder: Path, *arguments: str, record: str = "") -> Run:
        profile = tmp_path / f"profile{len(runs)}"
        edited(profile, partition="main", gpu_partition="gpu", longest=600)
        if record:  # said again, and the later one holds
            with (profile / "config.yaml").open("a") as file:
                file.write(f"  record:\n    <<: *long\n    mem_mb: {record}\n")
        runs.append(Run(folder, profile, *arguments))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


def agree(folder: Path, other: Path) -> None:
    """Hold that two folders have the same arrays in all artefacts that both studies have."""
    made, expected = arrays(folder), arrays(other)
    assert expected and {name: made.get(name) for name in expected} == expected


def test_the_demo_survives_what_clusters_do(slurm, submit, tmp_path, undisturbed):
    run = submit(tmp_path / "study", *WANTED, record=TOO_LITTLE)

    # somebody cancels a job
    cancelled = run.wait_for(lambda: slurm.running("weights"), "training")
    slurm.ask("scancel", cancelled["id"])

    # recording is killed for memory twice, once for each shard, and tried again with more
    run.wait_for(lambda: slurm.running("gather"), "the shards to be put together")
    attempts = [job for job in slurm.jobs().values() if job["rule"].startswith("rule_record_")]
    assert [job["memory"] for job in attempts if job["state"] == "FAILED"] == ["500M", "500M"]
    assert [job["memory"] for job in attempts if job["state"] == "COMPLETED"] == ["2000M", "2000M"]
    assert {job["partition"] for job in attempts} == {"gpu"}
    given = slurm.ask("scontrol", "show", "job", attempts[-1]["id"])
    assert "TresPerJob=gres:gpu:1" in given

    # a node is drained: its job ends, others go to the other node
    drained = run.wait_for(lambda: slurm.running("ablate"), "an ablation")["node"]
    other = next(node for node in cluster.NODES if node != drained)
    slurm.ask("scontrol", "update", f"NodeName={drained}", "State=DRAIN", "Reason=test")
    before = set(slurm.jobs())
    run.wait_for(lambda: drained not in {job["node"] for job in slurm.jobs("running").values()}, "the drained node")
    run.wait_for(lambda: slurm.running("ablate", "ablate_series", "ablate_values", on=other), "the other node")
    assert drained not in {job["node"] for name, job in slurm.jobs().items() if name not in before}
    slurm.ask("scontrol", "update", f"NodeName={drained}", "State=RESUME")

    # the other node loses its daemon, not its job, and gets it back
    slurm.kill_node(other)
    run.wait_for(
        lambda: slurm.running("ablate_series", "ablate_values", "gather_outcomes", on=drained), "the first node"
    )
    slurm.start_node(other)

    said = run.end()
    assert run.process.returncode == 0, said
    agree(tmp_path / "study", undisturbed)
    # the terminal says what happened, to which job, and shows the end of its log
    assert f"SLURM-job '{cancelled['id']}' failed, SLURM status is: 'CANCELLED'" in said
    assert "logs/demo/dual_task_cnn/weights.log" in said and "logs/demo/dual_task_cnn/record/0.log" in said
    reasons = [Path(log).read_text() for log in re.findall(r"log: .*?, (\S+/rule_record/\S+\.log) \(check", said)]
    assert len(reasons) == 2 and all("exceeded memory limit" in reason for reason in reasons)
    # what is made where Snakemake runs was not submitted
    assert "figure" not in " ".join(job["rule"] for job in slurm.jobs().values())


def test_jobs_of_a_killed_snakemake_keep_others_from_starting(slurm, submit, tmp_path, undisturbed):
    study = tmp_path / "study"
    for name in ("results", ".snakemake"):
        shutil.copytree(undisturbed / name, study / name, symlinks=True)
    for name in ("activations.nc", "moments.nc"):
        (study / MODEL / name).unlink()
    target = f"{MODEL}/moments.nc"
    run = submit(study, target)
    job = run.wait_for(lambda: slurm.running("record"), "a recording")
    run.process.send_signal(signal.SIGKILL)
    run.end()
    assert job["id"] in slurm.jobs("running"), "the job does not outlive its Snakemake"
    slurm.ask("scontrol", "suspend", job["id"])  # so that it lasts as long as a recording does

    said = submit(study, target)
    assert "--unlock" in said.end() and said.process.returncode
    assert submit(study, "--unlock").end().count("Unlocked working directory.") == 1
    refused = submit(study, target)
    assert f"scancel --name={job['name']}" in refused.end() and job["id"] in refused.said()
    assert refused.process.returncode

    slurm.ask("scancel", f"--name={job['name']}")
    left = lambda: slurm.jobs("pending,running,completing").values()  # noqa: E731
    cluster.until(lambda: job["name"] not in {one["name"] for one in left()}, "the last job")
    again = submit(study, target)
    assert again.end() and again.process.returncode == 0, again.said()
    agree(study, undisturbed)


def test_a_job_that_fails_for_good_names_its_log_and_shows_its_end(slurm, submit, tmp_path, undisturbed):
    study = tmp_path / "study"
    for name in ("results", ".snakemake"):
        shutil.copytree(undisturbed / name, study / name, symlinks=True)
    stimuli = study / "results/demo/stimuli.nc"
    with stimuli.open("r+b") as file:
        file.truncate(stimuli.stat().st_size // 2)
    run = submit(study, f"{MODEL}/inputs.nc", "--retries", "0")
    said = run.end()
    assert run.process.returncode
    log = "logs/demo/dual_task_cnn/inputs.log"
    assert f"log: {log}" in said
    last = (study / log).read_text().splitlines()[-1]
    assert "stimuli.nc" in last and last in said
