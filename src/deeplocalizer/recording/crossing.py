"""Hand tensors from one thread to another on one device.

Crossing         what was computed until now, to be used elsewhere
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


class Crossing:
    """What this thread has asked the device to compute until now.

    On CUDA, another thread that simply used it would also wait for everything that is asked for later.

    Parameters
    ----------
    device : device
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._done = torch.cuda.current_stream(device).record_event() if device.type == "cuda" else None

    @contextlib.contextmanager
    def crossed(self) -> Iterator[None]:
        """Use it, in another thread; whatever is read from the device inside is read when it is there."""
        if self._done is None:
            yield
            return
        stream = torch.cuda.Stream(self._device)
        stream.wait_event(self._done)
        with torch.cuda.stream(stream):
            yield
            stream.synchronize()
