"""What is found, in sentences that follow the numbers. All of them are Markdown.

abstract         the study in a paragraph
stimuli          what was shown
network          what a model is, and what it can do
selectivity      what a contrast finds
selection        what the localizers select
harms            what silencing each localizer's units does
harm             the same for one localizer and one task
leading          the claims that a study is about
verdict          whether two localizers doubly dissociate: a title and a paragraph
limits           what the numbers cannot say
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deeplocalizer import summaries
from deeplocalizer.report import claims, wording
from deeplocalizer.report.claims import Advantage, Dissociation, Finding, Side, Verdict
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import count, level, listed, name, percent, points
from deeplocalizer.stimuli.splits import SPLITS

TRAINED = {"trained": "trained by this study", "untrained": "left at its random initialisation"}
VISIBLE = 0.0005  # a share that does not show as 0.0 %
PAIRS = 3  # localizers whose masks are compared in words
SMALL = 100  # independent test stimuli; below, a report says that there are few


def abstract(study: Study) -> str:
    """Tell the study in a paragraph."""
    told = [
        "Which units of a network prefer one kind of stimulus, and does the network need them? "
        f"{len(study.stimuli):,} images of {_categories(study.config['stimuli']['categories'])} were shown to "
        f"{listed(_introduced(study, model) for model in study.models)}."
    ]
    for model in study.models:
        told.append(_told_of(study, model))
    few = _fewest(study)
    if few < SMALL:
        told.append(
            f"With as few as {count(few, 'independent test stimulus', 'independent test stimuli')} for a task, "
            "intervals are wide."
        )
    return " ".join(told)


def stimuli(study: Study) -> str:
    """Say what was shown."""
    splits = [split for split in SPLITS if (study.stimuli["split"] == split).any()]
    parts = listed(f"{wording.code(split)} ({len(study.select(split=split)):,})" for split in splits)
    shared = study.stimuli["group"].value_counts()
    groups = int((shared > 1).sum())
    told = (
        f"The study has {len(study.stimuli):,} images of {len(study.sizes)} categories, dealt into the splits "
        f"{parts}. "
        "No stimulus is in two splits"
    )
    if groups:
        told += f", nor is any of the {count(groups, 'group')} of stimuli that belong together"
    learners = sum(model.trained for model in study.models)
    learn = "network learns" if learners == 1 else "networks learn"
    uses = {
        "train": f"the {learn} from {wording.code('train')}" if learners else "",
        "localize": f"units are found in {wording.code('localize')}",
        "test": f"effects are measured in {wording.code('test')}",
    }
    used = listed(use for split, use in uses.items() if split in splits and use)
    return f"{told}: {used}."


def network(study: Study, model: Model) -> str:
    """Say what a model is, and what it can do."""
    layers = model.architecture.sizes["layer"]
    told = (
        f"The network {wording.code(model.name)} has the architecture "
        f"{wording.code(model.settings['architecture'])} and was "
        f"{_weights(study, model)}. {count(model.units, 'unit')} in {count(layers, 'layer')} were recorded."
    )
    if not study.config["tasks"]:
        return told + " The study has no tasks: what is measured is whether decisions change."
    return " ".join([told, *(_ability(study, model, task) for task in study.config["tasks"])])


def selectivity(study: Study, model: Model, contrast: str) -> str:
    """Say what a contrast finds."""
    one = model.contrasts.sel(contrast=contrast)
    summary = summaries.selectivity(model.contrasts, study.alpha).sel(contrast=contrast).sum("place")
    sides = study.config["contrasts"][contrast]
    prefer, oppose, dead = (int(summary[key]) for key in ("preferring", "opposing", "dead"))
    told = (
        f"The contrast *{name(contrast)}* compares {_categories(sides['preferred'])} "
        f"({count(int(one['n_preferred']), 'stimulus', 'stimuli')}) with {_categories(sides['other'])} "
        f"({int(one['n_other']):,}). Of {count(model.units, 'unit')}, {prefer:,} ({percent(prefer / model.units)}) "
        "respond more "
        f"and {oppose:,} ({percent(oppose / model.units)}) respond less to {_categories(sides['preferred'])} at a "
        "false "
        f"discovery rate of {study.alpha:g}"
    )
    told += f"; {count(dead, 'unit does', 'units do')} not respond to anything." if dead else "."
    reliability = float(one["reliability"])
    if math.isfinite(reliability):
        halves = wording.decimal(reliability, 2)
        told += f" Between two halves of the stimuli, the units' *d* correlates with *r* = {halves}."
    else:
        told += " There are too few stimuli to compare halves of them."
    return told + _strongest(model, contrast)


def selection(study: Study, model: Model) -> str:
    """Say what the localizers select, and what they are compared with."""
    summary = summaries.selection(model.masks)
    shared, drawn = summaries.overlap(model.masks), summaries.control_overlap(model.masks)
    told = []
    for localizer in summary["localizer"].values:
        held = int(summary["selected"].sel(localizer=localizer).sum())
        told.append(
            f"The localizer *{name(localizer)}* selects {count(held, 'unit')} of {model.units:,}, "
            f"{_most(summary.sel(localizer=localizer))}."
        )
    names = [str(one) for one in summary["localizer"].values]
    told += (
        []
        if len(names) > PAIRS
        else [
            f"The masks of *{name(one)}* and *{name(other)}* share "
            f"{_shared(int(shared.sel(localizer=one, other=other)))}."
            for index, one in enumerate(names)
            for other in names[index + 1 :]
        ]
    )
    shares = listed(percent(float(drawn.sel(localizer=one)), 0) for one in names)
    told.append(
        f"Each mask is compared with {count(study.config['ablation']['controls'], 'random mask')} of as many units "
        "in every "
        f"layer; by chance, they hold on average {shares} of the mask's own units."
    )
    return " ".join(told)


def harms(study: Study, model: Model) -> str:
    """Say what silencing the units of each localizer does, a paragraph for each claim."""
    told = [harm(study, model, claim) for claim in leading(study, model)]
    idle = [f"*{name(localizer)}*" for localizer in study.config["localizers"] if localizer not in study.own]
    if study.own and idle:
        expect = (
            "localizer is not expected to harm a task"
            if len(idle) == 1
            else "localizers are not expected to harm a task"
        )
        told.append(f"The {listed(idle)} {expect}; what silencing does is listed with all comparisons.")
    return "\n\n".join(told)


def harm(study: Study, model: Model, claim: Advantage) -> str:
    """Say what silencing a localizer's units does to a task, beside silencing random units."""
    if claim.finding is Finding.UNABLE:
        return (
            f"The network does not do {name(claim.task)} to a meaningful degree ({_able_numbers(study, claim)}), "
            "so "
            f"nothing is claimed about its *{name(claim.localizer)}* units and this task."
        )
    if claim.finding is Finding.UNAVAILABLE or claim.ablated is None or claim.intact is None or claim.advantage is None:
        return f"For the *{name(claim.localizer)}* units and {name(claim.task)} there is no number."
    return f"{_change(study, model, claim)} {_comparison(study, claim)}"


