"""Many tests at once, from log10 p: nothing underflows.

discovery_rate   q-values of Benjamini & Hochberg and of Benjamini & Yekutieli, over families of tests
closed           All-Resolution Inference: how many of the selected are truly not null, whatever was selected and why
"""

from deeplocalizer.multiplicity.closed import ClosedSimes, true_discoveries
from deeplocalizer.multiplicity.discovery_rate import METHODS, log10_q

__all__ = ["METHODS", "ClosedSimes", "log10_q", "true_discoveries"]
