"""Whether the network may be touched.

setting          the environment variable that forbids it, if one does
refusal          what to say when something is missing and must not be fetched
"""

from __future__ import annotations

import os

from deeplocalizer.downloads.errors import DownloadError

# the names that the libraries of the Hub obey, and what they take for yes
VARIABLES = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
YES = {"1", "ON", "TRUE", "YES"}


def setting() -> str:
    """Give the setting that forbids the network, for example ``HF_HUB_OFFLINE=1``; empty if none does."""
    for name in VARIABLES:
        value = os.environ.get(name, "")
        if value.upper() in YES:
            return f"{name}={value}"
    return ""


def refusal(what: str) -> DownloadError:
    """Say that something is missing, and what fetches it."""
    return DownloadError(
        f"{what} is not on this machine, and {setting()} forbids fetching it; "
        f"run the same command once without {setting()}"
    )
