"""Clocks that do not agree.

settle           let no result that a job reads be newer than now

Snakemake gives outputs the time of now, and refuses those that are older than an input.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger("deeplocalizer")
RESULTS = "results"


def settle(inputs: Iterable[str]) -> None:
    """Give a result the time of now where the clock that it was written by was ahead, and say so.

    Parameters
    ----------
    inputs : iterable of str
        Files that a job reads, from the folder in which it runs. Those that are not below ``results`` are a
        researcher's own and keep their times; so do those of others behind a link into a cache.
    """
    for path in inputs:
        if Path(path).parts[:1] != (RESULTS,) or not os.path.exists(path):
            continue
        if (ahead := os.stat(path).st_mtime - time.time()) > 0:
            log.warning("%s is %.1f s newer than now: clocks do not agree; it gets the time of now", path, ahead)
            try:
                os.utime(path)
            except OSError as error:
                log.warning("%s keeps its time (%s): Snakemake may refuse what is made of it", path, error.strerror)
