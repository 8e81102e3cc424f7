"""Validate a recording: what was read at a layer is what the network goes on with.

validate         feed recorded values back at each layer, then perturbed ones, and look at the network's output

If the values were not those that the network used, such as values that an operation in place changed later, feeding
them back would change the output. If perturbing them changes nothing, the network does not use the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer.hooks import Place, Site, parts, visiting
from deeplocalizer.units import Layer

TOLERANCE = 1e-5  # of the spread of the outputs: what the order of sums may change


def validate(
    model: nn.Module,
    places: Mapping[str, Place],
    layers: Sequence[Layer],
    images: torch.Tensor,
    seed: int,
    tolerance: float = TOLERANCE,
) -> xr.Dataset:
    """Feed recorded values back at each layer, then perturbed ones, and look at the network's output.

    Parameters
    ----------
    model : Module
        In evaluation mode.
    places : mapping of Module or Operation
    layers : sequence of Layer
        As `tracing.select` gives them.
    images : Tensor (stimulus, channel, y, x)
        A few normalised stimuli, on the device.
    seed : int
        Of the perturbation: normal noise with the standard deviation of the layer's values.
    tolerance : float
        Largest change of the output that counts as none, as a share of the standard deviation of the outputs.

    Returns
    -------
    Dataset
        On ``layer``: ``call``, ``error`` and ``influence``, the largest change of the output when recorded and when
        perturbed values are fed back, as shares of its standard deviation; ``has_influence``.

    Raises
    ------
    ValueError
        If feeding recorded values back changes the output, naming the layers; or if the output is no tensor of real
        numbers.
    """
    sites = [Site(layer.name, layer.call) for layer in layers]
    held: dict[Site, torch.Tensor] = {}
    wanted = set(sites)

    def hold(site: Site, output: torch.Tensor) -> None:
        if site in wanted:
            held[site] = output.clone()

    intact = _outputs(model, images, places, hold)
    if not len(intact):
        raise ValueError(f"{type(model).__name__} gives no real numbers, so nothing can be validated")
    spread = float(intact.std(correction=0)) or 1.0

    def change(site: Site, values: torch.Tensor) -> float:
        def feed_back(met: Site, output: torch.Tensor) -> torch.Tensor | None:
            return values if met == site else None

        mine = {site.place: places[site.place]}
        return float((_outputs(model, images, mine, feed_back) - intact).abs().max()) / spread

    generator = torch.Generator(images.device).manual_seed(seed)
    errors, influences = [], []
    for site in sites:
        values = held.pop(site)
        errors.append(change(site, values))
        influences.append(change(site, _perturbed(values, generator)))
    wrong = [f"{site} ({error:.2g})" for site, error in zip(sites, errors, strict=True) if not error <= tolerance]
    if wrong:
        raise ValueError(
            f"feeding back what was recorded changes the output of {type(model).__name__}, so it is not what the "
            f"network computed with, or it is not deterministic: {', '.join(wrong)}; as shares of the spread of the "
            f"outputs, expected at most {tolerance:g}"
        )
    return _table(sites, np.array(errors), np.array(influences), tolerance)


def _outputs(
    model: nn.Module,
    images: torch.Tensor,
    places: Mapping[str, Place],
    visit: Callable[[Site, torch.Tensor], torch.Tensor | None],
) -> torch.Tensor:
    """Run the network; give all real numbers of its output end to end, in float64."""
    with torch.inference_mode(), visiting(places, visit):
        output = model(images)
    found = [part.cpu().double().flatten() for part in parts(output)]
    return torch.cat(found) if found else torch.empty(0)


def _perturbed(values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(values.shape, generator=generator, device=values.device, dtype=torch.float32).to(values.dtype)
    deviation = values.float().std(correction=0)
    return values + noise * torch.where(deviation > 0, deviation, 1.0).to(values.dtype)


def _table(sites: Sequence[Site], errors: np.ndarray, influences: np.ndarray, tolerance: float) -> xr.Dataset:
    along = "layer"
    share = "as a share of the standard deviation of the outputs"
    return xr.Dataset(
        {
            "call": (
                along,
                [site.call for site in sites],
                {"long_name": "call of the place in a forward pass, from 0"},
            ),
            "error": (along, errors, {"long_name": f"change of the output when recorded values are fed back, {share}"}),
            "influence": (along, influences, {"long_name": f"change of the output when they are perturbed, {share}"}),
            "has_influence": (along, influences > tolerance, {"long_name": "perturbing the layer changes the output"}),
        },
        coords={"layer": (along, [site.name for site in sites], {"long_name": "module path, or name of an operation"})},
        attrs={"tolerance": tolerance},
    )
