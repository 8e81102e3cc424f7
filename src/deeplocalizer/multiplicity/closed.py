"""All-Resolution Inference: a lower bound on the true discoveries in any selection.

ClosedSimes        closed testing of many hypotheses with Simes' local test, once for any number of selections
true_discoveries   the bound of one selection

A closed test rejects an intersection of null hypotheses when every larger one is rejected by a local test; here Simes'
(1986, Biometrika 73:751-754): of i p-values the j-th smallest is at most j alpha / i for some j. With probability
1 - alpha its bounds hold for all selections at once, also those made after a look at the data (Goeman & Solari 2011,
Stat Sci 26:584-597; Rosenblatt, Finos, Weeda, Solari & Goeman 2018, NeuroImage 181:786-796).

Assumption: Simes' inequality holds for the p-values of the true null hypotheses. It does where they are independent or
positively dependent (PRDS: Benjamini & Yekutieli 2001, Ann Stat 29:1165-1188), as is commonly taken to be so for voxels
and for units; strong negative dependence may break it.
"""

from __future__ import annotations

import numpy as np

from deeplocalizer.multiplicity.discovery_rate import refuse_bad_p

SLACK = 1e-12  # relative: a p that is just on a bound is rejected, whatever its logarithm was rounded to


class ClosedSimes:
    """Closed testing of many hypotheses, in O(m log m) once and O(k) for a selection of k.

    Parameters
    ----------
    log10_p : ndarray (test,)
        Every test of the family counts, dead units with p = 1 too: more tests make the bounds smaller.
    alpha : float
        Between 0 and 1.

    Attributes
    ----------
    hommel : int
        The size of the largest intersection that Simes' test does not reject, h(alpha) of Goeman, Meijer, Krebs &
        Solari (2019, Biometrika 106:841-856).

    Raises
    ------
    ValueError
        If a p is not a number or above 1, or alpha is out of range.
    """

    def __init__(self, log10_p: np.ndarray, alpha: float) -> None:
        log10_p = np.asarray(log10_p, dtype=float)
        refuse_bad_p(log10_p)
        if not 0 < alpha < 1:
            raise ValueError(f"alpha is {alpha}; expected a number between 0 and 1")
        self._share = 10.0 ** (log10_p - np.log10(alpha)) * (1 - SLACK)  # p / alpha
        self.hommel = _hommel(self._share)

    def among(self, selected: np.ndarray) -> int:
        """Bound the true discoveries of a selection from below.

        Parameters
        ----------
        selected : ndarray of bool (test,)

        Returns
        -------
        int
            With confidence 1 - alpha, at least so many of the selected null hypotheses are false: the largest of
            1 - u + #(p <= u alpha / h) over u = 1, 2, ... (Goeman et al. 2019).

        Raises
        ------
        ValueError
            If there is not one boolean for each test.
        """
        selected = np.asarray(selected)
        if selected.dtype != bool or selected.shape != self._share.shape:
            raise ValueError(
                f"selected has type {selected.dtype} and shape {selected.shape}; "
                f"expected a boolean for each of {len(self._share)} tests"
            )
        share = self._share[selected]
        count = len(share)
        if not count or self.hommel == 0:
            return count
        least = np.clip(np.ceil(share * self.hommel), 1, count + 1).astype(np.int64)  # the u from which p is counted
        reached = np.cumsum(np.bincount(least, minlength=count + 2)[1 : count + 1])
        return max(0, int(np.max(reached - np.arange(count))))


def true_discoveries(log10_p: np.ndarray, selected: np.ndarray, alpha: float = 0.05) -> int:
    """Bound the true discoveries among the selected from below; see `ClosedSimes`, which serves many selections."""
    return ClosedSimes(log10_p, alpha).among(selected)


def _hommel(share: np.ndarray) -> int:
    """Find the largest i with p_(m-i+j) > j alpha / i for j = 1 .. i, given p / alpha.

    With k = m - i + j this reads i < (m - k) / (1 - p_(k) / alpha), for every k with p_(k) < alpha.
    """
    count = len(share)
    ordered = np.sort(share[share < 1])
    if not len(ordered):
        return count
    above = count - np.arange(1, len(ordered) + 1)
    # apart from m - k, what is left is tiny where p is: it must not be lost, for p is never 0
    beyond = np.maximum(np.ceil(above * (ordered / (1 - ordered))), 1)
    return int(min(count, np.min(above + beyond) - 1))
