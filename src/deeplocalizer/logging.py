"""Logs of jobs.

log_to           send everything a job says to its log, and end the log with the reason if it fails
machines         read on which machines the jobs ran that left logs

A log begins with a line on the machine. What PyTorch computed on is known only in the end: a second line tells of a
graphics processor that was used. So such facts stand beside the artefacts, and not in them.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from deeplocalizer import hardware

MACHINE = "machine: "
ACCELERATOR = "accelerator: "


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
        print(f"{MACHINE}{hardware.machine()}", file=stream)
        try:
            yield logger
            _tell_accelerator(stream)
        except Exception as error:
            _tell_accelerator(stream)
            traceback.print_exc(file=stream)
            # messages may hold several lines; the last line of the log must still name the reason
            print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=stream)
            sys.exit(1)
        finally:
            logger.removeHandler(handler)


def machines(folder: Path) -> dict[tuple[str, str], int]:
    """Count the jobs that ran on each machine, of those that left a log.

    Parameters
    ----------
    folder : path
        Of logs; it may be absent, and hold other files and logs of other programs.

    Returns
    -------
    dict
        The number of jobs by machine and accelerator, empty where none was used, as `hardware` describes them; in the
        order of these descriptions.
    """
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted(folder.rglob("*.log")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if lines and lines[0].startswith(MACHINE):
            used = next((line for line in reversed(lines) if line.startswith(ACCELERATOR)), "")
            found[lines[0].removeprefix(MACHINE), used.removeprefix(ACCELERATOR)] += 1
    return dict(sorted(found.items()))


def _tell_accelerator(stream: TextIO) -> None:
    used = hardware.accelerator()
    if used:
        print(f"{ACCELERATOR}{used}", file=stream)
