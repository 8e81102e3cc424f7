"""Polynomials, piece by piece, that stand for a costly function of one number.

Piece            Chebyshev coefficients on an interval, and how to read the value they give
build            halve intervals until every piece is as exact as is asked
evaluate         the function at many places
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

DEGREE = 15
DEEPEST = 30  # halvings of an interval before it is given up
SLAB = 1 << 14


@dataclass(frozen=True)
class Piece:
    """A polynomial on an interval.

    Parameters
    ----------
    low, high : float
    kind : bool
        Which of the function's two faces it stands for.
    coefficients : ndarray (degree + 1,)
        Of Chebyshev polynomials on the interval mapped to -1 .. 1.
    """

    low: float
    high: float
    kind: bool
    coefficients: np.ndarray


def build(
    face: Callable[[np.ndarray, bool], np.ndarray],
    choose: Callable[[float, float], bool | None],
    low: float,
    high: float,
    tolerance: float,
) -> list[Piece]:
    """Cover an interval with polynomials.

    Parameters
    ----------
    face : callable
        Takes places and a kind, and gives the function's face of that kind there.
    choose : callable
        Takes an interval's ends and gives the kind that serves there, or None if the interval is too wide for either.
    low, high : float
    tolerance : float
        The error allowed, absolute and relative to the face's value, whichever is the larger; it is measured half-way
        between the places that made the polynomial.

    Returns
    -------
    list of Piece
        From left to right. The halving does not depend on what is evaluated.

    Raises
    ------
    ArithmeticError
        If an interval is still not exact after `DEEPEST` halvings, naming it.
    """
    pieces = []
    waiting = [(low, high, 0)]
    while waiting:
        left, right, depth = waiting.pop()
        kind = choose(left, right)
        if kind is not None:
            piece, error = _fit(face, kind, left, right)
            if error <= tolerance:
                pieces.append(piece)
                continue
        if depth == DEEPEST:
            raise ArithmeticError(
                f"no polynomial of degree {DEGREE} is exact to {tolerance:g} in {left:g} .. {right:g}"
            )
        middle = (left + right) / 2
        waiting += [(middle, right, depth + 1), (left, middle, depth + 1)]
    return pieces


def evaluate(pieces: list[Piece], places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Evaluate the pieces at some places inside what they cover; give the values and the kinds, each (place,)."""
    edges = np.array([piece.low for piece in pieces[1:]])
    kinds = np.array([piece.kind for piece in pieces])
    table = np.stack([piece.coefficients for piece in pieces], axis=1)
    scale = np.array([2 / (piece.high - piece.low) for piece in pieces])
    middle = np.array([(piece.high + piece.low) / 2 for piece in pieces])
    values, chosen = np.empty(len(places)), np.empty(len(places), dtype=bool)
    for start in range(0, len(places), SLAB):
        part = slice(start, start + SLAB)
        index = np.searchsorted(edges, places[part], side="right")
        x = (places[part] - middle[index]) * scale[index]
        values[part] = _clenshaw(table, index, x)
        chosen[part] = kinds[index]
    return values, chosen


def _fit(face: Callable[[np.ndarray, bool], np.ndarray], kind: bool, left: float, right: float) -> tuple[Piece, float]:
    """Interpolate at Chebyshev's points, and measure the error half-way between them."""
    count = DEGREE + 1
    angles = (
        np.pi * np.arange(1, 2 * count) / (2 * count)
    )  # odd: where the polynomial is made; even: where it is checked
    x = np.cos(angles)
    truth = face((left + right) / 2 + x * (right - left) / 2, kind)
    orders = np.arange(DEGREE + 1)
    coefficients = np.cos(np.outer(orders, angles[::2])) @ truth[::2] * (2 / count)
    coefficients[0] /= 2
    error = np.abs(chebyshev.chebval(x, coefficients) - truth) / np.maximum(np.abs(truth), 1)
    return Piece(left, right, kind, coefficients), float(error.max())


def _clenshaw(table: np.ndarray, index: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Sum Chebyshev polynomials (Clenshaw 1955, Math Tables Aids Comput 9:118-120), each place with its own piece."""
    double = 2 * x
    later, last = np.zeros_like(x), table[DEGREE][index]
    for order in range(DEGREE - 1, 0, -1):
        later, last = last, table[order][index] + double * last - later
    return np.asarray(table[0][index] + x * last - later)
