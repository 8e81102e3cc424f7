"""What resize, crop and normalise can be told, by a configuration or by a function of the researcher's.

KEYS             all that can be said
CHANNELS         how many channels the images of each mode have
FILTERS          the filters of the resizing
checked          settings with values that make sense, as plain numbers and text

Importing this room does not import torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

KEYS = ("mode", "resize", "crop", "resample", "mean", "std")
CHANNELS = {"RGB": 3, "L": 1}
FILTERS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")


def checked(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Give settings with values that make sense, as plain numbers and text that JSON can hold.

    Parameters
    ----------
    settings : mapping
        ``mode``, and any others of `KEYS`: ``resize`` and ``crop`` in pixels, ``resample`` one of `FILTERS`, ``mean``
        and ``std`` one number for each channel, in a list, a tuple, an array or a tensor.
    name : str
        The model, for the message of an error.

    Raises
    ------
    ValueError
        If a value is none of those, naming the key, what was given and what is allowed.
    """
    result: dict[str, Any] = {}
    for key, allowed in (("mode", tuple(CHANNELS)), ("resample", FILTERS)):
        if key in settings:
            result[key] = _one_of(settings[key], allowed, f"{name}: preprocessing.{key}")
    for key in ("resize", "crop"):
        if key in settings:
            result[key] = _pixels(settings[key], f"{name}: preprocessing.{key}")
    if "resize" in result and result.get("crop", 0) > result["resize"]:
        raise ValueError(
            f"{name}: preprocessing.crop: got {result['crop']}, more than resize {result['resize']}; expected at most "
            "the shorter side after resizing"
        )
    for key in ("mean", "std"):
        if key in settings:
            result[key] = _numbers(settings[key], result["mode"], key == "std", f"{name}: preprocessing.{key}")
    return result


def _one_of(value: Any, allowed: Iterable[str], where: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{where}: got {value!r}; allowed are {', '.join(allowed)}")
    return value


def _pixels(value: Any, where: str) -> int:
    number = _bare(value)
    # YAML and JSON may write a whole number as 224.0
    if not _is_number(number) or number != int(number) or number < 1:
        raise ValueError(f"{where}: got {value!r}; expected a whole number of pixels, at least 1")
    return int(number)


def _numbers(value: Any, mode: str, positive: bool, where: str) -> list[float]:
    numbers = _bare(value)
    count = CHANNELS[mode]
    each = "1 number" if count == 1 else f"{count} numbers"
    kind = "finite and above 0" if positive else "finite"
    if (
        not isinstance(numbers, list | tuple)
        or len(numbers) != count
        or not all(_is_number(one) and (one > 0 or not positive) for one in map(_bare, numbers))
    ):
        raise ValueError(f"{where}: got {value!r}; expected {each}, {kind}, one for each channel of {mode}")
    return [float(_bare(one)) for one in numbers]


def _bare(value: Any) -> Any:
    """Take numbers out of an array or a tensor."""
    return value.tolist() if hasattr(value, "tolist") else value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
