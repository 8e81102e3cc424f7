"""Record the responses of units, and their moments on the way.

prepare          what is recorded, worked out once
record           responses and moments of all stimuli, in memory
record_to        the same into artefacts, piece by piece; a killed job takes it up again
hasten           run the network faster, as far as its responses stay what they are
fitting          the batch size that fits into memory
book             the units of some layers, and which responses are kept
reduce           the responses of units from an output

Responses of position units are kept only on request: a ResNet-34 has 1.4 million of them in its blocks alone. Their
moments take no room that grows with the stimuli.
"""

from deeplocalizer.recording.batch_size import AUTOMATIC, first_size, fitting, try_out
from deeplocalizer.recording.columns import book
from deeplocalizer.recording.faster import hasten
from deeplocalizer.recording.files import record_to
from deeplocalizer.recording.memory import record
from deeplocalizer.recording.passes import Recording
from deeplocalizer.recording.preparation import planned, prepare
from deeplocalizer.recording.reduce import reduce

__all__ = [
    "AUTOMATIC",
    "Recording",
    "book",
    "first_size",
    "fitting",
    "hasten",
    "planned",
    "prepare",
    "record",
    "record_to",
    "reduce",
    "try_out",
]
