"""Follow every operation of a forward pass, also those that are no modules.

Done             an operation that has just run
follow           call back after every operation, for as long as the context lasts

PyTorch hands every function that is called on tensors to a mode (`torch.overrides.TorchFunctionMode`): ``F.relu``,
``+``, ``torch.cat``, ``x.add_(y)``, whatever the control flow. What runs below Python is one operation: a scripted
module gives none. Names follow those of torchvision's feature extraction: path of the module whose code calls, then the
function.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from deeplocalizer.hooks.sites import CALLED, hookable, undisturbed


@dataclass(frozen=True)
class Done:
    """An operation that has just run.

    Parameters
    ----------
    name : str
        As `Operation` has it.
    inner : bool
        It runs inside a module of PyTorch's own, such as a convolution, whose output it makes: no place by itself.
    inputs : tuple
        What it was called with: its arguments, then its keyword arguments by name.
    result : object
        What it gave.
    in_place : bool
        Its name says that it changes its first argument.
    """

    name: str
    inner: bool
    inputs: tuple[Sequence[Any], Mapping[str, Any]]
    result: Any
    in_place: bool


@contextlib.contextmanager
def follow(root: nn.Module, act: Callable[[Done], Any]) -> Iterator[None]:
    """Call back after every operation of a network's forward pass, for as long as the context lasts.

    Parameters
    ----------
    root : Module
    act : callable
        Takes a `Done`; what it returns replaces the result, None leaves it.

    Notes
    -----
    The result of an operation in place is replaced in place, so that whoever holds the tensor sees the same.
    """
    trail: list[tuple[str, bool]] = []
    handles = []
    for path, module in hookable(root).items():
        step = (path, _is_leaf(module))

        def enter(module: nn.Module, _: Any, step: tuple[str, bool] = step) -> None:
            trail.append(step)

        def leave(module: nn.Module, _: Any, output: Any, step: tuple[str, bool] = step) -> None:
            if step in trail:  # it is not there where the hook of someone else failed before it was entered
                while trail.pop() != step:
                    pass

        handles.append(module.register_forward_pre_hook(enter))
        handles.append(module.register_forward_hook(leave, always_call=True))
    try:
        with _Follower(trail, act):
            yield
    finally:
        for handle in handles:
            handle.remove()


class _Follower(TorchFunctionMode):
    def __init__(self, trail: Sequence[tuple[str, bool]], act: Callable[[Done], Any]) -> None:
        super().__init__()
        self._trail, self._act = trail, act

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if not self._trail or not undisturbed():
            return result
        path, inner = self._trail[-1]
        name, in_place = _spoken(func)
        changed = _changed(func, args, kwargs, result, in_place)
        result = changed if result is None and changed is not None else result  # x[...] = y gives nothing
        done = Done(f"{path}.{name}{CALLED}" if path else name + CALLED, inner, (args, kwargs), result, in_place)
        replacement = self._act(done)
        if replacement is None:
            return result
        return replacement if changed is None else changed.copy_(replacement)


def _spoken(func: Callable[..., Any]) -> tuple[str, bool]:
    """Name a function as one would say it, and tell whether it changes its first argument."""
    name = func.__name__
    if name == "__get__":  # a property, such as Tensor.T
        return str(getattr(getattr(func, "__self__", None), "__name__", "get")), False
    if name.startswith("__") and name.endswith("__"):
        plain = name.strip("_")
        if plain[0] in "ir" and hasattr(torch.Tensor, f"__{plain[1:]}__"):
            return plain[1:], plain[0] == "i"  # += and the reflected +
        return plain, plain == "setitem"
    return name.strip("_"), name.endswith("_")


def _changed(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any, in_place: bool
) -> torch.Tensor | None:
    """Give the tensor that an operation wrote its result into; None if it made a new one."""
    if isinstance(kwargs.get("out"), torch.Tensor):
        return kwargs["out"]
    given = args[0] if args else kwargs.get("input")
    if not isinstance(given, torch.Tensor):
        return None
    if result is None:
        return given if in_place else None
    # a function that merely hands its argument on, such as dropout at rest, is not in place
    return given if result is given and (in_place or _told_in_place(func, args, kwargs)) else None


def _told_in_place(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Say whether a function such as ``F.relu`` was asked to work in place."""
    if not inspect.isfunction(func):
        return False
    return bool(inspect.signature(func).bind(*args, **kwargs).arguments.get("inplace", False))


def _is_leaf(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.nn.") and not any(module.children())
