"""How fast this machine runs a network: a short measurement on noise, with random weights.

Speed            seconds that a stimulus takes
measure          time recording and ablation
examine          what the workload must know of a network
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from deeplocalizer import ablation, masks, recording, tracing
from deeplocalizer.estimate.workload import Model
from deeplocalizer.models.network import Network

BATCHES = 2  # that are timed, after one that is not
MASKS = 3
ON_CPU = 32  # stimuli in a batch there: a processor is as fast with few, and the measurement stays short


@dataclass(frozen=True)
class Speed:
    """Seconds that one stimulus takes in one pass, recorded and under ablation; of one job."""

    recorded: float
    ablated: float


def examine(network: Network, config: Mapping[str, Any], layers: Sequence[str], pretrained: bool) -> Model:
    """Find out what the workload must know of a network.

    Parameters
    ----------
    network : Network
    config : mapping
    layers : sequence of str
        As `hooks.find` takes them.
    pretrained : bool
        Whether its weights are fetched.
    """
    example = torch.zeros(1, *network.specification.input_shape)
    traced = tracing.select(network.module, layers, example).layers
    book = recording.book(traced, config["recording"]["reductions"], config["recording"].get("responses"))
    size = sum(tensor.numel() * tensor.element_size() for tensor in network.module.state_dict().values())
    shape = network.specification.input_shape
    return Model(int(np.prod(shape)), book.table.sizes["unit"], len(book.kept), size, pretrained, len(traced))


def measure(network: Network, config: Mapping[str, Any], layers: Sequence[str], device: torch.device) -> Speed:
    """Time recording and ablation of a network as the study will do them.

    Parameters
    ----------
    network : Network
    config : mapping
        With every default.
    layers : sequence of str
    device : device

    Returns
    -------
    Speed
    """
    module = network.module.to(device)
    places = tracing.select(module, layers, torch.zeros(1, *network.specification.input_shape, device=device)).places
    most = ON_CPU if device.type == "cpu" else None
    size, ablation_size = (_at_most(config[part]["batch_size"], most, device) for part in ("recording", "ablation"))
    noise = _noise(network, max((BATCHES + 1) * size, ablation_size))

    def record(batches: int) -> xr.Dataset:
        some = noise.isel(stimulus=slice(batches * size))
        return recording.record(module, places, some, config["recording"]["reductions"], size, device)[1]

    moments = record(1)
    recorded = _each(record, 1 + BATCHES)
    some = noise.isel(stimulus=slice(ablation_size))
    drawn = _masks(moments, next(iter(config["localizers"].values())))
    zeros = np.zeros(moments.sizes["unit"])

    def ablate(number: int) -> None:
        chosen = drawn.isel(mask=slice(number))
        ablation.ablate(module, places, network.labels, some, chosen, zeros, {}, ablation_size, device)

    return Speed(recorded / size, _each(ablate, MASKS) / some.sizes["stimulus"])


def _at_most(size: int | str, most: int | None, device: torch.device) -> int:
    wanted = recording.first_size(size, device)
    return wanted if most is None else min(wanted, most)


def _each(work: Callable[[int], object], number: int) -> float:
    """Time one of some batches or masks, without what comes once, such as the intact run."""
    one, all_of_them = _seconds(lambda: work(1)), _seconds(lambda: work(number))
    # what takes no longer than one is lost in the noise; it takes its share of the whole at most
    return (all_of_them - one) / (number - 1) if all_of_them > one else all_of_them / number


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _noise(network: Network, count: int) -> xr.Dataset:
    specification = network.specification
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, *specification.input_shape), dtype=np.uint8)
    names = np.array([f"noise-{index}" for index in range(count)])
    along = {"category": "noise", "label": "", "split": "localize", "group": ""}
    return xr.Dataset(
        {
            "pixel_values": (("stimulus", "channel", "y", "x"), pixels),
            "mean": ("channel", np.array(specification.preprocessing["mean"])),
            "std": ("channel", np.array(specification.preprocessing["std"])),
        },
        coords={
            "stimulus": names,
            **{name: ("stimulus", np.full(count, value)) for name, value in along.items()},
            "fold": ("stimulus", np.zeros(count, dtype=np.int8)),
        },
    )


def _masks(moments: xr.Dataset, localizer: Mapping[str, Any]) -> xr.Dataset:
    """Draw random masks of the size that a localizer will have."""
    rng = np.random.default_rng(0)
    total = moments.sizes["unit"]
    size = localizer.get("count") or max(1, round(localizer["fraction"] * total))
    everything, target = np.ones(total, dtype=bool), np.zeros(total, dtype=bool)
    target[rng.choice(total, min(size, total), replace=False)] = True
    drawn = masks.random_matched(target, everything, masks.stratum(moments), MASKS, rng)
    names = [f"mask-{index}" for index in range(MASKS)]
    texts = {name: ("mask", names) for name in ("localizer", "contrast", "rule", "role", "kind")}
    return xr.Dataset(
        {"selected": (("mask", "unit"), drawn)},
        coords={
            "mask": names,
            **texts,
            "fraction": ("mask", np.zeros(MASKS)),
            "seed": ("mask", np.zeros(MASKS, dtype=int)),
            **{name: column for name, column in moments.coords.items() if column.dims == ("unit",)},
        },
    )
