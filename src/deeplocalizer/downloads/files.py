"""Many small files: the first so many of a list of candidates that can be had.

fetch            fetch files into a folder, several at once; what is there is not asked for again
lacking          which of some targets are not in the folder
Fetched          the files, in the order of their candidates, and what could not be had

A candidate that cannot be had is replaced by the next one, so the files do not depend on how many are fetched at once.
That a candidate cannot be had is settled, in the folder's manifest, once it is sure that its host works: when the host
has given a good file in this run and the fault is not a passing one, or when the fetch is complete. Thus a complete
fetch repeats itself without the network, and neither a host that is down nor a portal that answers every request with
its own page marks good candidates as bad. What was replaced is told at the end, with what asks for it again.

A host that gives nothing for a while (`Limits.drought`) has no more patience: files in trouble are given up, and where
the next ones fail too, the host is judged. One that wants fewer requests (429) is left in peace by all at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from deeplocalizer.downloads import offline, transport
from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.downloads.manifest import NAME, Failure, File, Manifest, Target
from deeplocalizer.downloads.patience import Limits, Trouble, pause

__all__ = ["Failure", "Fetched", "File", "Limits", "Target", "fetch", "lacking"]

LOG = logging.getLogger("deeplocalizer")
EVERY = 10.0  # seconds between two lines on the progress
POLL = 0.1  # seconds between two looks whether another process is done with a file
NAMED = 3  # failures that a message spells out
LISTED = 20  # failures that the log spells out
PROBES = 2  # files that fail after a drought until a host is taken to be down
FULL = {errno.ENOSPC, errno.EDQUOT}

Check = Callable[[bytes, str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Fetched:
    """What a fetch gave.

    Parameters
    ----------
    files : tuple of File
        In the order of their candidates.
    failures : tuple of Failure
        Candidates that could not be had and were replaced by later ones, in their order.
    """

    files: tuple[File, ...]
    failures: tuple[Failure, ...] = ()


def fetch(
    candidates: Iterable[Target],
    count: int | None,
    folder: Path,
    check: Check | None = None,
    limits: Limits | None = None,
    what: str = "images",
) -> Fetched:
    """Fetch the first candidates that can be had.

    Parameters
    ----------
    candidates : iterable of Target
        In the order of preference; read only as far as needed. Names are plain names of files, each given once.
    count : int or None
        How many files are wanted; None for all that can be had.
    folder : path
        Where they are kept, with their manifest; several processes may share it.
    check : function of (bytes, name), optional
        Raises ValueError if the content is not what it should be. It may be called from several threads at once.
    limits : Limits, optional
    what : str
        What the files are, in the plural, for messages.

    Returns
    -------
    Fetched
        ``count`` files, the same ones however many are fetched at once.

    Raises
    ------
    DownloadError
        If the candidates run out, a host gives nothing for `Limits.give_up` candidates in a row or for long, it asks to
        wait for longer than `Limits.longest_pause`, the disk is full, or a file is not there and the network is
        forbidden (`offline`). What was fetched stays; a next run goes on.
    ValueError
        If a name is not the plain name of a file, or is given twice.
    """
    run = _Run(_distinct(candidates), count, Manifest(folder), check, limits or Limits(), what)
    return _in_a_loop(run.complete)


def lacking(targets: Iterable[Target], folder: Path) -> list[Target]:
    """Say which targets are not in the folder, and not settled as failures either; contents are not read."""
    manifest = Manifest(folder)
    return [target for target in targets if manifest.recorded(target) is None and manifest.failure(target) is None]


@dataclass
class _Host:
    """What a host did in this run.

    Parameters
    ----------
    works : bool
        Whether it gave a file.
    in_a_row : int
        Its failures in a row.
    good : float, optional
        When it last gave a file, or was first asked for one.
    resume : float
        When it may be asked again.
    probes : int
        How many files failed in the present drought that were first asked for in it.
    unsettled : list of Failure
    """

    works: bool = False
    in_a_row: int = 0
    good: float | None = None
    resume: float = 0.0
    probes: int = 0
    unsettled: list[Failure] = field(default_factory=list)


class _Run:
    """One fetch. All of its state is touched in the thread of its event loop only."""

    def __init__(
        self,
        candidates: Iterator[Target],
        count: int | None,
        manifest: Manifest,
        check: Check | None,
        limits: Limits,
        what: str,
    ) -> None:
        self._candidates = candidates
        self._count = count
        self._manifest = manifest
        self._check = check
        self._limits = limits
        self._what = what
        self._hosts: dict[str, _Host] = defaultdict(_Host)
        self._outcomes: dict[int, File | Failure] = {}
        self._had = 0
        self._asked: set[str] = set()
        self._reported = time.monotonic()

    async def complete(self) -> Fetched:
        async with transport.session(self._limits) as client:
            running: dict[asyncio.Task[File | Failure], int] = {}
            try:
                await self._work(client, running)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
        return self._result()

    async def _work(self, client: aiohttp.ClientSession, running: dict[asyncio.Task[File | Failure], int]) -> None:
        positions, exhausted = itertools.count(), False
        while True:
            while not exhausted and self._room(len(running)):
                # a candidate may cost its giver a while; what is under way must not wait for it
                target = await asyncio.to_thread(next, self._candidates, None)
                if target is None:
                    exhausted = True
                else:
                    running[asyncio.create_task(self._one(client, target))] = next(positions)
            if not running:
                return
            await self._collect(running)

    def _room(self, running: int) -> bool:
        """Say whether another candidate is to be asked for, given how many are under way."""
        wanting = self._count is None or self._had + running < self._count
        return wanting and running < self._limits.concurrency

    async def _collect(self, running: dict[asyncio.Task[File | Failure], int]) -> None:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            self._outcomes[running.pop(task)] = outcome = task.result()
            self._had += isinstance(outcome, File)
        self._report()

    async def _one(self, client: aiohttp.ClientSession, target: Target) -> File | Failure:
        held = await asyncio.to_thread(self._manifest.held, target)
        known = held or self._manifest.failure(target)
        if known is not None:
            return known
        if offline.setting():
            raise offline.refusal(f"{target.name} ({target.url})")
        with contextlib.ExitStack() as stack:
            await self._claim(target, stack)
            self._manifest.refresh()
            held = await asyncio.to_thread(self._manifest.held, target)
            known = held or self._manifest.failure(target)
            if known is not None:
                return known
            self._asked.add(target.name)
            outcome = await self._with_patience(client, target)
            self._judge(target, outcome)
        return outcome

    async def _claim(self, target: Target, stack: contextlib.ExitStack) -> None:
        """Wait until no other process fetches a target; not for ever, as fetching it twice does no harm."""
        until = time.monotonic() + self._limits.drought
        while not stack.enter_context(self._manifest.claim(target)) and time.monotonic() < until:
            await asyncio.sleep(POLL)

    async def _with_patience(self, client: aiohttp.ClientSession, target: Target) -> File | Failure:
        state = self._hosts[transport.host(target.url)]
        begun = time.monotonic()
        for attempt in itertools.count():
            await self._turn(state)
            try:
                return await self._attempt(client, target, state)
            except Trouble as trouble:
                if trouble.asks_too_much(self._limits):
                    raise self._refused(target, trouble) from trouble
                dry = self._dry(state)
                if dry or attempt + 1 >= trouble.tries(self._limits):
                    state.probes += dry and state.good is not None and begun - state.good > self._limits.drought
                    tried = f" ({attempt + 1} attempts)" if attempt or trouble.passing else ""
                    return Failure(target.name, target.url, trouble.reason + tried, trouble.passing)
                wait = pause(attempt, trouble, self._limits)
                if trouble.busy:
                    state.resume = max(state.resume, time.monotonic() + wait)
                else:
                    await asyncio.sleep(wait)
        raise AssertionError("attempts do not end by themselves")

    async def _turn(self, state: _Host) -> None:
        """Wait until the host may be asked."""
        while (left := state.resume - time.monotonic()) > 0:
            await asyncio.sleep(left)

    async def _attempt(self, client: aiohttp.ClientSession, target: Target, state: _Host) -> File:
        if state.good is None:
            state.good = time.monotonic()
        # in a drought, an answer that drips is not waited for
        allowed = self._limits.read if self._dry(state) else None
        try:
            async with asyncio.timeout(allowed):
                answer = await transport.get(client, target.url, self._limits)
        except TimeoutError as error:
            raise Trouble(f"the answer was not complete after {allowed:g} s", passing=True) from error
        return await asyncio.to_thread(self._keep, target, answer)

    def _dry(self, state: _Host) -> bool:
        """Say whether a host has given nothing for long."""
        return state.good is not None and time.monotonic() - state.good > self._limits.drought

    def _refused(self, target: Target, trouble: Trouble) -> DownloadError:
        return DownloadError(
            f"{transport.host(target.url)} wants no more requests for now ({target.url}: {trouble.reason}): it asks to "
            f"wait {trouble.wait:g} s, longer than is waited for ({self._limits.longest_pause:g} s); run again after "
            f"that time. {self._standing()}"
        )

    def _keep(self, target: Target, answer: transport.Answer) -> File:
        if self._check is not None:
            try:
                self._check(answer.content, target.name)
            except ValueError as error:
                # without a declared length it may be whole at the next attempt; a declared one may be wrong for once
                raise Trouble(f"refused: {error}", passing=not answer.whole, doubtful=True) from error
        try:
            return self._manifest.keep(target, [answer.content])
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise DownloadError(f"{self._manifest.folder}: the disk is full; make room and run again") from error

    def _judge(self, target: Target, outcome: File | Failure) -> None:
        """Learn from an outcome whether the host works, and settle what is sure."""
        state = self._hosts[transport.host(target.url)]
        if isinstance(outcome, File):
            state.works, state.in_a_row, state.good, state.probes = True, 0, time.monotonic(), 0
            for failure in [failure for failure in state.unsettled if not failure.passing]:
                self._manifest.settle(failure)
                state.unsettled.remove(failure)
        elif state.works and not outcome.passing:
            state.in_a_row = 0
            self._manifest.settle(outcome)
        else:
            state.in_a_row += 1
            state.unsettled.append(outcome)
            if state.in_a_row == self._limits.give_up or state.probes >= PROBES:
                raise DownloadError(
                    f"{transport.host(target.url)} gives nothing: {state.in_a_row} of the {self._what} failed in a "
                    f"row, the last ({outcome.url}) because: {outcome.reason}. {self._standing()}"
                )

    def _result(self) -> Fetched:
        files, failures = self._files(), self._failures()
        if (self._count is not None and len(files) < self._count) or (failures and not files):
            reasons = "; ".join(f"{failure.url}: {failure.reason}" for failure in failures[:NAMED])
            more = f"; and {len(failures) - NAMED:,} more" if len(failures) > NAMED else ""
            raise DownloadError(
                f"only {self._progress()} could be had; {len(failures):,} candidates failed and no other is left"
                + (f" ({reasons}{more})" if reasons else "")
                + f". {self._standing()}"
            )
        for failure in failures:
            self._manifest.settle(failure)
        if self._asked:
            fetched = sum(file.name in self._asked for file in files)
            LOG.info(
                f"{len(files):,} {self._what} are there, {fetched:,} of them fetched now; "
                f"{len(failures):,} candidates could not be had"
            )
            self._tell_replaced([failure for failure in failures if failure.name in self._asked])
        return Fetched(tuple(files), tuple(failures))

    def _tell_replaced(self, failures: list[Failure]) -> None:
        """Say which candidates were given up in this run: they stay so, lest the files change from run to run."""
        if not failures:
            return
        listed = "".join(f"\n  {failure.url}: {failure.reason}" for failure in failures[:LISTED])
        more = f"\n  and {len(failures) - LISTED:,} more" if len(failures) > LISTED else ""
        LOG.warning(
            f"{len(failures):,} of the {self._what} could not be had, and later candidates stand in for them, also in "
            f"runs to come; to ask for them again, delete their lines in {self._manifest.path}:{listed}{more}"
        )

    def _files(self) -> list[File]:
        return [outcome for _, outcome in sorted(self._outcomes.items()) if isinstance(outcome, File)]

    def _failures(self) -> list[Failure]:
        return [outcome for _, outcome in sorted(self._outcomes.items()) if isinstance(outcome, Failure)]

    def _progress(self) -> str:
        wanted = "" if self._count is None else f" of {self._count:,}"
        return f"{self._had:,}{wanted} {self._what}"

    def _standing(self) -> str:
        return f"{self._progress()} are in {self._manifest.folder} and stay there: running again goes on from them"

    def _report(self) -> None:
        if time.monotonic() - self._reported >= EVERY:
            self._reported = time.monotonic()
            LOG.info(self._progress())


def _distinct(candidates: Iterable[Target]) -> Iterator[Target]:
    """Give the candidates; refuse names that would leave the folder or overwrite each other."""
    seen: set[str] = set()
    for target in candidates:
        plain = target.name and target.name == Path(target.name).name and "\\" not in target.name
        if not plain or target.name == NAME or target.name.startswith("."):
            raise ValueError(f"{target.name!r} is not the plain name of a file (candidate {target.url})")
        if target.name in seen:
            raise ValueError(f"the name {target.name!r} is given to two candidates; the second is {target.url}")
        seen.add(target.name)
        yield target


def _in_a_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a thread of its own: in a notebook, this one has a loop that is running already."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def begin() -> T:
        started.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work()

    with ThreadPoolExecutor(1, thread_name_prefix="downloads") as pool:
        result = pool.submit(lambda: asyncio.run(begin()))
        try:
            return result.result()
        finally:
            loop, task = started.result()
            if task is not None and not result.done():  # interrupted by the user
                loop.call_soon_threadsafe(task.cancel)
