"""The history of a forward pass: which module calls there were, and who used what they gave.

Call             one call of a module
Use              one function that was called on tensors
History          the calls, the uses and the sites of one pass
history          take it down while a network runs

Memory tells who uses what: the place of a tensor's storage. All outputs are held until the history is done, so that no
place is taken twice; run it on a few stimuli.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from deeplocalizer.hooks.operations import Done, follow
from deeplocalizer.hooks.sites import Place, Site, disturbing, hookable
from deeplocalizer.hooks.structures import mapped, memory, tensors
from deeplocalizer.hooks.visiting import visiting

ABOUT = {"size", "shape", "dim", "ndim", "dtype", "device"}  # what asks for these sees no number in a tensor


@dataclass(eq=False)
class Call:
    """One call of a module.

    Parameters
    ----------
    module : Module
    parent : Call, optional
        The call that it ran in.
    begin, end : int
        When it began and ended, in steps of the pass; infinite while it runs.
    inside : Counter of str
        How often each place ran inside it.
    shapes : list
        Shapes of the tensors that it gave.
    given : set of int
        Their storages.
    altered : set of int
        Storages of its arguments that it changed in place.
    changed : bool
        What it gave was changed in place later.
    plain : bool
        What it gave can be built anew; see `structures.mapped`.
    """

    module: nn.Module
    parent: Call | None
    begin: int
    end: float = math.inf
    inside: Counter[str] = field(default_factory=Counter)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    given: set[int] = field(default_factory=set)
    altered: set[int] = field(default_factory=set)
    changed: bool = False
    plain: bool = False


@dataclass(frozen=True)
class Use:
    """One function that was called on tensors: when, in which module call, and their storages."""

    time: float
    call: Call | None
    storages: set[int]


@dataclass(frozen=True, eq=False)
class History:
    """One forward pass.

    Parameters
    ----------
    calls : list of Call
        In the order in which they began.
    uses : list of Use
        The last one is that of whoever called the network.
    sites : dict
        When each site was visited, half a step after the call that it belongs to.
    output : object
        What the network gave.
    shapes : dict
        Of what each site gave, with the batch.
    known : bool
        Whether it could be told where all tensors lie: sparse ones, and those inside of `torch.vmap`, have no storage.
    """

    calls: list[Call]
    uses: list[Use]
    sites: dict[Site, float]
    output: Any
    shapes: dict[Site, tuple[int, ...]] = field(default_factory=dict)
    known: bool = True


def history(
    model: nn.Module, places: Mapping[str, Place], run: Callable[[], Any], turned: Container[Site] = ()
) -> History:
    """Take down the history of a forward pass.

    Parameters
    ----------
    model : Module
    places : mapping of Module or Operation
    run : callable
        Runs the network once, without gradients: tensors count their changes then.
    turned : container of Site
        As `visiting` takes them.
    """
    clerk = _Clerk()
    with visiting(places, clerk.visit, turned) as counts, follow(model, clerk.note), clerk.at_work(model, counts):
        output = run()
    return clerk.finish(output)


class _Clerk:
    """Write the history down."""

    def __init__(self) -> None:
        self._now = 0
        self._calls: list[Call] = []
        self._stack: list[tuple[Call, Counter[str], list[tuple[torch.Tensor, int]]]] = []
        self._uses: list[Use] = []
        self._sites: dict[Site, float] = {}
        self._shapes: dict[Site, tuple[int, ...]] = {}
        self._known = True
        self._held: list[tuple[Call | None, list[torch.Tensor], list[int]]] = []

    @contextlib.contextmanager
    def at_work(self, model: nn.Module, counts: Counter[str]) -> Iterator[None]:
        """Listen to every module; this ends a call before its own output is visited."""

        # what these look at is no use of it
        @disturbing()
        def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
            parent = self._stack[-1][0] if self._stack else None
            call = Call(module, parent, self._step())
            self._calls.append(call)
            inputs = tensors([args, kwargs])
            self._held.append((None, inputs, []))
            self._stack.append((call, counts.copy(), [(one, one._version) for one in inputs]))

        @disturbing()
        def leave(module: nn.Module, _: Any, output: Any) -> None:
            call, before, inputs = self._stack.pop()
            call.end = self._step()
            call.inside = counts - before
            given = tensors(output)
            call.shapes = [tuple(one.shape) for one in given]
            call.given = self._storages(given)
            call.altered = self._storages(one for one, version in inputs if one._version != version)
            call.plain = _plain(output)
            self._held.append((call, given, [one._version for one in given]))

        with contextlib.ExitStack() as stack:
            for module in hookable(model).values():
                stack.callback(module.register_forward_pre_hook(enter, with_kwargs=True).remove)
                stack.callback(module.register_forward_hook(leave, prepend=True).remove)
            yield

    def visit(self, site: Site, output: torch.Tensor) -> None:
        self._sites[site] = self._now + 0.5
        self._shapes[site] = tuple(output.shape)

    def note(self, done: Done) -> None:
        if done.name.rpartition(".")[2].removesuffix("()") not in ABOUT:
            self._use(self._step(), tensors(list(done.inputs)))

    def finish(self, output: Any) -> History:
        self._stack.clear()
        self._use(math.inf, tensors(output))
        for call, given, versions in self._held:
            if call is not None:
                call.changed = [one._version for one in given] != versions
        return History(self._calls, self._uses, self._sites, output, self._shapes, self._known)

    def _use(self, time: float, used: list[torch.Tensor]) -> None:
        self._uses.append(Use(time, self._stack[-1][0] if self._stack else None, self._storages(used)))

    def _storages(self, some: Iterable[torch.Tensor]) -> set[int]:
        places = {memory(one) for one in some}
        self._known &= None not in places
        return {place for place in places if place is not None}

    def _step(self) -> int:
        self._now += 1
        return self._now


def _plain(output: Any) -> bool:
    try:
        mapped(output, lambda one: one)
    except TypeError:
        return False
    return True
