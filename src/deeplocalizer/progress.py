"""Say how far a long piece of work is.

Progress         a bar in a terminal, a plain line now and then in the log
duration         a number of seconds in words

The bar goes to the standard error that the process began with: a job sends ``sys.stderr`` to its log. Where that is
no terminal there is no bar, and the log never holds a control character.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TextIO

from tqdm import tqdm

EVERY = 10.0  # seconds between two lines of the log
MEMORY = 30.0  # seconds after which what was done weighs 1/e in the rate


class Progress:
    """Count what is done, and say it with rate and time left; a context manager.

    Parameters
    ----------
    total : int
        How many there are.
    what : str
        Their name, in the plural.
    start : int
        How many were done before: the work is taken up again there. The rate counts only what is done since.
    logger : Logger, optional
        Takes lines of level INFO: one at most every `EVERY` seconds, and one at the end. By default the package's.
    stream : text stream, optional
        Takes the bar, if it is a terminal. By default the standard error that the process began with.
    clock : callable
        Gives seconds that never go back.

    Raises
    ------
    ValueError
        If ``start`` is not within 0 and ``total``.

    Notes
    -----
    With every step both the count and the seconds so far are multiplied by ``exp(-seconds / MEMORY)`` before the step
    is added; their ratio is the rate. It is the plain mean in the beginning and forgets slowly later.
    """

    def __init__(
        self,
        total: int,
        what: str = "stimuli",
        *,
        start: int = 0,
        logger: logging.Logger | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 <= start <= total:
            raise ValueError(f"progress cannot start at {start:,} of {total:,} {what}; expected 0 to {total:,}")
        self.total, self.what, self.start, self.done = total, what, start, start
        self._logger = logger or logging.getLogger("deeplocalizer")
        self._stream = stream or sys.__stderr__
        self._clock = clock
        self._count = self._seconds = 0.0
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        """Begin to count time; say where the work is taken up again."""
        self._began = self._stepped = self._said = self._clock()
        if self.start:
            self._logger.info("resumed at %s of %s %s", f"{self.start:,}", f"{self.total:,}", self.what)
        if self._stream is not None and self._stream.isatty():
            self._bar = tqdm(
                total=self.total, initial=self.start, unit=f" {self.what}", file=self._stream, dynamic_ncols=True
            )
        return self

    def advance(self, count: int = 1) -> None:
        """Count what was just done.

        Raises
        ------
        ValueError
            If ``count`` is negative or passes the total.
        """
        if count < 0 or self.done + count > self.total:
            raise ValueError(f"{count:,} {self.what} cannot follow on {self.done:,} of {self.total:,}")
        now = self._clock()
        kept = math.exp(-(now - self._stepped) / MEMORY)
        self._count = self._count * kept + count
        self._seconds = self._seconds * kept + now - self._stepped
        self.done, self._stepped = self.done + count, now
        if self._bar is not None:
            self._bar.update(count)
        if now - self._said >= EVERY and self.done < self.total:  # the end has its own line
            self._said = now
            self._logger.info("%s", self.line())

    @property
    def rate(self) -> float | None:
        """How many are done a second, of late; None before any were timed."""
        return self._count / self._seconds if self._seconds > 0 and self._count > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds left at that rate; None where there is no rate."""
        return None if self.rate is None else (self.total - self.done) / self.rate

    def line(self) -> str:
        """Say it in one line: ``320 of 2,200 stimuli (14 %), 41 a second, 46 s left``."""
        if self.rate is None or self.left is None:
            return self._reached()
        return f"{self._reached()}, {_speed(self.rate)}, {duration(self.left)} left"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say how it ended, whether it was finished or not."""
        if self._bar is not None:
            self._bar.close()
        seconds, since = self._clock() - self._began, self.done - self.start
        pace = f", {_speed(since / seconds)}" if since and seconds > 0 else ""
        stopped = "stopped at " if kind is not None else ""
        self._logger.info("%s", f"{stopped}{self._reached()} in {duration(seconds)}{pace}")

    def _reached(self) -> str:
        percent = 100 * self.done // self.total if self.total else 100  # rounded down: 100 % means all
        return f"{self.done:,} of {self.total:,} {self.what} ({percent} %)"


def duration(seconds: float) -> str:
    """Say a number of seconds with its two largest units, for example ``3 min 20 s``; ``< 1 s`` below one."""
    whole = round(seconds)
    if whole < 1:
        return "< 1 s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def _speed(rate: float) -> str:
    return f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.2g} a second"
