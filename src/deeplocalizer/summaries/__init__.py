"""Summaries of artefacts for figures, tables and sentences: what a reader is shown is computed once.

places           where units are (layer, call, reduction), by name
reductions       how the outputs of layers became units
selectivity      by contrast and place: how many units prefer, and how much
directions       which units respond more, or less, to the preferred categories
strongest        the units that a contrast tells apart most
targets          the target masks
selection        by localizer and place: how many units a target mask holds
overlap          how many units target masks share
dice             the same as Dice coefficients
control_overlap  how many units of a target mask its random controls hold
controls         how many controls of each kind a localizer has
true_shares      at least which share of a target mask's units prefers
Effect           one cell of an effects artefact
find             one effect, or None where there is none
changed          the share of decisions that a mask changes
effect_table     every effect, as a frame
leads            the outcome that is shown of one task
expectations     the outcome that leads a study, and the task of each localizer
expected         what each localizer is expected to change
preferred        the categories that the units of a localizer prefer
Curve            harm of a series of masks of one localizer, to one task
curves           the curves of one series and task
series           the series that were run
Repeated         how a localizer repeats in halves of the stimuli, beside shuffled labels
repeated         the same, of one localizer
unit_names       a short name for each unit, or for some of them
unit_table       units with their contrasts and masks, as a frame
to_be_listed     the units that a table of all units lists
plain            a name as it is read
p_text           a p-value as it is read
"""

from deeplocalizer.summaries.curves import Curve, curves, series
from deeplocalizer.summaries.effects import (
    Effect,
    changed,
    effect_table,
    expectations,
    expected,
    find,
    leads,
    preferred,
)
from deeplocalizer.summaries.listing import MOST_POSITIONS, to_be_listed, unit_names, unit_table
from deeplocalizer.summaries.places import Places, places, reductions
from deeplocalizer.summaries.preferences import directions, selectivity, strongest
from deeplocalizer.summaries.reliability import Repeated, repeated
from deeplocalizer.summaries.selection import (
    control_overlap,
    controls,
    dice,
    overlap,
    selection,
    targets,
    true_shares,
)
from deeplocalizer.summaries.words import p_text, plain

__all__ = [
    "MOST_POSITIONS",
    "Curve",
    "Effect",
    "Places",
    "Repeated",
    "changed",
    "control_overlap",
    "controls",
    "curves",
    "dice",
    "directions",
    "effect_table",
    "expectations",
    "expected",
    "find",
    "leads",
    "overlap",
    "p_text",
    "places",
    "plain",
    "preferred",
    "reductions",
    "repeated",
    "selection",
    "selectivity",
    "series",
    "strongest",
    "targets",
    "to_be_listed",
    "true_shares",
    "unit_names",
    "unit_table",
]
