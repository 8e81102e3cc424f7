"""How units are silenced, against what that is compared, and what is measured.

ablation         the same, in Markdown
"""

from __future__ import annotations

from collections.abc import Sequence

from deeplocalizer.report import wording
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import code, count, listed, name, round_percent

TOP = 5  # highest outputs among which the right one may be
COMPARED = {
    "bottom": "as many units at the bottom of the ranking",
    "opposite": "as many units of the opposite preference",
    "shuffled": "{shuffles} that the localizer selects when the sides of its contrast are exchanged in half of the "
    "folds, which cancels a real preference",
    "random": "random masks matched by layer alone",
    "random_response": "random masks matched by layer and mean response",
    "untrained": "the mask that the same localizer selects in the untrained network",
}


def ablation(study: Study) -> str:
    """Tell how units are silenced, and against what that is compared."""
    told = [_silenced(study), _random(study)]
    parts = [" ".join(told), _further(study), _series(study), _values(study), _twins(study)]
    run = (
        f"The network was run intact and under every mask on the split {code('test')}, on which nothing was chosen. "
        f"{_outcome(study)}"
    )
    return "\n\n".join(part for part in [*parts, run, _changed(study)] if part)


def _silenced(study: Study) -> str:
    settings = study.config["ablation"]
    if settings["value"] == "keep":
        kept = f"its response{_extent(study)} was left as it is and that of every other recorded unit"
        return f"To keep a unit, {kept} replaced by {_value(study, settings['background'])}."
    return f"A unit was silenced by replacing its response{_extent(study)} by {_value(study, settings['value'])}."


def _value(study: Study, value: str) -> str:
    """Say by what a response is replaced."""
    others = f"the other categories of its contrast in the split {code('localize')}"
    if value == "mean":
        mapped = study.config["ablation"]["mean"] == "map" and _extent(study)
        return f"its mean response to {others}" + (", position by position" if mapped else "")
    return {"zero": "zero", "resample": f"its response to another stimulus, drawn at random from {others}"}[value]


def _random(study: Study) -> str:
    settings = study.config["ablation"]
    by = "in every layer"
    if settings["matching"] == "response":
        by = f"in every layer and in each of {settings['bins']} bins of the mean size of the response there"
    return (
        f"For each localizer, {count(settings['controls'], 'random mask')} were drawn, all different, with as many "
        f"units {by} as the mask of the localizer, uniformly from all units that are not dead, those of the localizer "
        "included: only then is the rank of the localizer's mask among its random masks a valid *p* [@phipson2010]."
    )


def _further(study: Study) -> str:
    """Tell what else masks are compared with."""
    settings = study.config["ablation"]
    kinds = [kind for kind in COMPARED if kind in settings["compare"] and kind != study.matched]
    if not kinds:
        return ""
    masks = count(settings["shuffles"], "mask")
    told = "; ".join(COMPARED[kind].format(shuffles=masks) for kind in kinds)
    return (
        f"Each mask was also compared with other controls: {told}. These comparisons "
        "are with the masks as they are and rest on the stimuli alone."
    )


def _series(study: Study) -> str:
    """Tell which series of masks were run."""
    settings = study.config["ablation"]
    told = []
    if settings["fractions"]:
        shares = listed(round_percent(one) for one in settings["fractions"])
        told.append(f"{shares} of the units that can be selected, in the order of the localizer's ranking")
    if settings["layers"]:
        told.append("the part of each mask in one layer at a time")
    if settings["keep"]:
        background = _value(study, settings["background"])
        told.append(f"all units but those of the mask, each replaced by {background}, to see whether the mask suffices")
    if not told:
        return ""
    return (
        f"In further runs, silenced were {'; '.join(told)}. Each stood beside "
        f"{count(settings['series_controls'], 'random mask')} of as many units. The *p* of these runs are not adjusted "
        "for their number."
    )


def _values(study: Study) -> str:
    """Tell with which further values masks were run."""
    settings = study.config["ablation"]
    if not settings["values"]:
        return ""
    told = ", or ".join(f"by {_value(study, value)}" for value in settings["values"])
    number = min(settings["series_controls"], settings["controls"])
    several = len(settings["values"]) > 1
    return (
        "To see whether results depend on what replaces a unit's response, each mask was also run with the response "
        f"replaced {told}, beside the first {count(number, 'random mask')} of its localizer. "
        f"{'Each of these analyses' if several else 'This analysis'} was tested by itself: that a result holds with "
        "every value is an intersection-union test, which needs no adjustment for their number [@berger1982]."
    )


def _twins(study: Study) -> str:
    """Tell what was done to networks without training."""
    twins = {model.name: model.settings["untrained"] for model in study.models if model.settings.get("untrained")}
    if not twins:
        return ""
    told = listed(f"{code(twin)} of {code(model)}" for model, twin in twins.items())
    networks, own, shows = ("network", "its", "it shows") if len(twins) == 1 else ("networks", "their", "they show")
    return (
        f"The same {networks} without training ({told}) went through the same analyses, with masks of {own} own: what "
        f"{shows}, too, does not take training."
    )


def _extent(study: Study) -> str:
    """Tell how far silencing a unit goes."""
    kinds = {kind for model in study.models for kind in model.reductions}
    if kinds <= {"position", "class_token"}:
        return ""
    return ", all over its feature map,"


def _changed(study: Study) -> str:
    """Tell how changes of labels are counted, where they were."""
    if all(model.changes is None for model in study.models):
        return ""
    return (
        "Which images change their label is counted image by image: an image changes if another label is chosen under "
        "the mask than without it, and every image weighs alike. Shares of all images and of each category have "
        "intervals as effects have (see Inference). Their *p* are ranks among the random masks [@phipson2010], not "
        "adjusted for the number of categories and localizers. Ways to change (from one label to another) are counted, "
        "not tested."
    )


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
    many = any(len(labels) > TOP for labels in study.config["tasks"].values())
    top = f" Of tasks with more than {TOP} labels it is also recorded whether the right one is among the highest {TOP}."
    return (
        f"The {'task is' if len(tasks) == 1 else 'tasks are'} {listed(tasks)}. A stimulus is decided among the "
        "labels of its own task. Balanced accuracy is the mean over these labels of the share of right "
        "decisions; chance is one over their number. Harm is balanced accuracy intact minus ablated."
        + (top if many else "")
    )


def _labels(labels: Sequence[str]) -> str:
    return listed((wording.escaped(str(label)) for label in labels), "or")
