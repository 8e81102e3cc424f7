"""How preferences and masks repeat in halves of the stimuli.

sentence         what repeats and what does not, a sentence for each localizer
table            correlations and Dice coefficients beside those of shuffled labels
"""

from __future__ import annotations

import math

import pandas as pd
import xarray as xr

from deeplocalizer import summaries
from deeplocalizer.report import tables, wording
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import name
from deeplocalizer.summaries import Repeated, plain

HEADS = {"correlation": "Correlation of contrast maps", "dice": "Dice coefficient of masks"}


def sentence(study: Study, reliability: xr.Dataset) -> str:
    """Say how well each localizer repeats, beside shuffled labels."""
    told = []
    for localizer in reliability["localizer"].values.astype(str):
        maps, masks = (summaries.repeated(reliability, localizer, measure) for measure in HEADS)
        if not maps.values.size or not masks.values.size:
            told.append(f"Halves of the stimuli are too few to repeat the localizer *{name(localizer)}*.")
            continue
        told.append(
            f"Between halves of the stimuli, the maps of the localizer *{name(localizer)}* correlate with "
            f"*r*{wording.NO_BREAK}={wording.NO_BREAK}{wording.decimal(maps.mean, 2)} on average and its masks have a "
            f"Dice coefficient of {wording.decimal(masks.mean, 2)}{_beside(study, maps, masks)}."
        )
    return " ".join(told)


def table(study: Study, reliability: xr.Dataset) -> str:
    """List how each localizer repeats, beside shuffled labels."""
    confidence = float(study.config["inference"]["confidence"])
    rows = []
    for measure, head in HEADS.items():
        for localizer in reliability["localizer"].values.astype(str):
            one = summaries.repeated(reliability, localizer, measure)
            rows.append(
                {
                    "Of": head,
                    "Localizer": plain(localizer),
                    "Mean": wording.decimal(one.mean, 2),
                    "Range": _ends(one.range),
                    "By chance": wording.decimal(one.chance, 2),
                    "Shuffled labels": _ends(one.band(confidence)),
                    "p": wording.p_cell(one.p),
                }
            )
    return tables.html(pd.DataFrame(rows), by="Of")


def _beside(study: Study, maps: Repeated, masks: Repeated) -> str:
    if not maps.null.size or not (math.isfinite(maps.p) and math.isfinite(masks.p)):
        return ""
    averages = " and ".join(wording.decimal(float(one.null.mean()), 2) for one in (maps, masks))
    sure = [one.p <= study.alpha for one in (maps, masks)]
    verdict = {
        (True, True): "both are more than",
        (True, False): "the first is more than",
        (False, True): "the second is more than",
        (False, False): "neither is demonstrably more than",
    }[sure[0], sure[1]]
    return f"; {verdict} with shuffled labels ({averages} on average; {wording.p(maps.p)} and {wording.p(masks.p)})"


def _ends(ends: tuple[float, float]) -> str:
    low, high = (wording.decimal(end, 2) for end in ends)
    return wording.ABSENT if low == wording.ABSENT else f"[{low},{wording.NO_BREAK}{high}]"