def verdict(study: Study, claim: Dissociation) -> tuple[str, str]:
    """Say whether two localizers doubly dissociate.

    Returns
    -------
    title, text : str
    """
    one, other = (f"*{name(side.localizer)}*" for side in claim.sides)
    if claim.verdict is Verdict.UNABLE:
        lacking = listed(name(side.task) for side in claim.sides if not side.able)
        title = f"A double dissociation of {one} and {other} units cannot be tested"
        text = f"The network does not do {lacking} to a meaningful degree, and what a network cannot do it cannot "
        "lose."
        return title, _stated([side for side in claim.sides if side.able], text, study.alpha)
    if claim.verdict is Verdict.UNAVAILABLE or claim.raw is None or claim.scaled is None:
        return f"There is no number on a double dissociation of {one} and {other} units", ""
    titles = {
        Verdict.DOUBLE: f"{one} units and {other} units doubly dissociate",
        Verdict.ONE_SCALE: f"No double dissociation of {one} and {other} units: it holds on one scale only",
        Verdict.SINGLE: f"No double dissociation of {one} and {other} units: one of two comparisons holds",
        Verdict.NONE: f"No dissociation of {one} and {other} units",
    }
    return titles[claim.verdict], _stated(claim.sides, _conclusion(claim, study.alpha), study.alpha)


