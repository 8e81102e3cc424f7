"""A network ready to run: built, weighted, on its device.

build            a network of the catalogue at its seeded random initialisation
save             its weights and labels as a safetensors file, written whole or not at all
load             a network with the weights of such a file
digest           fingerprint of its weights
pick_device      the accelerator, where there is one
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from deeplocalizer import seeding
from deeplocalizer.models.catalogue import architecture
from deeplocalizer.provenance import digest_bytes, software

METADATA = "deeplocalizer"  # one key: safetensors writes several in no fixed order


@dataclass(frozen=True)
class Network:
    """A module and the meaning of its outputs.

    Parameters
    ----------
    module : Module
        In evaluation mode.
    labels : tuple of str
        The label that each output stands for.
    architecture : str
        Its name in the catalogue.
    """

    module: nn.Module
    labels: tuple[str, ...]
    architecture: str


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
    module_name, function = architecture(name).builder.split(":")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.integer(seed, "weights", name))
        module: nn.Module = getattr(import_module(f"deeplocalizer.models.{module_name}"), function)(len(labels))
    return Network(module.eval(), tuple(labels), name)


def save(network: Network, path: str | os.PathLike[str], parameters: Mapping[str, object]) -> None:
    """Write weights and labels beside their destination, then rename.

    Parameters
    ----------
    network : Network
    path : path
    parameters : mapping
        What determined the weights; kept in the file's metadata.
    """
    destination = Path(path)
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f".{destination.name}.{os.getpid()}.partial")
    described = {
        "architecture": network.architecture,
        "labels": network.labels,
        "parameters": parameters,
        "software": software(),
    }
    state = {name: tensor.contiguous().cpu() for name, tensor in network.module.state_dict().items()}
    try:
        save_file(state, partial, metadata={METADATA: json.dumps(described, sort_keys=True)})
        os.replace(partial, destination)
    finally:
        partial.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Network:
    """Load a network that `save` wrote.

    Raises
    ------
    ValueError
        If the file is truncated, foreign or does not fit its architecture.
    """
    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {}).get(METADATA, "{}"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise ValueError(f"{path}: not a readable safetensors file (truncated?): {error}") from error
    if not {"architecture", "labels"} <= described.keys():
        raise ValueError(f"{path}: holds weights, but not of DeepLocalizer (no architecture and labels)")
    network = build(described["architecture"], described["labels"], seed=0)
    try:
        network.module.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{path}: the weights do not fit {described['architecture']!r}: {error}") from error
    return network


def digest(module: nn.Module) -> str:
    """Fingerprint the weights and buffers of a module (hex SHA-256)."""
    parts = []
    for name, tensor in sorted(module.state_dict().items()):
        content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
        parts.append(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}:{digest_bytes(content)}")
    return digest_bytes("\n".join(parts).encode())


def pick_device(threads: int) -> torch.device:
    """Give the accelerator, where there is one, else the CPU with a number of threads."""
    torch.set_num_threads(threads)  # torch would take every core, also those of other jobs
    found = torch.accelerator.current_accelerator(check_available=True)
    return torch.device("cpu") if found is None else found
