"""However often a recording is killed, and over however many shards it is scattered, the files are the same."""

import contextlib
import errno
import multiprocessing
import random
import threading
import time

import pytest

from deeplocalizer import gathering, recording, store
from deeplocalizer.recording import passes
from deeplocalizer.recording.sinks import Files
from tests.recording.examples import small
from tests.recording.job import BATCH, STIMULI, main, plan, stamp, stimuli

BLOCKS = -(-STIMULI // BATCH)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    recorded_to(folder, plan(small()))
    return folder


def recorded_to(folder, made, shard=None, weights="w"):
    folder.mkdir(exist_ok=True)

    def stamped(dataset, kind):
        return stamp(dataset, kind, weights)

    recording.record_to(made, folder / "activations.nc", folder / "moments.nc", stamped, shard)


def same(one, other):
    """Every byte of the arrays and all that is said of them."""
    for kind in ("activations", "moments"):
        first, second = (store.open(folder / f"{kind}.nc", kind) for folder in (one, other))
        assert first.attrs["content_digest"] == second.attrs["content_digest"]
        for dataset in (first, second):
            del dataset.attrs["software"]  # it lists what this process has loaded by now
        assert first.identical(second)


SERVER = multiprocessing.get_context("forkserver")  # a process of its own for each job, that need not load PyTorch
SERVER.set_forkserver_preload(["tests.recording.job"])


@contextlib.contextmanager
def started(folder, shard=None, shards=None, most=None):
    folder.mkdir(exist_ok=True)
    heard, told = SERVER.Pipe(duplex=False)
    job = SERVER.Process(target=main, args=(str(folder), shard, shards, most, told))
    job.start()
    told.close()
    yield job, heard
    job.join()
    heard.close()


def finish(folder, shard=None, shards=None):
    """Let a job run to its end; count its forward passes."""
    with started(folder, shard, shards) as (job, heard):
        lines = list(iter(heard.recv, "done"))
    assert job.exitcode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["activations.nc", "moments.nc"]
    return len(lines)


def kill_at_random(folder, chance, times, shard=None, shards=None):
    """Kill a job again and again, some passes after it begins, while it runs or while it still writes."""
    for _ in range(times):
        most = chance.randrange(1, 9)
        with started(folder, shard, shards, most) as (job, heard):
            for _ in range(chance.randrange(most) + 1):
                heard.recv()
            time.sleep(chance.random() / 50)
            job.kill()
        assert job.exitcode == -9
        assert not (folder / "activations.nc").exists()


@pytest.mark.parametrize("shards", [2, 3, 7])
def test_shards_are_gathered_to_the_same_arrays(whole, tmp_path, shards):
    parts = scattered(tmp_path, shards)
    gathered(parts, tmp_path)
    same(tmp_path, whole)


def scattered(folder, shards, made=None):
    made = made or plan(small())
    parts = [folder / str(index) for index in range(shards)]
    for index, part in enumerate(parts):
        recorded_to(part, made, (index, shards))
    return parts


def gathered(parts, into):
    paths = [[part / f"{kind}.nc" for part in parts] for kind in ("activations", "moments")]
    gathering.gather(*paths, (into / "activations.nc", into / "moments.nc"), stamp)


def test_a_shard_that_is_missing_doubled_or_out_of_order_is_noticed(tmp_path):
    parts = scattered(tmp_path, 4)
    first, second, third, last = parts
    for wrong in ([first, third, last], [first, second, third], [second, third, last], [*parts, last]):
        with pytest.raises(ValueError, match="block"):
            gathered(wrong, tmp_path)
    with pytest.raises(ValueError, match="block"):
        gathered([second, first, third, last], tmp_path)


@pytest.mark.parametrize("kills", [8, pytest.param(20, marks=pytest.mark.slow)])
def test_a_recording_that_is_killed_again_and_again(whole, tmp_path, kills):
    kill_at_random(tmp_path / "killed", random.Random(kills), kills)
    assert finish(tmp_path / "killed") < BLOCKS  # not all of them again
    same(tmp_path / "killed", whole)


def test_a_shard_that_is_killed_resumes_alone(whole, tmp_path):
    chance = random.Random(3)
    for index in range(3):
        kill_at_random(tmp_path / str(index), chance, 2, index, 3)
        finish(tmp_path / str(index), index, 3)
    gathered([tmp_path / str(index) for index in range(3)], tmp_path)
    same(tmp_path, whole)


def test_two_processes_never_record_one_thing_at_once(whole, tmp_path):
    folder = tmp_path / "both"
    with started(folder, most=9) as (first, said):
        for _ in range(9):
            said.recv()  # it has stopped on its way, and lives
        with started(folder) as (second, heard):
            assert heard.recv() == "waits"
            assert not heard.poll(0.5)
            first.kill()
            passes_of_second = len(list(iter(heard.recv, "done")))
        assert second.exitcode == 0
    assert passes_of_second < BLOCKS  # it goes on where the first was
    assert sorted(path.name for path in folder.iterdir()) == ["activations.nc", "moments.nc"]
    same(folder, whole)


class Stopped(Exception):
    """In the place of a kill, within this process."""


class Counted:
    """Count the passes over blocks, and stop at one."""

    def __init__(self, model, at=None):
        self.passes, self.at = 0, at
        self.handle = model.register_forward_pre_hook(self)

    def __call__(self, *_):
        if self.passes == self.at:
            raise Stopped
        self.passes += 1


class Prompt:
    """In the place of the thread that writes: each task is done at once, however slow the disk is."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, task):
        task()


@pytest.fixture
def often(monkeypatch):
    """Write in the journal whenever it is not being written."""
    monkeypatch.setattr(passes, "EVERY", 0)
    monkeypatch.setattr(passes, "SHARE", 0)


@pytest.fixture
def eager(often, monkeypatch):
    """Write in the journal after every block, and wait for it."""
    monkeypatch.setattr(passes, "Writer", Prompt)


def stopped(folder, at, made, shard=None, **known):
    counted = Counted(made.model, at)
    with pytest.raises(Stopped):
        recorded_to(folder, made, shard, **known)
    counted.handle.remove()
    return counted.passes


def resumed(folder, made, shard=None, **known):
    counted = Counted(made.model)
    recorded_to(folder, made, shard, **known)
    counted.handle.remove()
    return counted.passes


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("at", [1, 5, 17, BLOCKS - 1])
def test_what_was_stopped_anywhere_goes_on_from_there(whole, tmp_path, at):
    made = plan(small())
    stopped(tmp_path, at, made)
    assert resumed(tmp_path, made) == BLOCKS - at
    same(tmp_path, whole)


@pytest.mark.usefixtures("eager")
def test_a_journal_that_outlived_its_files_counts_for_nothing(whole, tmp_path, monkeypatch):
    made = plan(small())
    stopped(tmp_path, 20, made)
    # a job that is killed while it seals its files may leave one of them finished
    (tmp_path / ".moments.nc.partial").unlink()
    monkeypatch.setattr(passes, "EVERY", 1e9)
    stopped(tmp_path, 3, made)
    assert resumed(tmp_path, made) == BLOCKS
    same(tmp_path, whole)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("change", ["weights", "inputs", "layers", "batch", "shard"])
def test_what_was_recorded_of_something_else_is_not_gone_on_with(tmp_path, change):
    stopped(tmp_path / "one", 10, plan(small()))
    known = {}
    made = plan(small())
    if change == "weights":
        made, known = plan(small(1)), {"weights": "others"}
    elif change == "inputs":
        made = plan(small(), stimuli(seed=1))
    elif change == "layers":
        made = plan(small(), patterns=["conv", "head"])
    elif change == "batch":
        made = plan(small(), batch=4)
    shard = (0, 1) if change == "shard" else None
    assert resumed(tmp_path / "one", made, shard, **known) == made.course.blocks
    recorded_to(tmp_path / "two", made, shard, **known)
    for kind in ("activations", "moments"):
        one, two = (store.open(tmp_path / folder / f"{kind}.nc") for folder in ("one", "two"))
        assert one.attrs["content_digest"] == two.attrs["content_digest"]


@pytest.mark.usefixtures("eager")
def test_a_damaged_journal_is_named(tmp_path):
    made = plan(small())
    stopped(tmp_path, 20, made)
    journal = tmp_path / ".moments.nc.journal"
    whole = journal.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole[:200] + bytes(100) + whole[300:]):
        journal.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"\.moments\.nc\.journal: the journal .* is damaged .*delete it"):
            recorded_to(tmp_path, made)
    journal.unlink()
    assert resumed(tmp_path, made) == BLOCKS


@pytest.mark.parametrize("method", ["rows", "node", "flush"])
@pytest.mark.usefixtures("often")
def test_an_error_of_the_disk_ends_the_recording(tmp_path, monkeypatch, method):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Files, method, full)
    made = plan(small())
    with pytest.raises(OSError, match="No space left"):
        recorded_to(tmp_path, made)
    assert not (tmp_path / "activations.nc").exists() and not (tmp_path / "moments.nc").exists()
    assert not any(thread.name == "writer" for thread in threading.enumerate())
    monkeypatch.undo()
    recorded_to(tmp_path, made)
