"""The effect sizes of all units beside those with shuffled labels, in Markdown.

sentence         how many units have larger effects than shuffled labels give, for each contrast
table            the same by contrast and layer
caption          what the table lists
stands_out       whether a contrast has more large effects than shuffled labels give
"""

from __future__ import annotations

import pandas as pd
import xarray as xr

from deeplocalizer import nulls
from deeplocalizer.nulls import Beyond, Passed
from deeplocalizer.report import sentences, tables, wording
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import NO_BREAK, count, listed, name, percent
from deeplocalizer.summaries import plain

LEAST = 0.5  # |d| that sentences tell of: a medium effect
_D = f"|*d*|{NO_BREAK}>{NO_BREAK}{LEAST:g}"
_OMITTED = {
    "folds": "only one fold of the stimuli has both of its sides, or none",
    "stimuli": "the folds have too few stimuli",
}
_UNTESTED = {
    "conjunction": "a unit must win several comparisons, and exchanged labels make all of them null, not one",
    "sizes": "its sides differ so much in number of stimuli that units would pass one by chance too often",
    "folds": "there are too few folds to exchange for a level of {alpha:g}",
    "stimuli": "single folds have too few stimuli",
}


def sentence(study: Study, found: xr.Dataset) -> str:
    """Say, for each contrast, what the distribution of *d* beside shuffled labels means."""
    told = [_contrast(study, found, contrast) for contrast in found["contrast"].values.astype(str)]
    reasons = found["reason"].values.astype(str)
    for contrast, reason in zip(found["omitted"].values.astype(str), reasons, strict=True):
        told.append(f"The labels of the contrast *{name(contrast)}* cannot be exchanged by folds: {_OMITTED[reason]}.")
    return "\n\n".join(told)


def table(found: xr.Dataset) -> str:
    """List how many units have larger effects than shuffled labels give, by contrast and layer."""
    places = [str(place) for place in found["place"].values]
    rows = []
    for contrast in found["contrast"].values.astype(str):
        number = dict(zip(places, found["units"].sel(contrast=contrast).values.tolist(), strict=True))
        for place in [*places, ""]:
            row = {"Contrast": plain(contrast), "Layer": place or "all"}
            row["Units"] = f"{number[place] if place else sum(number.values()):,}"
            for least in found["least"].values.tolist():
                one = nulls.beyond(found, contrast, least, place=place)
                row[f"|d| > {least:g}"] = f"{one.units:,}"
                row[f"by chance (> {least:g})"] = _chance(one)
            row["Beyond threshold"] = _beyond_threshold(nulls.passed(found, contrast, place))
            rows.append(row)
    return tables.html(pd.DataFrame(rows, columns=list(rows[0]) if rows else ["Contrast", "Layer"]), by="Contrast")


def caption(study: Study) -> str:
    """Say what the table lists."""
    return (
        "Units that are not dead, and how many of them have |*d*| above 0.2, 0.5 and 0.8; beside each, how many such "
        "units there are with shuffled labels (mean over exchanges, and their middle 95 %). Last, the units beyond the "
        f"family-wise threshold (level {study.alpha:g} for all units of the network), which respond more (+) and less "
        f"({wording.MINUS}) to the preferred categories; {wording.ABSENT} where there is no such threshold."
    )


def stands_out(found: xr.Dataset, contrast: str) -> bool:
    """Whether more units of a contrast have large effects than nearly all exchanges of labels give."""
    return nulls.beyond(found, contrast, LEAST).more


def _contrast(study: Study, found: xr.Dataset, contrast: str) -> str:
    one = found.sel(contrast=contrast)
    units, exchanges = int(one["units"].sum()), int(one["exchanges"])
    if not units:
        return f"In the contrast *{name(contrast)}*, no unit responds to anything."
    seen = nulls.beyond(found, contrast, LEAST)
    return (
        f"In the contrast *{name(contrast)}*, {count(seen.units, 'unit has', 'units have')} {_D}, of {units:,} "
        f"({percent(seen.units / units)}); with shuffled labels, {wording.decimal(seen.expected)} on average (middle 95"
        f"{NO_BREAK}% of {count(exchanges, 'exchange')}: {_ends(seen)}). {_meaning(found, contrast, seen)} "
        f"{_threshold(study, found, contrast)}"
    )


def _meaning(found: xr.Dataset, contrast: str, seen: Beyond) -> str:
    """Say whether there are more than by chance, and on which side."""
    if not seen.more:
        less = "fewer than nearly all exchanges give" if seen.fewer else "no more than exchanges give"
        return f"That is {less}, and no sign of preferences of that size."
    there = [side for side in ("more", "less") if nulls.beyond(found, contrast, LEAST, side).more]
    where = f", among units that respond {there[0]}" if len(there) == 1 else ", on both sides" if there else ""
    return f"That is more than nearly all exchanges give{where}."


def _threshold(study: Study, found: xr.Dataset, contrast: str) -> str:
    """Say which units pass the family-wise threshold, or why there is none."""
    passed = nulls.passed(found, contrast)
    if passed is None:
        why = _UNTESTED[str(found["untested"].sel(contrast=contrast).item())].format(alpha=study.alpha)
        return f"There is no family-wise threshold for single units: {why}."
    sides = study.config["contrasts"][contrast]
    preferred = sentences.categories(sides["preferred"])
    how = "" if passed.exact else " (nearly, as the two sides differ a little in size, or do in some folds)"
    level = (
        f"a threshold that, if no unit told the sides apart, any unit of the network would pass with a probability of "
        f"{study.alpha:g} at most{how}"
    )
    size = f"|*d*|{NO_BREAK}={NO_BREAK}{wording.decimal(passed.threshold, 2)}"
    by = f"{wording.p(passed.p)} by the largest |*d*| under {count(passed.tests, 'exchange')}"
    if not passed.more + passed.less:
        return f"No unit passes {level}: {size}, {by}. So no single unit can be named as one that prefers."
    numbers = [f"{passed.more:,} that respond more" if passed.more else "", f"{passed.less:,} that respond less"]
    shown = listed(part for part, there in zip(numbers, (passed.more, passed.less), strict=True) if there)
    total = count(passed.more + passed.less, "unit passes", "units pass")
    return f"{wording.capitalized(total)} ({shown} to {preferred}) {level}: {size}, {by}."


def _chance(one: Beyond) -> str:
    return f"{wording.decimal(one.expected)} {_ends(one)}"


def _ends(one: Beyond) -> str:
    return f"[{wording.decimal(one.low)},{NO_BREAK}{wording.decimal(one.high)}]"


def _beyond_threshold(passed: Passed | None) -> str:
    if passed is None:
        return wording.ABSENT
    return f"+{passed.more:,} {wording.MINUS}{passed.less:,}"
