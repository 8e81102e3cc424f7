"""The one hook core: everything that reads or writes an output inside a network goes through it.

sites            places and sites, and a visit to every tensor of an output
visiting         call a visitor on every output of some places, for as long as the context lasts
history          which module calls a forward pass had, and who used what they gave
prefixes         which of those calls are complete before a start
resuming         hand out what ran before a start, in the place of computing it again
structures       what outputs are made of
operations       follow every operation of a forward pass, also those that are no modules
patterns         the places that match a pattern

A place is a module, or an operation such as ``+`` or ``torch.cat``, named by the module that it runs in:
``layer1.0.add()``. A visitor is called right after its place, before anything can overwrite the output in place; it
must reduce or copy what it wants to keep. What it returns replaces the output; None leaves it. The caller's gradient
mode is kept. Visitors see axes in one order, whatever that of the place: (stimulus, channel, y, x) and (stimulus,
token, channel).
"""

from deeplocalizer.hooks.history import Call, History, history
from deeplocalizer.hooks.operations import Done, follow
from deeplocalizer.hooks.patterns import find, matches, places, rank, wide
from deeplocalizer.hooks.prefixes import Prefix, prefix
from deeplocalizer.hooks.resuming import ChangedError, DivergedError, Kept, keeping, resuming
from deeplocalizer.hooks.sites import Operation, Place, Site, Visitor, hookable, parts, turn
from deeplocalizer.hooks.structures import mapped, tensors
from deeplocalizer.hooks.visiting import Calls, every_module_called, visiting, watching

__all__ = [
    "Call",
    "Calls",
    "ChangedError",
    "DivergedError",
    "Done",
    "History",
    "Kept",
    "Operation",
    "Place",
    "Prefix",
    "Site",
    "Visitor",
    "every_module_called",
    "find",
    "follow",
    "history",
    "hookable",
    "keeping",
    "mapped",
    "matches",
    "parts",
    "places",
    "prefix",
    "rank",
    "resuming",
    "tensors",
    "turn",
    "visiting",
    "watching",
    "wide",
]
