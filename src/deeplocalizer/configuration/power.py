"""Numbers of controls and of resamples, held against the level that a study wants to reach.

controls         random masks for each localizer, for each step of a series and for each further value
resamples        bootstrap samples and permutations
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from deeplocalizer.configuration.sections import Configuration, section
from deeplocalizer.configuration.spelling import flow, value_text
from deeplocalizer.configuration.words import Problem
from deeplocalizer.reach import least_controls


def controls(configuration: Configuration) -> Iterator[Problem]:
    """Refuse so few controls that the smallest possible p misses the level of the family."""
    settings = section(configuration, "ablation") or {}
    inference = section(configuration, "inference") or {}
    alpha, adjust = inference.get("alpha"), inference.get("adjust")
    family = len(section(configuration, "localizers") or ())
    if alpha is None or adjust is None or not family:
        return
    yield from _too_few("controls", settings.get("controls"), alpha, family, adjust)
    if settings.get("values"):  # each is a study of its own, over the same family
        yield from _too_few("series_controls", settings.get("series_controls"), alpha, family, adjust)
    elif any(settings.get(key) for key in ("fractions", "keep", "layers")):
        yield from _too_few("series_controls", settings.get("series_controls"), alpha, 1, adjust)


def _too_few(key: str, number: Any, alpha: float, family: int, adjust: str) -> Iterator[Problem]:
    least = least_controls(alpha, family, adjust)
    if number is not None and number < least:
        smallest = f"1/{number + 1} = {1 / (number + 1):.2g}"
        given = f"got {value_text(number)}, with which no p can be smaller than {smallest}"
        comparisons = "1 localizer" if family == 1 else f"{family} localizers"
        fewer = " or fewer localizers" if family > 1 and adjust == "holm" else ""
        hint = f"A higher inference.alpha{fewer} would need fewer controls."
        allowed = f"at least {least}, to reach inference.alpha {flow(alpha)} over {comparisons}"
        yield Problem(("ablation", key), given, allowed, hint)


def resamples(configuration: Configuration) -> Iterator[Problem]:
    """Refuse so few resamples that no p can reach the level, or no quantile the ends of an interval."""
    settings = section(configuration, "inference") or {}
    resamples, alpha, confidence = (settings.get(key) for key in ("resamples", "alpha", "confidence"))
    if resamples is None or alpha is None or confidence is None:
        return
    least = max(math.ceil(1 / Fraction(repr(alpha))), math.ceil(10 / (1 - Fraction(repr(confidence)))))
    if resamples < least:
        allowed = (
            f"at least {least}, to reach inference.alpha {flow(alpha)} and inference.confidence {flow(confidence)}"
        )
        yield Problem(("inference", "resamples"), f"got {value_text(resamples)}", allowed)
