"""Logs of jobs.

log_to           send everything a job says to its log, and end the log with the reason if it fails
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def log_to(path: str) -> Iterator[logging.Logger]:
    """Send logging, standard output and standard error to a file while a job runs.

    Parameters
    ----------
    path : str
        The log; its folder is made if need be.

    Yields
    ------
    Logger
        The package's logger.

    Raises
    ------
    SystemExit
        With status 1 if the job fails; the last line of the log says why, so the caller need not print it again.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("deeplocalizer")
    with (
        Path(path).open("w", buffering=1, encoding="utf-8") as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logging.captureWarnings(True)
        try:
            yield logger
        except Exception as error:
            traceback.print_exc(file=stream)
            # messages may hold several lines; the last line of the log must still name the reason
            print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=stream)
            sys.exit(1)
        finally:
            logger.removeHandler(handler)
