"""What a number of random controls can show.

least_controls   how many controls a family needs to be able to reach a level
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil


def least_controls(alpha: float, comparisons: int, adjust: str) -> int:
    """Give the number of controls without which no comparison of a family could reach a level.

    Parameters
    ----------
    alpha : float
    comparisons : int
        In the family.
    adjust : str
        ``holm``: the smallest of k adjusted p is ``k / (1 + controls)``. ``maximum``: it is ``1 / (1 + controls)``,
        because the comparisons share their controls.

    Returns
    -------
    int
        ``ceil(k / alpha - 1)``, or with k = 1 for the maximum. p counts the target among its controls (Phipson & Smyth
        2010, Stat Appl Genet Mol Biol 9:39).

    Raises
    ------
    ValueError
        If the level is not between 0 and 1, there is no comparison, or no such adjustment.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1; given is {alpha}")
    if comparisons < 1:
        raise ValueError(f"a family has one comparison or more; given are {comparisons}")
    if adjust not in ("holm", "maximum"):
        raise ValueError(f"there is no adjustment {adjust!r}; there are holm, maximum")
    tests = comparisons if adjust == "holm" else 1
    # as it is written: 0.05 in binary is a little more
    return ceil(tests / Fraction(str(alpha)) - 1)
