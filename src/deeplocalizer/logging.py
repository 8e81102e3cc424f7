"""Logs of jobs.

log_to           send all that a job says to its log, and end that with the reason if it fails; one process at a time
Log              a log that goes on in the terminal when its disk is full
machines         read on which machines the jobs ran that left logs

A log begins with a line on the machine and ends with "finished" or with the reason of a failure: whoever reads one that
ends otherwise learns that its job was killed. What PyTorch computed on is known only in the end: a second line tells of
a graphics processor that was used. So such facts stand beside the artefacts, and not in them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TextIO

from deeplocalizer import clocks, hardware, turns, unwritable

MACHINE = "machine: "
ACCELERATOR = "accelerator: "
FINISHED = "finished"
# a job that is killed says nothing any more
ELSE = f"(a log that ends neither with '{FINISHED}' nor with an error is of a job that was killed, or still runs)"


@contextlib.contextmanager
def log_to(path: str, inputs: Collection[str] = (), outputs: Collection[str] = ()) -> Iterator[logging.Logger]:
    """Send logging, standard output and standard error to a file while a job runs.

    A job whose Snakemake was killed lives on. If the same job is run again meanwhile, it waits for that one (see
    `turns.taking`) and says so, on the terminal and in the log.

    Parameters
    ----------
    path : str
        The log; its folder is made if need be.
    inputs : collection of str
        Files that the job reads; see `clocks.settle`.
    outputs : collection of str
        Files that it writes: their folders are asked where an error does not say which disk is full.

    Yields
    ------
    Logger
        The package's logger.

    Raises
    ------
    SystemExit
        With status 1 if the job fails; the last line of the log says why, so the caller need not print it again.
    """
    terminal = sys.stderr
    waited: list[str] = []

    def tell(sentence: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that is gone; the log has it, too
            print(sentence, file=terminal, flush=True)
        waited.append(sentence)

    logger = logging.getLogger("deeplocalizer")
    with (
        turns.taking(path, tell),
        contextlib.closing(Log(path, terminal)) as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logging.captureWarnings(True)
        print(f"{MACHINE}{hardware.machine()}", ELSE, sep="\n", file=stream)
        for sentence in waited:
            logger.warning(sentence)
        try:
            clocks.settle(inputs)
            yield logger
            _tell_accelerator(stream)
            print(FINISHED, file=stream)
        except Exception as error:
            _tell_accelerator(stream)
            traceback.print_exc(file=stream)
            disk = unwritable.reason(
                error, [Path.cwd(), tempfile.gettempdir(), *map(os.path.dirname, [path, *outputs])]
            )
            # messages may hold several lines; the last line of the log must still name the reason
            print(f"{type(error).__name__}: {' '.join(f'{error} {disk}'.split())}", file=stream)
            sys.exit(1)
        finally:
            logger.removeHandler(handler)


class Log(io.TextIOBase):
    """A log that goes on in the terminal when its disk is full: what a job says is not lost, nor is its work.

    Parameters
    ----------
    path : path
        Its folder is made if need be; what was there before is overwritten.
    terminal : TextIO
        Where what has no room goes, after a line that says so.
    """

    def __init__(self, path: str | os.PathLike[str], terminal: TextIO) -> None:
        self._path, self._terminal = Path(path), terminal
        self._file: io.FileIO | None = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = io.FileIO(self._path, "w")
        except OSError as error:
            self._go_on_in_terminal(error)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of every log."""
        return "utf-8"

    def writable(self) -> bool:
        """Say that it takes text."""
        return True

    def fileno(self) -> int:
        """Give what other programs write to."""
        return (self._terminal if self._file is None else self._file).fileno()

    def write(self, text: str) -> int:
        """Write text at once; nothing waits that a killed job would lose."""
        left = text.encode("utf-8", "backslashreplace")
        while left and self._file is not None:
            try:
                left = left[self._file.write(left) :]
            except OSError as error:
                self._go_on_in_terminal(error)
        if left:
            self._terminal.write(left.decode("utf-8", "replace"))
        return len(text)

    def flush(self) -> None:
        """Nothing waits in the log itself."""
        if self._file is None:
            self._terminal.flush()

    def close(self) -> None:
        """Close the file, not the terminal."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # of a quota: what it tells of was written before
                self._file.close()
        super().close()

    def _go_on_in_terminal(self, error: OSError) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file = None
        self._terminal.write(f"{self._path}: the log cannot be written ({error.strerror}); what it would say follows\n")


def machines(folder: Path, names: Collection[str] | None = None) -> dict[tuple[str, str], int]:
    """Count the jobs that ran on each machine, of those that left a log.

    Parameters
    ----------
    folder : path
        Of logs; it may be absent, and hold other files and logs of other programs.
    names : collection of str or None
        The logs that count, as their paths from there without a suffix; None for all of them.

    Returns
    -------
    dict
        The number of jobs by machine and accelerator, empty where none was used, as `hardware` describes them; in the
        order of these descriptions.
    """
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted(folder.rglob("*.log")):
        if names is not None and path.relative_to(folder).with_suffix("").as_posix() not in names:
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if lines and lines[0].startswith(MACHINE):
            used = next((line for line in reversed(lines) if line.startswith(ACCELERATOR)), "")
            found[lines[0].removeprefix(MACHINE), used.removeprefix(ACCELERATOR)] += 1
    return dict(sorted(found.items()))


def _tell_accelerator(stream: Log) -> None:
    used = hardware.accelerator()
    if used:
        print(f"{ACCELERATOR}{used}", file=stream)
