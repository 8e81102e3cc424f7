"""The methods of a study, told from its configuration and its artefacts. All of it is Markdown.

stimuli          sources, matching, splits and groups
contrasts        how the preference of a unit is measured
localizers       how units are selected
ablation         how they are silenced, and against what that is compared
inference        intervals, tests and what is claimed
configuration    the whole configuration, as YAML
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from deeplocalizer.report import sources, wording
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import code, count, listed, name, round_percent

STATISTICS = {"t": "Welch's *t*", "d": "Cohen's *d*", "difference": "difference of the means"}
SIGNS = {"positive": "highest", "negative": "lowest", "absolute": "largest absolute"}


def stimuli(study: Study) -> str:
    """Tell the sources, what was made of the images, the splits and the groups."""
    told = [
        f"- *{name(category)}*: {count(len(study.select(category=[category])), 'image')}, "
        f"{sources.described(study, category)}."
        for category in study.config["stimuli"]["categories"]
    ]
    parts = [sources.matching(study), sources.dealing(study), sources.attributes(study)]
    return "\n\n".join(["\n".join(told), *(part for part in parts if part)])


def contrasts(study: Study) -> str:
    """Tell how the preference of a unit is measured."""
    return (
        f"In the split {code('localize')} alone, the responses of every unit to the preferred categories, taken "
        "together, were compared with those to the other categories by Welch's *t* [@welch1947]. Effect sizes "
        "are Cohen's *d* by the pooled standard deviation [@cohen1988]. For each contrast, false discovery rates "
        "*q* are controlled over all units of a network [@benjamini1995], two-sided. A unit that responds alike "
        "to all stimuli of both samples is dead: it counts as not preferring and is never selected. Reliability is "
        "the correlation, over units, of *d* between the even and the odd of "
        f"{study.config['stimuli']['folds']} folds."
    )


def localizers(study: Study) -> str:
    """Tell how units are selected."""
    told = [_localizer(localizer, chosen) for localizer, chosen in study.config["localizers"].items()]
    return (
        "In the manner of functional localizers in brains, and of their use in networks "
        "[@dobs2022; @alkhamissi2025], the units that rank highest in a contrast were selected:\n\n"
        + "\n".join(told)
        + f"\n\n{_eligible(study)} Test stimuli play no part in the selection."
    )


def ablation(study: Study) -> str:
    """Tell how units are silenced, and against what that is compared."""
    settings = study.config["ablation"]
    value = f"its mean response to the other categories of its contrast in the split {code('localize')}"
    value = "zero" if settings["value"] == "zero" else value
    return (
        f"A unit was silenced by replacing its response{_extent(study)} by {value}. For each "
        f"localizer, {count(settings['controls'], 'random mask')} were drawn, all different, with as many units "
        "in every layer as the mask of the localizer, uniformly from all units that are not dead, those of the "
        "localizer included: only then is the rank of the localizer's mask among its random masks a valid *p* "
        "[@phipson2010]. The network was run intact and under every mask on the split "
        f"{code('test')}, on which nothing was chosen. {_outcome(study)}"
    )


def inference(study: Study) -> str:
    """Tell the intervals, the tests and what is claimed."""
    told = [_intervals(study), _tests(study), _claims(study)]
    if study.config["dissociations"]:
        told.append(_dissociations(study))
    return "\n\n".join(told)


def configuration(study: Study) -> str:
    """Write the whole configuration, as YAML."""
    text = yaml.safe_dump(_plain(study.config), sort_keys=False, allow_unicode=True, width=100)
    return f"```yaml\n{text.rstrip()}\n```"


def _localizer(localizer: str, chosen: Mapping[str, Any]) -> str:
    scope = "of the whole network" if chosen["scope"] == "network" else "of each layer"
    size = f"{chosen['count']:,}" if chosen.get("count") else f"{round_percent(chosen['fraction'])} of"
    return (
        f"- *{name(localizer)}*: the {size} units {scope} with the {SIGNS[chosen['sign']]} "
        f"{STATISTICS[chosen['statistic']]} in the contrast *{name(chosen['contrast'])}*."
    )


def _eligible(study: Study) -> str:
    """Tell which units can be selected at all."""
    chosen = study.config["localizers"].values()
    told = "Units that are dead are never selected"
    if any(not one.get("count") for one in chosen):
        told = "Shares are of the units that are not dead, rounded up"
    wrong = any(one["sign"] != "absolute" for one in chosen)
    return f"{told}. A unit on the wrong side of zero is not selected." if wrong else f"{told}."


def _extent(study: Study) -> str:
    """Tell how far silencing a unit goes."""
    kinds = {kind for model in study.models for kind in model.reductions}
    if kinds <= {"position", "class_token"}:
        return ""
    return ", all over its feature map,"


def _outcome(study: Study) -> str:
    """Tell what is measured under ablation."""
    tasks = [f"{name(task)} ({_labels(labels)})" for task, labels in study.config["tasks"].items()]
    if not tasks:
        return (
            "There are no tasks, so every category is looked at by itself, and two outcomes are measured: the share "
            "of images for which the same output is the highest as in the intact network, and the Kullback-Leibler "
            "divergence of the ablated network's distribution over its outputs from the intact network's, in nats, "
            "averaged over images. A decision has changed where another output is the highest."
        )
    return (
        f"The {'task is' if len(tasks) == 1 else 'tasks are'} {listed(tasks)}. A stimulus is decided among the "
        "labels of its own task. Balanced accuracy is the mean over these labels of the share of right "
        "decisions; chance is one over their number. Harm is balanced accuracy intact minus ablated."
    )


def _labels(labels: Sequence[str]) -> str:
    return listed((wording.escaped(str(label)) for label in labels), "or")


def _intervals(study: Study) -> str:
    settings = study.config["inference"]
    if study.config["tasks"]:
        resampled, same = "by category within each label", "the stimuli of each label have"
    else:
        resampled, same = "within each category", "all stimuli of a category have"
    return (
        f"Intervals cover {round_percent(settings['confidence'])} and come from the bias-corrected and accelerated "
        f"bootstrap [@efron1987] with {settings['resamples']:,} samples: stimuli are resampled {resampled} "
        "[@davison1997], groups as a whole, and what happens to one stimulus intact and ablated stays together. Where "
        f"{same} the same outcome, the interval is an exact binomial bound [@clopper1934]. Intervals of random masks "
        "are their quantiles."
    )


def _tests(study: Study) -> str:
    if not study.config["tasks"]:
        return (
            "All tests are one-sided. Silencing any units changes something, so what is tested is whether a mask "
            "changes more than its random masks do, by its rank among them."
        )
    return (
        "All tests are one-sided, for harm. The harm of a mask is tested by exchanging intact and ablated within "
        f"stimuli ({study.config['inference']['resamples']:,} random permutations); the advantage of a mask over its "
        "random masks, by its rank among them."
    )


def _claims(study: Study) -> str:
    """Tell what must be true before anything is claimed."""
    settings = study.config["inference"]
    told = f"The level is {settings['alpha']:g}."
    if not study.own:
        told += " *p*-values are not adjusted for the number of comparisons."
    elif len(study.own) > 1:
        told += (
            f" The advantages of the {count(len(study.own), 'localizer')}, each on its own task, are one family, "
            "adjusted by Holm's method [@holm1979]."
        )
    if not study.config["tasks"]:
        return told
    return (
        f"{told} A network that cannot do a task cannot lose it, yet a network is often a little above chance by "
        "accident. Nothing is therefore claimed about a task unless the intact network goes more than "
        f"{round_percent(settings['least_performance'])} of the way from chance to perfect: the *p* of an "
        "advantage or a dissociation is the larger of that of the comparison and that of this condition (a binomial "
        "test in which a group counts once), an intersection-union test [@berger1982]."
    )


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


def _plain(value: Any) -> Any:
    """Copy a value with plain dictionaries and lists, which is all that YAML should show."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
