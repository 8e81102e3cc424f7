"""A target against its random controls, over stimuli and control masks.

hierarchical     the target minus the mean of the controls, both factors resampled
"""

from __future__ import annotations

import numpy as np

from deeplocalizer.inference.resampling import STREAM, Means


def hierarchical(target: Means, controls: Means, rng: np.random.Generator) -> Means:
    """Resample the target minus the mean of its controls, over stimuli and control masks.

    Parameters
    ----------
    target : Means
        One column.
    controls : Means
        A column for each control mask, of the same resamples.
    rng : Generator

    Returns
    -------
    Means
        One column, for `intervals`. In every resample the stimuli are drawn as they were for both, and the masks are
        drawn with replacement: the bootstrap of two crossed factors (Owen 2007, Ann Appl Stat 1:386-411, "pigeonhole
        bootstrap"). The masks are one more stratum of what is resampled, so they take part in BCa's acceleration and in
        the degrees of freedom.

    Raises
    ------
    ValueError
        If the target has more than one column, there are fewer than two controls, or resamples differ in number.

    Notes
    -----
    Resampling stimuli alone holds for these control masks, not for others that could have been drawn. The variance of
    what is particular to a stimulus under a mask counts up to three times (Owen 2007): a little too wide
    where there are few of both, and negligible with 100 masks or more.
    """
    masks = controls.draws.shape[1]
    if target.draws.shape[1] != 1 or masks < 2 or len(target.draws) != len(controls.draws):
        raise ValueError(
            f"hierarchical needs one column of a target and two or more of controls, of the same resamples; given are "
            f"{target.draws.shape} and {controls.draws.shape}"
        )
    drawn = _drawn(controls.draws, rng)
    mean = controls.observed.mean()
    observed = target.observed - mean
    # without a mask, the mean of the others
    without = observed + (controls.observed - mean) / (masks - 1)
    jackknife = np.concatenate([target.jackknife[:, 0] - controls.jackknife.mean(axis=1), without])
    home = np.concatenate([target.home, np.full(masks, target.home.max() + 1)])
    return Means(observed, (target.draws[:, 0] - drawn)[:, None], jackknife[:, None], home)


def _drawn(draws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give the mean over masks drawn with replacement, anew in every resample, (resample,)."""
    resamples, masks = draws.shape
    found = np.empty(resamples)
    for start in range(0, resamples, STREAM):
        rows = draws[start : start + STREAM]
        chosen = rng.integers(0, masks, size=rows.shape)
        found[start : start + STREAM] = np.take_along_axis(rows, chosen, axis=1).mean(axis=1)
    return found
