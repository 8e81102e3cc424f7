"""Draw random numbers from a seed, and leave the generators of others alone.

seeded           seed the generators of torch, NumPy and Python for as long as the context lasts
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the generators of torch, NumPy and Python for as long as the context lasts.

    Parameters
    ----------
    seed : int
        Any; NumPy's old generator, which a researcher's own code may use, takes its lowest 32 bits.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is the one that others use
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
