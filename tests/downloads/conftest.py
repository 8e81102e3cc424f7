import dataclasses

import pytest

from deeplocalizer.downloads import offline
from deeplocalizer.downloads.patience import Limits
from tests.serving.images import ImageServer

# loaded machines are slow, so only where a server stalls on purpose are its clients impatient
QUICK = Limits(connect=10, read=20, total=30, attempts=3, backoff=0.01, longest_pause=0.2)
IMPATIENT = dataclasses.replace(QUICK, read=0.15, total=0.3)
SLOW_FAULTS = ("stall", "stall-body", "drip", "drip-headers")


def limits_for(kind):
    return IMPATIENT if kind in SLOW_FAULTS else QUICK


@pytest.fixture(autouse=True)
def _network(monkeypatch):
    for name in offline.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server():
    with ImageServer() as server:
        yield server


@pytest.fixture
def quick():
    """Limits of an impatient user on a fast network."""
    return QUICK
