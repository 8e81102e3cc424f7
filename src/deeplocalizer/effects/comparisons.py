"""What is asked about each localizer: harm, and how it compares with that of controls.

intact           the network as it is
of_localizer     a localizer's mask by itself, and against other controls
dissociation     a localizer's mask against another one
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deeplocalizer.effects.asking import Key, Request
from deeplocalizer.effects.meaning import UNTOUCHED, bounds, matched
from deeplocalizer.effects.sample import Sample


def intact(sample: Sample) -> list[Request]:
    """Ask for the outcomes of the network as it is, of which some are what they are by definition."""
    asked = []
    for name in sample.outcomes:
        column = sample.level(name, sample.runs.intact)
        value = UNTOUCHED.get(name)
        if value is not None and (column != value).any():
            raise ValueError(
                f"{name} of the intact network is {value:g} by definition; given is {column[column != value][0]}"
            )
        asked.append(Request(Key("intact"), name, column, bounds(name, "level"), fixed=value is not None))
    return asked


def of_localizer(sample: Sample, localizer: str, settings: Mapping[str, Any]) -> list[Request]:
    """Ask about a mask by itself, and against every kind of controls but the random ones that p-values come from."""
    target = sample.runs.target(localizer)
    others = [kind for kind in sample.runs.kinds(localizer) if kind != matched(settings)]
    asked = []
    for name in sample.outcomes:
        level, harm = sample.level(name, target), sample.harm(name, target)
        asked.append(Request(Key("ablated", localizer), name, level, bounds(name, "level")))
        # what the intact network has by definition, any mask can only worsen: there is nothing to test
        tested = name not in UNTOUCHED
        asked.append(Request(Key("harm", localizer), name, harm, bounds(name, "harm"), tested=tested))
        for kind in others:
            less = sample.harms(name, sample.runs.controls(localizer, kind)).mean(axis=0)
            key, room = Key("against", localizer, kind), bounds(name, "difference")
            asked.append(Request(key, name, harm - less, room, tested=True, gated=True))
    return asked + [_scaled(one) for one in asked if one.key.kind == "harm" and _scalable(sample, one)]


def dissociation(sample: Sample, one: str, other: str) -> list[Request]:
    """Ask how much more a mask harms than another one does."""
    mine, yours = sample.runs.target(one), sample.runs.target(other)
    asked = [
        Request(
            Key("dissociation", one, other),
            name,
            sample.harm(name, mine) - sample.harm(name, yours),
            bounds(name, "difference"),
            tested=True,
            gated=True,
        )
        for name in sample.outcomes
    ]
    return asked + [_scaled(request) for request in asked if _scalable(sample, request)]


def _scalable(sample: Sample, request: Request) -> bool:
    return sample.scalable and request.outcome == "correct"


def _scaled(request: Request) -> Request:
    return replace(request, key=request.key._replace(scale="scaled"))
