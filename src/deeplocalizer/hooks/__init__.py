"""The one hook core: everything that reads or writes an output inside a network goes through it.

sites            places and sites, and a visit to every tensor of an output
visiting         call a visitor on every output of some places, for as long as the context lasts
operations       follow every operation of a forward pass, also those that are no modules
patterns         the places that match a pattern

A place is a module, or an operation such as ``+`` or ``torch.cat``, named by the module that it runs in:
``layer1.0.add()``. A visitor is called right after its place, before anything can overwrite the output in place; it
must reduce or copy what it wants to keep. What it returns replaces the output; None leaves it. The caller's gradient
mode is kept. Visitors see axes in one order, whatever that of the place: (stimulus, channel, y, x) and (stimulus,
token, channel).
"""

from deeplocalizer.hooks.operations import Done, follow
from deeplocalizer.hooks.patterns import find, matches, places, rank, wide
from deeplocalizer.hooks.sites import Operation, Place, Site, Visitor, parts, turn
from deeplocalizer.hooks.visiting import every_module_called, visiting, watching

__all__ = [
    "Done",
    "Operation",
    "Place",
    "Site",
    "Visitor",
    "every_module_called",
    "find",
    "follow",
    "matches",
    "parts",
    "places",
    "rank",
    "turn",
    "visiting",
    "watching",
    "wide",
]
