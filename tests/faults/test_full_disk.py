"""A disk that is full, read-only or another's is named, whoever writes; with room, the same call completes."""

import contextlib
import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas
import pytest
import xarray as xr

from deeplocalizer import provenance, store, unwritable, whole
from deeplocalizer.downloads.manifest import Manifest, Target
from deeplocalizer.hub import files as cached
from deeplocalizer.logging import log_to
from deeplocalizer.models import catalogue, network, specification
from deeplocalizer.plots import drawing
from deeplocalizer.recording.journal import Journal
from tests.faults.mounts import can_mount, read_only, resize, small_disk

pytestmark = pytest.mark.skipif(bool(can_mount()), reason=can_mount())
KB, MB = 1 << 10, 1 << 20
VALUES = np.random.default_rng(0).normal(size=(300, 400)).astype("float32")


def bare():
    coords = {"stimulus": np.array([f"s-{i}" for i in range(300)], dtype=object)}
    return provenance.stamp(xr.Dataset(coords=coords), "activations", "test data", {})


def saved(folder):
    store.save(bare().assign(activation=(("stimulus", "unit"), VALUES)), folder / "a.nc")


def streamed(folder, bits=None):
    large = store.Large({"stimulus": 300, "unit": 400}, "float32", {}, store.chunks(300, 400), bits)
    with store.stream(folder / "a.nc", bare(), {"activation": large}) as pieces:
        for start in range(0, 300, 50):
            pieces.write("activation", start, VALUES[start : start + 50])


def rounded(folder):
    streamed(folder, 12)


def weights(folder):
    network.save(network.build("small_cnn", ["a", "b"], 0), folder / "weights.safetensors", {})


def model(folder):
    specification.write(catalogue.describe("small_cnn", [f"label {i}" * 9 for i in range(9000)]), folder / "model.json")


def figure(folder):
    made = drawing.figure(3)
    axes = made.add_subplot()
    for line in VALUES[:40]:
        axes.plot(line)
    drawing.save(made, [folder / "a.svg", folder / "a.pdf"], "lines")


def table(folder):
    with whole.writing(folder / "a.csv") as path:
        pandas.DataFrame(VALUES).to_csv(path)


def page(folder):
    with whole.writing(folder / "report.html") as path:
        path.write_text("x" * MB)


def download(folder):
    cached.write(folder / "rows.json", bytes(MB))


def fetched(folder):
    Manifest(folder).keep(Target("annotations.json", "https://example.org/a"), [b"x" * 50 * KB] * 20)


WRITERS = [saved, streamed, rounded, weights, model, figure, table, page, download, fetched]


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_is_named_by_whoever_writes_and_with_room_the_same_call_completes(write, tmp_path):
    with small_disk(tmp_path / "disk", 8 * KB) as disk:
        for size in (4 * KB, 40 * KB, 200 * KB):
            resize(disk, size)
            with pytest.raises(
                OSError, match=r"disk/.*: the disk is full \(No space left on device\).* are free in .*"
            ) as caught:
                write(disk)
            assert caught.value.errno == 28
            assert "make room and run again" in str(caught.value)
            assert not left(disk)
        resize(disk, 64 * MB)
        write(disk)
        (tmp_path / "other").mkdir()
        write(tmp_path / "other")
        assert left(disk) == left(tmp_path / "other")
        for path in disk.iterdir():
            assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name


def test_a_full_disk_leaves_what_was_there_before(tmp_path):
    with small_disk(tmp_path / "disk", 64 * MB) as disk:
        saved(disk)
        before = (disk / "a.nc").read_bytes()
        resize(disk, len(before) + 40 * KB)
        for write in (saved, streamed):
            with pytest.raises(
                unwritable.UnwritableError, match=r"the disk is full .*(482\.4 kB|1\.5 MB) are to be written"
            ):
                write(disk)
        assert (disk / "a.nc").read_bytes() == before and left(disk) == ["a.nc"]


def test_room_for_a_recording_is_asked_for_before_anything_is_computed(tmp_path):
    large = store.Large({"stimulus": 300, "unit": 10**7}, "float32", {}, store.chunks(300, 10**7))
    with small_disk(tmp_path / "disk", 10 * MB) as disk:
        with pytest.raises(
            unwritable.UnwritableError, match=r"a\.nc: the disk is full .*12\.0 GB are to be written, 10\.5 MB"
        ):
            with store.stream(disk / "a.nc", bare(), {"activation": large}, key="k"):
                pytest.fail("the work was begun")
        assert not left(disk)


