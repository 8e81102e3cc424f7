"""What is found, in sentences that follow the numbers. All of them are Markdown.

stimuli          what was shown
network          what a model is, and what it can do
selectivity      what a contrast finds
selection        what the localizers select
leading          the claims that a study is about
elsewhere        the claims about what units do not prefer, where there are no tasks
harms            what silencing each localizer's units does
harm             the same for one localizer and one task
verdict          whether two localizers doubly dissociate: a title and a paragraph
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from deeplocalizer import summaries
from deeplocalizer.models.specification import OWN
from deeplocalizer.report import claims, networks, wording
from deeplocalizer.report.claims import Advantage, Dissociation, Finding, Side, Verdict
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, count, level, listed, name, percent, points
from deeplocalizer.stimuli.splits import SPLITS

VISIBLE = 0.0005  # a share that does not show as 0.0 %
PAIRS = 3  # localizers whose masks are compared in words
LARGER = "each the larger of two"


def stimuli(study: Study) -> str:
    """Say what was shown."""
    splits = [split for split in SPLITS if (study.stimuli["split"] == split).any()]
    parts = listed(f"{code(split)} ({len(study.select(split=split)):,})" for split in splits)
    groups = int((study.stimuli["group"].value_counts() > 1).sum())
    kept = f", nor is any of the {count(groups, 'group')} of stimuli that belong together" if groups else ""
    return (
        f"The study has {len(study.stimuli):,} images of {len(study.sizes)} categories, in the splits {parts}. No "
        f"stimulus is in two splits{kept}: {_uses(study)}."
    )


def network(study: Study, model: Model) -> str:
    """Say what a model is, and what it can do."""
    known = model.specification
    what = f"has the architecture {code(known.name)} and"
    if known.library != OWN:
        what = f"is {code(known.name)} of {networks.library(model)}; it"
    told = (
        f"The network {code(model.name)} {what} was {networks.weights(study, model)}. "
        f"{wording.capitalized(networks.recorded(model))}."
    )
    if not study.config["tasks"]:
        return (
            f"{told} The study has no tasks: what is measured is whether the highest of its "
            f"{len(known.labels):,} outputs changes, and by how much their distribution does."
        )
    return " ".join([told, *(_ability(study, model, task) for task in study.config["tasks"])])


def selectivity(study: Study, model: Model, contrast: str) -> str:
    """Say what a contrast finds."""
    one = model.contrasts.sel(contrast=contrast)
    summary = summaries.selectivity(model.contrasts, study.alpha).sel(contrast=contrast).sum("place")
    sides = study.config["contrasts"][contrast]
    preferred, other = (categories(sides[side]) for side in ("preferred", "other"))
    prefer, oppose, dead = (int(summary[key]) for key in ("preferring", "opposing", "dead"))
    silent = f"; {count(dead, 'unit does', 'units do')} not respond to anything" if dead else ""
    return (
        f"The contrast *{name(contrast)}* compares {preferred} "
        f"({count(int(one['n_preferred']), 'stimulus', 'stimuli')}) with {other} ({int(one['n_other']):,}). "
        f"Of {count(model.units, 'unit')}, {prefer:,} ({percent(prefer / model.units)}) respond more and "
        f"{oppose:,} ({percent(oppose / model.units)}) respond less to {preferred} at a false discovery rate "
        f"of {study.alpha:g}{silent}. {_reliability(float(one['reliability']))} {_strongest(one)}"
    )


def selection(study: Study, model: Model) -> str:
    """Say what the localizers select, and what they are compared with."""
    summary = summaries.selection(model.masks)
    names = [str(one) for one in summary["localizer"].values]
    told = [
        f"The localizer *{name(one)}* selects {count(int(summary['selected'].sel(localizer=one).sum()), 'unit')} "
        f"of {model.units:,}, {_where(summary.sel(localizer=one))}."
        for one in names
    ]
    shared = summaries.overlap(model.masks)
    for index, one in enumerate(names if len(names) <= PAIRS else []):
        for other in names[index + 1 :]:
            number = int(shared.sel(localizer=one, other=other))
            held = count(number, "unit") if number else "no unit"
            told.append(f"The masks of *{name(one)}* and *{name(other)}* share {held}.")
    drawn = summaries.control_overlap(model.masks)
    shares = listed(dict.fromkeys(percent(float(drawn.sel(localizer=one)), 0) for one in names))
    controls = count(study.config["ablation"]["controls"], "random mask")
    told.append(
        f"Each mask is compared with {controls} of as many units in every layer; by chance, they hold on "
        f"average {shares} of the mask's own units."
    )
    return " ".join(told)


def leading(study: Study, model: Model) -> list[Advantage]:
    """Take the claims that a study is about.

    Returns
    -------
    list of Advantage
        Each localizer on its own task; without tasks, on the categories that its units prefer (by absolute size, on all
        that it compares); where no localizer names a task, each on all of them.
    """
    localizers = study.config["localizers"]
    wanted = list(study.own.items())
    if not study.config["tasks"]:
        wanted = [(one, category) for one in localizers for category in preferred_by(study, one)]
    elif not wanted:
        wanted = [(one, task) for one in localizers for task in study.config["tasks"]]
    return [claims.advantage(study, model.effects, localizer, task) for localizer, task in wanted]


def elsewhere(study: Study, model: Model) -> list[Advantage]:
    """Take the claims about the categories that a localizer's units do not prefer; only where there are no tasks."""
    if study.config["tasks"]:
        return []
    wanted = [
        (one, category)
        for one in study.config["localizers"]
        for category in _contrasted(study, one)
        if category not in preferred_by(study, one)
    ]
    return [claims.advantage(study, model.effects, localizer, category) for localizer, category in wanted]


