"""Intervals, tests and what is claimed.

inference        the same, in Markdown
"""

from __future__ import annotations

from deeplocalizer.effects.family import HALVES
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import count, round_percent

INTERVALS = {
    "bca": "the bias-corrected and accelerated bootstrap [@efron1987]",
    "basic": "the basic bootstrap [@davison1997]",
    "percentile": "the percentile bootstrap [@davison1997]",
}


def inference(study: Study) -> str:
    """Tell the intervals, the tests and what is claimed."""
    told = [_intervals(study), _tests(study), _claims(study)]
    if study.config["dissociations"]:
        told.append(_dissociations(study))
    if study.config["replicates"]:
        told.append(_replicates(study))
    return "\n\n".join(told)


def _intervals(study: Study) -> str:
    settings = study.config["inference"]
    if study.config["tasks"]:
        resampled, kind = "by category within each label", "label"
    else:
        resampled, kind = "within each category", "category"
    also = " For readouts, they are resampled by category within each class." if study.config["readouts"] else ""
    return (
        f"Intervals cover {round_percent(settings['confidence'])} and come from {INTERVALS[settings['interval']]} "
        f"with {settings['resamples']:,} samples: stimuli are resampled {resampled} "
        "[@davison1997], groups as a whole, and what happens to one stimulus intact and ablated stays together."
        f"{also} The ends are taken at the levels that Student's *t* asks for [@hesterberg2015]; where groups are few, "
        "which the method then says, they are no shorter than Student's, and intervals of skewed outcomes may still be "
        f"too short. Where all stimuli of a {kind} have the same outcome, a resample cannot tell what a rare one would "
        "change; an exact binomial bound of that [@clopper1934] is the interval or is added to it. By how "
        "much more a mask does than its random masks has an interval over stimuli and random masks: each is resampled "
        "and the two errors are added [@owen2007]. Intervals of random masks themselves are their quantiles."
    )


def _tests(study: Study) -> str:
    compared = (
        " Against another control, the comparison is tested by exchanging the two masks within stimuli."
        if study.config["ablation"]["compare"]
        else ""
    )
    if not study.performs:
        return (
            "All tests are one-sided. Silencing any units changes something, so what is tested is whether a mask "
            f"changes more than its random masks do, by its rank among them.{compared}"
        )
    decisions = (
        ""
        if study.config["tasks"]
        else "Silencing any units changes some decisions, so that of decisions only the comparisons with other masks "
        "are tested; what follows is about readouts. "
    )
    return (
        f"All tests are one-sided, for harm. {decisions}The harm of a mask is tested by exchanging intact and ablated "
        f"within stimuli ({study.config['inference']['resamples']:,} random permutations), by the mean over its "
        "standard error without its skewness; the advantage of a mask over its random masks, by its rank among them "
        f"[@phipson2010].{compared}"
    )


def _claims(study: Study) -> str:
    """Tell what must be true before anything is claimed."""
    settings = study.config["inference"]
    told = f"The level is {settings['alpha']:g}."
    or_readout = " or readout" if study.config["readouts"] else ""
    if not study.own:
        told += " *p*-values are not adjusted for the number of comparisons."
    elif len(study.own) > 1:
        whose = f"the {count(len(study.own), 'localizer')}, each on its own task{or_readout}"
        told += (
            f" The advantages of {whose}, are one family for each outcome by itself, adjusted {_adjusted(study)}, "
            "which is the *p* over the family; all other *p*-values are not adjusted."
        )
    else:
        told += " *p*-values are not adjusted for the number of comparisons."
    if not study.performs:
        return told
    return (
        f"{told} A network that cannot do a task cannot lose it, yet a network is often a little above chance by "
        "accident. Nothing is therefore claimed about a task unless the intact network goes more than "
        f"{round_percent(settings['least_performance'])} of the way from chance to perfect: the *p* of an "
        "advantage or a dissociation is the larger of that of the comparison and that of this condition (a binomial "
        "test in which a group counts once), an intersection-union test [@berger1982]."
    )


def _adjusted(study: Study) -> str:
    """Tell how the family is adjusted."""
    if study.config["inference"]["adjust"] == "holm":
        return "by Holm's method [@holm1979]"
    told = "by the maximum of the family over random masks [@westfall1993]"
    if not study.performs:
        return told
    if len(study.own) <= HALVES:
        return f"{told} or, for performance, by Holm's method [@holm1979]"
    return f"{told} (for performance at half the level, and at the other half the condition below)"


def _dissociations(study: Study) -> str:
    told = (
        "A double dissociation is claimed only if each of two masks harms its own task more than the other mask "
        "does. Both comparisons must hold, so the larger of their *p* counts [@berger1982], and they must hold "
        "on raw performance as well as on performance as a share of what the intact network has above chance: "
        "an interaction alone, or an effect of one mask on an easier task, is no double dissociation."
    )
    if len(study.config["dissociations"]) > 1:
        told += " Their *p*-values are not adjusted for their number."
    return told


def _replicates(study: Study) -> str:
    return (
        "Of networks that replicate one another, the mean effect has a *t* interval over networks and a one-sided "
        "*t* test against zero (of networks that all agree, an exact "
        "binomial bound and a test of signs): there the network is the unit of inference, and stimuli and masks are "
        "fixed. "
        "Nothing is claimed over networks about a task that they are not shown to do."
    )
