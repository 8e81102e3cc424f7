"""What goes wrong with artefacts.

ArtefactError    a file is not the artefact that it should be
"""

from __future__ import annotations


class ArtefactError(ValueError):
    """A file is not the artefact that it should be."""
