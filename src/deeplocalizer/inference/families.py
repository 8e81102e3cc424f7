"""p-values of a family of comparisons.

holm             from p-values alone
maximum          from the maximum over the family, on shared controls
least_controls   how many controls a family needs to be able to reach a level
"""

from __future__ import annotations

import numpy as np

from deeplocalizer.reach import least_controls

TIED = 1e-9  # of a standard deviation: rounding must not part what is equal


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust the p-values of a family (Holm 1979, Scand J Stat 6:65-70).

    Parameters
    ----------
    p : ndarray (comparison,)

    Returns
    -------
    ndarray (comparison,)
        Whatever depends on what, the chance of any false rejection in the family is at most the level.

    Raises
    ------
    ValueError
        If a p is not between 0 and 1.
    """
    p = np.asarray(p, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p-values must lie between 0 and 1; given are {p}")
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(adjusted, 1)
    return result


def maximum(targets: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """Adjust a family by the maximum statistic over it, on shared controls.

    Parameters
    ----------
    targets : ndarray (comparison,)
    controls : ndarray (control, comparison)
        A row is one control in every comparison: what makes comparisons alike must make the row's entries alike.

    Returns
    -------
    ndarray (comparison,)
        Adjusted one-sided p of the step-down maximum (Westfall & Young 1993, algorithm 4.1), the observed row counted
        in (Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39). Each comparison is first brought to mean 0 and
        standard deviation 1 over target and controls together, so that scales do not matter and the rows stay
        exchangeable.

    Raises
    ------
    ValueError
        If shapes do not fit, or a value is not finite.

    Notes
    -----
    Under the complete null hypothesis (targets exchangeable with rows of controls) the chance of any false rejection is
    at most the level. It also is when some hypotheses are false, if the joint distribution of those that are true does
    not depend on the others (subset pivotality). Ranks instead of standard deviations would make every row that is the
    largest in any comparison as extreme as the target, so p could get no lower than Bonferroni's.
    """
    targets, controls = np.asarray(targets, dtype=float), np.asarray(controls, dtype=float)
    if targets.ndim != 1 or controls.ndim != 2 or controls.shape[1] != len(targets):
        raise ValueError(
            f"targets must be (comparison,) and controls (control, comparison); given are {targets.shape} and "
            f"{controls.shape}"
        )
    rows = np.concatenate([targets[None], controls])
    if not np.isfinite(rows).all():
        raise ValueError("targets and controls must be finite; some of these are not")
    rows = _standard(rows)
    order = np.argsort(-rows[0], kind="stable")
    # the maximum over a comparison and all that come after it
    largest = np.maximum.accumulate(rows[:, order][:, ::-1], axis=1)[:, ::-1]
    adjusted = np.mean(largest >= rows[0, order] - TIED, axis=0)
    result = np.empty(len(targets))
    result[order] = np.maximum.accumulate(adjusted)
    return result


def _standard(rows: np.ndarray) -> np.ndarray:
    """Bring every column to mean 0 and standard deviation 1; one whose values are all the same can tell nothing."""
    peak = np.abs(rows).max(axis=0)
    spread = rows.std(axis=0)
    told = spread > TIED * peak
    return np.where(told, (rows - rows.mean(axis=0)) / np.where(told, spread, 1), -np.inf)


__all__ = ["holm", "least_controls", "maximum"]
