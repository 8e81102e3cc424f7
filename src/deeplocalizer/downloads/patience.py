"""Limits of a download, and how long to wait before the next attempt.

Limits           time-outs, attempts, sizes
Trouble          one attempt that failed: why, and whether another may help
pause            seconds to wait before the next attempt
retry_after      seconds that a server asks to wait
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry


@dataclass(frozen=True)
class Limits:
    """Limits of a download; times in seconds.

    Parameters
    ----------
    concurrency : int
        How many files are fetched at once.
    connect : float
        Time until a connection stands.
    read : float
        Longest silence of a server.
    total : float
        Time for one whole answer, from the name of the host to the last byte: one that drips ends too.
    attempts : int
        How often a file (or a range of an archive) is asked for in all.
    second_looks : int
        How often a file is asked for in all whose content is not what it should be.
    backoff : float
        Pause before the second attempt; it doubles before each further one.
    longest_pause : float
        Longest pause, also where a server asks for more in ``Retry-After``; one that refuses further requests (429)
        and asks for more ends the download.
    drought : float
        Time in which a host has given nothing, after which it has hardly another chance.
    redirects : int
        How many redirects are followed.
    size : int
        Most bytes of one file.
    give_up : int
        After so many failed files in a row a host is taken to be down.
    public : bool
        Whether to refuse addresses, and redirects, that lead to this machine or into its network: where others chose
        the addresses, they would have this machine ask what they cannot.
    """

    concurrency: int = 8
    connect: float = 10.0
    read: float = 30.0
    total: float = 120.0
    attempts: int = 5
    second_looks: int = 3
    backoff: float = 1.0
    longest_pause: float = 60.0
    drought: float = 90.0
    redirects: int = 5
    size: int = 64 * 1024**2
    give_up: int = 10
    public: bool = False


class Trouble(Exception):
    """One attempt that failed.

    Parameters
    ----------
    reason : str
    passing : bool
        Whether another attempt may succeed.
    wait : float, optional
        Seconds that the server asks to wait before it.
    doubtful : bool
        Whether it is worth a second look, though it is not a passing fault by itself: content that is wrong.
    busy : bool
        Whether the server wants fewer requests, whatever they are for.
    """

    def __init__(
        self, reason: str, passing: bool, wait: float | None = None, doubtful: bool = False, busy: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing
        self.wait = wait
        self.doubtful = doubtful
        self.busy = busy

    def tries(self, limits: Limits) -> int:
        """Say how often in all it is worth asking where this is what went wrong."""
        if self.passing:
            return limits.attempts
        return min(limits.second_looks, limits.attempts) if self.doubtful else 1

    def asks_too_much(self, limits: Limits) -> bool:
        """Say whether the server wants no request for longer than it is waited for."""
        return self.busy and self.wait is not None and self.wait > limits.longest_pause


def pause(attempt: int, trouble: Trouble, limits: Limits) -> float:
    """Choose how many seconds to wait after a failed attempt.

    Parameters
    ----------
    attempt : int
        Number of the attempt that failed, from 0.
    trouble : Trouble
        What went wrong.
    limits : Limits

    Returns
    -------
    float
        What the server asked for, or else a pause that doubles, shortened or lengthened by up to a half at random, so
        that many clients do not come back at once; never more than the longest pause.
    """
    if trouble.wait is not None:
        return min(trouble.wait, limits.longest_pause)
    return min(limits.backoff * 2**attempt * random.uniform(0.5, 1.5), limits.longest_pause)


def retry_after(header: str | None) -> float | None:
    """Read the header ``Retry-After``, seconds or a date; None where it is absent or cannot be read."""
    if header is None:
        return None
    try:
        return Retry().parse_retry_after(header)
    except InvalidHeader:
        return None