def limits(study: Study) -> list[str]:
    """Say what the numbers cannot say, a paragraph for each reason that applies."""
    sources = {category["source"] for category in study.config["stimuli"]["categories"].values()}
    told = [_sample_size(study), _one_network(study)]
    if "lfw_faces" in sources:
        told.append(
            "**Crops.** The faces of LFW are centred crops of nearly one size. A unit that prefers them may follow "
            "the position "
            "of a head in its frame, not a face."
        )
    unknown = [who for source, who in (("lfw_faces", "the identities of the faces"), ("digits", "the writers of the digits"))
               if source in sources]  # fmt: skip
    if unknown:
        told.append(
            f"**Groups that are not known.** The data do not name {listed(unknown)}, so one person may be in "
            "several splits, "
            "and intervals that treat images as independent may be too narrow."
        )
    if len(set(study.sizes.values())) > 1:
        formats = listed(f"{name(category)} {size}" for category, size in study.sizes.items())
        told.append(
            f"**Formats.** Images differ between categories in more than what they show ({formats} pixels): "
            "resolution, "
            "brightness and contrast differ too. A unit that prefers a category may follow any of these."
        )
    if study.config["ablation"]["value"] == "zero":
        told.append(
            "**Silencing.** A unit is silenced by setting it to zero, which for some units is far from what they "
            "usually "
            "do. Random masks share this; units with strong responses may still suffer more from it."
        )
    told.append(
        "**Selection.** How many units a localizer selects was set in advance, not found. Other fractions may give "
        "other "
        f"effects. With {count(study.config['ablation']['controls'], 'control mask')} no *p* of a mask against its "
        "controls can be "
        f"smaller than {1 / (1 + study.config['ablation']['controls']):.2g}."
    )
    return told


def _introduced(study: Study, model: Model) -> str:
    """Introduce a model: its name, its architecture, how it came by its weights."""
    known = f"architecture {wording.code(model.settings['architecture'])}, {_weights(study, model)}"
    return f"the network {wording.code(model.name)} ({known})"


def _weights(study: Study, model: Model) -> str:
    """Say how a model came by its weights."""
    tasks = listed(name(task) for task in study.config["tasks"])
    return TRAINED[model.settings["weights"]] + (f" on {tasks}" if model.trained and tasks else "")


def _told_of(study: Study, model: Model) -> str:
    """Tell in the abstract what was found in one model."""
    selected = summaries.selection(model.masks)["selected"].sum("place")
    sizes = listed(
        f"{int(selected.sel(localizer=one))} prefer {_preferred(study, one)}" for one in study.config["localizers"]
    )
    told = [f"Of its {count(model.units, 'unit')}, {sizes} most and were silenced."]
    if len(study.models) > 1:
        told = [f"Of the {count(model.units, 'unit')} of {wording.code(model.name)}, {sizes} most and were silenced."]
    for claim in leading(study, model):
        told.append(_brief(study, claim))
    for pair in study.config["dissociations"]:
        told.append(_brief_verdict(study, claims.dissociation(study, model.effects, pair)))
    return " ".join(told)


