"""A target against its random controls, over stimuli and control masks.

crossed          the target minus the mean of the controls, the errors of both factors added
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deeplocalizer.inference.resampling import Means


def crossed(stimuli: Means, masks: Means) -> Means:
    """Give resamples of a mask's harm minus the mean harm of its controls, over stimuli and control masks.

    Parameters
    ----------
    stimuli : Means
        Of the harm of the mask minus the mean harm of its controls, stimuli resampled.
    masks : Means
        Of the harm of the controls, balanced over all stimuli, masks resampled; the same columns and number.

    Returns
    -------
    Means
        The errors of both added. The masks are one more stratum of what is resampled, so they take part in BCa's
        acceleration and in the degrees of freedom. A single mask adds nothing: the interval is over stimuli alone.

    Raises
    ------
    ValueError
        If columns or resamples differ in number.

    Notes
    -----
    The mean over two crossed factors, of n stimuli and K masks, has a variance of ``a / n + b / K + e / (n K)``: of
    what is particular to a stimulus, to a mask, and to a stimulus under a mask (Owen 2007, Ann Appl Stat 1:386-411).
    Stimuli resampled alone give ``a / n + e / (n K)``, masks alone ``b / K + e / (n K)``, in expectation and for large
    n and K; their sum counts e twice, which is a little too wide. To resample both at once ("pigeonhole bootstrap")
    counts it three times (theorem 1 there), and needs the harm of every mask in every resample; this does not, and a
    thousand masks cost little more than one.
    """
    if stimuli.draws.shape != masks.draws.shape:
        raise ValueError(
            f"crossed needs as many resamples and columns of stimuli as of masks; given are {stimuli.draws.shape} and "
            f"{masks.draws.shape}"
        )
    error = masks.draws - masks.observed
    without = stimuli.observed - (masks.jackknife - masks.observed)
    weight = [
        np.full(len(one.home), 1 / len(one.home)) if one.weight is None else one.weight for one in (stimuli, masks)
    ]
    return replace(
        stimuli,
        draws=stimuli.draws - error,
        jackknife=np.concatenate([stimuli.jackknife, without]),
        home=np.concatenate([stimuli.home, masks.home + stimuli.home.max() + 1]),
        weight=np.concatenate(weight),
    )
