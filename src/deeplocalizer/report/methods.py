"""The methods of a study, told from its configuration and its artefacts. All of it is Markdown.

stimuli          sources, splits and groups
networks         architectures, weights and what was recorded
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

from deeplocalizer.report import wording
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, count, listed, name, round_percent
from deeplocalizer.stimuli.splits import SPLITS

SOURCES = {
    "lfw_faces": "faces of Labeled Faces in the Wild [@huang2007], as crops that come with scikit-image "
    "[@vanderwalt2014]",
    "lfw_backgrounds": "crops without a face from the same data set [@huang2007; @vanderwalt2014]",
    "photograph_patches": "square patches of the photographs without people that come with scikit-image "
    "[@vanderwalt2014]; the patches of one photograph are one group",
    "digits": "handwritten digits [@alpaydin1998], as they come with scikit-learn [@pedregosa2011]",
}
REDUCTIONS = {"mean": "the mean over its feature map", "max": "the maximum over its feature map"}
STATISTICS = {"t": "Welch's *t*", "d": "Cohen's *d*", "difference": "the difference of the means"}
SIGNS = {"positive": "highest", "negative": "lowest", "absolute": "largest in size, whatever the sign,"}


def stimuli(study: Study) -> str:
    """Tell the sources, the splits and the groups."""
    settings = study.config["stimuli"]
    told = [
        f"- *{name(category)}*: {count(len(study.select(category=[category])), 'image')}, "
        f"{SOURCES.get(chosen['source'], 'source ' + code(chosen['source']))}."
        for category, chosen in settings["categories"].items()
    ]
    sizes = {split: settings["splits"].get(split, 0) for split in SPLITS}
    shares = listed(f"{code(split)} ({round_percent(size)})" for split, size in sizes.items() if size > 0)
    dealt = (
        f"Each category, and each label within it, was dealt at random (seed {study.config['seed']}) into the "
        f"splits {shares}. Stimuli of one group stay together. Within a split, stimuli were dealt into "
        f"{settings['folds']} folds in the same way."
    )
    return "\n".join([*told, "", dealt])


def networks(study: Study, model: Model) -> str:
    """Tell what a network is, how it came by its weights and what was recorded of it."""
    known, crop = model.preprocessing, model.preprocessing["crop"]
    colour = "grey" if known["mode"] == "L" else "colour"
    reductions = listed((REDUCTIONS[kind] for kind in study.config["recording"]["reductions"]), "or")
    patterns = listed(code(layer) for layer in model.settings["layers"])
    return (
        f"The network {code(model.name)} has the architecture {code(model.settings['architecture'])}, with one "
        f"output for each label. Images were resized ({known['resample']}) to {known['resize']} pixels at the "
        f"shorter side, and of these the central {crop} × {crop} were kept, in {colour}. "
        f"{_training(study, model) if model.trained else _untrained(study)} The response of a channel unit of a "
        f"convolutional layer is {reductions}. All {count(model.units, 'unit')} of the layers that match "
        f"{patterns} were recorded for all stimuli."
    )


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
        + "\n\nShares are of the units that are not dead, rounded up. A unit on the wrong side of zero is not "
        "selected. Test stimuli play no part in the selection."
    )


def ablation(study: Study) -> str:
    """Tell how units are silenced, and against what that is compared."""
    settings = study.config["ablation"]
    value = f"its mean response to the other categories of its contrast in the split {code('localize')}"
    value = "zero" if settings["value"] == "zero" else value
    return (
        f"A unit was silenced by replacing its response, all over its feature map, by {value}. For each "
        f"localizer, {count(settings['controls'], 'random mask')} were drawn, all different, with as many units "
        "in every layer as the mask of the localizer, uniformly from all units that are not dead, those of the "
        "localizer included: only then is the rank of the localizer's mask among its random masks a valid *p* "
        "[@phipson2010]. The network was run intact and under every mask on the split "
        f"{code('test')}, on which nothing was chosen. {_outcome(study)}"
    )


def inference(study: Study) -> str:
    """Tell the intervals, the tests and what is claimed."""
    settings = study.config["inference"]
    resamples = f"{settings['resamples']:,}"
    told = [
        f"Intervals cover {round_percent(settings['confidence'])} and come from the bias-corrected and "
        f"accelerated bootstrap [@efron1987] with {resamples} samples: stimuli are resampled by category within "
        "each label [@davison1997], groups as a whole, and what happens to one stimulus intact and ablated "
        "stays together. Where the stimuli of each label have the same outcome, the interval is an exact "
        "binomial bound [@clopper1934]. Intervals of random masks are their quantiles.",
        "All tests are one-sided, for harm. The harm of a mask is tested by exchanging intact and ablated within "
        f"stimuli ({resamples} random permutations); the advantage of a mask over its random masks, by its rank "
        "among them.",
        _claims(study),
    ]
    if study.config["dissociations"]:
        told.append(_dissociations(study))
    return "\n\n".join(told)


def configuration(study: Study) -> str:
    """Write the whole configuration, as YAML."""
    text = yaml.safe_dump(_plain(study.config), sort_keys=False, allow_unicode=True, width=100)
    return f"```yaml\n{text.rstrip()}\n```"


def _localizer(localizer: str, chosen: Mapping[str, Any]) -> str:
    scope = "of the whole network" if chosen["scope"] == "network" else "of each layer"
    return (
        f"- *{name(localizer)}*: the {round_percent(chosen['fraction'])} of units {scope} with the "
        f"{SIGNS[chosen['sign']]} {STATISTICS[chosen['statistic']]} in the contrast "
        f"*{name(chosen['contrast'])}*."
    )


def _outcome(study: Study) -> str:
    """Tell what is measured under ablation."""
    tasks = [f"{name(task)} ({_labels(labels)})" for task, labels in study.config["tasks"].items()]
    if not tasks:
        return (
            "There are no tasks, so what is measured in each category is the share of stimuli for which the same "
            "output is the highest as in the intact network. Harm is the share for which it is another."
        )
    return (
        f"The {'task is' if len(tasks) == 1 else 'tasks are'} {listed(tasks)}. A stimulus is decided among the "
        "labels of its own task. Balanced accuracy is the mean over these labels of the share of right "
        "decisions; chance is one over their number. Harm is balanced accuracy intact minus ablated."
    )


def _labels(labels: Sequence[str]) -> str:
    return listed((wording.escaped(str(label)) for label in labels), "or")


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


def _training(study: Study, model: Model) -> str:
    chosen: Mapping[str, Any] = model.settings["training"]
    mirrored = f", and those labelled {_labels(chosen['mirror'])} also mirrored" if chosen["mirror"] else ""
    return (
        f"It was trained on the split {code('train')} alone, on the labels of all tasks in one softmax, as the "
        f"dual-task network of @dobs2022, for {count(chosen['epochs'], 'epoch')} of AdamW [@loshchilov2019] with "
        f"batches of {chosen['batch_size']}, a one-cycle schedule [@smith2019] with a peak learning rate of "
        f"{chosen['learning_rate']:g}, and a weight decay of {chosen['weight_decay']:g} "
        f"(seed {study.config['seed']}). Every task, and every label within it, was drawn equally often. Training "
        f"images were shifted and relit at random{mirrored}."
    )


def _untrained(study: Study) -> str:
    return f"It was left at its random initialisation (seed {study.config['seed']})."


def _plain(value: Any) -> Any:
    """Copy a value with plain dictionaries and lists, which is all that YAML should show."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
