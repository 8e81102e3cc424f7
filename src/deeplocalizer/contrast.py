"""Contrasts: which units respond more to some categories than to others.

welch            difference, t, df, p, q and d of every unit, from moments
two_samples      the same for two pooled samples
reliability      correlation of a contrast between two halves of the stimuli
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from deeplocalizer import tails
from deeplocalizer.moments import pool

LOCALIZE = "localize"
FLOAT32 = 8 * float(np.finfo(np.float32).eps)  # relative spread that rounding of a constant response can show
FLOAT64 = 8 * float(np.finfo(np.float64).eps)

_MEANING = {
    "difference": "mean response to the preferred categories minus that to the others",
    "t": "Welch's t",
    "df": "degrees of freedom after Welch and Satterthwaite",
    "log10_p": "log10 of the two-sided p",
    "log10_p_greater": "log10 of the one-sided p (preferred > other)",
    "log10_q": "log10 of the false discovery rate over all units (Benjamini-Hochberg, two-sided)",
    "d": "Cohen's d, by the pooled standard deviation",
    "dead": "the same response to every stimulus of both samples; t, d and log10 p are set to 0",
}


def welch(moments: xr.Dataset, contrasts: Mapping[str, Mapping[str, Sequence[str]]]) -> xr.Dataset:
    """Contrast categories in every unit, on the localize split.

    Parameters
    ----------
    moments : Dataset
        As `moments.table` makes it.
    contrasts : mapping
        By name: ``preferred`` and ``other``, lists of categories; the stimuli of a list are pooled.

    Returns
    -------
    Dataset
        On (contrast, unit): what `two_samples` gives; on (contrast,): ``n_preferred``, ``n_other``, ``reliability``.

    Raises
    ------
    ValueError
        If a contrast has fewer than two stimuli on either side, naming it.
    """
    parts = []
    for name, sides in contrasts.items():
        preferred, other = (pool(moments, sides[side], [LOCALIZE]) for side in ("preferred", "other"))
        for side, sample in (("preferred", preferred), ("other", other)):
            if int(sample["count"]) < 2:
                raise ValueError(f"contrast {name!r}: {side} has {int(sample['count'])} stimuli; expected two or more")
        part = two_samples(preferred, other)
        part["n_preferred"], part["n_other"] = preferred["count"], other["count"]
        part["reliability"] = reliability(moments, sides)
        parts.append(part.expand_dims(contrast=[name]))
    result = xr.concat(parts, "contrast", coords="minimal", compat="override", data_vars="all")
    result["n_preferred"].attrs["long_name"] = "stimuli of the preferred categories"
    result["n_other"].attrs["long_name"] = "stimuli of the other categories"
    result["reliability"].attrs["long_name"] = "correlation of d between even and odd folds"
    return result.assign_attrs(moments.attrs)


def two_samples(preferred: xr.Dataset, other: xr.Dataset, resolution: float = FLOAT32) -> xr.Dataset:
    """Compare two samples in every unit.

    Parameters
    ----------
    preferred, other : Dataset
        ``count``, ``mean`` and ``m2`` (unit,), as `moments.pool` gives them; two stimuli or more each.
    resolution : float
        Relative precision of the responses; a smaller spread is taken for rounding.

    Returns
    -------
    Dataset
        On ``unit``: ``difference``, ``t`` and ``df`` (Welch 1947, Biometrika 34:28-35), ``log10_p`` (two-sided),
        ``log10_p_greater``, ``log10_q``, ``d`` (Cohen 1988) and ``dead``.
    """
    n1, n2 = int(preferred["count"]), int(other["count"])
    mean1, mean2, m2_1, m2_2 = (np.asarray(sample[name]) for name in ("mean", "m2") for sample in (preferred, other))
    difference = mean1 - mean2
    rounding = resolution * np.maximum(np.abs(mean1), np.abs(mean2))
    still = (m2_1 <= n1 * rounding**2) & (m2_2 <= n2 * rounding**2)
    dead = still & (np.abs(difference) <= rounding)
    # a unit that is constant in both samples but not the same tells them apart perfectly: its spread is the rounding
    m2_1, m2_2 = (np.where(still, count * rounding**2, m2) for count, m2 in ((n1, m2_1), (n2, m2_2)))
    error1, error2 = m2_1 / (n1 - 1) / n1, m2_2 / (n2 - 1) / n2
    error = np.where(dead, 1.0, error1 + error2)
    t = np.where(dead, 0.0, difference / np.sqrt(error))
    part = np.where(dead, n1 / (n1 + n2), error1 / error)  # squares of the errors themselves could underflow
    df = 1 / (part**2 / (n1 - 1) + (1 - part) ** 2 / (n2 - 1))
    spread = np.sqrt(np.where(dead, 1.0, (m2_1 + m2_2) / (n1 + n2 - 2)))
    log10_p = tails.log10_two_sided(t, df)
    values = {
        "difference": difference,
        "t": t,
        "df": df,
        "log10_p": log10_p,
        "log10_p_greater": tails.log10_greater(t, df),
        "log10_q": tails.log10_q(log10_p),
        "d": np.where(dead, 0.0, difference / spread),
        "dead": dead,
    }
    variables = {name: ("unit", value, {"long_name": _MEANING[name]}) for name, value in values.items()}
    return xr.Dataset(variables, coords=preferred["mean"].coords)


def reliability(moments: xr.Dataset, sides: Mapping[str, Sequence[str]]) -> float:
    """Correlate d between the even and the odd folds of the localize split, over the units that live in both.

    Returns
    -------
    float
        Pearson's r; NaN where a half has fewer than two stimuli of a side or fewer than three units live.
    """
    maps, alive = [], []
    for parity in (0, 1):
        folds = [int(fold) for fold in moments["fold"].values if fold % 2 == parity]
        halves = [pool(moments, sides[side], [LOCALIZE], folds) for side in ("preferred", "other")]
        if min(int(half["count"]) for half in halves) < 2:
            return float("nan")
        half = two_samples(halves[0], halves[1])
        maps.append(half["d"].values)
        alive.append(~half["dead"].values)
    both = alive[0] & alive[1]
    if both.sum() < 3:
        return float("nan")
    return float(np.corrcoef(maps[0][both], maps[1][both])[0, 1])
