"""How often 95 % intervals hold the truth where few groups are resampled whole.

Groups share half of the variance. ``textbook`` are BCa intervals without the levels of Student's t.
"""

from __future__ import annotations

from dataclasses import replace

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


def beside(name: str, sizes: tuple[int, ...], runs: int, dominant: int = 0, resamples: int = 1000) -> Row:
    """Count how often intervals hold the mean of labels of so many groups; of binary outcomes 70 % are right.

    ``dominant`` gives the first group of every label so many stimuli, the others two; they vary as a whole.
    """
    held: dict[str, list[np.ndarray]] = {"ours": [], "textbook": []}
    flags = []
    label = np.repeat(np.arange(len(sizes)), sizes)
    first = np.diff(label, prepend=-1) > 0
    size = np.where(first, dominant, 2) if dominant else np.ones(len(label), dtype=int)
    group, mean = np.repeat(np.arange(len(label)), size), 0.7 if name == "binary" else 0.0
    stimuli = label[group].astype(str)
    plan = inference.design(stimuli, stimuli, group.astype(str))
    for rng in seeds(f"{name} {sizes} {dominant}", -(-runs // BATCH)):
        shape = (len(label), BATCH)
        values = (rng.random(shape) < mean) * 1.0 if name == "binary" else _skewed(name, rng, shape)
        sample = inference.resample(plan, resamples, rng)
        bounds = (0.0, 1.0) if name == "binary" else None
        found = inference.balanced(sample, values[group], 0.95, bounds=bounds)
        plain = inference.intervals(replace(sample.means(values[group]), lone=False), 0.95, expanded=False)
        flags.append(np.array(["group" in method or "bound" in method for method in found.method]))
        for key, one in (("ours", found), ("textbook", plain)):
            held[key].append((one.low <= mean + 1e-12) & (one.high >= mean - 1e-12))
    ours, textbook = (np.concatenate(held[key]) for key in ("ours", "textbook"))
    return {
        "population": f"{name}, unequal" if dominant else name,
        "labels": len(sizes),
        "groups": " + ".join(map(str, sizes)),
        "across": False,
        "runs": len(ours),
        "ours": float(ours.mean()),
        "error": error(ours.mean(), len(ours)),
        "textbook": float(textbook.mean()),
        "flagged": float(np.concatenate(flags).mean()),
    }


def small(share: float = 1.0) -> list[Row]:
    """Give the table of a small label beside a large one, and of groups of unequal size."""
    runs = int(2000 * share)
    rows = [beside(name, (60, k), runs) for k in (1, 2, 3, 5) for name in ("normal", "binary")]
    return [*rows, beside("binary", (30, 30), runs), beside("normal", (20,), runs, 40)]


def main(share: float = 1.0) -> list[Row]:
    """Give the table of 5, 10, 20 and 50 groups, and of labels of unequal numbers."""
    runs = int(2000 * share)
    rows = [simulate(name, 1, groups, runs) for name in ("normal", "exponential") for groups in (5, 10, 20, 50)]
    rows += [simulate("exponential", 3, groups, runs, across) for groups in (10, 20) for across in (False, True)]
    return [*rows, *small(share)]


def _skewed(name: str, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.normal(size=shape) if name == "normal" else rng.exponential(size=shape) - 1
