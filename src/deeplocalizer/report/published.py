"""Published numbers beside those of this study.

Entry            one published number with what this study gives
entries          all of them, for one model
compared         the models that they are compared with
sentence         which of them lie where this study's intervals are
table            all of them
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from deeplocalizer.report import tables, wording
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import listed, name
from deeplocalizer.summaries import Effect, find, plain

DIGITS = 4  # of what is no share
SHARES = ("correct", "top5", "kept")
OUTCOMES = {
    "correct": "balanced accuracy",
    "top5": "right among the highest five",
    "kept": "decisions kept",
    "margin": "margin",
    "log_likelihood": "log likelihood",
    "kl": "KL divergence",
}
UNITS = {"kl": "nats", "log_likelihood": "nats"}
LOSS_IS_HARM = ("kl",)  # outcomes of which the intact network has none


@dataclass(frozen=True)
class Entry:
    """One published number with what this study gives.

    Parameters
    ----------
    localizer, sample, outcome : str
        What was silenced, on what it was measured (a task or a category) and what was measured.
    value : float
    source : str
        Where it was published.
    here : Effect or None
        The same of this study.
    random : float
        The same under random masks, on average.
    """

    localizer: str
    sample: str
    outcome: str
    value: float
    source: str
    here: Effect | None
    random: float

    @property
    def inside(self) -> bool:
        """Whether the published number lies in this study's interval."""
        return self.here is not None and self.here.low <= self.value <= self.here.high


def entries(study: Study, model: Model) -> list[Entry]:
    """Put every published number beside what one model gives."""
    found = []
    for given in study.config["report"]["published"]:
        localizer, sample, outcome = (str(given[key]) for key in ("localizer", "sample", "outcome"))
        here = find(model.effects, "ablated", outcome, localizer=localizer, task=sample)
        random = _random(model, localizer, sample, outcome)
        found.append(Entry(localizer, sample, outcome, float(given["value"]), str(given["source"]), here, random))
    return found


def compared(study: Study) -> list[Model]:
    """Take the models that published numbers are compared with: not the untrained ones, if there are others."""
    if not study.config["report"]["published"]:
        return []
    return [model for model in study.models if not model.untrained] or list(study.models)


def sentence(study: Study, model: Model) -> str:
    """Say which published numbers lie where this study's intervals are."""
    every = entries(study, model)
    sources = listed(dict.fromkeys(wording.escaped(one.source) for one in every))
    inside = [one for one in every if one.inside]
    outside = [one for one in every if one.here is not None and not one.inside]
    absent = [one for one in every if one.here is None]
    interval = f"this study's {wording.round_percent(study.config['inference']['confidence'])} interval"
    number = "one number" if len(every) == 1 else wording.count(len(every), "number")
    whole = f"The {number} published by {sources}"
    if len(absent) == len(every):
        told = []
    elif len(inside) == len(every):
        told = [f"{whole} {'lies' if len(every) == 1 else 'all lie'} in {interval} of the same outcome."]
    elif len(every) == 1:
        told = [f"{whole} does not lie in {interval} of the same outcome."]
    elif not inside:
        told = [f"Of the {number} published by {sources}, none lies in {interval}."]
    else:
        lie = "lies" if len(inside) == 1 else "lie"
        told = [f"Of the {len(every)} numbers published by {sources}, {len(inside)} {lie} in {interval}."]
    if outside:
        told.append(f"Outside {'is' if len(outside) == 1 else 'are'} {listed(_apart(one) for one in outside)}.")
    if absent:
        told.append(f"On {listed(_what(one) for one in absent)} this study has no number.")
    told.append(
        "An interval speaks of other images of the same kind under this mask; images drawn otherwise, or another "
        "mask, may give other numbers."
    )
    return " ".join(told)


def table(study: Study, model: Model) -> str:
    """List the published numbers with what one model gives, intact and random masks beside them."""
    rows = []
    for one in entries(study, model):
        intact = find(model.effects, "intact", one.outcome, task=one.sample)
        unit = f", {UNITS[one.outcome]}" if one.outcome in UNITS else ""
        rows.append(
            {
                "Of": f"Without the {plain(one.localizer)} units ({one.source})",
                "Mean": f"{OUTCOMES[one.outcome]}{unit}: {plain(one.sample)}",
                "Published": _number(one.outcome, one.value),
                "Here": wording.ABSENT if one.here is None else _number(one.outcome, one.here.estimate),
                "Interval": _interval(one),
                "Inside": wording.ABSENT if one.here is None else "yes" if one.inside else "no",
                "n": wording.ABSENT if one.here is None else f"{one.here.n:,}",
                "Random units": _number(one.outcome, one.random),
                "Intact": wording.ABSENT if intact is None else _number(one.outcome, intact.estimate),
            }
        )
    return tables.html(pd.DataFrame(rows), by="Of")


def _random(model: Model, localizer: str, sample: str, outcome: str) -> float:
    """Give the mean outcome under random masks: what the intact network has, less their harm."""
    harm = find(model.effects, "control", outcome, localizer=localizer, task=sample)
    intact = find(model.effects, "intact", outcome, task=sample)
    if harm is None or intact is None:
        return math.nan
    return intact.estimate + harm.estimate if outcome in LOSS_IS_HARM else intact.estimate - harm.estimate


def _what(one: Entry) -> str:
    return f"{OUTCOMES[one.outcome]} of {name(one.sample)}"


def _apart(one: Entry) -> str:
    """Write a published number that lies outside, with what is found here."""
    assert one.here is not None
    unit = f"{wording.NO_BREAK}{UNITS[one.outcome]}" if one.outcome in UNITS else ""
    published, here = (_number(one.outcome, value) for value in (one.value, one.here.estimate))
    return f"the {_what(one)} (published {published}, here {here}{unit} {_interval(one)})"


def _number(outcome: str, value: float) -> str:
    return wording.percent(value) if outcome in SHARES else wording.decimal(value, DIGITS)


def _interval(one: Entry) -> str:
    if one.here is None:
        return wording.ABSENT
    if one.outcome in SHARES:
        return wording.interval(one.here)
    low, high = (wording.decimal(value, DIGITS) for value in (one.here.low, one.here.high))
    return f"[{low},{wording.NO_BREAK}{high}]"
