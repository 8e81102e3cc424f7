"""The preprocessing of a model, rebuilt from what its specification says. Importing this room does not import torch.

pipeline         the preprocessing that a specification describes
plain            describe torchvision's resize and central crop
overridden       a description with what the researcher wants otherwise
from_settings    a resize and a central crop of checked settings
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from deeplocalizer.inputs import Pipeline, Preprocessing
from deeplocalizer.models.plain_settings import KEYS, checked

KINDS = {"timm": "timm_pipeline", "transformers": "transformers_pipeline"}


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
    values = {name: getattr(preprocessing, name) for name in KEYS}
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
    unknown = sorted(given.keys() - set(KEYS))
    if unknown:
        raise ValueError(f"{name}: preprocessing has no {unknown[0]!r}; allowed are {', '.join(KEYS)}")
    if not given:
        if description is None:
            raise ValueError(f"{name}: how it wants its images is not known; give 'preprocessing' ({', '.join(KEYS)})")
        return dict(description)
    own = description is not None and description["kind"] != "plain"
    if own and given.keys() <= {"mean", "std"}:
        whole = dict(description or {})
        return {**whole, **checked({"mode": whole["mode"], **given}, name)}
    known = {} if own or description is None else {key: description[key] for key in KEYS}
    merged = {**known, **given}
    missing = [key for key in KEYS if key not in merged]
    if missing:
        reason = "its own preprocessing is more than a resize and a crop" if own else "nothing else says them"
        raise ValueError(f"{name}: preprocessing must also give {', '.join(missing)}: {reason}")
    return plain(from_settings(merged, name))


def from_settings(settings: Mapping[str, Any], name: str, library: str = "deeplocalizer") -> Preprocessing:
    """Make a resize and a central crop of all its settings, if they make sense.

    Parameters
    ----------
    settings : mapping
        As `plain_settings.checked` takes them.
    name : str
        The model, for the message of an error.
    library : str
        Whose preprocessing it is.

    Raises
    ------
    ValueError
        If a value makes no sense, naming the key.
    """
    values = checked(settings, name)
    return Preprocessing(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])}, library=library)
