"""Contrasts: which units respond more to some categories than to others.

table            every statistic of every contrast in every unit, from moments: `welch`
sampled          contrasts that are at hand, or one statistic of two samples alone
comparison       one comparison of groups of stimuli: t, df, d, g, d', the selectivity index and their p
conjunction      several comparisons, all of which a unit must win
groups           which stimuli a contrast takes together, and their moments
meanings         what the variables mean
auroc            the area under the ROC curve, from stored responses
shuffling        contrasts without a preference, as a control
"""

from deeplocalizer.contrast import auroc, shuffling
from deeplocalizer.contrast.comparison import FLOAT32, FLOAT64, STATISTICS, Comparison
from deeplocalizer.contrast.conjunction import Conjunction
from deeplocalizer.contrast.groups import LOCALIZE, Group
from deeplocalizer.contrast.sampled import compare, statistic, two_samples
from deeplocalizer.contrast.table import welch

__all__ = [
    "FLOAT32",
    "FLOAT64",
    "LOCALIZE",
    "STATISTICS",
    "Comparison",
    "Conjunction",
    "Group",
    "auroc",
    "compare",
    "shuffling",
    "statistic",
    "two_samples",
    "welch",
]
