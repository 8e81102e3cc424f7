"""One seed for a study, an independent stream for each purpose.

integer          a seed for a purpose
generator        a NumPy generator for a purpose
"""

from __future__ import annotations

import numpy as np

from deeplocalizer.provenance import digest


def integer(seed: int, *purpose: str | int) -> int:
    """Derive a 63-bit seed for a purpose, the same on every machine.

    Hashing the purpose keeps streams independent: adding one never shifts another, as counting draws would.
    """
    return int(digest([seed, *purpose])[:16], 16) >> 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Make a NumPy generator for a purpose, for example ``generator(0, "splits")``."""
    return np.random.default_rng(integer(seed, *purpose))
