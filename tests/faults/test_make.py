"""`make demo` removes the locks of a Snakemake that was killed, and of no other."""

import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
ABANDONED = MAKEFILE.read_text().split("define abandoned\n")[1].split("endef")[0].replace("\\\n", "")
SLEEP = "import time; print('alive', flush=True); time.sleep(1000)"


def abandoned(folder):
    """Say whether the locks of a folder are taken for those of a Snakemake that is no more."""
    status = subprocess.run([sys.executable, "-c", ABANDONED], cwd=folder, check=False).returncode
    assert status in (0, 1)
    return status == 1


@pytest.fixture
def locked(tmp_path):
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    assert not abandoned(tmp_path)
    (tmp_path / ".snakemake" / "locks" / "0.input.lock").write_text("a\n")
    return tmp_path


def test_locks_that_nobody_holds_are_abandoned(locked):
    assert abandoned(locked)


@pytest.mark.parametrize("words", [["-c", SLEEP, "-m", "snakemake"], ["snakemake"]])
def test_locks_of_a_living_snakemake_are_not(locked, words):
    (locked / "snakemake").write_text(SLEEP)
    # started as a module, or as the program
    words = [str(locked / "snakemake")] if words == ["snakemake"] else words
    with subprocess.Popen([sys.executable, *words], cwd=locked, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "alive\n"
            assert not abandoned(locked)
        finally:
            process.kill()
    assert abandoned(locked)
