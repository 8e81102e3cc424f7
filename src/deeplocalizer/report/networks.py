"""What the networks are, in Markdown.

introduced       what a network is, in a few words
library          where it comes from
weights          how it came by its weights
recorded         what was recorded of it
methods          architecture, weights, preprocessing and what was recorded
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import xarray as xr

from deeplocalizer.models.specification import OWN
from deeplocalizer.report import wording
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.wording import code, count, listed, name

LIBRARIES = {"torchvision": "torchvision2016", "timm": "wightman2019", "transformers": "wolf2020"}
REDUCTIONS = {"mean": "the mean over its feature map", "max": "the maximum over its feature map"}
WAYS = {
    "channels_last": "had its channels last in memory",
    "tf32": "computed in TF32",
    "autocast": "computed in 16 bits where PyTorch holds that safe",
    "compile": "was compiled",
}
IMAGENET = 1000  # outputs of a network for the ImageNet challenge, of which the first is a tench


def introduced(study: Study, model: Model) -> str:
    """Say what a network is, in a few words."""
    known = model.specification
    what = f"architecture {code(known.name)}" + ("" if known.library == OWN else f" of {library(model)}")
    return f"{what}, {weights(study, model)}"


def library(model: Model, cited: bool = False) -> str:
    """Name the library that a network comes from, with its citation if wanted."""
    known = model.specification
    if _is_python(model):
        return "the study's own code" if not cited else "the study's own code, called by name"
    return f"{known.library} [@{LIBRARIES[known.library]}]" if cited else known.library


def weights(study: Study, model: Model) -> str:
    """Say how a model came by its weights, such that ``it was`` can stand before it."""
    if model.trained:
        tasks = listed(name(task) for task in study.config["tasks"])
        return f"trained by this study on {tasks}" if tasks else "trained by this study"
    if model.untrained:
        return "left at its random initialisation"
    if model.settings["weights"] == "pretrained":
        return "used with the weights that its author gives it" if _is_python(model) else "used as pretrained"
    return f"given the weights in {code(Path(model.settings['weights']).name)}"


def recorded(model: Model) -> str:
    """Say how many units of what kind were recorded."""
    layers = count(model.architecture.sizes["layer"], "layer")
    if model.reductions == ("position",):
        return f"{count(model.units, 'position unit')}, every element of the outputs of {layers}, were recorded"
    kind = "unit" if "position" in model.reductions else "channel unit"
    return f"{count(model.units, kind)} in {layers} were recorded"


def methods(study: Study, model: Model) -> str:
    """Tell what a network is, how it came by its weights, what it sees and what was recorded of it."""
    told = [_architecture(model), _weights(study, model)]
    earlier = takewhile(lambda other: other is not model, study.models)
    before = [other for other in earlier if _treated_alike(model, other)]
    if before:
        return " ".join([*told, f"It saw the same inputs as {code(before[0].name)}, and the same was recorded of it."])
    return " ".join([*told, _seen(model), _units(study, model)])


def _architecture(model: Model) -> str:
    known = model.specification
    if known.library == OWN:
        labels = "with one output for each label"
        return f"The network {code(model.name)} has the architecture {code(known.name)}, {labels}."
    commit = f" (commit {code(known.revision)})" if known.revision else ""
    family = " [@he2016]" if "resnet" in known.name.lower() else ""
    return (
        f"The network {code(model.name)} is {code(known.name)}{family} of {library(model, cited=True)}{commit}, with "
        f"{_outputs(model)}."
    )


def _outputs(model: Model) -> str:
    labels = model.specification.labels
    told = count(len(labels), "output")
    if len(labels) == IMAGENET and labels[0].startswith("tench"):
        return f"{told}, the classes of ImageNet [@russakovsky2015]"
    return told


def _is_python(model: Model) -> bool:
    return model.specification.library == "python"


def _weights(study: Study, model: Model) -> str:
    if model.trained:
        return _training(study, model)
    if model.untrained:
        twins = [other.name for other in study.models if _twin(model, other)]
        told = f"It was left at its random initialisation (seed {study.config['seed']})"
        return f"{told}, as the untrained twin of {listed(map(code, twins))}." if twins else f"{told}."
    if model.settings["weights"] != "pretrained":
        return f"Its weights are those in {code(Path(model.settings['weights']).name)}."
    if _is_python(model):
        return "Its weights are those that the function gives it."
    return "Its weights are the pretrained ones that the library gives for that name."


def _twin(model: Model, other: Model) -> bool:
    same = ("library", "name", "revision")
    alike = all(getattr(model.specification, key) == getattr(other.specification, key) for key in same)
    return alike and not other.untrained


def _treated_alike(model: Model, other: Model) -> bool:
    """Say whether two networks of one architecture have the same inputs and layers."""
    same = ("preprocessing", "layers")
    twins = (model.specification.library, model.specification.name) == (
        other.specification.library,
        other.specification.name,
    )
    alike = all(model.settings.get(key) == other.settings.get(key) for key in same)
    return twins and alike and model.preprocessing == other.preprocessing


def _seen(model: Model) -> str:
    """Tell how an image becomes an input."""
    known = model.preprocessing
    colour = "grey" if known["mode"] == "L" else "colour"
    if model.settings.get("preprocessing"):
        whose = ", as the configuration wants it"
    elif model.specification.library in LIBRARIES:
        whose = f", which is the preprocessing that {model.specification.library} names for it"
    else:
        whose = ""
    return f"Images were {known['pipeline']}, in {colour}{whose}."


def _units(study: Study, model: Model) -> str:
    """Tell what a unit is and which were recorded."""
    patterns = listed(code(layer) for layer in model.settings["layers"])
    channels = [REDUCTIONS[kind] for kind in model.reductions if kind in REDUCTIONS]
    told = []
    if channels:
        told.append(
            f"The response of a channel unit of a convolutional layer is {listed(channels, 'or')}{_tokens(model)}."
        )
    if "position" in model.reductions:
        told.append("A position unit is one element of a layer's output: one channel at one place.")
    if "class_token" in model.reductions:
        told.append("The response of a class-token unit is a channel of the first token of a layer.")
    splits = study.config["recording"].get("splits", [])
    whole = {*study.stimuli["split"]} <= {*splits} or not splits
    shown = "all stimuli" if whole else f"the stimuli of {listed(map(code, splits))}"
    told.append(f"All {count(model.units, 'unit')} of the layers that match {patterns} were recorded for {shown}.")
    return " ".join([*told, *_passed_over(model), *_hastened(model)])


def _passed_over(model: Model) -> list[str]:
    """Tell which outputs match the patterns and were not recorded."""
    told = []
    same = [str(others) for others in model.architecture.get("same_as", xr.DataArray([])).values if others]
    if same:
        outputs = count(sum(len(others.split()) for others in same), "output")
        verbs = (
            "matches too is the same as a recorded one and was"
            if outputs == "1 output"
            else "match too are the same as a recorded one and were"
        )
        told.append(f"{outputs.capitalize()} that {verbs} not recorded again.")
    without = model.architecture.sizes.get("left_out", 0)
    if without:
        verbs = "matches has" if without == 1 else "match have"
        told.append(f"{count(without, 'output').capitalize()} that {verbs} no units.")
    return told


def _hastened(model: Model) -> list[str]:
    """Tell what was done to run the network faster."""
    ways = [WAYS[way] for way in str(model.contrasts.attrs.get("faster", "")).split()]
    if not ways:
        return []
    apart = f"{float(model.contrasts.attrs['largest_deviation']):.1g}"
    return [
        f"To run faster, the network {listed(ways)}; on the first stimuli that changed responses by at most {apart} of "
        "the standard deviation of their layer."
    ]


def _tokens(model: Model) -> str:
    axes = model.architecture.get("axes")
    has = axes is not None and any("token" in str(one).split() for one in axes.values)
    return ", and of a layer of tokens the same over its tokens" if has else ""


def _training(study: Study, model: Model) -> str:
    chosen: Mapping[str, Any] = model.settings["training"]
    labels = listed((wording.escaped(str(label)) for label in chosen["mirror"]), "or")
    mirrored = f", and those labelled {labels} also mirrored" if chosen["mirror"] else ""
    return (
        f"It was trained on the split {code('train')} alone, on the labels of all tasks in one softmax, as the "
        f"dual-task network of @dobs2022, for {count(chosen['epochs'], 'epoch')} of AdamW [@loshchilov2019] with "
        f"batches of {chosen['batch_size']}, a one-cycle schedule [@smith2019] with a peak learning rate of "
        f"{chosen['learning_rate']:g}, and a weight decay of {chosen['weight_decay']:g} "
        f"(seed {study.config['seed']}). Every task, and every label within it, was drawn equally often. Training "
        f"images were shifted and relit at random{mirrored}."
    )