def leading(study: Study, model: Model) -> list[Advantage]:
    """Take the claims that a study is about.

    Returns
    -------
    list of Advantage
        Each localizer on its own task; without tasks, on the categories that its units prefer; where no localizer names a
        task, each on all of them.
    """
    wanted = list(study.own.items())
    if not study.config["tasks"]:
        contrasts = study.config["contrasts"]
        wanted = [
            (localizer, category)
            for localizer, settings in study.config["localizers"].items()
            for category in contrasts[settings["contrast"]]["preferred"]
        ]
    elif not wanted:
        wanted = [(localizer, task) for localizer in study.config["localizers"] for task in study.config["tasks"]]
    return [claims.advantage(study, model.effects, localizer, task) for localizer, task in wanted]


def _preferred(study: Study, localizer: str) -> str:
    """Name what the units of a localizer respond to."""
    settings = study.config["localizers"][localizer]
    sides = study.config["contrasts"][settings["contrast"]]
    if settings["sign"] == "absolute":
        return f"or avoid {_categories(sides['preferred'])}"
    return _categories(sides["preferred" if settings["sign"] == "positive" else "other"])


def _categories(names: Sequence[str]) -> str:
    return listed(name(one) for one in names)


def _brief(study: Study, claim: Advantage) -> str:
    """Say in the abstract what silencing a localizer's units did."""
    mask, task = f"*{name(claim.localizer)}*", name(claim.task)
    if claim.finding is Finding.UNABLE:
        return f"The network does not do {task} to a meaningful degree, so nothing is claimed about its {mask} "
        "units."
    if claim.advantage is None or claim.ablated is None or claim.intact is None or claim.control is None:
        return f"For the {mask} units there is no number."
    against = _against(study, claim, "as many random units do")
    if study.outcome == "kept":
        start = f"Without the {mask} units, decisions changed for {percent(1 - claim.ablated.estimate)} of {task}"
    else:
        start = f"Without the {mask} units, balanced accuracy in {task} {_went(claim, ('fell', 'rose', 'stayed'))}"
    return f"{start}: {against} (difference {points(claim.advantage)}, {wording.p(claim.p)})."


def _against(study: Study, claim: Advantage, others: str) -> str:
    """Compare a mask with its random controls, in words."""
    harm = "harm" if study.outcome == "correct" else "change"
    return {
        Finding.SPECIFIC: f"more {harm} than {others}",
        Finding.OPPOSITE: f"less {harm}, not more, than {others}",
        Finding.NONE: f"no more {harm} than {others}",
    }[claim.finding]


def _brief_verdict(study: Study, claim: Dissociation) -> str:
    one, other = (f"*{name(side.localizer)}*" for side in claim.sides)
    if claim.verdict is Verdict.DOUBLE and claim.raw is not None and claim.scaled is not None:
        worse = max(claim.raw.p, claim.scaled.p)
        return f"{wording.capitalized(one)} and {other} units doubly dissociate ({wording.p(worse)})."
    holding = [f"*{name(side.localizer)}*" for side in claim.sides if side.able and side.holds(study.alpha)]
    reason = {
        Verdict.UNABLE: "it cannot be tested, because the network does not do both tasks",
        Verdict.UNAVAILABLE: "there is no number on it",
        Verdict.ONE_SCALE: "it holds on one scale only",
        Verdict.SINGLE: f"only the {listed(holding)} units harm their own task more than the other units do",
        Verdict.NONE: "neither set of units harms its own task more than the other does",
    }.get(claim.verdict, "there is no number on it")
    return f"No double dissociation of {one} and {other} units is claimed: {reason}."


def _went(claim: Advantage, verbs: tuple[str, str, str], ablated: str = "") -> str:
    """Say which way performance went and between which numbers, by a verb for down, for up and for neither."""
    assert claim.intact is not None
    assert claim.ablated is not None
    before, after = percent(claim.intact.estimate), percent(claim.ablated.estimate)
    if before == after:
        return f"{verbs[2]} at {ablated or after}"
    verb = verbs[0] if claim.ablated.estimate < claim.intact.estimate else verbs[1]
    return f"{verb} from {before} to {ablated or after}"


