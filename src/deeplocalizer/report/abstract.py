"""A study in a paragraph.

write            the abstract of the report
"""

from __future__ import annotations

from deeplocalizer import summaries
from deeplocalizer.report import claims, confounding, limits, networks, robustness, sentences, wording
from deeplocalizer.report.claims import Advantage, Dissociation, Finding, Verdict
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, count, listed, name, percent, points

FEW = 100  # independent test stimuli; below, the abstract says that intervals are wide


def write(study: Study) -> str:
    """Tell the study in a paragraph of Markdown."""
    shown = sentences.categories(list(study.config["stimuli"]["categories"]))
    use = "does the network need them" if study.config["tasks"] else "do its decisions depend on them"
    told = [
        f"Which units of a network prefer one kind of stimulus, and {use}? "
        f"{len(study.stimuli):,} images of {shown} were shown to "
        f"{listed(_network(study, model) for model in study.models)}."
    ]
    told += [part for part in [confounding.brief(study)] if part]
    twins = {model.settings.get("untrained") for model in study.models if model.robustness is not None}
    # what becomes of a result in an untrained twin is told with the result
    told += [_found(study, model) for model in study.models if model.name not in twins]
    number = limits.fewest(study)
    if 0 < number < FEW:
        few = count(number, "independent test stimulus", "independent test stimuli")
        told.append(f"With as few as {few}, intervals are wide.")
    return " ".join(told)


def _network(study: Study, model: Model) -> str:
    return f"the network {code(model.name)} ({networks.introduced(study, model)})"


def _found(study: Study, model: Model) -> str:
    """Tell what was found in one model."""
    selected = summaries.selection(model.masks)["selected"].sum("place")
    held = {one: int(selected.sel(localizer=one)) for one in study.config["localizers"]}
    sizes = listed(
        f"the {f'{number:,} that' if number > 1 else 'one that'} {_preference(study, one, number)}"
        for one, number in held.items()
    )
    units = count(model.units, "unit")
    whose = f"its {units}" if len(study.models) == 1 else f"the {units} of {code(model.name)}"
    done = "kept, and all others replaced" if study.config["ablation"]["value"] == "keep" else "silenced"
    told = [f"Of {whose}, {sizes} {'was' if [*held.values()] == [1] else 'were'} {done}."]
    before = ""
    for claim in sentences.leading(study, model):
        again = study.measure(claim.task) == "kept" and claim.localizer == before
        told.append(_harm(study, claim, again))
        before = claim.localizer
    pairs = study.config["dissociations"]
    told += [_verdict(study, claims.dissociation(study, model.effects, pair)) for pair in pairs]
    return " ".join(part for part in [*told, robustness.brief(study, model)] if part)


def _preference(study: Study, localizer: str, number: int) -> str:
    """Say what the units of a localizer respond to, and how they rank in that."""
    settings = study.config["localizers"][localizer]
    s = "s" if number == 1 else ""
    if settings["sign"] == "absolute":
        sides = study.config["contrasts"][settings["contrast"]]
        one, other = (sentences.categories(sides[side]) for side in ("preferred", "other"))
        does, doing = f"tell{s} {one} from {other}", f"telling {one} from {other}"
    else:
        preferred = sentences.categories(sentences.preferred_by(study, localizer))
        does, doing = f"prefer{s} {preferred}", f"preferring {preferred}"
    layers = " in their layers" if settings["scope"] != "network" else ""
    if settings.get("percentile"):
        low, high = (f"{end:g}" for end in settings["percentile"])
        return f"rank{s} from percentile {low} to {high}{layers} in {doing}"
    return does if settings.get("q") is not None else f"{does} most{layers}"


def _harm(study: Study, claim: Advantage, again: bool = False) -> str:
    """Say what silencing a localizer's units did, perhaps after a sentence about the same units."""
    mask, task = f"*{name(claim.localizer)}*", sentences.asked(study, claim.task)
    if claim.finding is Finding.UNABLE:
        return f"{sentences.unable(study, claim.task)}, so nothing is claimed about the {mask} units and {task}."
    if not claim.complete or claim.harm is None:
        return f"For the {mask} units and {task} there is no number."
    compared = sentences.against(study, claim, "as many random units")
    if study.measure(claim.task) == "kept":
        did = f"the decision changed for {percent(claim.harm.estimate)} of {task}"
    else:
        did = f"balanced accuracy in {task} {sentences.went(claim, ('fell', 'rose', 'stayed'))}"
    numbers = f"{points(claim.advantage)}, {wording.p(claim.p)}"
    if claim.finding is Finding.SPECIFIC and claim.advantage is not None and claim.advantage.low <= 0:
        numbers += "; the interval includes zero"
    if again:
        return f"Of {task}, it changed for {percent(claim.harm.estimate)}: {compared} (difference {numbers})."
    return f"{sentences.lacking(study, f'{mask} units')}, {did}: {compared} (difference {numbers})."


def _verdict(study: Study, claim: Dissociation) -> str:
    """Say whether two localizers doubly dissociate."""
    one, other = (f"*{name(side.localizer)}*" for side in claim.sides)
    if claim.verdict is Verdict.DOUBLE:
        worse = max(effect.p for effect in (claim.raw, claim.scaled) if effect is not None)
        return f"The {one} and {other} units doubly dissociate ({wording.p(worse)})."
    holding = [f"*{name(side.localizer)}*" for side in claim.sides if side.holds(study.alpha)]
    reason = {
        Verdict.UNAVAILABLE: "there is no number on it",
        Verdict.UNABLE: "it cannot be tested, because the network is not shown to do both tasks",
        Verdict.ONE_SCALE: "it holds on one scale only",
        Verdict.UNSCALED: "it holds in percentage points, but there is no number on shares of what is above chance",
        Verdict.SINGLE: f"only the {listed(holding)} units are shown to harm their own task more than the others do",
        Verdict.NONE: "each set of units harms its own task less than the other does"
        if all(side.reversed for side in claim.sides)
        else "neither set of units is shown to harm its own task more than the other does",
    }[claim.verdict]
    return f"No double dissociation of {one} and {other} units is claimed: {reason}."
