"""Directed graphs without cycles: what comes before what.

drawn            the edges that are drawn: all, or, of very many, those that bypass nothing
reduced          leave out the edges that a longer way makes superfluous
topological      an order in which every edge points ahead
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Edge = tuple[int, int]
CROWDED = 3  # edges for each node, above which those that bypass other nodes are not drawn


def drawn(number: int, edges: Sequence[Edge]) -> list[Edge]:
    """Choose the edges that are drawn: all, or, of very many, only those that no longer way makes superfluous.

    Parameters
    ----------
    number : int
        Of nodes.
    edges : sequence of (int, int)
    """
    once = sorted(set(edges))
    return reduced(number, once) if len(once) > CROWDED * number else once


def reduced(number: int, edges: Sequence[Edge]) -> list[Edge]:
    """Leave out each edge whose target is reached from its source by other edges, too.

    Parameters
    ----------
    number : int
        Of nodes.
    edges : sequence of (int, int)

    Returns
    -------
    list of (int, int)
        In order. The same nodes can be reached from every node as before.
    """
    after: list[set[int]] = [set() for _ in range(number)]
    for source, target in edges:
        after[source].add(target)
    reach: list[set[int]] = [set() for _ in range(number)]
    for node in reversed(topological(number, edges)):
        reach[node] = after[node].union(*(reach[one] for one in after[node]))
    return [
        (source, target)
        for source, target in sorted(set(edges))
        if not any(target in reach[other] for other in after[source])
    ]


def topological(number: int, edges: Sequence[Edge]) -> list[int]:
    """Order nodes so that every edge points ahead, the lowest number first where several may come next.

    Raises
    ------
    ValueError
        If edges go round in a circle; the message names the nodes that cannot be ordered.
    """
    waits = np.zeros(number, dtype=int)
    for _, target in set(edges):
        waits[target] += 1
    ready, order = sorted(np.flatnonzero(waits == 0).tolist()), []
    while ready:
        node = ready.pop(0)
        order.append(node)
        for source, target in set(edges):
            if source == node:
                waits[target] -= 1
                if waits[target] == 0:
                    ready.append(target)
        ready.sort()
    if len(order) < number:
        left = ", ".join(str(node) for node in range(number) if node not in order)
        raise ValueError(f"edges go round in a circle: nodes {left} have no order")
    return order