def _ability(study: Study, model: Model, task: str) -> str:
    """Say how well the intact network does a task."""
    intact = summaries.find(model.effects, "intact", study.outcome, task=task)
    if intact is None:
        return f"There is no number on how it does {name(task)}."
    chance = float(model.effects["chance"].sel(task_name=task))
    p_able = float(model.effects["p_able"].sel(task_name=task))
    sample = count(intact.n, "test stimulus", "test stimuli")
    if intact.groups < intact.n:
        sample += f" in {count(intact.groups, 'group')}"
    told = (
        f"In {name(task)} the intact network reaches a balanced accuracy of {level(intact)} "
        f"(chance {percent(chance)}, {sample})"
    )
    if claims.able(model.effects, task, study.alpha):
        return told + "."
    return f"{told}; this is not shown to be a meaningful degree ({wording.p(p_able)}), so nothing is claimed "
    "about this task."


def _strongest(model: Model, contrast: str) -> str:
    """Name the unit that prefers most."""
    one = model.contrasts.sel(contrast=contrast)
    d = np.where(one["dead"].values, -np.inf, one["d"].values)
    best = int(np.argmax(d))
    if not np.isfinite(d[best]) or d[best] <= 0:
        return " No unit prefers these categories."
    label = str(summaries.unit_names(one)[best])
    return (
        f" The strongest preference is that of unit {wording.code(label)} (*d* = {wording.decimal(float(d[best]), 2)})."
    )


def _most(summary: object) -> str:
    """Say where the selected units are."""
    places = summary["place"].values  # type: ignore[index]
    selected = summary["selected"].values  # type: ignore[index]
    best = int(np.argmax(selected))
    if selected[best] == selected.sum():
        return f"all of them in {wording.code(str(places[best]))}"
    return f"most of them ({int(selected[best]):,}) in {wording.code(str(places[best]))}"


def _shared(number: int) -> str:
    return count(number, "unit") if number else "no unit"


def _able_numbers(study: Study, claim: Advantage) -> str:
    needed = claim.chance + study.config["inference"]["least_performance"] * (1 - claim.chance)
    return (
        f"balanced accuracy {level(claim.intact)}; chance is {percent(claim.chance)} and a claim needs more than "
        f"{percent(needed)}, {wording.p(claim.p_able)}"
    )


def _change(study: Study, model: Model, claim: Advantage) -> str:
    """Say what happened to performance, or to decisions."""
    held = int(summaries.selection(model.masks)["selected"].sel(localizer=claim.localizer).sum())
    without = f"Without the {held:,} *{name(claim.localizer)}*"
    control = wording.ABSENT if claim.control is None else wording.decimal(100 * claim.control.estimate)
    if study.outcome == "kept":
        return (
            f"{without} units, the decision changes for {level(claim.harm)} of {name(claim.task)}; without as many "
            "random "
            f"units, it changes for {control}{wording.NO_BREAK}% on average."
        )
    average = claim.control.estimate if claim.control else math.nan
    verb = "raises" if average < 0 else "lowers"
    went = _went(claim, ("falls", "rises", "stays"), level(claim.ablated))
    return (
        f"{without} units, balanced accuracy in {name(claim.task)} {went}; silencing as many random units "
        f"{verb} it by {wording.decimal(100 * abs(average))} percentage points on average."
    )


