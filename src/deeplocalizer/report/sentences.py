"""What is found, in sentences that follow the numbers. All of them are Markdown.

stimuli          what was shown
network          what a model is, and what it can do
leading          the claims that a study is about
elsewhere        the claims about what units do not prefer, where there are no tasks
harms            what silencing each localizer's units does
harm             the same for one localizer and one task
categories       names of categories in a row
preferred_by     the categories that the units of a localizer prefer
against          a mask beside random masks
asked            the name of a task, a category or a readout
unable           that a task is not shown to be done
lacking          that units are silenced, or kept
went             which way performance went
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from deeplocalizer import summaries
from deeplocalizer.models.specification import OWN
from deeplocalizer.report import claims, controls, networks, wording
from deeplocalizer.report.claims import Advantage, Finding
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, count, level, listed, name, percent, points
from deeplocalizer.robustness import central
from deeplocalizer.stimuli.splits import SPLITS

VISIBLE = 0.0005  # a share that does not show as 0.0 %
LARGER = "each the larger of two"


def stimuli(study: Study) -> str:
    """Say what was shown."""
    splits = [split for split in SPLITS if (study.stimuli["split"] == split).any()]
    parts = listed(f"{code(split)} ({len(study.select(split=split)):,})" for split in splits)
    groups = int((study.stimuli["group"].value_counts() > 1).sum())
    which = "is the one group" if groups == 1 else f"is any of the {count(groups, 'group')}"
    kept = f", nor {which} of stimuli that belong together" if groups else ""
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


def leading(study: Study, model: Model) -> list[Advantage]:
    """Take the claims that a study is about.

    Returns
    -------
    list of Advantage
        Each localizer on its own task or readout; without tasks, also on the categories that its units prefer (by
        absolute size, on all that it compares); where no localizer names a task, each on all of them.
    """
    asked = central(study.config["tasks"], study.config["localizers"], study.config["contrasts"], [])
    return [claims.advantage(study, model.effects, one.localizer, one.task) for one in asked]


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
        # decisions first: what is said of one refers to what was said of another
        every = sorted(
            [*leading(study, model), *elsewhere(study, model)], key=lambda claim: study.measure(claim.task) != "kept"
        )
        for claim in every:
            before = by_localizer[claim.localizer]
            again = bool(before) and study.measure(claim.task) == "kept"
            before.append(harm(study, model, claim, again))
        told = [" ".join(sentences) for sentences in by_localizer.values()]
    idle = [f"*{name(localizer)}*" for localizer in study.config["localizers"] if localizer not in study.own]
    if study.own and idle and study.config["tasks"]:
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
            f"{unable(study, claim.task)} (balanced accuracy {level(claim.intact)}; "
            f"chance is {percent(claim.chance)} and a claim needs more than {percent(needed)}, "
            f"{wording.p(claim.p_able)}), so nothing is claimed about its {mask} units and this task."
        )
    if not claim.complete:
        return f"For the {mask} units and {task} there is no number."
    told = [_change(study, model, claim, again), _comparison(study, claim), controls.compared(study, model, claim)]
    return " ".join(part for part in told if part)


def categories(names: Sequence[str]) -> str:
    """Name categories in a row."""
    return listed(name(one) for one in names)


def preferred_by(study: Study, localizer: str) -> list[str]:
    """Name the categories to which the units of a localizer respond more; by absolute size, either side may be."""
    return summaries.preferred(study.config["localizers"][localizer], study.config["contrasts"])


def _contrasted(study: Study, localizer: str) -> list[str]:
    """Name all categories that the contrast of a localizer compares."""
    sides = study.config["contrasts"][study.config["localizers"][localizer]["contrast"]]
    return [*sides["preferred"], *sides["other"]]


def against(study: Study, claim: Advantage, others: str) -> str:
    """Compare a mask with random masks, in words."""
    harms = study.measure(claim.task) == "correct"
    what, do, does = ("harm", "do", "does") if harms else ("change", "bring", "brings")
    keep = study.config["ablation"]["value"] == "keep"
    random = f"keeping {others} {does}" if keep else f"{others} {do}"
    if claim.finding is Finding.SPECIFIC and harms and claim.harm is not None and claim.harm.estimate <= -VISIBLE:
        # where performance rises, more harm would be a strange word for it
        return f"less gain than {f'keeping {others} brings' if keep else f'{others} bring'}"
    return {
        Finding.SPECIFIC: f"more {what} than {random}",
        Finding.OPPOSITE: f"less {what}{'' if keep else ', not more,'} than {random}",
        Finding.NONE: f"not demonstrably more {what} than {random}",
    }[claim.finding]


def asked(study: Study, task: str) -> str:
    """Name a task, a category or, as such, a readout."""
    return f"the readout *{name(task)}*" if task in study.config["readouts"] else name(task)


def unable(study: Study, task: str) -> str:
    """Say that the intact network is not shown to do a task, or a readout to decode."""
    if task in study.config["readouts"]:
        return f"The readout *{name(task)}* is not shown to tell its classes apart to a meaningful degree"
    return f"The network is not shown to do {name(task)} to a meaningful degree"


def lacking(study: Study, units: str) -> str:
    """Say that units are silenced or, where all others are replaced, kept; a sentence begins so."""
    return (
        f"With nothing but the {units} kept" if study.config["ablation"]["value"] == "keep" else f"Without the {units}"
    )


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
    if study.config["readouts"]:
        told.append(f"readouts are fitted in {code('select')}")
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


def _change(study: Study, model: Model, claim: Advantage, again: bool) -> str:
    """Say what happened to performance, or to decisions."""
    held = int(summaries.selection(model.masks)["selected"].sel(localizer=claim.localizer).sum())
    without, task = lacking(study, f"{held:,} *{name(claim.localizer)}* units"), asked(study, claim.task)
    average = claim.control.estimate if claim.control else math.nan
    keep = study.config["ablation"]["value"] == "keep"
    random = "with as many random units kept" if keep else "without as many random units"
    if study.measure(claim.task) == "kept" and again:
        return f"Of {task}, it changes for {level(claim.harm)}; {random}, for {percent(average)} on average."
    if study.measure(claim.task) == "kept":
        return (
            f"{without}, the decision changes for {level(claim.harm)} of {task}; {random}, it changes for "
            f"{percent(average)} on average."
        )
    now = went(claim, ("falls", "rises", "stays"), level(claim.ablated))
    return f"{without}, balanced accuracy in {task} {now}; {_on_average(study, average)}."


def _on_average(study: Study, harm: float) -> str:
    """Say what silencing, or keeping, random units does."""
    doing = "keeping" if study.config["ablation"]["value"] == "keep" else "silencing"
    size = wording.decimal(100 * abs(harm))
    if abs(harm) < VISIBLE:
        return f"{doing} as many random units does not change it on average"
    verb = "raises" if harm < 0 else "lowers"
    return f"{doing} as many random units {verb} it by {size} percentage points on average"


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
    told = f"That is {against(study, claim, 'random units')} (difference {numbers})."
    if claim.finding is Finding.SPECIFIC and found.low <= 0:
        return f"{told} The interval over stimuli includes zero, so the effect may not hold for other stimuli."
    if claim.finding is Finding.NONE and found.high >= VISIBLE:
        most = wording.decimal(100 * found.high)
        return f"{told} An excess of up to {most} percentage points remains compatible with the data."
    return told
