"""How often 95 % intervals hold the truth where few groups are resampled whole.

Groups share half of the variance. ``textbook`` are BCa intervals without the levels of Student's t.
"""

from __future__ import annotations

import numpy as np

from deeplocalizer import inference
from tests.calibration.counting import Row, error, seeds

BATCH = 50


def simulate(name: str, labels: int, groups: int, runs: int, across: bool = False, resamples: int = 2000) -> Row:
    """Count how often intervals hold the mean; each label has so many groups of 1 to 5 stimuli.

    ``across`` gives every group stimuli of all labels, instead of one.
    """
    held: dict[str, list[np.ndarray]] = {"ours": [], "textbook": []}
    purpose = f"{name} {labels} {groups} {across}"
    for rng in seeds(purpose, -(-runs // BATCH)):
        sizes = rng.integers(1, 6, size=(labels, groups))
        label = np.repeat(np.arange(labels), sizes.sum(axis=1))
        number = np.concatenate([np.repeat(np.arange(groups), row) for row in sizes])
        group = number if across else label * groups + number
        plan = inference.design(label.astype(str), label.astype(str), group.astype(str))
        shared, own = _skewed(name, rng, (labels * groups, BATCH)), _skewed(name, rng, (len(label), BATCH))
        means = inference.resample(plan, resamples, rng).means(shared[group] + own)
        for key, expanded in (("ours", True), ("textbook", False)):
            found = inference.intervals(means, 0.95, expanded=expanded)
            held[key].append((found.low <= 0) & (found.high >= 0))
    ours, textbook = (np.concatenate(held[key]) for key in ("ours", "textbook"))
    return {
        "population": name,
        "labels": labels,
        "groups": groups,
        "across": across,
        "runs": len(ours),
        "ours": float(ours.mean()),
        "error": error(ours.mean(), len(ours)),
        "textbook": float(textbook.mean()),
    }


def main(share: float = 1.0) -> list[Row]:
    """Give the table of 5, 10, 20 and 50 groups."""
    runs = int(2000 * share)
    rows = [simulate(name, 1, groups, runs) for name in ("normal", "exponential") for groups in (5, 10, 20, 50)]
    rows += [simulate("exponential", 3, groups, runs, across) for groups in (10, 20) for across in (False, True)]
    return rows


def _skewed(name: str, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.normal(size=shape) if name == "normal" else rng.exponential(size=shape) - 1
