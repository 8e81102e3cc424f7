"""Robustness: does what a study finds hold where something else about it changes.

fewer            the masks that are run again with another replacement value
central          the comparisons that a study is about
Result           one of them
Variant          one way of doing the study, with its effects
table            the central results under every variant, as a labelled dataset
Case             one result under one variant
cases            one result under all variants
results          the results that a table has
KINDS            what can vary

Inside: `masks` (what is run again), `central` (what is asked), `table` (the labelled dataset) and `cases` (what figures
and sentences read of it).
"""

from deeplocalizer.robustness.cases import Case, cases, results
from deeplocalizer.robustness.central import Result, central
from deeplocalizer.robustness.masks import fewer
from deeplocalizer.robustness.table import KINDS, Variant, table

__all__ = ["KINDS", "Case", "Result", "Variant", "cases", "central", "fewer", "results", "table"]
