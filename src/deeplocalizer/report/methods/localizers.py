"""How units are selected, and how that repeats.

localizers       the rule of each localizer, the bound on what is true of its mask, and its reliability
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import code, name, round_percent

STATISTICS = {
    "t": "Welch's *t*",
    "d": "Cohen's *d*",
    "g": "Hedges' *g*",
    "dprime": "*d*\u2032",
    "difference": "difference of the means",
    "auroc": "AUROC",
    "selectivity_index": "selectivity index",
}
SIGNS = {"positive": "highest", "negative": "lowest", "absolute": "largest absolute"}
BUNDLES = 8  # folds, or bundles of more folds, whose labels are exchanged
SIDES = {"positive": "above", "negative": "below", "absolute": "other than"}


def localizers(study: Study) -> str:
    """Tell how units are selected."""
    told = [_localizer(localizer, chosen) for localizer, chosen in study.config["localizers"].items()]
    return (
        "In the manner of functional localizers in brains, and of their use in networks "
        "[@dobs2022; @alkhamissi2025], units were selected by their rank in a contrast:\n\n"
        + "\n".join(told)
        + f"\n\n{_eligible(study)} Test stimuli play no part in the selection.\n\n"
        + " ".join([_true(study), *_repeated(study)])
    )


def _localizer(localizer: str, chosen: Mapping[str, Any]) -> str:
    scope = "of the whole network" if chosen["scope"] == "network" else "of each layer"
    statistic = f"{STATISTICS[chosen['statistic']]} in the contrast *{name(chosen['contrast'])}*"
    rank = f"the {SIGNS[chosen['sign']]} {statistic}"
    if chosen.get("q") is not None:
        side = SIDES[chosen["sign"]]
        test = "a two-sided" if chosen["sign"] == "absolute" else "a one-sided"
        least = " against the minimum effect" if chosen.get("least") else ""
        return (
            f"- *{name(localizer)}*: all units with {test} *q* ≤ {chosen['q']:g}{least} and a {statistic} {side} what "
            "no preference gives."
        )
    if chosen.get("percentile"):
        low, high = (f"{end:g}" for end in chosen["percentile"])
        return (
            f"- *{name(localizer)}*: the units {scope} above percentile {low} and up to percentile {high} of a ranking "
            f"in which 100 is {rank}."
        )
    size = f"{chosen['count']:,}" if chosen.get("count") else f"{round_percent(chosen['fraction'])} of"
    return f"- *{name(localizer)}*: the {size} units {scope} with {rank}."


def _eligible(study: Study) -> str:
    """Tell which units can be selected at all."""
    chosen = study.config["localizers"].values()
    told = "Units that are dead are never selected"
    if any(one.get("fraction") for one in chosen):
        told = "Shares are of the units that are not dead, rounded up"
    wrong = any(one["sign"] != "absolute" and not one.get("percentile") for one in chosen)
    return f"{told}. A unit on the wrong side of zero is not selected." if wrong else f"{told}."


def _true(study: Study) -> str:
    """Tell of the bound on what is true of a mask."""
    sure = round_percent(1 - study.config["inference"]["alpha"])
    return (
        "At least how many units of a mask truly have the preference is bounded by All-Resolution Inference: a closed "
        "test by Simes' inequality over all units that can be selected, whose bounds hold for all masks at once with a "
        f"confidence of {sure}, however they were chosen [@simes1986; @goeman2011; @rosenblatt2018; @goeman2019]. It "
        "assumes that Simes' inequality holds for the units that do not prefer, as it does where they depend on one "
        "another positively."
    )


def _repeated(study: Study) -> list[str]:
    """Tell how reliability is measured, where it was."""
    found = [model.reliability for model in study.models if model.reliability is not None]
    folds = study.config["stimuli"]["folds"]
    told = (
        f"Reliability is measured between halves of the {folds} folds of {code('localize')}: the correlation, over "
        "units, of the contrast maps, "
    )
    if not found:
        return [f"{told}here of Cohen's *d* between the even and the odd folds."]
    sizes = {name: int(found[0].sizes[name]) for name in ("half", "shuffle") if name in found[0].sizes}
    halves = f"over {sizes['half']} ways of halving" if sizes.get("half", 1) > 1 else "for one way of halving"
    told += f"and the Dice coefficient of the masks that the localizer selects in each half [@dice1945], {halves}."
    if sizes.get("shuffle"):
        least = max(1 / (1 + sizes["shuffle"]), 2 / 2 ** min(folds, BUNDLES))
        told += (
            f" Their means are compared with those under {sizes['shuffle']:,} exchanges of labels: the two sides of a "
            "contrast are exchanged in whole folds, in all stimuli of a fold at once [@winkler2014]. As there are "
            f"only so many exchanges, no *p* is below {least:.2g}."
        )
    return [told]
