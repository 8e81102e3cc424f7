"""Tail probabilities that never underflow.

central          Student's t, one- and two-sided
expansion        its tail for many degrees of freedom, and the ratio of gamma functions half apart
noncentral       t against a minimum effect: the noncentral t
trapezoid        the same for few degrees of freedom
"""

from deeplocalizer.tails.central import log10_greater, log10_two_sided
from deeplocalizer.tails.expansion import gamma_ratio
from deeplocalizer.tails.noncentral import Beyond, log10_beyond

__all__ = ["Beyond", "gamma_ratio", "log10_beyond", "log10_greater", "log10_two_sided"]
