"""Other ways to the outputs of a network's layers, and how many of them come out right.

PEERS            each takes a network and taps, and gives a function from images to values
taps             the calls of convolutions, batch norms and ReLUs, in the order in which they run
right            how many values are those of the network without operations in place
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import nnsight
import torch
import torchlens
from torch import nn
from torchlens.options import CaptureOptions
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from deeplocalizer import hooks
from deeplocalizer.hooks import Site

TAPPED = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU)
OPERATIONS = ("conv2d", "batch_norm", "relu")  # the same as TorchLens names them
UNWRAP = CaptureOptions(unwrap_when_done=True)  # else it slows down what is measured after it
Values = dict[Site, torch.Tensor]  # what was not reached is not there
Step = Callable[[torch.Tensor], Values]


@dataclass(frozen=True)
class Peer:
    """A way to the outputs of layers, and what it does with them."""

    name: str
    does: str
    make: Callable[[nn.Module, Sequence[Site]], Step]


def taps(model: nn.Module, images: torch.Tensor) -> list[Site]:
    """Give the calls of convolutions, batch norms and ReLUs, in the order in which they run."""
    return list(_copied(model, images))


def right(found: Values, model: nn.Module, images: torch.Tensor) -> int:
    """Count the values, or their means over space, that are those of the network without operations in place."""
    safe = copy.deepcopy(model)
    for module in safe.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    expected = _copied(safe, images)
    return sum(
        site in found and torch.allclose(_mean(found[site]), _mean(value), rtol=1e-4, atol=1e-4)
        for site, value in expected.items()
    )


def _copied(model: nn.Module, images: torch.Tensor) -> Values:
    values: Values = {}

    def visit(site: Site, output: torch.Tensor) -> None:
        values[site] = output.clone()

    places = {name: module for name, module in model.named_modules() if isinstance(module, TAPPED)}
    with torch.inference_mode(), hooks.visiting(places, visit):
        model(images)
    return values


def _mean(values: torch.Tensor) -> torch.Tensor:
    return values.mean((2, 3)) if values.ndim == 4 else values


def _kept(values: torch.Tensor) -> torch.Tensor:
    return values


def plain_hooks(reduce: Callable[[torch.Tensor], torch.Tensor], model: nn.Module, sites: Sequence[Site]) -> Step:
    """Hooks as most people write them: a dictionary by module, in which a later call replaces an earlier one."""
    last = {site.name: site for site in sites}

    def step(images: torch.Tensor) -> Values:
        values: Values = {}
        handles = []
        for name, site in last.items():

            def hook(module: nn.Module, _: object, output: torch.Tensor, site: Site = site) -> None:
                values[site] = reduce(output)

            handles.append(model.get_submodule(name).register_forward_hook(hook))
        try:
            model(images)
        finally:
            for handle in handles:
                handle.remove()
        return values

    return step


def torchvision_extractor(
    reduce: Callable[[torch.Tensor], torch.Tensor], model: nn.Module, sites: Sequence[Site]
) -> Step:
    """A rewritten graph; a second call has ``_1`` at its end."""
    nodes = {f"{site.name}_{site.call}" if site.call else site.name: site for site in sites}
    known = set(get_graph_node_names(model)[1])
    extractor = create_feature_extractor(model, return_nodes=[node for node in nodes if node in known])
    return lambda images: {nodes[node]: reduce(value) for node, value in extractor(images).items()}


def nnsight_trace(model: nn.Module, sites: Sequence[Site]) -> Step:
    """The mean of each module's first output, taken inside the trace."""
    wrapped = nnsight.NNsight(model)
    first = [site for site in sites if site.call == 0]
    envoys = [wrapped.get(site.name) for site in first]

    def step(images: torch.Tensor) -> Values:
        with wrapped.trace(images):
            values = nnsight.save([envoy.output.mean((2, 3)) for envoy in envoys])
        return dict(zip(first, values, strict=True))

    return step


def torchlens_selected(model: nn.Module, sites: Sequence[Site]) -> Step:
    """The outputs of the tapped operations only."""
    first, *others = (torchlens.func(name) for name in OPERATIONS)
    for other in others:
        first = first | other

    def step(images: torch.Tensor) -> Values:
        return _in_order(torchlens.trace(model, images, save=first, capture=UNWRAP), sites)

    return step


def torchlens_all(model: nn.Module, sites: Sequence[Site]) -> Step:
    """The outputs of every operation."""
    return lambda images: _in_order(torchlens.trace(model, images, capture=UNWRAP), sites)


def _in_order(trace: torchlens.Trace, sites: Sequence[Site]) -> Values:
    """Match operations with sites: both stand in the order in which they ran."""
    wanted = [op for op in trace.ops if (op.func_name or "").rstrip("_") in OPERATIONS]
    return {site: op.out for site, op in zip(sites, wanted, strict=True)}


PEERS = (
    Peer("plain hooks", "keeps references to maps", lambda model, sites: plain_hooks(_kept, model, sites)),
    Peer("plain hooks, mean", "reduces in the hook", lambda model, sites: plain_hooks(_mean, model, sites)),
    Peer(
        "torchvision extractor",
        "keeps references to maps",
        lambda model, sites: torchvision_extractor(_kept, model, sites),
    ),
    Peer(
        "torchvision extractor, mean",
        "keeps maps, reduces afterwards",
        lambda model, sites: torchvision_extractor(_mean, model, sites),
    ),
    Peer("nnsight, mean", "reduces in the trace", nnsight_trace),
    Peer("TorchLens, selected", "copies maps of these layers", torchlens_selected),
    Peer("TorchLens, all", "copies maps of every operation", torchlens_all),
)
