"""Where networks come from: one room for each library, all with the same two or three functions.

room             the room of a library
describe         what a model is, as a `Specification`; may ask the network
build            its network, at the random initialisation of torch's generator; never asks the network
pretrained       its pretrained weights, as a state dict of that network; may ask the network

``catalogue_models``, ``torchvision_models``, ``timm_models``, ``transformers_models``, ``python_models``; beside them
``timm_pipeline`` and ``transformers_pipeline``, the preprocessing that only these libraries can do.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from deeplocalizer.models.specification import OWN

ROOMS = {
    OWN: "catalogue_models",
    "torchvision": "torchvision_models",
    "timm": "timm_models",
    "transformers": "transformers_models",
    "python": "python_models",
}


def room(library: str) -> ModuleType:
    """Give the room of a library; only then is that library loaded.

    Raises
    ------
    ValueError
        If there is none.
    """
    if library not in ROOMS:
        raise ValueError(f"library {library!r} is unknown; allowed are {', '.join(ROOMS)}")
    return import_module(f"{__name__}.{ROOMS[library]}")