def _comparison(study: Study, claim: Advantage) -> str:
    """Compare a mask with its random controls."""
    found = claim.advantage
    assert found is not None
    numbers = f"{points(found)}, {wording.p(found.p)}"
    if math.isfinite(found.p_family):
        numbers += f", {wording.p(found.p_family)} over the family of {count(len(study.own), 'localizer')}"
    told = f"That is {_against(study, claim, 'random units do')}"
    if claim.finding is Finding.SPECIFIC:
        told = f"{told} (difference {numbers})."
        if found.low <= 0:
            told += " The interval over stimuli includes zero, so the effect may not hold for other stimuli."
        return told
    if claim.finding is Finding.OPPOSITE:
        return f"{told} (difference {numbers})."
    told = f"{told} (difference {numbers})."
    if found.high >= VISIBLE:
        told += f" An excess of up to {wording.decimal(100 * found.high)} percentage points remains compatible "
        "with the data."
    return told


def _stated(sides: Sequence[Side], conclusion: str, alpha: float) -> str:
    """State halves of a dissociation as a list, and what follows."""
    return "\n".join([*(f"- {_side(side, alpha)}" for side in sides), "", conclusion])


def _side(side: Side, alpha: float) -> str:
    """Say what one half of a dissociation shows."""
    if side.raw is None:
        return f"There is no number on {name(side.task)}."
    mine, yours = f"*{name(side.localizer)}*", f"*{name(side.other)}*"
    held = side.raw.p <= alpha
    if held:
        how = "does more harm than"
    elif side.raw.high < 0:
        how = "does less harm, not more, than"
    else:
        how = "does not do demonstrably more harm than"
    numbers = f"{points(side.raw)}, {wording.p(side.raw.p)}"
    if side.scaled is not None:
        numbers += (
            f"; as a share of what the intact network has above chance {level(side.scaled)}, {wording.p(side.scaled.p)}"
        )
    compared = f"silencing the {mine} units {how} silencing the {yours} units"
    return f"In {name(side.task)}, {compared} (difference in harm {numbers})."


def _conclusion(claim: Dissociation, alpha: float) -> str:
    """Conclude from both halves."""
    assert claim.raw is not None
    assert claim.scaled is not None
    both = f"{wording.p(claim.raw.p)} raw, {wording.p(claim.scaled.p)} scaled"
    if claim.verdict is Verdict.DOUBLE:
        return f"Both comparisons hold on both scales ({both}, each the larger of two)."
    if claim.verdict is Verdict.ONE_SCALE:
        scale = "raw performance" if claim.raw.p <= alpha else "performance as a share of what is above chance"
        return (
            f"Both comparisons hold for {scale} only ({both}, each the larger of two); that is not enough for a claim."
        )
    if claim.verdict is Verdict.SINGLE:
        return f"A double dissociation needs both comparisons, on both scales ({both}, each the larger of two)."
    return f"Neither comparison holds on both scales ({both}, each the larger of two)."


def _fewest(study: Study) -> int:
    """Find the smallest number of independent test stimuli that an effect rests on."""
    sizes = [
        claim.intact.groups for model in study.models for claim in leading(study, model) if claim.intact is not None
    ]
    return min(sizes, default=0)


def _sample_size(study: Study) -> str:
    widths = [
        (claim.advantage.high - claim.advantage.low, claim)
        for model in study.models
        for claim in leading(study, model)
        if claim.advantage is not None
    ]
    few = count(_fewest(study), "independent test stimulus", "independent test stimuli")
    told = f"**Sample.** The smallest of the tests rests on {few} (groups count once)."
    if widths:
        width, claim = max(widths, key=lambda pair: pair[0])
        told += (
            f" The widest interval, that of the *{name(claim.localizer)}* units and {name(claim.task)}, spans "
            f"{wording.decimal(100 * width)} percentage points. An effect that is not shown is not an effect that "
            "is absent."
        )
    return told


def _one_network(study: Study) -> str:
    trained = any(model.trained for model in study.models)
    drawn = f"seed {study.config['seed']}" + (
        ", from which the workflow also trained it" if trained and len(study.models) == 1 else ""
    )
    return (
        "**One draw.** Each result is that of one network, one split of the stimuli and one set of controls "
        f"({drawn}). "
        "Intervals and *p* speak about other stimuli and other masks, not about other networks of the same kind."
    )
