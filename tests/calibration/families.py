"""How often anything is found in a family in which it is not there.

``false`` is the chance of one false rejection or more; ``power`` the share of what is there that is found.
"""

from __future__ import annotations

import numpy as np

from deeplocalizer import inference
from tests.calibration.counting import Row, error, seeds


def simulate(adjust: str, comparisons: int, there: int, controls: int, common: float, runs: int) -> Row:
    """Test families of skewed statistics that share ``common`` of their variance; the first few are there."""
    false, found = [], []
    for rng in seeds(f"{adjust} {comparisons} {there} {controls} {common}", runs):
        shared, own = rng.exponential(size=(controls + 1, 1)), rng.exponential(size=(controls + 1, comparisons))
        rows = np.sqrt(common) * shared + np.sqrt(1 - common) * own
        rows *= 10.0 ** np.arange(comparisons)
        rows[0, :there] *= 5
        p = _adjusted(adjust, rows)
        false.append((p[there:] <= 0.05).any())
        found.append(np.mean(p[:there] <= 0.05) if there else np.nan)
    return {
        "adjust": adjust,
        "comparisons": comparisons,
        "there": there,
        "controls": controls,
        "common": common,
        "runs": runs,
        "false": float(np.mean(false)),
        "error": error(0.05, runs),
        "power": float(np.mean(found)),
    }


def main(share: float = 1.0) -> list[Row]:
    """Give the table of both adjustments, under the complete null hypothesis and under a part of it."""
    runs = int(3000 * share)
    cases = ((6, 0, 199, 0.0), (6, 0, 199, 0.8), (6, 2, 199, 0.5), (6, 2, 30, 0.5))
    return [simulate(adjust, *case, runs) for adjust in ("holm", "maximum") for case in cases]


def _adjusted(adjust: str, rows: np.ndarray) -> np.ndarray:
    if adjust == "maximum":
        return inference.maximum(rows[0], rows[1:])
    return inference.holm(np.array([inference.rank_p(float(column[0]), column[1:]) for column in rows.T]))
