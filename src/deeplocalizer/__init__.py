"""Find functionally specialised units in deep networks, and test whether the network needs them.

Rooms are imported when they are first used, so that a job of statistics never waits for torch.
"""

from deeplocalizer._version import __version__

__all__ = ["__version__"]
