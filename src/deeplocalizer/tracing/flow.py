"""What flows where in a forward pass.

operations       the operations that depend on the stimulus
edges            which layers feed which
Flow             where each tensor of a pass comes from
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as modules

from deeplocalizer.hooks import Done, Operation, Place, Site, follow, hookable, visiting
from deeplocalizer.hooks.structures import memory, tensors

STIMULUS = Site("", 0)


class Flow:
    """Where each tensor of a pass comes from: the last marked sites before it.

    Parameters
    ----------
    stimuli : Tensor
        What goes in.
    """

    def __init__(self, stimuli: torch.Tensor) -> None:
        self._of_tensor: dict[int, frozenset[Site]] = {id(stimuli): frozenset([STIMULUS])}
        self._written: dict[int, frozenset[Site]] = {}  # by memory: what operations in place brought in
        self._held: list[Any] = [stimuli]  # an id means something only while its tensor lives

    def origin(self, value: Any) -> frozenset[Site]:
        """Give the sites that a tensor, or all tensors in a structure, come from."""
        found: frozenset[Site] = frozenset()
        for tensor in tensors(value):
            found |= self._of_tensor.get(id(tensor), frozenset()) | self._written.get(_memory(tensor), frozenset())
        return found

    def mark(self, value: Any, origin: frozenset[Site]) -> None:
        """Say where the tensors in a structure come from."""
        for tensor in tensors(value):
            self._held.append(tensor)
            self._of_tensor[id(tensor)] = origin
            memory = _memory(tensor)
            if memory in self._written and tensor.nbytes == tensor.untyped_storage().nbytes():
                self._written[memory] = origin  # all of it: whoever sees it in another shape sees this

    def pass_on(self, done: Done) -> frozenset[Site]:
        """Follow one operation; give where its result comes from."""
        arguments, named = done.inputs
        origin = self.origin([*arguments, *named.values()])
        if done.in_place or "out" in named:
            for tensor in tensors(named.get("out", arguments[0] if arguments else None)):
                self._held.append(tensor)
                self._written[_memory(tensor)] = self._written.get(_memory(tensor), frozenset()) | origin
        self.mark(done.result, origin)
        return origin


def operations(model: nn.Module, example: torch.Tensor) -> list[str]:
    """Name the operations of a forward pass that depend on the stimulus and give real numbers.

    Parameters
    ----------
    model : Module
    example : Tensor
        A batch.

    Returns
    -------
    list of str
        In the order in which they run, each once; those inside modules of PyTorch's own are not places.
    """
    names: dict[str, None] = {}
    flow = Flow(example)

    def act(done: Done) -> None:
        real = any(tensor.is_floating_point() for tensor in tensors(done.result))
        if flow.pass_on(done) and real and not done.inner:
            names[done.name] = None

    with torch.no_grad(), _scripted(model, flow), follow(model, act):
        model(example)
    return list(names)


def edges(
    model: nn.Module, places: Mapping[str, Place], sites: list[Site], example: torch.Tensor
) -> list[tuple[Site, Site]]:
    """Say which layers feed which, through whatever lies between them.

    Parameters
    ----------
    model : Module
    places : mapping of Module or Operation
    sites : list of Site
        The layers, in places.
    example : Tensor
        A batch.

    Returns
    -------
    list of (Site, Site)
        From, to; in the order in which the later ones run.
    """
    flow = Flow(example)
    found: dict[tuple[Site, Site], None] = {}
    marked = set(sites)

    def visit(site: Site, output: torch.Tensor) -> None:
        if site not in marked:
            return
        for source in sorted(flow.origin(output), key=str):
            if source not in (STIMULUS, site):
                found[source, site] = None
        flow.mark(output, frozenset([site]))

    def act(done: Done) -> None:
        flow.pass_on(done)

    modules = {name: place for name, place in places.items() if not isinstance(place, Operation)}
    others = {name: place for name, place in places.items() if isinstance(place, Operation)}
    # of two that hear of an operation, the one that came last calls the other before it acts itself
    with torch.no_grad(), _scripted(model, flow), follow(model, act), visiting(others, visit), visiting(modules, visit):
        model(example)
    return list(found)


@contextlib.contextmanager
def _scripted(model: nn.Module, flow: Flow) -> Iterator[None]:
    """Follow modules whose operations cannot be: what they give comes from what they got."""

    def hook(_: nn.Module, inputs: Any, output: Any) -> None:
        if not flow.origin(output):
            flow.mark(output, flow.origin(list(inputs)))

    barred = set(model.modules()) - set(hookable(model).values())

    def hook_scripted(module: nn.Module, inputs: Any, output: Any) -> None:
        if module in barred:
            hook(module, inputs, output)

    with contextlib.ExitStack() as stack:
        if barred:  # a hook of their own is refused
            stack.callback(modules.register_module_forward_hook(hook_scripted).remove)
        for module in model.modules():
            if module in barred:
                continue
            if not any(module.children()) or isinstance(module, torch.jit.ScriptModule):
                stack.callback(module.register_forward_hook(hook).remove)
        yield


def _memory(tensor: torch.Tensor) -> int:
    place = memory(tensor)
    return -id(tensor) if place is None else place
