"""Artefacts on disk: one labelled NetCDF-4 file each, written whole or not at all.

save             write a dataset beside its destination, then rename it
stream           write one that is larger than memory, piece by piece; a killed job takes it up again
Stream           where the pieces go
Large            what a variable is that is written in pieces
chunks           the chunks of activations that read fast in both directions
open             read a dataset into memory; refuse what is truncated, foreign or altered
lazy             the same, piece by piece
bit_round        reduced precision, as netCDF has it
ArtefactError    a file is not the artefact that it should be
"""

from deeplocalizer.store.errors import ArtefactError as ArtefactError
from deeplocalizer.store.large import Large as Large
from deeplocalizer.store.large import chunks as chunks
from deeplocalizer.store.reading import lazy as lazy
from deeplocalizer.store.reading import open as open
from deeplocalizer.store.rounding import bit_round as bit_round
from deeplocalizer.store.streaming import Stream as Stream
from deeplocalizer.store.streaming import stream as stream
from deeplocalizer.store.whole import save as save