def test_a_recording_whose_disk_fills_up_is_taken_up_again(tmp_path):
    """Others may fill the disk after it was asked for room."""
    large = {"activation": store.Large({"stimulus": 300, "unit": 400}, "float32", {}, None)}
    with small_disk(tmp_path / "disk", 2 * MB) as disk:
        with pytest.raises(unwritable.UnwritableError, match="the disk is full"):
            with store.stream(disk / "a.nc", bare(), large, key="k") as pieces:
                pieces.write("activation", 0, VALUES[:150])
                resize(disk, 300 * KB)
                pieces.write("activation", 150, VALUES[150:])
        resize(disk, 600 * KB)
        with pytest.raises(unwritable.UnwritableError, match="the disk is full"):
            with store.stream(disk / "a.nc", bare(), large, key="k") as pieces:
                assert pieces.resumed
                pieces.write("activation", 150, VALUES[150:])
        resize(disk, 2 * MB)
        with store.stream(disk / "a.nc", bare(), large, key="k") as pieces:
            assert pieces.resumed  # what is there was not lost by the failure to end it
        np.testing.assert_array_equal(store.open(disk / "a.nc")["activation"].values, VALUES)


def test_a_journal_on_a_full_disk_leaves_the_one_before(tmp_path):
    from deeplocalizer.moments.tree import Node

    def pending(size):
        return {0: {(0, 0): Node(3, np.ones(size), np.ones(size))}}

    with small_disk(tmp_path / "disk", 64 * KB) as disk:
        journal = Journal(disk / "journal", "k")
        journal.write(1, pending(10))
        with pytest.raises(OSError, match="No space left"):
            journal.write(2, pending(10**5))
        assert journal.read()[0] == 1


SCRIPT = """
import sys
from deeplocalizer.logging import log_to
with log_to(sys.argv[1]) as log:
    for line in range(400):
        log.info("line %d %s", line, "x" * 90)
    if len(sys.argv) > 2:
        raise ValueError("the reason")
"""


def test_what_a_full_log_has_no_room_for_is_said_in_the_terminal(tmp_path):
    """Neither the work nor the reason of a failure is lost to a log that cannot be written."""
    with small_disk(tmp_path / "disk", 12 * KB) as disk:  # of which the lock of the log has 4
        for words, status in (([], 0), (["fail"], 1)):
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT, str(disk / "a.log"), *words], capture_output=True, text=True, check=False
            )
            log = (disk / "a.log").read_text()
            assert done.returncode == status, done.stderr
            assert log.startswith("machine: ") and len(log) == 8 * KB
            first, *rest = done.stderr.splitlines()
            assert (
                first == f"{disk}/a.log: the log cannot be written (No space left on device); what it would say follows"
            )
            assert rest[-1] == ("ValueError: the reason" if words else "finished")
            text = log + "\n".join(rest)
            assert all(f"line {line} " in text for line in range(400))


def test_a_log_of_a_job_on_a_full_disk_names_the_disk_for_code_that_does_not(tmp_path, monkeypatch):
    """A library's own temporary files have no name in the error."""
    with small_disk(tmp_path / "disk", 8 * KB) as disk:
        monkeypatch.setattr("tempfile.tempdir", str(disk))
        with pytest.raises(SystemExit), log_to(str(tmp_path / "a.log")):
            with (disk / "a").open("wb") as file, contextlib.suppress(ZeroDivisionError):
                file.write(bytes(MB))
        last = (tmp_path / "a.log").read_text().splitlines()[-1]
        assert last.startswith("OSError: [Errno 28] No space left on device")
        assert f"no room is left in {disk}; make room and run again" in last


@pytest.mark.parametrize("write", WRITERS)
def test_a_disk_that_is_read_only_is_named(write, tmp_path):
    with small_disk(tmp_path / "disk", 8 * MB) as disk:
        read_only(disk)
        with pytest.raises(OSError, match=r"disk/.*: cannot be written \(Read-only file system\): mount it writable"):
            write(disk)
        read_only(disk, False)
        write(disk)


@pytest.mark.parametrize("write", [saved, streamed, table])
def test_a_folder_that_takes_no_file_is_named(write, tmp_path):
    """Root is not hindered by modes, but by the attribute of immutable files."""
    if subprocess.run(["chattr", "+i", str(tmp_path)], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no immutable folders")
    try:
        with pytest.raises(unwritable.UnwritableError, match=r"you may not write into .*see its owner and mode"):
            write(tmp_path)
    finally:
        subprocess.run(["chattr", "-i", str(tmp_path)], check=True)
    write(tmp_path)


def test_a_folder_of_another_is_named():
    """The same for a user who is not root, by the mode of the folder."""
    code = (
        "import os, sys; from deeplocalizer import whole; os.setuid(65534)\n"
        "with whole.writing(sys.argv[1] + '/a.csv') as path: path.write_text('x')"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    assert f"a.csv: cannot be written (Permission denied): you may not write into {folder}" in done.stderr


def test_other_errors_are_left_alone(tmp_path):
    with pytest.raises(ZeroDivisionError), whole.writing(tmp_path / "a") as path:
        path.write_text("half")
        1 / 0  # noqa: B018
    assert not left(tmp_path)
