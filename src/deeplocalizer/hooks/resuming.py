"""Resume a forward pass where it was left: what ran before a start is not computed again.

DivergedError    a network called other modules than before
ChangedError     a network changed what was kept of it
Kept             what the calls of some prefixes gave
keeping          keep what they give, while a network runs
resuming         hand it out in their place, for as long as the context lasts

No graph is traced: modules are called as ever, but those of the prefix hand out what they gave before. Conditions: the
network calls the same modules in the same order for the same stimuli, and what a module leaves anywhere but in its
output and its arguments is not used by others. Whoever resumes checks that it gives the same numbers.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from deeplocalizer.hooks.prefixes import Prefix, Step
from deeplocalizer.hooks.sites import disturbing, hookable
from deeplocalizer.hooks.structures import mapped, tensors


class DivergedError(ValueError):
    """A network called other modules than before."""


class ChangedError(DivergedError):
    """A network changed what was kept of it."""


class Kept:
    """What the calls of some prefixes gave in one pass.

    Raises
    ------
    ChangedError
        From `refuse_changed`, if someone changed it.
    """

    def __init__(self, prefixes: Sequence[Prefix]) -> None:
        handed = [step for one in prefixes for step in one.steps if step.handed]
        self._needed = {step.call: step.changed for step in handed if step.needed}
        self._calls = {step.call for step in handed}
        self._outputs: dict[int, Any] = {}
        self._versions: dict[int, list[int]] = {}
        self._sums: dict[int, list[torch.Tensor]] = {}

    def take(self, call: int, output: Any) -> None:
        """Keep what a call gave: a copy of what is changed later, only the shape of what nobody reads."""
        if call not in self._calls:
            return
        if call not in self._needed:
            self._outputs[call] = mapped(output, _hollow)
            return
        self._outputs[call] = mapped(output, torch.clone) if self._needed[call] else output
        self._versions[call] = [one._version for one in tensors(self._outputs[call])]
        self._sums[call] = [_sum(one) for one in tensors(self._outputs[call])]

    def give(self, step: Step, changes: Sequence[Callable[[torch.Tensor], torch.Tensor]] | None) -> Any:
        """Hand out what a call gave; with changes, such as to repeat its rows, one for each tensor."""
        if changes is not None:
            following = iter(changes)
            return mapped(self._outputs[step.call], lambda one: next(following)(one))
        return mapped(self._outputs[step.call], _copied if step.changed and step.needed else _same)

    def refuse_changed(self, steps: Sequence[Step] | None = None) -> None:
        """Refuse to go on when what is kept is no longer what it was.

        Versions count most changes; those by ``x.data`` or through NumPy show in the sums, of some steps or of all.
        """
        for call, versions in self._versions.items():
            if [one._version for one in tensors(self._outputs[call])] != versions:
                raise ChangedError("the network changes in place what it did not change before")
        for call in self._sums if steps is None else [step.call for step in steps if step.call in self._sums]:
            sums = [_sum(one) for one in tensors(self._outputs[call])]
            if not all(torch.equal(*pair) for pair in zip(sums, self._sums[call], strict=True)):
                raise ChangedError("the network changes what a module gave behind the back of PyTorch's counter")


@contextlib.contextmanager
def keeping(model: nn.Module, prefixes: Sequence[Prefix]) -> Iterator[Kept]:
    """Keep what the calls of some prefixes give, while a network runs once.

    Raises
    ------
    DivergedError
        If it calls other modules than those of the history.
    """
    kept = Kept(prefixes)
    expected = prefixes[0].calls if prefixes else []
    stack: list[int] = []
    begun = 0

    def enter(module: nn.Module, _: Any) -> None:
        nonlocal begun
        _refuse_other(module, expected[begun] if begun < len(expected) else None)
        stack.append(begun)
        begun += 1

    def leave(module: nn.Module, _: Any, output: Any) -> None:
        kept.take(stack.pop(), output)

    with contextlib.ExitStack() as hooks:
        for module in hookable(model).values() if prefixes else ():
            hooks.callback(module.register_forward_pre_hook(enter).remove)
            hooks.callback(module.register_forward_hook(leave, prepend=True).remove)
        yield kept
    if begun != len(expected):
        raise DivergedError(f"the network called {begun} modules where it called {len(expected)} before")
    kept.refuse_changed()


@contextlib.contextmanager
def resuming(
    chosen: Prefix,
    kept: Kept,
    counts: Counter[str],
    changes: Callable[[int], Sequence[Callable[[torch.Tensor], torch.Tensor]]] | None = None,
) -> Iterator[None]:
    """Hand out what a prefix gave, for as long as the context lasts: one forward pass.

    Parameters
    ----------
    chosen : Prefix
    kept : Kept
    counts : Counter of str
        As `visiting` yields it: places inside of what is not computed count as having run.
    changes : callable, optional
        For the number of a call, how each of its tensors is changed before it is handed out.

    Raises
    ------
    DivergedError
        If the network calls other modules than before.
    """
    steps = iter(chosen.steps)
    armed: Step | None = None

    def arrive(module: nn.Module, _: Any) -> None:
        nonlocal armed
        step = next(steps, None)
        if step is not None:
            _refuse_other(module, step.module)
            armed = step if step.handed else None

    def stand_in(original: Callable[..., Any]) -> Callable[..., Any]:
        def forward(*args: Any, **kwargs: Any) -> Any:
            nonlocal armed
            step, armed = armed, None
            if step is None:
                return original(*args, **kwargs)
            counts.update(step.inside)
            with disturbing():
                return kept.give(step, None if changes is None else changes(step.call))

        return forward

    with contextlib.ExitStack() as stack:
        for module in dict.fromkeys(step.module for step in chosen.steps):
            stack.callback(module.register_forward_pre_hook(arrive).remove)
        for module in dict.fromkeys(step.module for step in chosen.steps if step.handed):
            stack.enter_context(_forward(module, stand_in(module.forward)))
        yield
    kept.refuse_changed(chosen.steps)


@contextlib.contextmanager
def _forward(module: nn.Module, stand_in: Callable[..., Any]) -> Iterator[None]:
    """Put a function in the place of a module's forward method, and leave all as it was."""
    own = module.__dict__.get("forward")
    module.__dict__["forward"] = stand_in
    try:
        yield
    finally:
        if own is None:
            del module.__dict__["forward"]
        else:
            module.__dict__["forward"] = own


def _refuse_other(module: nn.Module, expected: nn.Module | None) -> None:
    if module is not expected:
        before = "none" if expected is None else type(expected).__name__
        raise DivergedError(f"the network calls a {type(module).__name__} where it called {before} before")


def _sum(one: torch.Tensor) -> torch.Tensor:
    """Sum a tensor up in as many bits as there are; what is not a number counts as 0."""
    if one.is_complex():
        one = torch.view_as_real(one.resolve_conj())
    wide = torch.float32 if one.device.type == "mps" else torch.float64
    with disturbing():
        return one.detach().sum(dtype=wide).nan_to_num()


def _hollow(one: torch.Tensor) -> torch.Tensor:
    """Give a tensor of that shape without memory: not a number, so that nobody reads it unnoticed."""
    return one.new_full((), torch.nan).expand(one.shape) if one.is_floating_point() else one


def _copied(one: torch.Tensor) -> torch.Tensor:
    return one.clone()


def _same(one: torch.Tensor) -> torch.Tensor:
    return one
