"""What becomes of one result under other conditions, in Markdown.

finding          decide on one result under one condition
findings         the same under every condition
told             what becomes of one result with other values, over networks and without training
subject          a result as the subject of a sentence
places           where a result holds, after "holds"
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from deeplocalizer.report import changes, sentences, wording
from deeplocalizer.report.claims import Finding
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import code, count, listed, name
from deeplocalizer.robustness import Case, Result

WORDS = {2: "both", 3: "all three", 4: "all four"}
NEITHER = {2: "neither of the two", 3: "none of the three", 4: "none of the four"}


def finding(study: Study, case: Case) -> Finding:
    """Decide on one result under one condition, as `claims` does."""
    if math.isfinite(case.p_able) and case.p_able > study.alpha:
        return Finding.UNABLE
    if case.effect is None or not math.isfinite(case.p):
        return Finding.UNAVAILABLE
    if case.p <= study.alpha:
        return Finding.SPECIFIC
    return Finding.OPPOSITE if case.effect.high < 0 else Finding.NONE


def findings(study: Study, cases: Iterable[Case]) -> list[tuple[Case, Finding]]:
    """Decide on one result under every condition."""
    return [(case, finding(study, case)) for case in cases]


def told(study: Study, asked: Result, cases: Sequence[Case]) -> str:
    """Say what becomes of one result with other values, over networks and without training.

    Parameters
    ----------
    study : Study
    asked : Result
    cases : sequence of Case
        As `robustness.cases` gives them.
    """
    found = findings(study, cases)
    parts = [_values(study, asked, [one for one in found if one[0].kind in ("main", "value")])]
    parts += [_networks(asked, *one) for one in found if one[0].kind == "replicates"]
    parts += [_twin(study, asked, found[0], one) for one in found if one[0].kind == "twin"]
    return " ".join(part for part in parts if part)


def subject(study: Study, asked: Result) -> str:
    """Name a result, such that ``holds`` can follow."""
    one, other = (f"*{name(given)}*" for given in (asked.localizer, asked.other))
    if asked.kind == "double_dissociation":
        return f"the double dissociation of {one} and {other} units"
    return f"the effect of the {one} units on {sentences.asked(study, asked.task)}"


def places(found: Sequence[tuple[Case, Finding]]) -> str:
    """Say where a result holds that holds in the main analysis; nothing where only that was tried.

    Parameters
    ----------
    found : sequence of (Case, Finding)
        As `findings` gives them.
    """
    values = [(case, what) for case, what in found if case.kind in ("main", "value")]
    there = [code(case.name) for case, what in values if what is Finding.SPECIFIC]
    told = []
    if len(there) < len(values):
        told.append(f" with {listed(there)} only")
    elif len(values) > 1:
        told.append(f" with {WORDS[len(values)]} replacement values")
    for case, what in found:
        over = f"over the {count(case.models, 'network')} of *{name(case.name)}*"
        if case.kind == "replicates":
            told.append(f"{' and' if told else ''} {over}" if what is Finding.SPECIFIC else f", but not {over}")
        if case.kind == "twin" and what is Finding.SPECIFIC:
            told.append(f", and in the untrained {code(case.name)}, too")
    return "".join(told)


def _claim(study: Study, asked: Result) -> str:
    """State a result, so that what becomes of it can follow."""
    one, other = (f"*{name(given)}*" for given in (asked.localizer, asked.other))
    if asked.kind == "double_dissociation":
        return f"That {one} and {other} units doubly dissociate"
    kept = study.config["ablation"]["value"] == "keep"
    what = f"{'keeping nothing but' if kept else 'silencing'} the {one} units"
    random = f"{'keeping' if kept else 'silencing'} as many random units does"
    if study.measure(asked.task) == "kept":
        return f"That {what} changes more decisions about {name(asked.task)} than {random}"
    return f"That {what} does more harm to {sentences.asked(study, asked.task)} than {random}"


def _values(study: Study, asked: Result, found: Sequence[tuple[Case, Finding]]) -> str:
    """Say with which replacement values a result holds."""
    claim, by = _claim(study, asked), {what: [case for case, one in found if one is what] for what in Finding}
    if by[Finding.UNABLE]:
        return f"{claim} cannot be tested: {_unable(study, asked)}."
    if len(found) == 1:
        case, what = found[0]
        which = f"{code(case.name)}, the only replacement value that was run"
        return f"{claim} {_state(asked, what)} with {which}{_numbers(case)}."
    for what, verb, every in (
        (Finding.SPECIFIC, "holds with", WORDS),
        (Finding.OPPOSITE, f"{_state(asked, Finding.OPPOSITE)} with", WORDS),
        (Finding.NONE, "is shown with", NEITHER),
        (Finding.UNAVAILABLE, "has a number with", NEITHER),
    ):
        if len(by[what]) == len(found):
            cases = listed(f"{code(case.name)}{_numbers(case)}" for case in by[what])
            return f"{claim} {verb} {every[len(found)]} replacement values: {cases}."
    only = "only " if len(by[Finding.SPECIFIC]) == 1 else ""
    parts = []
    for what, verb in (
        (Finding.SPECIFIC, f"holds {only}with"),
        (Finding.OPPOSITE, f"{_state(asked, Finding.OPPOSITE)} with"),
        (Finding.NONE, "is not shown with"),
        (Finding.UNAVAILABLE, "has no number with"),
    ):
        if by[what]:
            parts.append(f"{verb} {listed(f'{code(case.name)}{_numbers(case)}' for case in by[what])}")
    return f"{claim} {'; it '.join(parts)}."


def _state(asked: Result, what: Finding) -> str:
    """Say what becomes of a result; a dissociation has two sides, of which one is enough to contradict it."""
    return {
        Finding.SPECIFIC: "holds",
        Finding.OPPOSITE: "is reversed" if asked.kind == "advantage" else "is contradicted, on one side at least,",
        Finding.NONE: "is not shown",
        Finding.UNAVAILABLE: "has no number",
    }[what]


def _unable(study: Study, asked: Result) -> str:
    if asked.kind == "double_dissociation":
        return "the network is not shown to do one of the two tasks to a meaningful degree"
    told = sentences.unable(study, asked.task)
    return told[:1].lower() + told[1:]


def _networks(asked: Result, case: Case, what: Finding) -> str:
    """Say whether a result holds with the network as the replicate."""
    over = f"Over the {count(case.models, 'network')} of *{name(case.name)}*"
    if what is Finding.UNAVAILABLE or case.effect is None:
        return f"Over the networks of *{name(case.name)}* there is no number."
    above = sum(value > 0 for value in case.each)
    each = f"; above zero in {above} of {len(case.each)}" if case.each else ""
    return f"{over} it {_state(asked, what).rstrip(',')}{_numbers(case, 'mean ', each)}."


def _twin(study: Study, asked: Result, main: tuple[Case, Finding], twin: tuple[Case, Finding]) -> str:
    """Say what the untrained network shows, and what follows of training."""
    case, what = twin
    where = f"In {code(case.name)}, the same network without training,"
    if what is Finding.UNABLE:
        which = "one of the two tasks" if asked.other else sentences.asked(study, asked.task)
        doing = "carry" if asked.task in study.config["readouts"] else "do"
        return (
            f"{where} it cannot be tested: that network is not shown to {doing} {which} to a meaningful degree, and "
            "what cannot be done cannot be lost."
        )
    if what is Finding.UNAVAILABLE:
        return f"{where} there is no number."
    held = main[1] is Finding.SPECIFIC
    if what is Finding.SPECIFIC:
        ends = ", too, so that it does not take training" if held else ", though it is not shown in the network itself"
        return f"{where} it holds{_numbers(case)}{ends}."
    share = _labelled_alike(study, case) if case.outcome == "kept" else 0.0
    if share:
        alike = (
            f"that network gives {wording.percent(share)} of the test images one label, so that labels kept say little"
        )
        return f"{where} it {_state(asked, what).rstrip(',')}{_numbers(case)}; but {alike}."
    return f"{where} it {_state(asked, what).rstrip(',')}{_numbers(case)}{_apart(main[0], case) if held else ''}."


def _labelled_alike(study: Study, case: Case) -> float:
    """Give the share of the images that the twin labels alike, where that leaves little to change; or 0."""
    found = [model.changes for model in study.models if model.name == case.name and model.changes is not None]
    return changes.uniform(found[0]) if found else 0.0


def _apart(main: Case, twin: Case) -> str:
    """Say whether the intervals of the network and of its twin overlap."""
    assert main.effect is not None and twin.effect is not None
    if twin.effect.high < main.effect.low or main.effect.high < twin.effect.low:
        return "; the intervals of the two networks do not overlap"
    return "; the intervals of the two networks overlap, so that they are not shown to differ"


def _numbers(case: Case, before: str = "", after: str = "") -> str:
    """Write the numbers of a case in brackets; nothing where there are none."""
    if case.effect is None:
        return ""
    return f" ({before}{wording.points(case.effect)}, {wording.p(case.p)}{after})"
