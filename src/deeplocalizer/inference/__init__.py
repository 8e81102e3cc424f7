"""Inference about balanced means of paired outcomes.

Design           which stimuli count how much, and which belong together
design           a design balanced over labels, stratified, with groups kept whole

resample         a paired bootstrap: ``sample = resample(plan, resamples, rng)``
Resamples        ``sample.means(columns)`` gives the balanced means of columns (stimulus, column)
Means            observed (column,), draws (resample, column), jackknife (group, column); ``means.of(statistic)``
intervals        ``intervals(means, confidence, method)``: intervals of all columns at once, as `Intervals`
interval         ``interval(sample, columns, statistic, confidence, method)``: of one statistic of columns
balanced         ``balanced(sample, columns, confidence, method, bounds)``: of means, exact ones where degenerate
exact_interval   the interval where every stimulus of a stratum has the same outcome
widened          bootstrap intervals with the room that strata leave in which all are alike
crossed          a target minus the mean of its controls, over stimuli and control masks
replicate        an effect with the model as the replicate

sign_flip_p      is a paired difference greater than zero; ``sign_flips`` of many columns
rank_p           does a target exceed its random controls
exceeds_p        is a balanced share of successes above a threshold
holm             p-values of a family
maximum          p-values of a family by the maximum statistic over shared controls
least_controls   how many controls a family needs to be able to reach a level

Methods of intervals are ``bca``, ``basic`` and ``percentile``. Results do not depend on the number of threads.
"""

from deeplocalizer.inference.balance import balanced, widened
from deeplocalizer.inference.bounded import EXACT, constant_within_strata, exact_interval
from deeplocalizer.inference.designs import Design, design
from deeplocalizer.inference.families import holm, least_controls, maximum
from deeplocalizer.inference.hierarchy import crossed
from deeplocalizer.inference.levels import METHODS, Interval, Intervals, interval, intervals
from deeplocalizer.inference.permutation import rank_p, sign_flip_p, sign_flips
from deeplocalizer.inference.replication import Replicated, replicate
from deeplocalizer.inference.resampling import Means, Resamples, Statistic, resample
from deeplocalizer.inference.shares import exceeds_p

__all__ = [
    "EXACT",
    "METHODS",
    "Design",
    "Interval",
    "Intervals",
    "Means",
    "Replicated",
    "Resamples",
    "Statistic",
    "balanced",
    "constant_within_strata",
    "crossed",
    "design",
    "exact_interval",
    "exceeds_p",
    "holm",
    "interval",
    "intervals",
    "least_controls",
    "maximum",
    "rank_p",
    "replicate",
    "resample",
    "sign_flip_p",
    "sign_flips",
    "widened",
]
