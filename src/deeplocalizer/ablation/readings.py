"""Read the layers of readouts while a network runs.

Readings         what the heads say, from their layers' outputs
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from deeplocalizer.heads import Head
from deeplocalizer.hooks import Site, Visitor
from deeplocalizer.recording import reduce


class Readings:
    """What heads say, from their layers' outputs after the replacement.

    Parameters
    ----------
    heads : sequence of Head
    visited : callable, optional
        Whether a site is visited in this pass; all are by default.

    Attributes
    ----------
    visitors : dict of callable
        By site.
    logits : dict of ndarray (row, class)
        By the number of the head; filled while the network runs.
    """

    def __init__(self, heads: Sequence[Head], visited: Callable[[Site], bool] = lambda _: True) -> None:
        self._heads: dict[Site, list[tuple[int, Head]]] = {}
        for number, head in enumerate(heads):
            site = Site(head.layer, head.call)
            if visited(site):
                self._heads.setdefault(site, []).append((number, head))
        self.visitors: dict[Site, Visitor] = dict.fromkeys(self._heads, self._read)
        self.logits: dict[int, np.ndarray] = {}

    def _read(self, site: Site, output: torch.Tensor) -> None:
        for number, head in self._heads[site]:
            self.logits[number] = head.logits(reduce(output, head.reduction, site).cpu().numpy())
