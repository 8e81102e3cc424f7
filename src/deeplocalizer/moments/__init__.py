"""Mergeable statistics of responses: count, mean and sum of squared deviations (m2).

cells            moments of several cells at once, for responses that are in memory
tree             moments of one cell, merged along a fixed tree: the same bits for any shards
labelled         moments as a labelled dataset, and cells taken together

A cell is one combination of category, split and fold.
"""

from deeplocalizer.moments.cells import Moments, add, empty, merge, of
from deeplocalizer.moments.labelled import localized, pool, table
from deeplocalizer.moments.tree import Node, Tree, leaf, merged, pending

__all__ = [
    "Moments",
    "Node",
    "Tree",
    "add",
    "empty",
    "leaf",
    "localized",
    "merge",
    "merged",
    "of",
    "pending",
    "pool",
    "table",
]
