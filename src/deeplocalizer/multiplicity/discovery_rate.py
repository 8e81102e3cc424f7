"""The false discovery rate.

METHODS          the ways to control it, by name
log10_q          q-values from log10 p
"""

from __future__ import annotations

import numpy as np
from scipy import special

METHODS = ("benjamini_hochberg", "benjamini_yekutieli")


def log10_q(log10_p: np.ndarray, method: str = "benjamini_hochberg", families: np.ndarray | None = None) -> np.ndarray:
    """Adjust p-values for the false discovery rate.

    Parameters
    ----------
    log10_p : ndarray (test,)
    method : str
        ``benjamini_hochberg`` (1995, J R Stat Soc B 57:289-300; for independent tests and such as depend positively) or
        ``benjamini_yekutieli`` (2001, Ann Stat 29:1165-1188, theorem 1.3; for any dependence).
    families : ndarray of int (test,), optional
        The family of each test, such as the layer of a unit; each is adjusted by itself. One family by default.

    Returns
    -------
    ndarray (test,)
        log10 q, at most 0. Every test counts, also one that says nothing (a dead unit, p = 1): it makes q larger,
        never smaller.

    Raises
    ------
    ValueError
        If the method is unknown, a p is not a number or above 1, or ``families`` has another length.
    """
    log10_p = np.asarray(log10_p, dtype=float)
    if method not in METHODS:
        raise ValueError(f"fdr method {method!r} is unknown; allowed are {', '.join(METHODS)}")
    refuse_bad_p(log10_p)
    if families is None:
        return _one_family(log10_p, method)
    if len(families) != len(log10_p):
        raise ValueError(f"families has {len(families)} entries; expected one for each of {len(log10_p)} tests")
    order = np.argsort(families, kind="stable")
    starts = np.flatnonzero(np.diff(np.asarray(families)[order])) + 1
    result = np.empty(len(log10_p))
    for members in np.split(order, starts):
        result[members] = _one_family(log10_p[members], method)
    return result


def refuse_bad_p(log10_p: np.ndarray) -> None:
    """Refuse log10 p that are not a row of numbers up to 0.

    Raises
    ------
    ValueError
        Naming the first that is not.
    """
    if log10_p.ndim != 1:
        raise ValueError(f"log10 p has the shape {log10_p.shape}; expected (test,)")
    bad = ~(log10_p <= 0)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise ValueError(f"log10 p of test {first} is {log10_p[first]}; expected 0 or less")


def _one_family(log10_p: np.ndarray, method: str) -> np.ndarray:
    count = len(log10_p)
    if not count:
        return np.empty(0)
    factor = np.log10(count)
    if method == "benjamini_yekutieli":
        factor += np.log10(special.digamma(count + 1) + np.euler_gamma)  # 1 + 1/2 + ... + 1/count
    order = np.argsort(log10_p)
    adjusted = log10_p[order]
    adjusted += factor
    adjusted -= np.log10(np.arange(1, count + 1))
    reverse = adjusted[::-1]
    np.minimum.accumulate(reverse, out=reverse)
    result = np.empty(count)
    result[order] = np.minimum(adjusted, 0, out=adjusted)
    return result
