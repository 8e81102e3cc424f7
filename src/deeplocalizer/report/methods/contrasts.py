"""How the preference of a unit is measured.

contrasts        responses that are compared, statistics, and what is said of many units at once
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import code, count, listed, name


def contrasts(study: Study) -> str:
    """Tell how the preference of a unit is measured."""
    told = [_compared(study), *_each(study), _sizes(), _many(study), _least(study), _dead()]
    return "\n\n".join(part for part in [" ".join(told), _exchanged(study), _looked_up(study)] if part)


def _compared(study: Study) -> str:
    """Tell what is compared; what is weighted is named."""
    weighted = [
        f"*{name(contrast)}* ({'; '.join(_weights(side, sides[side]) for side in ('preferred', 'other'))})"
        for contrast, sides in study.config["contrasts"].items()
        if any(isinstance(sides[side], Mapping) for side in ("preferred", "other"))
    ]
    told = (
        f"In the split {code('localize')} alone, the responses of every unit to the preferred categories, taken "
        "together, were compared with those to the other categories by Welch's *t* [@welch1947], whose *p* are kept as "
        "logarithms."
    )
    if weighted:
        told += (
            f" In {listed(weighted)} the means of the categories are averaged by weights instead, and the degrees of "
            "freedom are those of that sum."
        )
    return told


def _weights(side: str, given: Any) -> str:
    weights = given if isinstance(given, Mapping) else dict.fromkeys(given, 1)
    return f"{side}: {listed(f'{name(one)} {weight:g}' for one, weight in weights.items())}"


def _each(study: Study) -> list[str]:
    """Tell of conjunctions."""
    found = [f"*{name(contrast)}*" for contrast, sides in study.config["contrasts"].items() if sides.get("each")]
    if not found:
        return []
    which = (
        f"The contrast {found[0]} is a conjunction"
        if len(found) == 1
        else f"The contrasts {listed(found)} are conjunctions"
    )
    return [
        f"{which}: a unit must win each comparison of a preferred with another category, so the weakest of them counts "
        "[@nichols2005]."
    ]


def _sizes() -> str:
    """Tell the effect sizes."""
    return (
        "Effect sizes are Cohen's *d* by the pooled standard deviation [@cohen1988], Hedges' *g*, which corrects its "
        "bias [@hedges1981], *d*\u2032, the difference by the root mean of both variances [@green1966], and, where "
        "responses were stored, AUROC, how often a stimulus of the preferred categories gives the higher response "
        "[@mann1947]. The selectivity index, the difference of two means by their sum, is given where neither mean is "
        "negative."
    )


def _many(study: Study) -> str:
    """Tell what is said of many units at once."""
    settings = study.config["inference"]
    where = "all units of a network" if settings["family"] == "network" else "the units of each layer"
    how = (
        "after Benjamini and Hochberg [@benjamini1995]"
        if settings["fdr"] == "benjamini_hochberg"
        else "after Benjamini and Yekutieli, whatever the dependence between units [@benjamini2001]"
    )
    return (
        f"For each contrast, false discovery rates *q* are controlled over {where} {how}: of the two-sided test, and "
        "of the one-sided test of either direction by itself. Units count as responding more, or less, to the "
        "preferred categories by the *q* of that direction."
    )


def _least(study: Study) -> str:
    """Tell of the test against a minimum effect."""
    least = float(study.config["inference"]["least_d"])
    return (
        "With many stimuli hardly any unit responds exactly alike, so units are also tested against a minimum effect, "
        f"|*d*| \u2264 {least:g}, by the noncentral *t* distribution [@murphy1999], as an approximation for Welch's "
        "*t* [@disantostefano1995]."
    )


def _exchanged(study: Study) -> str:
    """Tell how the distribution of effect sizes is compared with shuffled labels, where it was."""
    if all(model.nulls is None for model in study.models):
        return ""
    alpha = float(study.config["inference"]["alpha"])
    return (
        "The distribution of *d* over units is compared with those under exchanged labels: the two sides of a contrast "
        "are exchanged in whole folds. Balanced exchanges, of half of the folds, in which a preference cancels, "
        "describe what chance gives; no *p* is taken from them [@southworth2009]. Each of their *d* is brought to the "
        "real numbers of stimuli by the ratio of the roots of the summed weight\u00b2 / count. The family-wise "
        f"threshold of |*d*|, at the level {alpha:g} over all units of a network, comes from the largest |*d*| under "
        "all exchanges, the data as they are among them [@westfall1993; @winkler2014], stepped down [@romano2005]. "
        "There is none for conjunctions, because exchanged labels make all of their comparisons null, and none where "
        "the two sides differ much in number, or are small and differ."
    )


def _looked_up(study: Study) -> str:
    """Tell how the images are found that the best units respond to, where they were."""
    found = [model.extremes for model in study.models if model.extremes is not None]
    if not found:
        return ""
    splits = found[0].attrs["splits"].split()
    units = count(int(found[0].sizes["best"]), "unit")
    return (
        f"What the best units respond to is looked up in images of {listed(map(code, splits))}, which took no part in "
        f"their choice: for each contrast, at most {units} with the highest positive *d* among those that are not dead "
        "and whose responses were stored. Whether they prefer there, too, is asked by AUROC and one-sided Mann-Whitney "
        "tests of the mean responses to groups [@mann1947], adjusted for the units of a contrast by Holm's method "
        "[@holm1979]."
    )


def _dead() -> str:
    return (
        "A unit that responds alike to all stimuli of both samples is dead: it counts as not preferring and is never "
        "selected."
    )
