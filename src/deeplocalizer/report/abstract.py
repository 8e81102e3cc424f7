"""A study in a paragraph.

write            the abstract of the report
"""

from __future__ import annotations

from deeplocalizer import summaries
from deeplocalizer.report import claims, limits, sentences, wording
from deeplocalizer.report.claims import Advantage, Dissociation, Finding, Verdict
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, count, listed, name, percent, points

FEW = 100  # independent test stimuli; below, the abstract says that intervals are wide


def write(study: Study) -> str:
    """Tell the study in a paragraph of Markdown."""
    shown = sentences.categories(list(study.config["stimuli"]["categories"]))
    told = [
        "Which units of a network prefer one kind of stimulus, and does the network need them? "
        f"{len(study.stimuli):,} images of {shown} were shown to "
        f"{listed(_introduced(study, model) for model in study.models)}."
    ]
    told += [_found(study, model) for model in study.models]
    number = limits.fewest(study)
    if number < FEW:
        few = count(number, "independent test stimulus", "independent test stimuli")
        told.append(f"With as few as {few}, intervals are wide.")
    return " ".join(told)


def _introduced(study: Study, model: Model) -> str:
    known = f"architecture {code(model.settings['architecture'])}, {sentences.weights(study, model)}"
    return f"the network {code(model.name)} ({known})"


def _found(study: Study, model: Model) -> str:
    """Tell what was found in one model."""
    selected = summaries.selection(model.masks)["selected"].sum("place")
    sizes = listed(
        f"the {int(selected.sel(localizer=one)):,} that {_preference(study, one)} most"
        for one in study.config["localizers"]
    )
    units = count(model.units, "unit")
    whose = f"its {units}" if len(study.models) == 1 else f"the {units} of {code(model.name)}"
    told = [f"Of {whose}, {sizes} were silenced."]
    told += [_harm(study, claim) for claim in sentences.leading(study, model)]
    pairs = study.config["dissociations"]
    told += [_verdict(study, claims.dissociation(study, model.effects, pair)) for pair in pairs]
    return " ".join(told)


def _preference(study: Study, localizer: str) -> str:
    """Say what the units of a localizer respond to."""
    verb = "prefer or avoid" if study.config["localizers"][localizer]["sign"] == "absolute" else "prefer"
    return f"{verb} {sentences.categories(sentences.preferred_by(study, localizer))}"


def _harm(study: Study, claim: Advantage) -> str:
    """Say what silencing a localizer's units did."""
    mask, task = f"*{name(claim.localizer)}*", name(claim.task)
    if claim.finding is Finding.UNABLE:
        return f"The network does not do {task} to a meaningful degree, so nothing is claimed about its {mask} units."
    if not claim.complete or claim.harm is None:
        return f"For the {mask} units and {task} there is no number."
    compared = sentences.against(study, claim.finding, "as many random units do")
    if study.outcome == "kept":
        did = f"decisions changed for {percent(claim.harm.estimate)} of {task}"
    else:
        did = f"balanced accuracy in {task} {sentences.went(claim, ('fell', 'rose', 'stayed'))}"
    numbers = f"{points(claim.advantage)}, {wording.p(claim.p)}"
    return f"Without the {mask} units, {did}: {compared} (difference {numbers})."


def _verdict(study: Study, claim: Dissociation) -> str:
    """Say whether two localizers doubly dissociate."""
    one, other = (f"*{name(side.localizer)}*" for side in claim.sides)
    if claim.verdict is Verdict.DOUBLE:
        worse = max(effect.p for effect in (claim.raw, claim.scaled) if effect is not None)
        return f"The {one} and {other} units doubly dissociate ({wording.p(worse)})."
    holding = [f"*{name(side.localizer)}*" for side in claim.sides if side.holds(study.alpha)]
    reason = {
        Verdict.UNAVAILABLE: "there is no number on it",
        Verdict.UNABLE: "it cannot be tested, because the network does not do both tasks",
        Verdict.ONE_SCALE: "it holds on one scale only",
        Verdict.SINGLE: f"only the {listed(holding)} units harm their own task more than the others do",
        Verdict.NONE: "neither set of units harms its own task more than the other does",
    }[claim.verdict]
    return f"No double dissociation of {one} and {other} units is claimed: {reason}."
