"""A network ready to run: built, weighted, on its device.

build            a network of the catalogue at its seeded random initialisation
initial          any network at its seeded random initialisation
save             its weights and what it is as a safetensors file, written whole or not at all
load             a network with the weights of such a file
digest           fingerprint of its weights
pick_device      the accelerator, where there is one
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from deeplocalizer import seeding, whole
from deeplocalizer.models import catalogue, checkpoint
from deeplocalizer.models.libraries import room
from deeplocalizer.models.seeded import seeded
from deeplocalizer.models.specification import Specification
from deeplocalizer.provenance import digest_bytes, software

METADATA = "deeplocalizer"  # one key: safetensors writes several in no fixed order


@dataclass(frozen=True)
class Network:
    """A module and what it is.

    Parameters
    ----------
    module : Module
        In evaluation mode.
    specification : Specification
        Its architecture, its labels, how it wants its images.
    """

    module: nn.Module
    specification: Specification

    @property
    def labels(self) -> tuple[str, ...]:
        """The label that each output stands for."""
        return self.specification.labels

    @property
    def architecture(self) -> str:
        """Its name in a configuration."""
        return self.specification.architecture


def build(name: str, labels: Sequence[str], seed: int) -> Network:
    """Build a network of the catalogue at its seeded random initialisation.

    Parameters
    ----------
    name : str
        A key of `catalogue.ARCHITECTURES`.
    labels : sequence of str
        The label of each output.
    seed : int
    """
    return initial(catalogue.describe(name, labels), seed)


def initial(specification: Specification, seed: int) -> Network:
    """Build any network at its seeded random initialisation.

    Parameters
    ----------
    specification : Specification
    seed : int
        The same one gives the same weights, whatever was drawn before; the generators of others are left alone.
    """
    with seeded(seeding.integer(seed, "weights", specification.architecture)):
        module = room(specification.library).build(specification)
    return Network(module.cpu().eval(), specification)


def save(network: Network, path: str | os.PathLike[str], parameters: Mapping[str, object]) -> None:
    """Write weights and what the network is beside their destination, then rename.

    Parameters
    ----------
    network : Network
    path : path
    parameters : mapping
        What determined the weights; kept in the file's metadata.
    """
    described = {
        "specification": json.loads(network.specification.to_json()),
        "parameters": parameters,
        "software": software(),
    }
    state = _separate(network.module)
    described["digest"] = _digest(state)
    with whole.writing(path) as partial:
        save_file(state, partial, metadata={METADATA: json.dumps(described, sort_keys=True)})


def load(path: str | os.PathLike[str]) -> Network:
    """Load a network that `save` wrote, without asking the network of computers.

    Raises
    ------
    ValueError
        If the file is truncated, foreign or does not fit its architecture.
    """
    again = whole.again(path)
    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {}).get(METADATA, "{}"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise ValueError(f"{path}: not a readable safetensors file (truncated?): {error}; {again}") from error
    if "specification" not in described:
        raise ValueError(f"{path}: holds weights, but not of DeepLocalizer (it does not say of which model); {again}")
    try:
        specification = Specification.from_mapping(described["specification"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {again}") from error
    network = initial(specification, seed=0)
    checkpoint.fit(network.module, state, str(path), network.architecture)
    if "digest" in described and described["digest"] != _digest(state):  # files of an earlier version have none
        raise ValueError(f"{path}: not the weights that were written, so it was altered or damaged; {again}")
    return network


def digest(module: nn.Module) -> str:
    """Fingerprint the weights and buffers of a module (hex SHA-256)."""
    return _digest(module.state_dict())


def _digest(state: Mapping[str, torch.Tensor]) -> str:
    parts = []
    for name, tensor in sorted(state.items()):
        content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
        parts.append(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}:{digest_bytes(content)}")
    return digest_bytes("\n".join(parts).encode())


def pick_device(threads: int) -> torch.device:
    """Give the accelerator, where there is one, else the CPU with a number of threads."""
    torch.set_num_threads(threads)  # torch would take every core, also those of other jobs
    torch.backends.cudnn.allow_tf32 = False  # PyTorch's default gives three digits; `recording.faster` asks for it
    found = torch.accelerator.current_accelerator(check_available=True)
    return torch.device("cpu") if found is None else found


def _separate(module: nn.Module) -> dict[str, torch.Tensor]:
    """Give the tensors of a module, each with memory of its own: safetensors refuses those that share it."""
    state, seen = {}, set()
    for name, tensor in module.state_dict().items():
        whole = tensor.detach().contiguous().cpu()
        place = whole.untyped_storage().data_ptr()
        state[name] = whole.clone() if place in seen else whole
        seen.add(place)
    return state
