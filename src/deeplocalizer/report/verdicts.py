"""Whether two localizers doubly dissociate, in Markdown.

verdict          a title and a paragraph
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from deeplocalizer.report import sentences, wording
from deeplocalizer.report.claims import Dissociation, Side, Verdict
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import level, name, points

LARGER = "each the larger of two"


def verdict(study: Study, claim: Dissociation) -> tuple[str, str]:
    """Say whether two localizers doubly dissociate.

    Returns
    -------
    title, text : str
    """
    one, other = (f"*{name(side.localizer)}*" for side in claim.sides)
    if claim.verdict is Verdict.UNAVAILABLE:
        title = f"There is no number on a double dissociation of {one} and {other} units"
        return title, "Without numbers on both of its comparisons, nothing is claimed."
    if claim.verdict is Verdict.UNABLE:
        told = [_side(study, side) for side in claim.sides if side.able]
        missing = " ".join(f"{sentences.unable(study, side.task)}." for side in claim.sides if not side.able)
        why = f"{missing} What cannot be done cannot be lost."
        return f"A double dissociation of {one} and {other} units cannot be tested", _stated(told, why)
    title = {
        Verdict.DOUBLE: f"The {one} units and the {other} units doubly dissociate",
        Verdict.ONE_SCALE: f"No double dissociation of {one} and {other} units is shown: it holds on one scale only",
        Verdict.UNSCALED: f"No double dissociation of {one} and {other} units is shown: one scale has no number",
        Verdict.SINGLE: f"No double dissociation of {one} and {other} units is shown: one of two comparisons holds",
        Verdict.NONE: f"No dissociation of {one} and {other} units{_instead(claim)}",
    }[claim.verdict]
    return title, _stated([_side(study, side) for side in claim.sides], _conclusion(claim, study.alpha))


def _stated(sides: Sequence[str], conclusion: str) -> str:
    """State halves of a dissociation as a list, and what follows."""
    return "\n".join([*(f"- {side}" for side in sides), "", conclusion])


def _side(study: Study, side: Side) -> str:
    """Say what one half of a dissociation shows."""
    if side.raw is None or not math.isfinite(side.raw.p):
        return f"There is no number on {name(side.task)}."
    how = "does not do demonstrably more harm than"
    if side.raw.p <= study.alpha:
        how = "does more harm than"
    elif side.reversed:
        how = "does less harm, not more, than"
    numbers = f"{points(side.raw)}, {wording.p(side.raw.p)}"
    if side.scaled is not None:
        share, p = level(side.scaled), wording.p(side.scaled.p)
        numbers += f"; as a share of what the intact network has above chance {share}, {p}"
    doing = "keeping nothing but" if study.config["ablation"]["value"] == "keep" else "silencing"
    return (
        f"In {sentences.asked(study, side.task)}, {doing} the *{name(side.localizer)}* units {how} {doing} the "
        f"*{name(side.other)}* units (difference in harm {numbers})."
    )


def _conclusion(claim: Dissociation, alpha: float) -> str:
    """Conclude from both halves."""
    raw, scaled = (math.nan if effect is None else effect.p for effect in (claim.raw, claim.scaled))
    both = f"({wording.p(raw)} raw, {wording.p(scaled)} scaled, {LARGER})"
    if not math.isfinite(scaled):
        told = "Both comparisons hold" if raw <= alpha else "It is not shown that both comparisons hold"
        why = "as a share of what the intact network has above chance, there is no number"
        return (
            f"{told} in percentage points ({wording.p(raw)}, the larger of two); {why}, and a claim needs both scales."
        )
    if claim.verdict is Verdict.DOUBLE:
        return f"Both comparisons hold on both scales {both}."
    if claim.verdict is Verdict.ONE_SCALE:
        scale = "raw performance" if raw <= alpha else "performance as a share of what is above chance"
        return f"Both comparisons hold for {scale} only {both}; that is not enough for a claim."
    if claim.verdict is Verdict.SINGLE:
        return f"A double dissociation needs both comparisons, on both scales {both}."
    turned = ", and both point the other way" if all(side.reversed for side in claim.sides) else ""
    return f"Neither comparison holds on both scales {both}{turned}."


def _instead(claim: Dissociation) -> str:
    """Say what there is instead of a dissociation."""
    return ": each does less harm to its own task" if all(side.reversed for side in claim.sides) else " is shown"
