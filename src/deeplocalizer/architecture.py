"""The architecture of a network: the layers that are recorded.

table            name, module, call, shape and parameters of each layer
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from deeplocalizer import hooks
from deeplocalizer.models.catalogue import architecture
from deeplocalizer.models.network import Network
from deeplocalizer.recording import trace


def table(network: Network, patterns: Sequence[str]) -> xr.Dataset:
    """Describe the layers of a network that match some patterns.

    Parameters
    ----------
    network : Network
    patterns : sequence of str
        As `hooks.find` takes them.

    Returns
    -------
    Dataset
        On ``layer``: ``module`` (its type), ``call``, ``output_shape`` (as text), ``channels`` and ``parameters``.
    """
    modules = hooks.find(network.module, patterns)
    wanted = architecture(network.architecture).preprocessing
    example = torch.zeros(1, len(wanted.mean), wanted.crop, wanted.crop)
    layers = trace(network.module, modules, example)
    owners = [modules[hooks.Site(layer.name, layer.call).module] for layer in layers]
    parameters = [sum(p.numel() for p in owner.parameters()) for owner in owners]

    def text(values: Sequence[str], meaning: str) -> tuple[str, np.ndarray, dict[str, str]]:
        return "layer", np.array(values, dtype=object), {"long_name": meaning}

    def number(values: Sequence[int], meaning: str) -> tuple[str, np.ndarray, dict[str, str]]:
        return "layer", np.array(values, dtype=np.int64), {"long_name": meaning}

    shapes = [" x ".join(map(str, layer.shape)) for layer in layers]
    return xr.Dataset(
        {
            "module": text([type(owner).__name__ for owner in owners], "type of the module"),
            "call": number([layer.call for layer in layers], "call of the module within one forward pass, from 0"),
            "output_shape": text(shapes, "shape of the output for one stimulus"),
            "axes": text([" ".join(layer.axes) for layer in layers], "meaning of that shape"),
            "channels": number([layer.channels for layer in layers], "number of channel units"),
            "parameters": number(parameters, "trainable numbers inside"),
        },
        coords={"layer": text([layer.name for layer in layers], "module path")},
    )
