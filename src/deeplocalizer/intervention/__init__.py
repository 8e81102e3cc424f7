"""Interventions: run a network with some of its units replaced.

parts            which elements of an output the units of a mask are
replacing        replace them, never in place in a tensor that someone else holds
"""

from deeplocalizer.intervention.parts import Part, axes, chosen, first_reductions, grouped, indexed, rest
from deeplocalizer.intervention.replacing import Replacement, fillings, intervening, plan

__all__ = [
    "Part",
    "Replacement",
    "axes",
    "chosen",
    "fillings",
    "first_reductions",
    "grouped",
    "indexed",
    "intervening",
    "plan",
    "rest",
]
