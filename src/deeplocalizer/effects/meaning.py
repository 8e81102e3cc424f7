"""What effects mean: their kinds, and the values that they can take.

KINDS            what the comparisons are
PERFORMANCE      outcomes that need a true label, and a network that can do the task
UNTOUCHED        outcomes that the intact network has by definition
RANDOM           the kind of the random masks that p-values come from, by what masks are matched in
matched          that kind, as the settings of a study have it
bounds           the lowest and highest value that an outcome, or its change, can take
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deeplocalizer.outcomes import OUTCOMES

KINDS = {
    "intact": "the network as it is",
    "ablated": "the network without the units of the mask",
    "harm": "intact minus ablated (for kl: ablated minus intact); p: paired permutation test, none for "
    "kept and kl, which any mask can only worsen",
    "control": "mean harm of the random control masks; low and high: the spread over the masks",
    "advantage": "harm of the mask minus mean harm of its random controls, that is, its specificity; interval: over "
    "stimuli and controls; p: rank among the controls",
    "against": "harm of the mask minus harm of another control mask, or the mean of several; other: their kind; p: "
    "paired permutation test",
    "dissociation": "harm of the mask minus harm of the other mask; p: paired permutation test",
    "double_dissociation": "the smaller of two dissociations; p: the larger of the two",
}
PERFORMANCE = ("correct", "top5", "margin", "log_likelihood")
UNTOUCHED = {"kept": 1.0, "kl": 0.0}
RANDOM = {"layer": "random", "response": "random_response"}
_SHARES = ("correct", "top5", "kept")
EVERYTHING = (float("-inf"), float("inf"))


def matched(settings: Mapping[str, Any]) -> str:
    """Give the kind of the random masks that p-values come from.

    Parameters
    ----------
    settings : mapping
        ``matching``: ``layer`` (the default) or ``response``.

    Raises
    ------
    ValueError
        If masks cannot be matched so.
    """
    matching = settings.get("matching", "layer")
    if matching not in RANDOM:
        raise ValueError(f"matching is {matching!r}; allowed are {', '.join(RANDOM)}")
    return RANDOM[matching]


def bounds(outcome: str, of: str) -> tuple[float, float]:
    """Give the lowest and the highest value that the mean of an outcome can have.

    Parameters
    ----------
    outcome : str
    of : str
        ``level`` (the outcome itself), ``harm``, or ``difference`` (of two harms).
    """
    if outcome not in OUTCOMES:
        raise ValueError(f"outcome {outcome!r} is unknown; allowed are {', '.join(OUTCOMES)}")
    if outcome == "kl":
        return EVERYTHING if of == "difference" else (0.0, float("inf"))
    if outcome not in _SHARES:
        return EVERYTHING
    # the intact network keeps every label, so a mask can only take away from that
    impossible = of == "level" or (outcome == "kept" and of == "harm")
    return (0.0, 1.0) if impossible else (-1.0, 1.0)