def harms(study: Study, model: Model) -> str:
    """Say what silencing the units of each localizer does, a paragraph for each localizer or each claim."""
    told = [harm(study, model, claim) for claim in leading(study, model)]
    if not study.config["tasks"]:
        by_localizer: dict[str, list[str]] = {one: [] for one in study.config["localizers"]}
        for claim in [*leading(study, model), *elsewhere(study, model)]:
            before = by_localizer[claim.localizer]
            before.append(harm(study, model, claim, again=bool(before)))
        told = [" ".join(sentences) for sentences in by_localizer.values()]
    idle = [f"*{name(localizer)}*" for localizer in study.config["localizers"] if localizer not in study.own]
    if study.own and idle:
        are = "localizer is" if len(idle) == 1 else "localizers are"
        told.append(
            f"The {listed(idle)} {are} not expected to harm a task; what silencing does is listed with all comparisons."
        )
    return "\n\n".join(told)


def harm(study: Study, model: Model, claim: Advantage, again: bool = False) -> str:
    """Say what silencing a localizer's units does to a task, beside silencing random units.

    Parameters
    ----------
    study : Study
    model : Model
    claim : Advantage
    again : bool
        Whether the sentence follows one about the same units; only where there are no tasks.
    """
    mask, task = f"*{name(claim.localizer)}*", name(claim.task)
    if claim.finding is Finding.UNABLE:
        needed = claims.needed(study, claim.chance)
        return (
            f"The network does not do {task} to a meaningful degree (balanced accuracy {level(claim.intact)}; "
            f"chance is {percent(claim.chance)} and a claim needs more than {percent(needed)}, "
            f"{wording.p(claim.p_able)}), so nothing is claimed about its {mask} units and this task."
        )
    if not claim.complete:
        return f"For the {mask} units and {task} there is no number."
    return f"{_change(study, model, claim, again)} {_comparison(study, claim)}"


def verdict(study: Study, claim: Dissociation) -> tuple[str, str]:
    """Say whether two localizers doubly dissociate.

    Returns
    -------
    title, text : str
    """
    one, other = (f"*{name(side.localizer)}*" for side in claim.sides)
    if claim.verdict is Verdict.UNAVAILABLE:
        return f"There is no number on a double dissociation of {one} and {other} units", ""
    if claim.verdict is Verdict.UNABLE:
        lacking = listed(name(side.task) for side in claim.sides if not side.able)
        told = [_side(side, study.alpha) for side in claim.sides if side.able]
        why = f"The network does not do {lacking} to a meaningful degree; what it cannot do it cannot lose."
        return f"A double dissociation of {one} and {other} units cannot be tested", _stated(told, why)
    title = {
        Verdict.DOUBLE: f"{one} units and {other} units doubly dissociate",
        Verdict.ONE_SCALE: f"No double dissociation of {one} and {other} units: it holds on one scale only",
        Verdict.SINGLE: f"No double dissociation of {one} and {other} units: one of two comparisons holds",
        Verdict.NONE: f"No dissociation of {one} and {other} units",
    }[claim.verdict]
    return title, _stated([_side(side, study.alpha) for side in claim.sides], _conclusion(claim, study.alpha))


