"""The number of stimuli in a forward pass.

AUTOMATIC        what is tried first on each kind of device
first_size       what that is
fitting          the batch size that fits into memory
try_out          record a block, to see whether it does
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from deeplocalizer.moments.tree import Node
from deeplocalizer.recording.passes import Recording, run
from deeplocalizer.recording.sinks import Slot

AUTOMATIC = {"cpu": 32, "cuda": 256}  # larger ones only cost page faults on a CPU; 256 keeps a GPU of today busy
log = logging.getLogger("deeplocalizer")
T = TypeVar("T")


def first_size(batch_size: int | str, device: torch.device) -> int:
    """Give what is tried first: the number itself, or for ``auto`` that of `AUTOMATIC`."""
    return AUTOMATIC.get(device.type, AUTOMATIC["cuda"]) if isinstance(batch_size, str) else batch_size


def fitting(attempt: Callable[[int], T], batch_size: int | str, device: torch.device) -> T:
    """Do something with the largest batch size that fits into memory: halved as long as it does not.

    Parameters
    ----------
    attempt : callable
        Does it for a batch size, from the beginning.
    batch_size : int or ``auto``
        What to try first; ``auto`` is `AUTOMATIC`.
    device : device

    Returns
    -------
    object
        What the attempt gave.

    Raises
    ------
    Exception
        Of the attempt, if it does not fit with one stimulus either, or fails otherwise.
    """
    size = first_size(batch_size, device)
    while True:
        try:
            return attempt(size)
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not _is_out_of_memory(error):
                raise
            short = str(error).splitlines()[0]
        log.warning("a batch of %d stimuli does not fit into memory (%s); trying %d", size, short, size // 2)
        size //= 2
        if device.type == "cuda":
            torch.cuda.empty_cache()


def try_out(recording: Recording) -> int:
    """Record a block and forget it; give the batch size, for it fits.

    Parameters
    ----------
    recording : Recording
    """
    course = recording.course
    run(recording, range(1), _Nowhere())
    return course.batch_size


class _Nowhere:
    """A sink that forgets."""

    def rows(self, start: int, values: np.ndarray) -> None:
        pass

    def node(self, slot: Slot, node: Node) -> None:
        pass


def _is_out_of_memory(error: Exception) -> bool:
    # on a CPU, PyTorch says it in words only
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
