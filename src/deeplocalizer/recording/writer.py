"""A thread that writes what was recorded, while the network runs on.

Writer           tasks done one after another, in order, in a thread of its own
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

WAITING = 3  # blocks that may wait; more would fill the memory if the disk is slow


class Writer:
    """Do tasks one after another, in order, in a thread of its own; a context manager.

    A task that fails stops the writer: its error is raised by the next call, or at the end of the context.
    """

    def __init__(self) -> None:
        self._tasks: queue.Queue[Callable[[], None] | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def submit(self, task: Callable[[], None]) -> None:
        """Give a task; wait while too many are waiting."""
        self._refuse_failed()
        self._tasks.put(task)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until all is done, or give up what waits if the context failed."""
        if kind is not None:
            self._error = self._error or error
        self._tasks.put(None)
        self._thread.join()
        if kind is None:
            self._refuse_failed()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            if self._error is not None:
                continue  # what comes after a failure must not be written
            try:
                task()
            except BaseException as error:  # it is raised where the work is waited for
                self._error = error

    def _refuse_failed(self) -> None:
        if self._error is not None:
            raise self._error