def categories(names: Sequence[str]) -> str:
    """Name categories in a row."""
    return listed(name(one) for one in names)


def preferred_by(study: Study, localizer: str) -> list[str]:
    """Name the categories to which the units of a localizer respond more; by absolute size, either side may be."""
    settings = study.config["localizers"][localizer]
    if settings["sign"] == "absolute":
        return _contrasted(study, localizer)
    side = "other" if settings["sign"] == "negative" else "preferred"
    return list(study.config["contrasts"][settings["contrast"]][side])


def _contrasted(study: Study, localizer: str) -> list[str]:
    """Name all categories that the contrast of a localizer compares."""
    sides = study.config["contrasts"][study.config["localizers"][localizer]["contrast"]]
    return [*sides["preferred"], *sides["other"]]


def against(study: Study, finding: Finding, others: str) -> str:
    """Compare a mask with random masks, in words."""
    what, do = ("harm", "do") if study.outcome == "correct" else ("change", "bring")
    return {
        Finding.SPECIFIC: f"more {what} than {others} {do}",
        Finding.OPPOSITE: f"less {what}, not more, than {others} {do}",
        Finding.NONE: f"no more {what} than {others} {do}",
    }[finding]


def went(claim: Advantage, verbs: tuple[str, str, str], after: str = "") -> str:
    """Say which way performance went and between which numbers, by a verb for down, for up and for neither."""
    if claim.intact is None or claim.ablated is None:
        return wording.ABSENT
    start, end = percent(claim.intact.estimate), percent(claim.ablated.estimate)
    if start == end:
        return f"{verbs[2]} at {after or end}"
    return f"{verbs[claim.ablated.estimate > claim.intact.estimate]} from {start} to {after or end}"


def _uses(study: Study) -> str:
    """Say what the splits are used for."""
    learners = sum(model.trained for model in study.models)
    learn = "the network learns" if learners == 1 else "the networks learn"
    told = [f"{learn} from {code('train')}"] if learners else []
    return listed([*told, f"units are found in {code('localize')}", f"effects are measured in {code('test')}"])


def _ability(study: Study, model: Model, task: str) -> str:
    """Say how well the intact network does a task."""
    intact = summaries.find(model.effects, "intact", study.outcome, task=task)
    if intact is None:
        return f"There is no number on how it does {name(task)}."
    chance, p_able = (float(model.effects[key].sel(task_name=task)) for key in ("chance", "p_able"))
    told = (
        f"In {name(task)} the intact network reaches a balanced accuracy of {level(intact)} "
        f"(chance {percent(chance)}, {wording.sample(intact.n, intact.groups)})"
    )
    if claims.able(model.effects, task, study.alpha):
        return f"{told}."
    return (
        f"{told}; this is not shown to be a meaningful degree ({wording.p(p_able)}), so nothing is claimed "
        "about this task."
    )


def _reliability(correlation: float) -> str:
    """Say how preferences repeat."""
    if not math.isfinite(correlation):
        return "There are too few stimuli to compare halves of them."
    return (
        "Between two halves of the stimuli, the units' *d* correlates with "
        f"*r*{wording.NO_BREAK}={wording.NO_BREAK}{wording.decimal(correlation, 2)}."
    )


def _strongest(one: xr.Dataset) -> str:
    """Name the unit that prefers most."""
    d = np.where(one["dead"].values, -np.inf, one["d"].values)
    best = int(np.argmax(d))
    if d[best] <= 0:
        return "No unit prefers these categories."
    unit, size = code(str(summaries.unit_names(one, np.array([best]))[0])), wording.decimal(float(d[best]), 2)
    return f"The strongest preference is that of unit {unit} (*d*{wording.NO_BREAK}={wording.NO_BREAK}{size})."


