"""Masks: the units that a localizer selects, and the masks they are compared with.

select           the units that a localizer selects (`top_fraction` is its older name)
eligible_units   the units that a mask may hold
stratum          the places that controls are matched in
random_matched   random masks with as many units in each stratum
binned           strata divided by quantiles of the mean response
mean_response    about the mean |response| of each unit, from moments
table            all masks of a study as a labelled dataset
series           masks of other fractions, of single layers, and for keeping
bounded          masks with bounds on how many of their units truly prefer
overlaps         what masks have in common, and how well controls match
"""

from deeplocalizer.masks.bounds import bounded as bounded
from deeplocalizer.masks.controls import mean_response as mean_response
from deeplocalizer.masks.drawing import binned as binned
from deeplocalizer.masks.drawing import random_matched as random_matched
from deeplocalizer.masks.overlap import overlaps as overlaps
from deeplocalizer.masks.places import eligible_units as eligible_units
from deeplocalizer.masks.places import stratum as stratum
from deeplocalizer.masks.selection import select as select
from deeplocalizer.masks.selection import top_fraction as top_fraction
from deeplocalizer.masks.tables import series as series
from deeplocalizer.masks.tables import table as table
