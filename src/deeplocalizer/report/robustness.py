"""Whether what a study finds holds under other conditions. All of it is Markdown or HTML.

tried            whether any other condition was tried of a model
overview         how many of the central results hold, and in how many conditions
brief            under which other conditions those hold that hold in the main analysis, in a sentence
sentence         what becomes of each central result with other values, over networks and without training
untested         which conditions were not tried
caption          of the figure
alternative      what the figure shows, for those who do not see it
table            every result under every condition
"""

from __future__ import annotations

import pandas as pd

from deeplocalizer import robustness
from deeplocalizer.report import persistence, tables, wording
from deeplocalizer.report.claims import Finding
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, count, listed
from deeplocalizer.robustness import Case, Result
from deeplocalizer.summaries import plain

CONDITIONS = {"value": "with every replacement value", "replicates": "over networks"}
SHOWN = {
    "value": "with other values in the place of the same units",
    "replicates": "over networks of one kind, each with masks of its own (with the *t* interval over networks, and "
    "small dots for single ones)",
    "twin": "in the same network without training, with masks of its own",
}
HOLDS = {
    Finding.SPECIFIC: "holds",
    Finding.NONE: "not shown",
    Finding.OPPOSITE: "reversed",
    Finding.UNABLE: "not testable",
    Finding.UNAVAILABLE: "no number",
}


def tried(model: Model) -> bool:
    """Whether any other condition was tried of a model."""
    return model.robustness is not None and model.robustness.sizes["variant"] > 1


def overview(study: Study, model: Model) -> str:
    """Say how many of the central results hold, and how many of these with every value and over networks."""
    every = [persistence.findings(study, cases) for _, cases in _all(model)]
    held = [found for found in every if found[0][1] is Finding.SPECIFIC]
    known = {case.kind for found in every for case, _ in found}
    where = listed(text for kind, text in CONDITIONS.items() if kind in known)
    alike = [
        found for found in held if all(what is Finding.SPECIFIC for case, what in found if case.kind in CONDITIONS)
    ]
    if len(every) == 1:
        if not held:
            state = {Finding.OPPOSITE: "reversed", Finding.UNABLE: "not testable"}.get(every[0][0][1], "not shown")
            return f"The central result is {state} in the main analysis."
        told = "The central result holds in the main analysis"
        return f"{told}." if not where else f"{told}, and {where}, too." if alike else f"{told}, but not {where} alike."
    told = f"Of {len(every)} central results, {_number(len(held))} in the main analysis"
    # a dissociation has two sides, and one is enough to contradict it
    turned = sum(
        found[0][1] is Finding.OPPOSITE and asked.kind == "advantage"
        for (asked, _), found in zip(_all(model), every, strict=True)
    )
    if turned:
        told += f" ({turned} {'is' if turned == 1 else 'are'} reversed there)"
    if not held or not where:
        return f"{told}."
    if len(held) == 1:
        return f"{told}, and this one does so {where}, too." if alike else f"{told}, but it does not do so {where}."
    return f"{told}, and {_number(len(alike))} {where}, too." if alike else f"{told}, but none of them {where}."


def brief(study: Study, model: Model) -> str:
    """Say of the central results that hold in the main analysis where else they hold; nothing if none or untried."""
    if not tried(model):
        return ""
    by_place: dict[str, list[str]] = {}
    for asked, cases in _all(model):
        found = persistence.findings(study, cases)
        if found[0][1] is Finding.SPECIFIC:
            by_place.setdefault(persistence.places(found), []).append(persistence.subject(study, asked))
    told = [
        f"{wording.capitalized(listed(subjects))} {'holds' if len(subjects) == 1 else 'hold'}{where}."
        for where, subjects in by_place.items()
        if where
    ]
    return " ".join(told)


def sentence(study: Study, model: Model) -> str:
    """Say what becomes of each central result, a paragraph for each."""
    return "\n\n".join(persistence.told(study, asked, cases) for asked, cases in _all(model))


def untested(study: Study, model: Model) -> str:
    """Say which conditions were not tried, and how to."""
    kinds = set() if model.robustness is None else set(model.robustness["kind"].values.astype(str).tolist())
    missing = []
    if "value" not in kinds and not study.config["ablation"].get("values"):
        used = code(study.config["ablation"]["value"])
        kept = study.config["ablation"]["value"] == "keep"
        how = "" if kept else f" (key {code('ablation.values')})"
        missing.append(f"other replacement values than {used}{how}")
    if "replicates" not in kinds:
        missing.append(f"other networks of the same kind (key {code('replicates')})")
    if "twin" not in kinds:
        missing.append(f"the same network without training (key {code('models.<name>.untrained')})")
    return f"Not tested: {listed(missing)}." if missing else ""


def caption(study: Study, model: Model) -> str:
    """Caption the figure."""
    cases = [case for _, every in _all(model) for case in every]
    kinds = {case.kind for case in cases}
    confidence = wording.round_percent(study.config["inference"]["confidence"])
    shown = [text for kind, text in SHOWN.items() if kind in kinds]
    told = f"The central results as they are (tinted, filled marks) and {listed(shown)}, with {confidence} intervals."
    if any(case.band is not None for case in cases):
        told += f" Grey bands span the middle {confidence} of the random masks of the condition, from their mean."
    few = sorted({case.controls for case in cases if case.kind == "value" and case.controls})
    if few:
        told += f" Further values were run with {listed(map(str, few), 'or')} random masks of each localizer."
    return f"{told} Dotted lines continue the main estimate. Axes differ between panels."


def alternative() -> str:
    """Say what the figure shows, for those who do not see it."""
    return (
        "Marks with intervals for each central result, a row for each condition: the study as it is, other replacement "
        "values, several networks and the untrained network, beside bands of random masks"
    )


def table(study: Study, model: Model) -> str:
    """List every result under every condition."""
    rows = [_row(study, asked, case) for asked, cases in _all(model) for case in cases]
    return tables.html(pd.DataFrame(rows), text=["Result"], by="Of")


def _all(model: Model) -> list[tuple[Result, list[Case]]]:
    assert model.robustness is not None
    return [(one, robustness.cases(model.robustness, one)) for one in robustness.results(model.robustness)]


def _number(results: int) -> str:
    return f"{results or 'none'} {'holds' if results < 2 else 'hold'}"


def _row(study: Study, asked: Result, case: Case) -> dict[str, str]:
    """Write one result under one condition as it stands in the table."""
    effect = case.effect
    ends = [wording.decimal(100 * end) for end in (case.control_low, case.control_high)]
    of = f"{plain(asked.localizer)} units: {plain(asked.task)}"
    if asked.kind == "double_dissociation":
        of = f"{plain(asked.localizer)} and {plain(asked.other)} units: double dissociation"
    return {
        "Of": wording.capitalized(of),
        "Condition": _condition(case),
        "Result": HOLDS[persistence.finding(study, case)],
        "Estimate": wording.ABSENT if effect is None else wording.decimal(100 * effect.estimate),
        "Interval": wording.ABSENT if effect is None else wording.interval(effect),
        "p": wording.p_cell(case.p),
        "Random": wording.decimal(100 * case.control),
        "Random, spread": wording.ABSENT if case.band is None else f"[{f',{wording.NO_BREAK}'.join(ends)}]",
        "Masks": f"{case.controls:,}" if case.controls else wording.ABSENT,
    }


def _condition(case: Case) -> str:
    return {
        "main": f"{case.name} (main)",
        "value": case.name,
        "replicates": f"{plain(case.name)} ({count(case.models, 'network')})",
        "twin": f"untrained twin {case.name}",
    }[case.kind]
