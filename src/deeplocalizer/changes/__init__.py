"""Changes: what masks do to each category, and which stimuli change their label, before and after.

measure          shares changed, loss of accuracy and divergence by category, and the stimuli that change their label
ASKED            what outcomes must tell
OUTCOMES         what is measured of each category
LISTED           how many stimuli, and how many transitions, are listed of each localizer at most
EVERY            the name of all stimuli together, where categories are named
frames           the same as plain tables

Inside: `shares` (numbers of one category, with intervals), `listing` (stimuli and transitions), `table` (the labelled
dataset) and `measuring`.
"""

from deeplocalizer.changes import frames
from deeplocalizer.changes.listing import LISTED
from deeplocalizer.changes.measuring import ASKED, measure
from deeplocalizer.changes.shares import EVERY, OUTCOMES

__all__ = ["ASKED", "EVERY", "LISTED", "OUTCOMES", "frames", "measure"]
