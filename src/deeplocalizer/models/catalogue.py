"""The networks that a configuration can name. Importing this room does not import torch.

ARCHITECTURES    by name: where the network is built and how it wants its images
architecture     look one up
"""

from __future__ import annotations

from dataclasses import dataclass

from deeplocalizer.inputs import Preprocessing


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
