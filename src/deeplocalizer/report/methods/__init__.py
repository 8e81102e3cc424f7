"""The methods of a study, told from its configuration and its artefacts. All of it is Markdown.

stimuli          sources, matching, splits and groups
contrasts        how the preference of a unit is measured
localizers       how units are selected, and how that repeats
ablation         how they are silenced, and against what that is compared
readouts         what is decoded, and how
inference        intervals, tests and what is claimed
configuration    the whole configuration, as YAML
"""

from deeplocalizer.report.methods.ablation import ablation
from deeplocalizer.report.methods.configuration import configuration
from deeplocalizer.report.methods.contrasts import contrasts
from deeplocalizer.report.methods.inference import inference
from deeplocalizer.report.methods.localizers import localizers
from deeplocalizer.report.methods.readouts import readouts
from deeplocalizer.report.methods.stimuli import stimuli

__all__ = ["ablation", "configuration", "contrasts", "inference", "localizers", "readouts", "stimuli"]
