"""How much work a study is: passes of its networks and bytes on disk, before anything is run.

Model            what is known of a network without its weights
Workload         passes and bytes of one model's part of a study
stimuli          number of stimuli of each category and split
workload         count passes and bytes
masks_of         number of masks of a localizer, and of its series
again_of         number of runs of these masks with other values
downloads        bytes that the sources and the weights will fetch
known_size       number of stimuli that a category says it has
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeplocalizer.configuration.sources import SOURCES

# measured on the data sets themselves; the annotations are those of the archive's member, compressed
BYTES_A_FACE = 8_700
BYTES_A_PHOTOGRAPH = 165_000
BYTES_A_ROW = 100_000
ANNOTATIONS = {"validation": 5_000_000, "train": 115_000_000}


@dataclass(frozen=True)
class Model:
    """What is known of a network without its weights.

    Parameters
    ----------
    pixels : int
        Numbers in one input.
    units : int
        Recorded units of all reductions.
    channel_units : int
        Those whose responses are stored for every stimulus.
    parameters : int
        Bytes of its weights.
    pretrained : bool
        Whether its weights are fetched.
    layers : int
        Recorded layers.
    """

    pixels: int
    units: int
    channel_units: int
    parameters: int
    pretrained: bool
    layers: int = 1


@dataclass(frozen=True)
class Workload:
    """Passes (stimuli through a network) and bytes (on disk, before compression) of one model's part of a study."""

    recorded: int
    ablated: int
    interventions: int
    inputs: int
    activations: int
    moments: int
    masks: int
    weights: int

    @property
    def bytes(self) -> int:
        """All bytes on disk."""
        return self.inputs + self.activations + self.moments + self.masks + self.weights


def stimuli(counts: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, dict[str, int]]:
    """Count the stimuli of each category and split.

    Parameters
    ----------
    counts : mapping of int
        Stimuli of each category in all.
    shares : mapping of float
        Share of each split.
    """
    return {
        category: {split: round(count * share) for split, share in shares.items()} for category, count in counts.items()
    }


def workload(config: Mapping[str, Any], model: Model, numbers: Mapping[str, Mapping[str, int]]) -> Workload:
    """Count the passes and bytes of one model's part of a study.

    Parameters
    ----------
    config : mapping
        With every default.
    model : Model
    numbers : mapping
        As `stimuli` gives them.

    Returns
    -------
    Workload
    """
    total = sum(sum(splits.values()) for splits in numbers.values())
    recorded = sum(splits[name] for splits in numbers.values() for name in config["recording"]["splits"])
    tested = sum(splits["test"] for splits in numbers.values())
    main, series = masks_of(config["ablation"], model.layers)
    again = again_of(config["ablation"])
    masks = (main + series) * len(config["localizers"])
    # each job has an intact run of its own
    each = 1 + bool(series) + len(config["ablation"]["values"])
    intact = config["ablation"]["jobs"] * each * len(config["localizers"])
    runs = masks + again * len(config["localizers"]) + intact
    cells = len(numbers) * len(config["recording"]["splits"]) * config["stimuli"]["folds"]
    return Workload(
        recorded=recorded,
        ablated=tested * runs,
        interventions=runs,
        inputs=total * model.pixels,
        activations=recorded * model.channel_units * 4,
        moments=cells * model.units * 16,
        masks=masks * model.units,
        weights=model.parameters,
    )


def masks_of(ablation: Mapping[str, Any], layers: int) -> tuple[int, int]:
    """Count the masks of a localizer, and those of its series.

    Parameters
    ----------
    ablation : mapping
        The section of the configuration, with every default.
    layers : int
        Recorded layers; the most that a mask can lie in.
    """
    several = {"shuffled": ablation["shuffles"], **dict.fromkeys(("random", "random_response"), ablation["controls"])}
    main = 1 + ablation["controls"] + sum(several.get(kind, 1) for kind in ablation["compare"])
    steps = len(ablation["fractions"]) + int(ablation["keep"]) + layers * int(ablation["layers"])
    return main, steps * (1 + ablation["series_controls"])


def again_of(ablation: Mapping[str, Any]) -> int:
    """Count the runs of the masks of a localizer with further values.

    Parameters
    ----------
    ablation : mapping
        The section of the configuration, with every default.
    """
    return len(ablation["values"]) * (1 + min(ablation["series_controls"], ablation["controls"]))


def downloads(
    categories: Mapping[str, Mapping[str, Any]], counts: Mapping[str, int], models: Sequence[Model]
) -> dict[str, int]:
    """Estimate the bytes that a study fetches where nothing is cached.

    Returns
    -------
    dict of int
        By category, and ``weights``; nothing that costs nothing.
    """
    found = {}
    for name, category in categories.items():
        if category["source"] == "celeba":
            found[name] = counts[name] * BYTES_A_FACE
        elif category["source"] == "hub":
            found[name] = counts[name] * BYTES_A_ROW
        elif category["source"] == "coco":
            found[name] = counts[name] * BYTES_A_PHOTOGRAPH + ANNOTATIONS.get(category["subset"][0], 0)
    weights = sum(model.parameters for model in models if model.pretrained)
    return {**found, **({"weights": weights} if weights else {})}


def known_size(category: Mapping[str, Any]) -> int | None:
    """Give the number of stimuli of a category; None where only its source can say."""
    count: int | None = category.get("count") or SOURCES[category["source"]].size
    return count
