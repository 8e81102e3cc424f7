"""A study that is killed at any moment ends in the arrays of one that never was."""

import base64
import contextlib
import os
import random
import shutil
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.faults.kills import PATIENCE, TINY, Study
from tests.workflow.conftest import arrays

SEED = int(os.environ.get("KILLS_SEED", "7"))
KILLS = int(os.environ.get("KILLS", "30"))
TARGETS = tuple(os.environ.get("KILLS_TARGETS", "").split())  # the report, by default
TIMED = ("report.html", "tbl-jobs.csv", "tbl-machines.csv", "tbl-rules.csv")  # these tell how long jobs took, and where


def bytes_of(study: Study) -> dict[str, bytes]:
    names = [name for name in study.left() if not name.endswith(TIMED)]
    return {name: (study.folder / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Iterator[Study]:
    """The study, undisturbed."""
    study = Study(tmp_path_factory.mktemp("whole") / "study", TINY, random.Random(0), targets=TARGETS)
    try:
        assert study.run() == 0, study
        yield study
    finally:
        study.end()


@pytest.fixture
def study(tmp_path) -> Iterator[Study]:
    """One to be disturbed."""
    study = Study(tmp_path / "study", TINY, random.Random(SEED), targets=TARGETS)
    try:
        yield study
    finally:
        study.end()


@pytest.mark.slow
def test_a_job_that_outlives_its_snakemake_is_waited_for_and_said_so(study):
    study.targets = ("results/tiny/drawn/digits.nc",)
    lock = study.folder / "logs" / "tiny" / "draw" / ".digits.log.lock"
    snakemake, orphan = held(study, lock)
    snakemake.kill()
    assert snakemake.wait() == -9 and orphan.is_running()
    study.unlock()
    again = study.start()
    wait_for(lambda: "waited for" in study.heard(), again)
    assert f"logs/tiny/draw/digits.log: process {orphan.pid} on " in study.heard()
    assert len(study.jobs()) == 2
    orphan.resume()
    assert again.wait(PATIENCE) == 0, study.heard()
    assert not study.jobs() and study.left() == list(study.targets)  # a dead orphan may wait to be fetched
    assert arrays(study.folder).keys() == set(study.targets)
    assert "waited for" in (lock.parent / "digits.log").read_text()


def held(study, lock):
    """Start the study and suspend its job while it has its lock; where it was too quick, it is run again."""
    for _ in range(20):
        snakemake = study.start()
        while snakemake.poll() is None:
            with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
                if lock.read_text() and (jobs := study.jobs()):
                    jobs[0].suspend()
                    if lock.exists():
                        return snakemake, jobs[0]
                    jobs[0].resume()
            time.sleep(0.005)
        assert snakemake.returncode == 0, study.heard()
        (study.folder / study.targets[0]).unlink()
    pytest.fail("the job was too quick, twenty times")


def wait_for(condition, process):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)


@pytest.mark.slow
def test_records_of_snakemake_that_were_torn_are_survived(whole, study):
    shutil.copytree(whole.folder, study.folder)
    kept = study.folder / ".snakemake"
    records = sorted(path for path in (kept / "metadata").rglob("*") if path.is_file())
    assert len(records) > 5
    for record in records:
        content = record.read_bytes()
        record.write_bytes(content[: study.chance.choice([0, 1, len(content) // 2, len(content) - 1])])
    (kept / "locks").mkdir(exist_ok=True)
    for name in ("0.input.lock", "0.output.lock"):
        (kept / "locks" / name).write_bytes(b"results/ti")
    lost = "results/tiny/cnn/effects.nc"
    (kept / "incomplete").mkdir(exist_ok=True)
    (kept / "incomplete" / base64.urlsafe_b64encode(lost.encode()).decode()).write_bytes(b"")
    (study.folder / lost).write_bytes(b"half")
    study.targets = (lost, "results/tiny/cnn/figures/masks.svg")
    assert study.run() == 0, study
    assert "Measuring the effects" in study.said and "1 of 1 steps (100%) done" in study.said, study
    assert arrays(study.folder) == arrays(whole.folder), study
    assert study.left() == whole.left(), study


@pytest.mark.slow
def test_a_study_that_is_killed_again_and_again_ends_as_if_it_never_was(whole, study):
    told = f"seed {SEED}: KILLS_SEED={SEED} repeats it, as far as moments can be repeated"
    while len(study.kills) < KILLS:
        study.disturb()
        if study.complete and not study.jobs():
            study.lose_something()
    if study.locked:
        study.unlock()
    # what was lost is made again, needed any more or not
    study.targets = tuple(name for name in whole.left() if name.endswith(".nc")) + study.targets
    if not TARGETS:
        study.targets += ("all",)
    assert study.run() == 0, f"{told}\n{study}"
    psutil.wait_procs(study.jobs(), timeout=60)
    assert arrays(study.folder) == arrays(whole.folder), f"{told}\n{study}"
    assert study.left() == whole.left(), f"{told}\n{study}"
    one, other = bytes_of(study), bytes_of(whole)
    assert [name for name in one if one[name] != other[name]] == [], f"{told}\n{study}"
    assert study.run("--dry-run") == 0 and "Nothing to be done" in study.said, f"{told}\n{study}"
