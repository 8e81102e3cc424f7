"""What the best units respond to: the stimuli that drive them most and least.

find             of every contrast the units that prefer most, with their highest and lowest stimuli
shown            what was found of one contrast, on the dimension ``unit``
BEST, RANKS      how many units and stimuli are found unless told otherwise
SPLITS           the splits that the stimuli are taken from

Units are chosen in the split ``localize``, and a network may have learnt from ``train``. So the stimuli are those of
``select`` and ``test``: what is shown could not take part in the choice.
"""

from deeplocalizer.extremes.finding import BEST, RANKS, SPLITS, find, shown

__all__ = ["BEST", "RANKS", "SPLITS", "find", "shown"]