def _where(summary: xr.Dataset) -> str:
    """Say where the selected units of one localizer are."""
    selected = summary["selected"].values
    best = int(np.argmax(selected))
    place = code(str(summary["place"].values[best]))
    if selected[best] == selected.sum():
        return f"all of them in {place}"
    share = "most of them" if 2 * selected[best] > selected.sum() else "the largest part"
    return f"{share} ({int(selected[best]):,}) in {place}"


def _change(study: Study, model: Model, claim: Advantage, again: bool) -> str:
    """Say what happened to performance, or to decisions."""
    held = int(summaries.selection(model.masks)["selected"].sel(localizer=claim.localizer).sum())
    without, task = f"Without the {held:,} *{name(claim.localizer)}* units", name(claim.task)
    average = claim.control.estimate if claim.control else math.nan
    if study.outcome == "kept" and again:
        return (
            f"Of {task}, it changes for {level(claim.harm)}; without as many random units, for {percent(average)} on "
            "average."
        )
    if study.outcome == "kept":
        return (
            f"{without}, the decision changes for {level(claim.harm)} of {task}; without as many random "
            f"units, it changes for {percent(average)} on average."
        )
    now = went(claim, ("falls", "rises", "stays"), level(claim.ablated))
    return f"{without}, balanced accuracy in {task} {now}; {_on_average(average)}."


def _on_average(harm: float) -> str:
    """Say what silencing random units does."""
    size = wording.decimal(100 * abs(harm))
    if abs(harm) < VISIBLE:
        return "silencing as many random units does not change it on average"
    verb = "raises" if harm < 0 else "lowers"
    return f"silencing as many random units {verb} it by {size} percentage points on average"


def _comparison(study: Study, claim: Advantage) -> str:
    """Compare a mask with its random controls."""
    found = claim.advantage
    if found is None:
        return ""
    numbers = f"{points(found)}, {wording.p(found.p)}"
    if math.isfinite(found.p_family):
        same = wording.p(found.p_family) == wording.p(found.p)
        adjusted = " also" if same else f", {wording.p(found.p_family)}"
        numbers += f"{adjusted} over the family of {count(len(study.own), 'localizer')}" if len(study.own) > 1 else ""
    told = f"That is {against(study, claim.finding, 'random units')} (difference {numbers})."
    if claim.finding is Finding.SPECIFIC and found.low <= 0:
        return f"{told} The interval over stimuli includes zero, so the effect may not hold for other stimuli."
    if claim.finding is Finding.NONE and found.high >= VISIBLE:
        most = wording.decimal(100 * found.high)
        return f"{told} An excess of up to {most} percentage points remains compatible with the data."
    return told


def _stated(sides: Sequence[str], conclusion: str) -> str:
    """State halves of a dissociation as a list, and what follows."""
    return "\n".join([*(f"- {side}" for side in sides), "", conclusion])


def _side(side: Side, alpha: float) -> str:
    """Say what one half of a dissociation shows."""
    if side.raw is None:
        return f"There is no number on {name(side.task)}."
    how = "does not do demonstrably more harm than"
    if side.raw.p <= alpha:
        how = "does more harm than"
    elif side.raw.high < 0:
        how = "does less harm, not more, than"
    numbers = f"{points(side.raw)}, {wording.p(side.raw.p)}"
    if side.scaled is not None:
        share, p = level(side.scaled), wording.p(side.scaled.p)
        numbers += f"; as a share of what the intact network has above chance {share}, {p}"
    return (
        f"In {name(side.task)}, silencing the *{name(side.localizer)}* units {how} silencing the "
        f"*{name(side.other)}* units (difference in harm {numbers})."
    )


def _conclusion(claim: Dissociation, alpha: float) -> str:
    """Conclude from both halves."""
    raw, scaled = (math.nan if effect is None else effect.p for effect in (claim.raw, claim.scaled))
    both = f"({wording.p(raw)} raw, {wording.p(scaled)} scaled, {LARGER})"
    if claim.verdict is Verdict.DOUBLE:
        return f"Both comparisons hold on both scales {both}."
    if claim.verdict is Verdict.ONE_SCALE:
        scale = "raw performance" if raw <= alpha else "performance as a share of what is above chance"
        return f"Both comparisons hold for {scale} only {both}; that is not enough for a claim."
    if claim.verdict is Verdict.SINGLE:
        return f"A double dissociation needs both comparisons, on both scales {both}."
    return f"Neither comparison holds on both scales {both}."
