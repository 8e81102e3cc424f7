"""A job that is killed at random moments is taken up, and leaves the same bytes as one that never was."""

import random
import subprocess
import sys
import time

import numpy as np
import pytest

from deeplocalizer import store

JOB = """
import sys
import numpy as np, xarray as xr
from deeplocalizer import provenance, store
stimuli, units, block = 800, 3000, 10
template = provenance.stamp(xr.Dataset(coords={"unit": np.arange(units)}), "activations", "t", {})
large = {
    "activation": store.Large({"stimulus": stimuli, "unit": units}, "float32", {}, (64, 512)),
    "written": store.Large({"block": stimuli // block}, "bool"),
}
print("begun", flush=True)
with store.stream(sys.argv[1], template, large, key="job") as pieces:
    written = pieces.read("written", 0, stimuli // block)
    for index in np.flatnonzero(~written):
        values = np.random.default_rng(index).random((block, units), dtype="float32")
        pieces.write("activation", index * block, values)
        pieces.flush()
        pieces.write("written", index, np.array([True]))
        print(index, flush=True)
    print("sealing", flush=True)
print("done", flush=True)
"""


def start(path):
    return subprocess.Popen([sys.executable, "-c", JOB, str(path)], stdout=subprocess.PIPE, text=True)


def test_a_killed_job_is_taken_up(tmp_path):
    with start(tmp_path / "whole.nc") as job:
        assert job.stdout.read().split()[-1] == "done"
    rng = random.Random(0)
    first_blocks = []
    for _ in range(6):
        with start(tmp_path / "killed.nc") as job:
            lines = [job.stdout.readline().strip()]
            lines += [job.stdout.readline().strip() for _ in range(rng.randrange(5))]
            time.sleep(rng.random() / 200)
            job.kill()
        assert job.wait() == -9
        first_blocks += [int(line) for line in lines if line.isdigit()][:1]
        assert not (tmp_path / "killed.nc").exists()
    assert first_blocks == sorted(first_blocks) and len(set(first_blocks)) == len(first_blocks)
    assert first_blocks[-1] > 0  # something was taken up
    with start(tmp_path / "killed.nc") as job:
        assert job.stdout.read().split()[-1] == "done"
    assert (tmp_path / "killed.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()
    expected = [np.random.default_rng(index).random((10, 3000), dtype="float32") for index in range(80)]
    np.testing.assert_array_equal(store.open(tmp_path / "killed.nc")["activation"], np.concatenate(expected))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.nc", "whole.nc"]


@pytest.mark.parametrize("wait", [0, 0.01, 0.03])
def test_a_job_killed_while_it_finishes_leaves_all_or_nothing(tmp_path, wait):
    with start(tmp_path / "a.nc") as job:
        while job.stdout.readline().strip() != "sealing":
            pass
        time.sleep(wait)
        job.kill()
    before = (tmp_path / "a.nc").read_bytes() if (tmp_path / "a.nc").exists() else None
    with start(tmp_path / "a.nc") as job:
        assert job.stdout.read().split()[-1] == "done"
    with store.lazy(tmp_path / "a.nc", "activations") as dataset:
        last = np.random.default_rng(79).random((10, 3000), dtype="float32")
        np.testing.assert_array_equal(dataset["activation"][-10:].values, last)
    assert before in (None, (tmp_path / "a.nc").read_bytes())
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]
