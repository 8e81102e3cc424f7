"""Find functionally specialised units in deep networks, and test whether the network needs them.

localize             rank the units of a frame of activations by a contrast
torch_activations    add the activations of a PyTorch model to a frame of stimuli

Rooms are imported when they are first used, so that a job of statistics never waits for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deeplocalizer._version import __version__

if TYPE_CHECKING:
    from deeplocalizer.frames import localize
    from deeplocalizer.torch_frames import torch_activations

__all__ = ["__version__", "localize", "torch_activations"]

_HOMES = {"localize": "frames", "torch_activations": "torch_frames"}


def __getattr__(name: str) -> Any:
    """Import a function when it is first asked for (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(f"deeplocalizer.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'deeplocalizer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
