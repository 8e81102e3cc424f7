"""The order of the tests, one thread for each worker, and no search for garbage in what was imported.

Whole studies take longest, so that they begin first and nobody waits for one in the end.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

# Workers share the cores, and a thread that spins while it waits for others takes theirs: most of the time, else.
# What these start inherits it; Snakemake gives each job as many threads as its rule says, and they wait asleep.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

STUDIES = ("slurm", "conda", "faults", "workflow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders whose tests run studies before all others; within them, nothing moves."""
    tests = Path(__file__).parent
    rank = {name: number for number, name in enumerate(STUDIES)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(tests).parts[0], len(STUDIES)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what all modules of tests imported out of the search for garbage: a second each time, else."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let it be searched once more, or libraries complain of leaks in the end."""
    gc.unfreeze()
