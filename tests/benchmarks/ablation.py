"""Measure what ablation under many masks costs beside as many bare forward passes, in the same run.

    python -m tests.benchmarks ablation

Bare passes and ablations alternate, on one thread: each round runs every way once, with bare passes before and after.
A ratio is of CPU time, of all threads of the process, to a bare pass for each mask; the intact run, which every
ablation needs too, is not counted among the masks. Masks hold one unit of a hundred in each of their layers.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer import ablation, hooks, tracing, units
from deeplocalizer.ablation import Filling
from deeplocalizer.models.feeding import batches
from tests.benchmarks import forward, made
from tests.benchmarks.forward import CHANNELS, CPU, POSITIONS, Way
from tests.benchmarks.tables import Row, spread

SHARE = 0.01  # of the units of a layer that a mask holds
BARE = 8  # bare passes in a measurement


def main(
    networks: Sequence[str] = ("resnet34",),
    stimuli: int = 16,
    side: int = 224,
    masks: int = 64,
    rounds: int = 2,
) -> list[Row]:
    """Measure all ways with some networks."""
    rows = []
    for name in networks:
        with made.one_thread():
            bare, *ways = _ways(made.resnet(name), made.inputs(stimuli, side), masks)
            for number in range(rounds):
                print(f"{name}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
                forward._round(bare, forward._order(ways, number))
        rows += [_row(name, way, masks) for way in ways]
    return rows


def _ways(model: nn.Module, inputs: xr.Dataset, masks: int) -> list[Way]:
    """Prepare what is compared: each is told by the layers of its masks, and what replaces units."""
    batch = inputs.sizes["stimulus"]
    ways = [Way("bare", "passes", partial(_bare, model, inputs, batch), {})]
    drawn = {
        "every block": _masks(model, inputs, POSITIONS, masks),
        "every module": _masks(model, inputs, CHANNELS, masks),
        "layer4 alone": _masks(model, inputs, ["layer4.*"], masks),
        "one stage at a time": _masks(model, inputs, ["layer*.0"], masks, one=True),
    }
    for name, table in drawn.items():
        ways.append(Way(name, "zero", partial(_ablated, model, inputs, table, batch, {"value": "zero"}), _about(table)))
    few = inputs.isel(stimulus=slice(max(1, batch // 2)))
    table = drawn["every block"]
    together = partial(
        _repeated, partial(_ablated, model, few, table, batch, {"value": "zero"}), batch // len(few.stimulus)
    )
    ways.append(Way("every block, 2 masks in a pass", "zero", together, _about(table)))
    maps = ablation.mean_maps(model, POSITIONS, inputs, ["noise"], batch, CPU)
    mean = {"value": "keep", "moments": _like(table), "maps": maps, "others": ("noise",)}
    ways.append(
        Way("every block", "keep, mean maps", partial(_ablated, model, inputs, table, batch, mean), _about(table))
    )
    return ways


def _bare(model: nn.Module, inputs: xr.Dataset, batch: int, folder: Path) -> None:
    with torch.inference_mode():
        for _ in range(BARE):
            for _, images in batches(inputs, batch, CPU):
                model(images)


def _ablated(
    model: nn.Module, inputs: xr.Dataset, table: xr.Dataset, batch: int, filling: Mapping[str, object], folder: Path
) -> None:
    places = hooks.places(model, np.unique(units.layer_names(table)))
    labels = [f"label-{index}" for index in range(1000)]
    given = Filling(**filling)  # type: ignore[arg-type]
    ablation.ablate(model, places, labels, inputs, table, given, {}, batch, CPU)


def _repeated(go: partial[None], times: int, folder: Path) -> None:
    for _ in range(times):
        go(folder)


def _masks(model: nn.Module, inputs: xr.Dataset, patterns: Sequence[str], count: int, one: bool = False) -> xr.Dataset:
    """Draw masks with units in all layers, or in one layer each."""
    example = torch.zeros(1, *inputs["pixel_values"].shape[1:])
    table = units.table(tracing.select(model, patterns, example).layers, ["mean"])
    layer = table["layer"].values
    codes = np.unique(layer)
    rng = np.random.default_rng(0)
    selected = np.zeros((count, len(layer)), dtype=bool)
    for number in range(count):
        for code in [codes[number * len(codes) // count]] if one else codes:
            members = np.flatnonzero(layer == code)
            selected[number, rng.choice(members, max(1, round(SHARE * len(members))), replace=False)] = True
    return xr.Dataset(
        {"selected": (("mask", "unit"), selected)},
        coords={"mask": [f"mask-{number:03d}" for number in range(count)], **table.coords},
        attrs=table.attrs,
    )


def _like(table: xr.Dataset) -> xr.Dataset:
    """Give moments of the units of masks: the maps beside them are what is used."""
    cells, shape = ("category", "split", "fold"), (1, 1, 1)
    zeros = np.zeros((*shape, table.sizes["unit"]))
    return xr.Dataset(
        {
            "count": (cells, np.ones(shape, dtype=int)),
            "mean": ((*cells, "unit"), zeros),
            "m2": ((*cells, "unit"), zeros),
        },
        coords={"category": ["noise"], "split": ["localize"], "fold": [0], **table.drop_dims("mask").coords},
        attrs=table.attrs,
    )


def _about(table: xr.Dataset) -> Row:
    return {"layers": len(np.unique(table["layer"])), "units": int(table["selected"].values[0].sum())}


def _row(network: str, way: Way, masks: int) -> Row:
    ratios = [one.cpu * BARE / bare.cpu / masks for one, bare in zip(way.seconds, way.bare, strict=True)]
    wall = statistics.median(one.wall * BARE / bare.wall for one, bare in zip(way.seconds, way.bare, strict=True))
    about = {"network": network, "masks in": way.name, "value": way.does, **way.about, "masks": masks}
    return {**about, **spread("cpu_ratio", ratios), "wall_ratio": wall / masks}
