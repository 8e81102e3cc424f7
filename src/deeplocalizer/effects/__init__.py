"""Effects: how outcomes change under ablation, of targets, against controls and between targets.

measure          all effects of a study, from its outcomes
KINDS            what the comparisons are
PERFORMANCE      the outcomes that need a network that can do the task
matched          the kind of the random masks that p-values come from

Inside: `meaning` (kinds and bounds), `runs` (which run is which), `subjects` (tasks, readouts and categories),
`sample` (a subject with its bootstrap samples), `asking` (intervals of many columns at once), `comparisons` (what is
asked of each localizer), `specificity` (a mask against its random controls), `family` (adjusted p-values), `table` (the
labelled dataset) and `measuring`.
"""

from deeplocalizer.effects.meaning import KINDS, PERFORMANCE, matched
from deeplocalizer.effects.measuring import measure

__all__ = ["KINDS", "PERFORMANCE", "matched", "measure"]
