"""The family of reported comparisons: the advantage of each localizer on its own task.

adjusted         p-values adjusted over that family, for each outcome
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import inference
from deeplocalizer.effects.meaning import PERFORMANCE

ADJUSTMENTS = ("holm", "maximum")
HALVES = 2  # localizers up to which Holm of both parts together finds more than each part at half the level


def adjusted(effects: xr.Dataset, own: Mapping[str, str], settings: Mapping[str, Any]) -> np.ndarray:
    """Adjust the advantages of the localizers, each on its own task, as one family for each outcome.

    Parameters
    ----------
    effects : Dataset
        With ``p``, ``control_harm`` and ``p_able``.
    own : mapping of str
        The task of each localizer that has one.
    settings : mapping
        ``adjust``: ``holm`` (the default) or ``maximum``.

    Returns
    -------
    ndarray (comparison, outcome)
        NaN outside the family.

    Raises
    ------
    ValueError
        If the adjustment is unknown, or the localizers' controls are not equally many where they must be paired.

    Notes
    -----
    For the maximum statistic (step-down, see `inference.maximum`) the controls of the localizers are paired by their
    number. Every localizer's controls are drawn independently of the others', so any pairing is a draw from their joint
    distribution. The masks of two localizers themselves need not be independent. Whatever their dependence, the
    family-wise error is at most the sum of the levels of the single tests, and that is at most -log(1 - alpha), since
    under independence the product of one minus each level is 1 - alpha: 0.0513 for alpha = 0.05.

    For performance outcomes there is a second way to err: the network may be unable to do the task. That has a p of its
    own and no controls. The family-wise errors of the two parts add up, so each is tested at half the level, by the
    maximum statistic and by Holm's method: p is twice the larger of the two. Up to two localizers, Holm's method on the
    larger p of each (Berger 1982, Technometrics 24:295-300) is never behind that, and is taken; which of them depends
    on the number of localizers alone.
    """
    adjust = settings.get("adjust", "holm")
    if adjust not in ADJUSTMENTS:
        raise ValueError(f"adjust is {adjust!r}; allowed are {', '.join(ADJUSTMENTS)}")
    place = {name: effects[name].values.astype(str) for name in ("kind", "localizer", "task", "scale")}
    mine = np.array([own.get(name, "") for name in place["localizer"]], dtype=str)
    members = (place["kind"] == "advantage") & (place["scale"] == "raw") & (place["task"] == mine)
    result = np.full(effects["p"].shape, np.nan)
    for column, outcome in enumerate(effects["outcome"].values.astype(str)):
        tested = np.flatnonzero(members & np.isfinite(effects["p"].values[:, column]))
        if not len(tested):
            continue
        if adjust == "holm":
            result[tested, column] = inference.holm(effects["p"].values[tested, column])
        else:
            pairs = list(zip(place["localizer"][tested].tolist(), place["task"][tested].tolist(), strict=True))
            result[tested, column] = _maximum(effects, pairs, outcome)
    return result


def _maximum(effects: xr.Dataset, pairs: Sequence[tuple[str, str]], outcome: str) -> np.ndarray:
    """Adjust by the maximum statistic; where networks must do the tasks, too, see `adjusted`."""
    controls, targets, able = [], [], []
    for localizer, task in pairs:
        drawn = effects["control_harm"].sel(localizer_name=localizer, task_name=task, outcome=outcome).values
        if not np.isfinite(drawn).all():
            raise ValueError(
                f"localizer {localizer!r} has {np.isfinite(drawn).sum()} random controls, another one {len(drawn)}: "
                "the maximum statistic pairs them by number and needs equally many; use `adjust: holm`"
            )
        controls.append(drawn)
        row = effects.sel(comparison=f"harm/{localizer}/{task}/raw", outcome=outcome)
        targets.append(float(row["estimate"]))
        able.append(float(effects["p_able"].sel(task_name=task)))
    ranks = np.array(targets), np.stack(controls, axis=1)
    if outcome not in PERFORMANCE:
        return inference.maximum(*ranks)
    if len(pairs) <= HALVES:
        single = [inference.rank_p(*pair) for pair in zip(ranks[0], ranks[1].T, strict=True)]
        return inference.holm(np.maximum(single, able))
    return np.minimum(1, 2 * np.maximum(inference.maximum(*ranks), inference.holm(np.array(able))))
