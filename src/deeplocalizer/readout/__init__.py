"""Readouts: cross-validated linear probes on the units of a layer, fitted on the select split alone.

fit              fit the readouts of a study
classes          the class of each stimulus, "" where it is not asked
heads            the fitted readouts as plain numbers, for the stimuli of a run

`questions` says who is asked what, `features` takes the responses of a layer, `folds` deals stimuli whose groups never
part, `probe` fits, and `table` lays it all out.
"""

from deeplocalizer.readout.questions import classes as classes
from deeplocalizer.readout.table import fit as fit
from deeplocalizer.readout.table import heads as heads
