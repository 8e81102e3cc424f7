"""The networks of `models.catalogue`, made for the labels of a study.

describe, build
"""

from __future__ import annotations

from importlib import import_module

from torch import nn

from deeplocalizer.models.catalogue import architecture
from deeplocalizer.models.catalogue import describe as describe_own
from deeplocalizer.models.libraries.wanted import Wanted
from deeplocalizer.models.specification import Specification


def describe(wanted: Wanted) -> Specification:
    """Say what a network of the catalogue is."""
    if wanted.preprocessing or wanted.labels:
        raise ValueError(f"{wanted.architecture}: has its own preprocessing and the labels of the tasks")
    return describe_own(wanted.name, wanted.task_labels)


def build(specification: Specification) -> nn.Module:
    """Build the network, with weights drawn from torch's generator."""
    module_name, function = architecture(specification.name).builder.split(":")
    made: nn.Module = getattr(import_module(f"deeplocalizer.models.{module_name}"), function)(len(specification.labels))
    return made
