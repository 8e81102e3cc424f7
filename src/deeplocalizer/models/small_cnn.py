"""A small convolutional network for grey images of 32 x 32 pixels.

build            three convolutional layers, a hidden layer and a linear readout

Each of ``conv1`` to ``conv3`` and ``hidden`` is a block that ends in its ReLU, so that the block's output is the
response of the layer's units. Pooling stands outside the blocks.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

WIDTHS = (16, 32, 64)
HIDDEN = 128
GRID = 4  # 32 pixels after three poolings


def build(outputs: int) -> nn.Module:
    """Build the network with random weights, drawn from torch's generator.

    Parameters
    ----------
    outputs : int
        Number of labels over all tasks.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    entering = 1
    for number, width in enumerate(WIDTHS, start=1):
        layers[f"conv{number}"] = _convolutional(entering, width)
        layers[f"pool{number}"] = nn.MaxPool2d(2)
        entering = width
    layers["flatten"] = nn.Flatten()
    layers["hidden"] = nn.Sequential(
        OrderedDict(
            linear=nn.Linear(entering * GRID * GRID, HIDDEN),
            normalization=nn.BatchNorm1d(HIDDEN),
            activation=nn.ReLU(),
        )
    )
    layers["dropout"] = nn.Dropout(0.25)
    layers["readout"] = nn.Linear(HIDDEN, outputs)
    return nn.Sequential(layers)


def _convolutional(entering: int, leaving: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            convolution=nn.Conv2d(entering, leaving, kernel_size=3, padding=1, bias=False),
            normalization=nn.BatchNorm2d(leaving),
            activation=nn.ReLU(),
        )
    )
