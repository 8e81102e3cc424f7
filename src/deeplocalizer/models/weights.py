"""The weights of a model: random, the library's own, or those in a file.

obtain           a network with the weights that a configuration names
"""

from __future__ import annotations

import logging
from pathlib import Path

from deeplocalizer.models import checkpoint
from deeplocalizer.models.libraries import room
from deeplocalizer.models.network import Network, initial
from deeplocalizer.models.specification import UNCHANGED, Specification
from deeplocalizer.models.trial import refuse_unsteady

logger = logging.getLogger(__name__)


def obtain(specification: Specification, weights: str, seed: int, downloads: str | Path) -> Network:
    """Build a network and give it its weights.

    Parameters
    ----------
    specification : Specification
    weights : str
        ``none``, ``untrained`` or ``trained`` (a seeded random initialisation, which training then changes),
        ``pretrained``, or a file.
    seed : int
        Of the random initialisation.
    downloads : path
        The folder of what is fetched.

    Raises
    ------
    ValueError
        If the weights are not there, damaged, do not fit, or show that the network answers by chance or by what else
        is in the batch.
    HubError
        If the Hub has not got them or cannot be reached.
    """
    network = initial(specification, seed)
    if weights not in UNCHANGED:
        checkpoint.fit(network.module, checkpoint.read(weights), weights, network.architecture)
        logger.info("weights of %s from %s", specification.architecture, weights)
    elif weights == "pretrained":
        state = room(specification.library).pretrained(specification, Path(downloads))
        checkpoint.fit(network.module, state, "pretrained", network.architecture)
        logger.info("weights of %s as its library gives them", specification.architecture)
    if weights not in ("none", "untrained", "trained"):
        # what weights of zero hid shows with others
        refuse_unsteady(network.module, specification.input_shape, network.architecture)
    return network
