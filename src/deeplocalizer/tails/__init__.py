"""Tail probabilities that never underflow.

central          Student's t, one- and two-sided
expansion        its tail for many degrees of freedom, and the ratio of gamma functions half apart
noncentral       t against a minimum effect: the noncentral t
piecewise        polynomials, piece by piece, that stand for a costly function of one number
"""

from deeplocalizer.tails.central import log10_greater, log10_two_sided
from deeplocalizer.tails.expansion import gamma_ratio
from deeplocalizer.tails.noncentral import log10_beyond

__all__ = ["gamma_ratio", "log10_beyond", "log10_greater", "log10_two_sided"]
