"""Find the layers of a network by running an example: which outputs there are, which axes they have, what feeds what.

examples         run a network on an example, on another number of images, on an image of twice the size
survey           every output of some places, and why it can or cannot be recorded
selection        the layers that patterns choose
flow             which operations depend on the stimulus, and which layers feed which
"""

from deeplocalizer.tracing.examples import leaves, output_shapes, resized
from deeplocalizer.tracing.flow import edges, operations
from deeplocalizer.tracing.selection import Selection, select, trace
from deeplocalizer.tracing.survey import FOLDED, Finding, survey

__all__ = [
    "FOLDED",
    "Finding",
    "Selection",
    "edges",
    "leaves",
    "operations",
    "output_shapes",
    "resized",
    "select",
    "survey",
    "trace",
]
