"""Two processes that do one thing do it one after the other, and say so."""

import errno
import fcntl
import io
import subprocess
import sys
import threading
import time

import pytest

from deeplocalizer import turns
from deeplocalizer.logging import log_to

HOLDER = """
import sys, time
from deeplocalizer import turns
with turns.taking(sys.argv[1]):
    print("taken", flush=True)
    time.sleep(float(sys.argv[2]))
"""
COUNTER = """
import sys
from pathlib import Path
from deeplocalizer import turns
path = Path(sys.argv[1])
for _ in range(50):
    with turns.taking(path, lambda sentence: None):
        path.write_text(str(int(path.read_text()) + 1))
"""


@pytest.fixture
def holder(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "a.nc"), "1000"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "taken\n"
        yield process
        process.kill()


def test_who_comes_second_waits_and_names_the_first_even_if_that_is_killed(holder, tmp_path):
    said, taken = [], threading.Event()

    def second():
        with turns.taking(tmp_path / "a.nc", said.append):
            taken.set()

    waiting = threading.Thread(target=second)
    waiting.start()
    assert not taken.wait(0.3)
    (sentence,) = said
    assert sentence.startswith(f"{tmp_path / 'a.nc'}: process {holder.pid} on ") and "waited for" in sentence
    holder.kill()
    assert taken.wait(30)
    waiting.join()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_holds_nobody_up(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / ".a.nc.lock").exists()
    begun, said = time.monotonic(), []
    with turns.taking(tmp_path / "a.nc", said.append):
        pass
    assert time.monotonic() - begun < 5 and said == []
    assert list(tmp_path.iterdir()) == []


def test_no_two_ever_work_at_once_though_each_removes_the_lock(tmp_path):
    path = tmp_path / "count"
    path.write_text("0")
    workers = [subprocess.Popen([sys.executable, "-c", COUNTER, str(path)]) for _ in range(3)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert path.read_text() == "150"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_locks_is_told_of(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    said = []
    with turns.taking(tmp_path / "a.nc", said.append):
        assert "no locks" in said[0] and str(tmp_path / "a.nc") in said[0]
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_its_holder_removed_elsewhere_on_nfs_is_made_anew(tmp_path, monkeypatch):
    """There, a file that was removed on another machine is stale."""
    true, stale, said = fcntl.flock, [True], []

    def flock(file, operation):
        if stale:
            stale.clear()
            raise OSError(errno.ESTALE, "Stale file handle")
        true(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with turns.taking(tmp_path / "a.nc", said.append), (tmp_path / ".a.nc.lock").open() as lock:
        with pytest.raises(BlockingIOError):
            true(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not said and not list(tmp_path.iterdir())


def test_a_job_waits_though_its_terminal_is_gone(tmp_path, monkeypatch):
    """As when the Snakemake that started it was killed."""

    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    words = [sys.executable, "-c", HOLDER, str(tmp_path / "a.log"), "1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "taken\n"
        monkeypatch.setattr(sys, "stderr", Gone())
        with log_to(str(tmp_path / "a.log")):
            assert process.wait(5) == 0
    said = (tmp_path / "a.log").read_text()
    assert "works on this, too" in said and said.endswith("finished\n")
