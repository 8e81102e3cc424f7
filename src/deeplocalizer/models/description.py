"""Find out what a model is, from its library, before anything else is done with it.

describe         the specification of a model that a configuration names
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deeplocalizer.models.libraries import room
from deeplocalizer.models.libraries.wanted import Wanted
from deeplocalizer.models.network import initial
from deeplocalizer.models.specification import OWN, UNCHANGED, Specification, parse, read_labels
from deeplocalizer.models.trial import outputs, refuse_unsteady

logger = logging.getLogger(__name__)


def describe(
    architecture: str,
    revision: str = "",
    weights: str = "pretrained",
    preprocessing: Mapping[str, Any] | None = None,
    labels: str | Path | None = None,
    task_labels: Sequence[str] = (),
    downloads: str | Path = "resources",
) -> Specification:
    """Find out what a model is; may ask the Hub.

    Parameters
    ----------
    architecture : str
        ``small_cnn``, or ``torchvision:``, ``timm:``, ``transformers:`` or ``python:`` and a name.
    revision : str
        Commit, branch or tag of a repository on the Hub.
    weights : str
        ``pretrained``, ``none``, ``untrained``, ``trained``, or a file.
    preprocessing : mapping, optional
        ``mode``, ``resize``, ``crop``, ``resample``, ``mean``, ``std``, where they are wanted otherwise than the
        library says.
    labels : path, optional
        A file with the label of each output, one a line.
    task_labels : sequence of str
        The labels of the tasks of the study, which a network of the catalogue is made for.
    downloads : path
        The folder of what is fetched.

    Raises
    ------
    ValueError
        If there is no such model, its keys do not fit it, it does not give one output for each label, or what
        it gives for an image depends on chance or on other images.
    HubError
        If the Hub has not got it or cannot be reached.
    """
    library, name = parse(architecture)
    _refuse_unfit(architecture, library, weights)
    wanted = Wanted(
        architecture,
        name,
        revision,
        weights,
        preprocessing,
        None if labels is None else read_labels(labels),
        tuple(task_labels),
        Path(downloads),
    )
    found: Specification = room(library).describe(wanted)
    _refuse_other_behaviour(found)
    logger.info(
        "%s: %d outputs, images of %s", architecture, len(found.labels), " x ".join(map(str, found.input_shape))
    )
    return found


def _refuse_unfit(architecture: str, library: str, weights: str) -> None:
    if weights == "trained" and library != OWN:
        raise ValueError(
            f"{architecture}: weights 'trained' are made for small_cnn only; give pretrained, none or a file"
        )
    if weights == "pretrained" and library == OWN:
        raise ValueError(f"{architecture}: there are no pretrained weights; give trained, none or a file")
    if weights not in UNCHANGED and not Path(os.path.expanduser(weights)).is_file():
        raise ValueError(
            f"{architecture}: weights {weights!r} is neither one of {', '.join(UNCHANGED)} nor a file that is there"
        )


def _refuse_other_behaviour(specification: Specification) -> None:
    """Run images through the untrained network: it must give one output for each label, whatever runs beside it."""
    module = initial(specification, seed=0).module
    found, wanted = outputs(module, specification.input_shape, specification.architecture), len(specification.labels)
    if found != wanted:
        raise ValueError(f"{specification.architecture}: has {found} outputs, but there are {wanted} labels")
    refuse_unsteady(module, specification.input_shape, specification.architecture)
