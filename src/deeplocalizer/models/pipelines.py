"""The preprocessing of a model, rebuilt from what its specification says. Importing this room does not import torch.

pipeline         the preprocessing that a specification describes
plain            describe torchvision's resize and central crop
overridden       a description with what the researcher wants otherwise
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from deeplocalizer.inputs import Pipeline, Preprocessing

PLAIN = ("mode", "resize", "crop", "resample", "mean", "std")
KINDS = {"timm": "timm_pipeline", "transformers": "transformers_pipeline"}
CHANNELS = {"L": 1, "RGB": 3}
FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")


def pipeline(description: Mapping[str, Any]) -> Pipeline:
    """Rebuild a preprocessing.

    Parameters
    ----------
    description : mapping
        ``preprocessing`` of a `Specification`; its ``kind`` is ``plain``, ``timm`` or ``transformers``.
    """
    kind = description["kind"]
    if kind == "plain":
        return Preprocessing(
            description["mode"],
            int(description["resize"]),
            int(description["crop"]),
            description["resample"],
            tuple(description["mean"]),
            tuple(description["std"]),
            description["library"],
        )
    # these call the library itself, and a study of the small network must not wait for torch
    module = import_module(f"deeplocalizer.models.libraries.{KINDS[kind]}")
    made: Pipeline = module.Pipeline.rebuilt(description)
    return made


def plain(preprocessing: Preprocessing) -> dict[str, Any]:
    """Describe torchvision's resize and central crop."""
    values = {name: getattr(preprocessing, name) for name in PLAIN}
    return {
        "kind": "plain",
        "library": preprocessing.library,
        "size": [preprocessing.crop, preprocessing.crop],
        **values,
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
    }


def overridden(description: Mapping[str, Any] | None, settings: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """Put what the researcher wants in the place of what the library says.

    Parameters
    ----------
    description : mapping or None
        What the library says; None where it says nothing.
    settings : mapping or None
        Some or all of mode, resize, crop, resample, mean and std.
    name : str
        The model, for the message of an error.

    Raises
    ------
    ValueError
        If there is neither a preprocessing of the library nor a complete one of the researcher, if a pipeline that is
        not a resize and a central crop is to be changed in part, or a value makes no sense.
    """
    given = {key: value for key, value in (settings or {}).items() if value is not None}
    unknown = sorted(given.keys() - set(PLAIN))
    if unknown:
        raise ValueError(f"{name}: preprocessing has no {unknown[0]!r}; allowed are {', '.join(PLAIN)}")
    if not given:
        if description is None:
            raise ValueError(f"{name}: how it wants its images is not known; give 'preprocessing' ({', '.join(PLAIN)})")
        return dict(description)
    own = description is not None and description["kind"] != "plain"
    if own and given.keys() <= {"mean", "std"}:
        result = {**(description or {}), **{key: [float(part) for part in value] for key, value in given.items()}}
    else:
        known = {} if own or description is None else {key: description[key] for key in PLAIN}
        merged = {**known, **given}
        missing = [key for key in PLAIN if key not in merged]
        if missing:
            reason = "its own preprocessing is more than a resize and a crop" if own else "nothing else says them"
            raise ValueError(f"{name}: preprocessing must also give {', '.join(missing)}: {reason}")
        result = plain(Preprocessing(**{**merged, "mean": _floats(merged["mean"]), "std": _floats(merged["std"])}))
    _check(result, name)
    return result


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _check(description: Mapping[str, Any], name: str) -> None:
    if description["mode"] not in CHANNELS:
        allowed = ", ".join(CHANNELS)
        raise ValueError(f"{name}: preprocessing mode {description['mode']!r} is unknown; allowed are {allowed}")
    if description["kind"] == "plain" and description["resample"] not in FILTERS:
        allowed = ", ".join(FILTERS)
        raise ValueError(f"{name}: resample {description['resample']!r} is unknown; allowed are {allowed}")
    for key in ("mean", "std"):
        if len(description[key]) != CHANNELS[description["mode"]]:
            raise ValueError(
                f"{name}: preprocessing {key} has {len(description[key])} numbers, "
                f"expected {CHANNELS[description['mode']]} for the mode {description['mode']}"
            )
    if any(value == 0 for value in description["std"]):
        raise ValueError(f"{name}: preprocessing std must not be 0")
