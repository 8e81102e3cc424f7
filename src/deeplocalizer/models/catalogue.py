"""The networks of the project's own that a configuration can name. Importing this room does not import torch.

ARCHITECTURES    by name: where the network is built and how it wants its images
architecture     look one up
describe         what such a network is, for some labels
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deeplocalizer.inputs import Preprocessing
from deeplocalizer.models.pipelines import plain
from deeplocalizer.models.specification import OWN, Specification


@dataclass(frozen=True)
class Architecture:
    """A network that a configuration can name.

    Parameters
    ----------
    builder : str
        ``module:function`` within this package; the function takes the number of outputs.
    preprocessing : Preprocessing
        How it wants its images.
    """

    builder: str
    preprocessing: Preprocessing


ARCHITECTURES = {
    "small_cnn": Architecture(
        "small_cnn:build", Preprocessing("L", resize=32, crop=32, resample="bicubic", mean=(0.4,), std=(0.3,))
    ),
}


def architecture(name: str) -> Architecture:
    """Look an architecture up.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"architecture {name!r} is unknown; allowed are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def describe(name: str, labels: Sequence[str]) -> Specification:
    """Say what a network of the catalogue is.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.
    labels : sequence of str
        The label of each output.
    """
    return Specification(OWN, name, "", {}, tuple(labels), plain(architecture(name).preprocessing))
