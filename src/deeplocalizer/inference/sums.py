"""Sums of products that are exact, whatever their order.

whole            columns as whole numbers on a scale of two's powers
"""

from __future__ import annotations

import numpy as np

MANTISSA = 53  # a float64 holds every whole number below 2 ** 53


def whole(columns: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Round columns to whole numbers of which ``most`` can be added without error.

    A matrix product adds in an order that depends on the number of threads. Sums of whole numbers below 2 ** 53 are
    exact in any order, so that products of counts with these columns are the same on any machine.

    Parameters
    ----------
    columns : ndarray (row, column)
    most : int
        How many rows are added at most, counted as often as they are.

    Returns
    -------
    whole : ndarray of float (row, column)
    shift : ndarray of int (column,)
        ``ldexp(whole, -shift)`` is the column, within ``2 ** -(52 - log2(most))`` of its largest absolute value (for
        2,000 stimuli: 2e-13). Columns of few binary digits, such as 0 and 1, are exact.
    """
    exponent = np.frexp(np.abs(columns).max(axis=0, initial=0.0))[1]
    # the largest value lies below 2 ** exponent
    shift = MANTISSA - int(most).bit_length() - exponent
    return np.rint(np.ldexp(columns, shift)), shift
