"""Whatever is written is there whole or not at all, at whatever step its process is killed."""

import os

import pytest

from tests.faults.stages import JOBS, done, killed, recording_whole

QUICK = ["describing"]
MOST = 200  # steps; no job has as many
FEW = 12  # of so many steps, one is tried, unless EVERY_STEP is set: then a quarter of an hour goes by


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """What is put together in the end."""
    folder = tmp_path_factory.mktemp("stages")
    for index in range(2):
        part = folder / "shards" / str(index)
        part.mkdir(parents=True)
        recording_whole(part, (index, 2))
    return folder


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in JOBS])
def test_a_job_that_is_killed_at_any_step_is_made_good_by_the_next(shards, name):
    done(name, shards / name / "whole")
    expected = files(shards / name / "whole")
    assert expected and not any(found.startswith(".") for found in expected)
    stride = 1 if name in QUICK or "EVERY_STEP" in os.environ else FEW
    for last in range(1 + len(name) % stride, MOST, stride):
        folder = shards / name / str(last)
        folder.mkdir(parents=True)
        for destination in expected:
            (folder / destination).write_bytes(b"old")
        if not killed(name, folder, last):
            break
        for destination, content in expected.items():
            assert (folder / destination).read_bytes() in (b"old", content), f"{destination}, killed at step {last}"
        killed(name, folder, last + 1)  # and what comes next is killed, too
        done(name, folder)
        assert files(folder) == expected, f"killed at step {last}"
        assert not list((shards / name).glob("logs/.*"))
    assert 3 < last < MOST - 1
    assert files(folder) == expected
