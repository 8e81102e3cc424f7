"""Faults through the real DAG: each ends in a clear message, and the same command completes with the same arrays."""

import errno
import os
import random
import re
import shutil
import time
from pathlib import Path

import pytest

from deeplocalizer import store
from deeplocalizer.configuration import own
from deeplocalizer.logging import log_to
from tests.faults.mounts import can_mount, read_only, resize, small_disk
from tests.faults.study import EFFECTS, MODEL, pictures, run
from tests.workflow.conftest import arrays

KB = 1 << 10
mounting = pytest.mark.skipif(bool(can_mount()), reason=can_mount())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Run the study once."""
    folder = tmp_path_factory.mktemp("undisturbed")
    pictures(folder / "pictures")
    run(folder, EFFECTS, cores=2)
    return folder


@pytest.fixture
def folder(undisturbed, tmp_path):
    """Give the study as it is when it is done."""
    shutil.copytree(undisturbed, tmp_path / "study")  # with the times of all files
    return tmp_path / "study"


def rules(told):
    """Name the rules that a dry run would run."""
    return set(re.findall(r"^(\w+) +\d+$", told, re.MULTILINE)) - {"total"}


@pytest.mark.slow
@mounting
def test_a_disk_that_fills_up_at_one_point_after_another(undisturbed, tmp_path):
    """Results lie on a small disk, which is given a little more room whenever it is full."""
    pictures(tmp_path / "pictures")
    chosen, size, failures = random.Random(7), 30 * KB, 0
    with small_disk(tmp_path / "results", size) as disk:
        read_only(disk)
        told = run(tmp_path, EFFECTS, fails=True)
        assert "Read-only file system" in told and "results" in told, told
        read_only(disk, False)
        while True:
            resize(disk, size)
            told = run(tmp_path, EFFECTS, "--rerun-incomplete", fails=None)
            if "100%" in told and (tmp_path / EFFECTS).is_file():
                break
            last = re.findall(
                r"^.*the disk is full \(No space left on device\).*make room and run again.*$", told, re.M
            )
            assert last or "No space left on device" in told, told
            failures += bool(last)
            size = int(size * chosen.uniform(1.6, 3.5))
            assert size < 1 << 26, told
        assert failures >= 3
        assert arrays(tmp_path) == arrays(undisturbed)
        assert not [path for path in disk.rglob(".*") if path.is_file() and "snakemake" not in path.name]


@pytest.mark.slow
@mounting
def test_full_logs_and_a_full_disk_of_snakemakes_own(undisturbed, tmp_path):
    """Logs that do not fit are no reason to fail; where Snakemake itself has no room, it says so."""
    pictures(tmp_path / "pictures")
    with small_disk(tmp_path / ".snakemake", 8 * KB) as own_disk, small_disk(tmp_path / "logs", 4 * KB):
        told = run(tmp_path, f"{MODEL}/inputs.nc", fails=True)
        assert "No space left on device" in told, told
        resize(own_disk, 1 << 24)
        told = run(tmp_path, "--unlock")
        told = run(tmp_path, f"{MODEL}/inputs.nc", "--rerun-incomplete")
        expected = arrays(undisturbed)
        found = arrays(tmp_path)
        assert found and found == {name: expected[name] for name in found}


def truncate(path, chosen):
    path.write_bytes(path.read_bytes()[: chosen.randrange(path.stat().st_size)])


def empty(path, _):
    path.write_bytes(b"")


def foreign(path, _):
    path.write_text("what another program wrote\n" * 99)


def turned(path, chosen):
    content = bytearray(path.read_bytes())
    content[chosen.randrange(len(content) // 2)] ^= 4
    path.write_bytes(content)


def of_other_units(path, _):
    known = store.open(path)
    store.save(known.isel(unit=slice(3, None)).assign_attrs(units_digest="0" * 64), path)


RECORDED = (f"{MODEL}/activations.nc", f"{MODEL}/moments.nc")
BROKEN = [
    (truncate, f"{MODEL}/contrasts/noise.nc", ""),
    (foreign, f"{MODEL}/masks/noise.nc", ""),
    (empty, f"{MODEL}/outcomes/noise.nc", ""),
    (turned, f"{MODEL}/activations.nc", ""),
    (truncate, f"{MODEL}/weights.safetensors", ""),
    (of_other_units, f"{MODEL}/moments.nc", "UnitsMismatchError: the units of .* differ"),
]
EARLY = [  # nearly all of the study is made again
    (truncate, f"{MODEL}/inputs.nc", ""),
    (foreign, "results/tiny/drawn/noise.nc", ""),
]
BROKEN = [pytest.param(*case, id=f"{case[0].__name__}-{case[1]}") for case in BROKEN] + [
    pytest.param(*case, id=f"{case[0].__name__}-{case[1]}", marks=pytest.mark.long) for case in EARLY
]


@pytest.mark.slow
@pytest.mark.parametrize(("spoil", "place", "words"), BROKEN)
def test_a_broken_file_is_named_and_once_deleted_made_again(folder, undisturbed, spoil, place, words):
    spoil(folder / place, random.Random(place))
    told = run(folder, EFFECTS, fails=True)
    assert re.search(words or f"Error: {place}: .*delete it and run again", told), told
    (folder / place).unlink()
    run(folder, EFFECTS, *RECORDED, place)  # as a report wants all of them
    assert arrays(folder) == arrays(undisturbed)
    assert "Nothing to be done" in run(folder, EFFECTS, "--dry-run")


def draws(folder):
    """Say whether the stimuli would be drawn anew."""
    told = run(folder, EFFECTS, "--dry-run")
    assert ("Nothing to be done" in told) != ("draw" in rules(told)), told
    return "draw" in rules(told)


@pytest.mark.slow
def test_a_picture_that_changes_is_noticed_also_between_two_rules(folder, undisturbed):
    own_pictures = folder / "pictures"
    content, times = (own_pictures / "03.png").read_bytes(), (own_pictures / "03.png").stat()
    other = (own_pictures / "04.png").read_bytes()
    assert len(other) == len(content) and not draws(folder)
    (own_pictures / "03.png").write_bytes(other[:-30] + content[-30:])  # of the same size
    assert draws(folder)
    os.utime(own_pictures / "03.png", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not draws(folder)  # as the documentation says: sizes and times are looked at
    (own_pictures / "03.png").write_bytes(content)
    os.utime(own_pictures / "03.png", ns=(times.st_atime_ns, times.st_mtime_ns - 10**9))  # older than it was
    assert draws(folder)
    (own_pictures / "03.png").unlink()
    assert draws(folder)
    (own_pictures / "03.png").write_bytes(content)
    os.utime(own_pictures / "03.png", ns=(times.st_atime_ns, times.st_mtime_ns))
    (own_pictures / "new.png").write_bytes(content[:60])
    told = run(folder, EFFECTS, fails=True)
    assert re.search(r"ValueError: .*new\.png", told), told
    (own_pictures / "new.png").unlink()
    run(folder, EFFECTS)
    assert arrays(folder) == arrays(undisturbed)


@pytest.mark.slow
def test_clocks_that_do_not_agree_neither_stop_a_study_nor_repeat_it(folder, undisturbed):
    """Files are hours ahead or behind, as from nodes with other clocks; sums of small files are not asked."""
    chosen, now = random.Random(3), time.time()
    words = ["--max-checksum-file-size", "0", EFFECTS]
    for path in sorted((folder / "results").rglob("*.*")):
        skewed = now + chosen.uniform(-1e5, 1e5)
        os.utime(path, (skewed, skewed))
    os.utime(folder / "results/tiny/drawn/noise.nc", (now + 1e5, now + 1e5))
    (folder / MODEL / "contrasts/noise.nc").unlink()
    run(folder, *words)
    assert arrays(folder) == arrays(undisturbed)
    assert "Nothing to be done" in run(folder, *words, "--dry-run")
    assert "clocks do not agree" in (folder / "logs/tiny/stimuli.log").read_text()


def test_no_result_is_newer_than_now_when_a_job_reads_it(tmp_path, monkeypatch):
    """Whoever's clock was ahead: Snakemake refuses outputs older than inputs. One's own files are left."""
    monkeypatch.chdir(tmp_path)
    paths = ["results/a", "table.csv", "results/gone"]
    (tmp_path / "results").mkdir()
    for ahead in (3600, -3600):
        for path in paths[:2]:
            Path(path).write_text("x")
            os.utime(path, (time.time() + ahead, time.time() + ahead))
        times = [os.stat(path).st_mtime_ns for path in paths[:2]]
        with log_to("log", paths, ["c"]):
            pass
        assert os.stat("results/a").st_mtime <= time.time() + 1
        assert [os.stat(path).st_mtime_ns == known for path, known in zip(paths[:2], times, strict=True)] == [
            ahead < 0,
            True,
        ]
        assert ("results/a is 3" in Path("log").read_text()) == (ahead > 0)


def test_a_result_of_somebody_else_that_is_newer_than_now_keeps_its_time(tmp_path, monkeypatch):
    """Behind a link into a cache that a group shares."""

    def refused(path):
        raise PermissionError(errno.EPERM, "Operation not permitted", path)

    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    Path("results/a").write_text("x")
    os.utime("results/a", (time.time() + 3600, time.time() + 3600))
    monkeypatch.setattr(os, "utime", refused)
    with log_to("log", ["results/a"]):
        pass
    assert "results/a keeps its time (Operation not permitted)" in Path("log").read_text()


def test_a_file_put_in_the_place_of_a_newer_one_is_noticed(tmp_path):
    """Weights and tables: Snakemake itself looks only whether an input is newer than an output."""
    table, weights = tmp_path / "t.csv", tmp_path / "w.safetensors"
    for path in (table, weights):
        path.write_text("image\n")
    category = {"source": "table", "path": str(table), "columns": {"image": "image"}, "root": ""}
    for path, ask in ((table, lambda: own.listing(category)), (weights, lambda: own.states([str(weights)]))):
        before = ask()
        os.utime(path)
        assert ask() == before  # the same, touched
        path.write_text("other\n")
        os.utime(path, (10**9, 10**9))
        assert ask() != before
    weights.write_bytes(bytes(own.SMALL + 1))
    before = own.states([str(weights)])
    os.utime(weights, (10**9, 10**9))
    assert own.states([str(weights)]) != before
    assert own.states([]) == ""
