"""Folds for cross-validation: stratified by class, and a group never parts.

deal             the fold of each stimulus
"""

from __future__ import annotations

import numpy as np

from deeplocalizer import seeding

FEWEST = 3  # folds that a class must be in: two are left out at once where the penalty is chosen


def deal(codes: np.ndarray, group: np.ndarray, folds: int, seed: int, name: str) -> np.ndarray:
    """Deal stimuli into folds.

    Parameters
    ----------
    codes : ndarray (stimulus,)
        The class of each.
    group : ndarray (stimulus,)
        Stimuli of one group come into one fold; give each its own where they may part.
    folds : int
    seed : int
    name : str
        Of the readout: each has a stream of its own.

    Returns
    -------
    ndarray of int (stimulus,)
        From 0.

    Raises
    ------
    ValueError
        If groups are so large that a class comes into fewer than `FEWEST` folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    state = int(seeding.generator(seed, "readouts", name, "folds").integers(2**31))
    parted = len(np.unique(group)) == len(group)
    dealer = (StratifiedKFold if parted else StratifiedGroupKFold)(folds, shuffle=True, random_state=state)
    fold = np.empty(len(codes), dtype=np.int64)
    for number, (_, members) in enumerate(dealer.split(codes, codes, None if parted else group)):
        fold[members] = number
    for one in np.unique(codes):
        met = len(np.unique(fold[codes == one]))
        if met < FEWEST:
            raise ValueError(
                f"readout {name!r}: groups are so large that class {str(one)!r} came into {met} of {folds} folds; "
                f"expected {FEWEST} or more"
            )
    return fold
