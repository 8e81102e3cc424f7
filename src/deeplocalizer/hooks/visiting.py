"""Visit and watch the outputs of places.

Calls            how often each place ran in a forward pass
visiting         call a visitor on every output of some places, for as long as the context lasts
watching         note what some modules give, for as long as the context lasts
"""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from deeplocalizer.hooks.operations import Done, follow
from deeplocalizer.hooks.sites import Operation, Place, Site, Visitor, disturbing, scripted, turn, visit_parts


class Calls(Counter[str]):
    """How often each place ran in this forward pass, by name."""

    def __call__(self) -> None:
        """Start counting anew."""
        self.clear()


@contextlib.contextmanager
def visiting(places: Mapping[str, Place], visit: Visitor, turned: Container[Site] = ()) -> Iterator[Calls]:
    """Call a visitor on every output of some places.

    Parameters
    ----------
    places : mapping of Module or Operation
        By the name that their sites shall have. A module under several names is visited once, under the first.
    visit : callable
        Takes a `Site` and the tensor; returns a replacement or None.
    turned : container of Site
        Where the place gives its axes in another order: the visitor gets, and gives, tensors as `turn` makes them.

    Yields
    ------
    Calls
        How often each place ran. Call it before each forward pass: it starts counting anew.

    Notes
    -----
    The hooks are gone when the context ends, also after an exception. What the visitor itself computes is not followed.

    Raises
    ------
    ValueError
        If a name holds ``[``, which marks a part of an output, or a place is a scripted module.
    """
    for name in places:
        if "[" in name:
            raise ValueError(f"layer {name!r}: a name must not hold '[', which marks a part of an output")
        if scripted(places[name]):
            raise ValueError(f"layer {name!r} is scripted (torch.jit.script), and PyTorch allows no hooks on it")
    calls = Calls()
    unique = {place: name for name, place in reversed(list(places.items())) if isinstance(place, nn.Module)}
    operations: dict[nn.Module, dict[str, str]] = {}
    for name, place in places.items():
        if isinstance(place, Operation):
            operations.setdefault(place.root, {})[place.name] = name

    def called(name: str, output: Any) -> Any:
        call = calls[name]
        calls[name] += 1
        with disturbing():
            return visit_parts(output, name, call, visit_turned)

    def hook(module: nn.Module, _: Any, output: Any) -> Any:
        return called(unique[module], output)

    def act(names: Mapping[str, str], done: Done) -> Any:
        if done.inner or done.name not in names:
            return None
        return called(names[done.name], done.result)

    def visit_turned(site: Site, output: torch.Tensor) -> torch.Tensor | None:
        if site not in turned:
            return visit(site, output)
        replacement = visit(site, turn(output))
        return None if replacement is None else turn(replacement, back=True)

    with contextlib.ExitStack() as stack:
        stack.enter_context(every_module_called())
        for module in unique:
            stack.callback(module.register_forward_hook(hook).remove)
        for root, names in operations.items():
            stack.enter_context(follow(root, functools.partial(act, names)))
        yield calls


@contextlib.contextmanager
def every_module_called() -> Iterator[None]:
    """Keep PyTorch from its short cut through transformers, for as long as the context lasts.

    It skips modules, and whether it is taken depends on hooks: numbers would depend on who looks.
    """
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextlib.contextmanager
def watching(places: Mapping[str, Place]) -> Iterator[dict[str, str]]:
    """Note what some modules give.

    Parameters
    ----------
    places : mapping of Module or Operation
        Operations are left out: they give tensors.

    Yields
    ------
    dict of str
        Filled while the context lasts: what the last output of each module was, in words, under all of its names.
    """
    gave: dict[str, str] = {}
    names: dict[nn.Module, list[str]] = {}
    for name, place in places.items():
        if isinstance(place, nn.Module):
            names.setdefault(place, []).append(name)

    def hook(module: nn.Module, _: Any, output: Any) -> None:
        kind = type(output).__name__
        gave.update(
            dict.fromkeys(names[module], f"{kind} of {output.dtype}" if isinstance(output, torch.Tensor) else kind)
        )

    with contextlib.ExitStack() as stack:
        for module in names:
            stack.callback(module.register_forward_hook(hook).remove)
        yield gave
