"""What may tell categories apart besides what they show, in Markdown.

Difference       how one statistic of the images differs between the sides of a contrast
differences      all of them, for one contrast
scope            the splits whose images are compared
sentence         which statistics tell the sides of the contrasts apart, or that none does
brief            the same in a sentence, where there are any
limit            the same as a reason for caution
table            all of them, for one model
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer.confounds import MEASURED_SPLITS
from deeplocalizer.report import sentences, tables, wording
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, listed, name
from deeplocalizer.summaries import plain

LEAST = 0.2  # |d| below which a difference is small, after Cohen
LEAST_SEEN = {"luminance": 1 / 255, "contrast": 1 / 255}  # one grey level: what is matched differs by rounding alone
WORDS = {
    "luminance": "mean luminance",
    "contrast": "contrast",
    "low": "power below 8 cycles",
    "middle": "power from 8 to 32 cycles",
    "high": "power from 32 cycles",
    "slope": "slope of the spectrum",
    "colourfulness": "colourfulness",
}


@dataclass(frozen=True)
class Difference:
    """How one statistic of the images differs between the sides of a contrast.

    Parameters
    ----------
    statistic : str
    d, low, high : float
        Cohen's d, preferred minus other, with its interval.
    auroc : float
        How often an image of the preferred categories has more of it than one of the others, as a share.
    preferred, other : float
        Mean over the images of either side.
    """

    statistic: str
    d: float
    low: float
    high: float
    auroc: float
    preferred: float
    other: float

    @property
    def tells(self) -> bool:
        """Whether it tells the sides apart: to be seen at all, not small, and shown not to be an accident."""
        seen = abs(self.preferred - self.other) >= LEAST_SEEN.get(self.statistic, 0)
        return seen and abs(self.d) >= LEAST and (self.low > 0 or self.high < 0)


def differences(study: Study, model: Model, contrast: str) -> list[Difference]:
    """Take how every statistic differs between the sides of a contrast."""
    one = model.confounds.sel(contrast=contrast)
    sides = study.config["contrasts"][contrast]
    means = [_mean(model.confounds, sides[side]) for side in ("preferred", "other")]
    columns = [*(one[column].values.astype(float) for column in ("d", "d_low", "d_high", "auroc")), *means]
    names = one["statistic"].values.astype(str)
    return [Difference(str(name), *map(float, values)) for name, *values in zip(names, *columns, strict=True)]


def _mean(measured: xr.Dataset, categories: Sequence[str]) -> np.ndarray:
    """Average every statistic over the images of some categories that are compared."""
    category, split = (measured[name].values.astype(str) for name in ("category", "split"))
    chosen = measured["value"].isel(
        stimulus=np.flatnonzero(np.isin(category, categories) & np.isin(split, MEASURED_SPLITS))
    )
    return np.asarray(chosen.mean("stimulus", skipna=True).values)


def scope(study: Study) -> str:
    """Name the splits whose images are compared."""
    splits = [split for split in MEASURED_SPLITS if (study.stimuli["split"] == split).any()]
    return f"the {wording.plural('split', len(splits))} {listed(map(code, splits))}"


def sentence(study: Study) -> str:
    """Say which statistics tell the sides of the contrasts apart, as a warning where there are any."""
    shown = [(models, contrast) for models in study.views for contrast in _distinct(study)]
    lines = [_as_seen(study, models) + _in_contrast(study, models[0], contrast) for models, contrast in shown]
    lines = [wording.capitalized(line) for line in lines]
    if not any(one.tells for models, contrast in shown for one in differences(study, models[0], contrast)):
        return " ".join(lines)
    listing = lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)
    return (
        "\n::: {.callout-warning}\n## Categories differ in more than what they show\n\n"
        f"{listing}\n\nWhat tells categories apart may be what a unit responds to.\n:::\n"
    )


def brief(study: Study) -> str:
    """Say in a sentence what tells categories apart besides what they show; nothing where nothing does."""
    found = [
        _word(one.statistic)
        for models in study.views
        for contrast in _distinct(study)
        for one in differences(study, models[0], contrast)
        if one.tells
    ]
    if not found:
        return ""
    return f"Images of different categories also differ in {listed(dict.fromkeys(found))}, which units may follow."


def limit(study: Study) -> str:
    """Name the statistics that tell the sides of the contrasts apart; nothing where there are none."""
    told = []
    for models in study.views:
        for contrast in _distinct(study):
            found = [_word(one.statistic) for one in differences(study, models[0], contrast) if one.tells]
            if found:
                told.append(f"{_as_seen(study, models)}in the contrast *{name(contrast)}* in {listed(found)}")
    if not told:
        return ""
    return (
        f"**Confounds.** Categories differ in more than what they show ({'; '.join(told)}; see @sec-confounds). A unit "
        "that prefers a category may follow any of these."
    )


def table(study: Study, model: Model) -> str:
    """List how every statistic differs between the sides of every contrast."""
    rows = []
    for contrast in study.config["contrasts"]:
        sides = study.config["contrasts"][contrast]
        one, other = (listed(plain(each) for each in sides[side]) for side in ("preferred", "other"))
        for found in differences(study, model, contrast):
            low, high = (wording.decimal(value, 2) for value in (found.low, found.high))
            rows.append(
                {
                    "Contrast": f"{wording.capitalized(plain(contrast))}: {one} against {other}",
                    "Statistic": _word(found.statistic),
                    "Preferred": _significant(found.preferred),
                    "Other": _significant(found.other),
                    "d": wording.decimal(found.d, 2),
                    "Interval": f"[{low},{wording.NO_BREAK}{high}]",
                    "AUROC": wording.decimal(found.auroc, 2),
                    "Tells apart": "yes" if found.tells else "no",
                }
            )
    return tables.html(pd.DataFrame(rows), by="Contrast")


def _in_contrast(study: Study, model: Model, contrast: str) -> str:
    """Say what tells the sides of one contrast apart."""
    sides = study.config["contrasts"][contrast]
    one, other = (sentences.categories(sides[side]) for side in ("preferred", "other"))
    found = [found for found in differences(study, model, contrast) if found.tells]
    if not found:
        return f"in the contrast *{name(contrast)}*, no statistic tells {one} from {other}."
    worst = sorted(found, key=lambda each: -abs(each.d))
    how = listed(f"{_word(each.statistic)} ({_numbers(each)})" for each in worst)
    return f"in the contrast *{name(contrast)}*, {one} differ from {other} in {how}."


def _numbers(found: Difference) -> str:
    if not np.isfinite(found.d):
        return "without any overlap"
    low, high = (wording.decimal(value, 2) for value in (found.low, found.high))
    equals = f"{wording.NO_BREAK}={wording.NO_BREAK}"
    return f"*d*{equals}{wording.decimal(found.d, 2)} [{low},{wording.NO_BREAK}{high}]"


def _as_seen(study: Study, models: Sequence[Model]) -> str:
    """Name the networks that see the images alike, where others see them otherwise."""
    see = "sees" if len(models) == 1 else "see"
    return "" if len(study.views) == 1 else f"as {listed(code(model.name) for model in models)} {see} them, "


def _distinct(study: Study) -> list[str]:
    """Take the contrasts without those that are the mirror image of one before."""
    found: dict[frozenset[frozenset[str]], str] = {}
    for contrast, sides in study.config["contrasts"].items():
        found.setdefault(frozenset((frozenset(sides["preferred"]), frozenset(sides["other"]))), contrast)
    return list(found.values())


def _significant(value: float) -> str:
    """Write a mean with three digits that tell something."""
    if not np.isfinite(value) or value == 0:
        return wording.decimal(value, 0)
    return wording.decimal(value, int(np.clip(2 - np.floor(np.log10(abs(value))), 0, 5)))


def _word(statistic: str) -> str:
    return WORDS.get(statistic, plain(statistic))
