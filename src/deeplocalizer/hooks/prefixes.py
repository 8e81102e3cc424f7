"""The module calls of a network that are complete before a start.

Step             a module call before a start
Prefix           all of them
prefix           work them out from the history of a pass
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn

from deeplocalizer.hooks.history import Call, History


@dataclass(frozen=True)
class Step:
    """A module call before a start.

    Parameters
    ----------
    module : Module
    call : int
        Its number among all calls of the pass.
    handed : bool
        It is not computed again.
    needed : bool
        Someone who is computed again reads what it gives.
    changed : bool
        Someone changes that in place.
    inside : Counter of str
        How often each place runs inside it.
    """

    module: nn.Module
    call: int
    handed: bool
    needed: bool
    changed: bool
    inside: Counter[str]


@dataclass(frozen=True, eq=False)
class Prefix:
    """The module calls before a start; what runs inside of one that is handed out is left out.

    Parameters
    ----------
    steps : list of Step
    calls : list of Module
        The modules of all calls of the pass.
    share : float
        The share of the calls of modules without children that is not computed again.
    """

    steps: list[Step]
    calls: list[nn.Module]
    share: float


def prefix(known: History, start: float, refused: Collection[int] = ()) -> Prefix:
    """Work out which module calls are complete before a start.

    Parameters
    ----------
    known : History
    start : float
        When the first site was visited that is to be replaced.
    refused : collection of int
        Numbers of calls that are always computed again.

    Returns
    -------
    Prefix
        Without steps if there is nothing to hand out.
    """
    barred = {call for number, call in enumerate(known.calls) if number in set(refused) or not _fit(call)}
    while True:
        handed = _outermost(known, start, barred)
        inside = _within(known, handed)
        uses = [use for use in known.uses if use.call not in inside]
        # who changes an argument in place is computed again where someone else who is reads that argument
        odd = {call for call in handed if any(use.time > call.begin and use.storages & call.altered for use in uses)}
        if not odd:
            break
        barred |= odd

    def needed(call: Call) -> bool:
        # the last one is visited, and may be replaced in part
        last = start - 0.5 == call.end
        return last or any(use.time > call.end and use.storages & call.given for use in uses)

    steps = [
        Step(call.module, number, call in handed, call in handed and needed(call), call.changed, call.inside)
        for number, call in enumerate(known.calls)
        if call.begin < start and (call in handed or call not in inside)
    ]
    while steps and not steps[-1].handed:
        steps.pop()
    inside = _within(known, {known.calls[step.call] for step in steps if step.handed})
    leaves = [call for call in known.calls if not any(call.module.children())]
    share = sum(call in inside for call in leaves) / max(1, len(leaves))
    return Prefix(steps, [call.module for call in known.calls], share)


def _fit(call: Call) -> bool:
    """Say whether a call can be handed out: not the network itself, and nothing that runs below Python."""
    return call.parent is not None and call.plain and not isinstance(call.module, torch.jit.ScriptModule)


def _outermost(known: History, start: float, barred: Collection[Call]) -> set[Call]:
    """Give the complete calls that are inside no other one."""
    found: set[Call] = set()
    within: set[Call] = set()
    for call in known.calls:
        if call.parent in found or call.parent in within:
            within.add(call)
        elif call.end < start and call not in barred:
            found.add(call)
    return found


def _within(known: History, handed: Collection[Call]) -> set[Call | None]:
    """Give some calls and all that runs inside of them."""
    found: set[Call | None] = set(handed)
    for call in known.calls:
        if call.parent in found and call.parent is not None:
            found.add(call)
    return found
