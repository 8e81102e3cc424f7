"""How often p-values are small where nothing is there to be found.

For continuous statistics p must be uniform: ``uniform`` is the p of a Kolmogorov-Smirnov test of that, after p was
moved by a random part of its last step. For discrete ones small p may only be rarer than they say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.stats

from deeplocalizer import inference
from tests.calibration.counting import Row, error, seeds

LEVELS = (0.01, 0.05, 0.1)
BATCH = 50  # samples that share flips


def flips(kind: str, stimuli: int, grouped: bool, runs: int, number: int = 1999) -> np.ndarray:
    """Give p of differences without a preference for a sign."""
    p = []
    group = np.arange(stimuli) // (2 if grouped else 1)
    label = np.repeat(["a", "b"], [stimuli * 3 // 4, stimuli - stimuli * 3 // 4])
    plan = inference.design(label, label, group.astype(str))
    for rng in seeds(f"flips of {kind} {stimuli} {grouped}", -(-runs // BATCH)):
        shape = (stimuli, BATCH)
        if kind == "binary":
            difference = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=shape)
        else:
            shared = rng.normal(size=shape)[group] if grouped else 0.0
            heavy = rng.standard_t(3, size=shape) if kind == "heavy tails" else rng.normal(size=shape)
            difference = shared + heavy
        p.append(inference.sign_flips(plan, difference, number, rng))
    return np.concatenate(p)


def ranks(kind: str, controls: int, runs: int) -> np.ndarray:
    """Give p of targets that are exchangeable with their controls, on stimuli that they share."""
    p = []
    for rng in seeds(f"ranks of {kind} {controls}", runs):
        shared = rng.normal()
        drawn = shared + rng.normal(size=controls + 1)
        drawn = np.round(drawn) if kind == "binary" else drawn
        p.append(inference.rank_p(float(drawn[0]), drawn[1:]))
    return np.array(p)


def skewed(kind: str, stimuli: int, runs: int, number: int = 999) -> tuple[np.ndarray, np.ndarray]:
    """Give p of skewed differences whose mean is zero, by sign flips and by Student's t."""
    plan = inference.design(*(np.array(["a"] * stimuli),) * 2, np.arange(stimuli).astype(str))
    p, student = [], []
    for rng in seeds(f"skewed {kind} {stimuli}", -(-runs // BATCH)):
        drawn = rng.lognormal(size=(stimuli, BATCH)) if kind == "lognormal" else rng.exponential(size=(stimuli, BATCH))
        difference = (np.exp(0.5) if kind == "lognormal" else 1.0) - drawn
        p.append(inference.sign_flips(plan, difference, number, rng))
        student.append(scipy.stats.ttest_1samp(difference, 0, alternative="greater").pvalue)
    return np.concatenate(p), np.concatenate(student)


def shares(
    sizes: Sequence[Sequence[int]],
    threshold: float,
    runs: int,
    at: Sequence[float] | None = None,
    across: bool = False,
    draws: int = 199,
) -> np.ndarray:
    """Give p of shares of successes that are at the threshold.

    ``sizes`` are those of the groups of each label, which succeed as a whole; ``at`` the share of each label, of which
    the threshold is the mean; ``across`` gives each group stimuli in all labels.
    """
    label = np.repeat(np.arange(len(sizes)), [sum(each) for each in sizes])
    within = np.concatenate([np.repeat(np.arange(len(each)), each) for each in sizes])
    first = np.cumsum([0, *(len(each) for each in sizes)])[label]
    group = within if across else first + within
    share = np.full(len(sizes), threshold) if at is None else np.array(at)
    plan = inference.design(label.astype(str), label.astype(str), group.astype(str))
    return np.array(
        [
            inference.exceeds_p(plan, (rng.random(group.max() + 1)[group] < share[label]) * 1.0, threshold, draws, rng)
            for rng in seeds(f"shares {sizes} {at} {across}", runs)
        ]
    )


def models(number: int, sign: bool, runs: int) -> np.ndarray:
    """Give p of effects over models whose mean is zero."""
    estimates = next(seeds(f"models {number}", 1)).normal(size=(number, runs))
    found = inference.replicate(estimates, 0.95)
    return found.p_sign if sign else found.p


def row(name: str, p: np.ndarray, step: float | None) -> Row:
    """Give the shares of p at or below levels; ``step`` between the p that are possible, None if they are discrete."""
    shares = {f"p <= {level}": float(np.mean(p <= level + 1e-12)) for level in LEVELS}
    errors = {f"error {level}": error(level, len(p)) for level in LEVELS}
    uniform = float("nan")
    if step is not None:
        moved = p - step * next(seeds(f"steps of {name}", 1)).random(len(p))
        uniform = float(scipy.stats.kstest(moved, "uniform").pvalue)
    return {"test": name, "runs": len(p), **shares, **errors, "uniform": uniform}


def main(share: float = 1.0) -> list[Row]:
    """Give the table of all tests, and what is left of the skewness of differences."""
    return [*kept(share), *skewness(share)]


def kept(share: float = 1.0) -> list[Row]:
    """Give the table of the tests that promise to keep their level."""
    few, many = int(600 * share), int(4000 * share)
    uneven, some = [[1] * 2] + [[1] * 200] * 9, [[1] * 3] * 3 + [[1] * 100] * 7
    cases: list[tuple[str, Callable[[], np.ndarray], float | None]] = [
        ("sign flips, normal, n 40", lambda: flips("normal", 40, False, many), 1 / 2000),
        ("sign flips, heavy tails, n 40", lambda: flips("heavy tails", 40, False, many), 1 / 2000),
        ("sign flips, normal, 20 groups of 2", lambda: flips("normal", 40, True, many), 1 / 2000),
        ("sign flips, all of 8", lambda: flips("normal", 8, False, many), 1 / 256),
        ("sign flips, binary, n 40", lambda: flips("binary", 40, False, many), None),
        ("rank among 99, continuous", lambda: ranks("normal", 99, many), 1 / 100),
        ("rank among 99, binary", lambda: ranks("binary", 99, many), None),
        ("share of successes, n 40", lambda: shares([[1] * 20] * 2, 0.6, few), None),
        ("share, a group of 40 and 19 of 2", lambda: shares([[40] + [2] * 19] * 2, 0.55, few), None),
        ("share, groups of 1 to 20", lambda: shares([[1, 1, 2, 3, 5, 8, 12, 20]] * 2, 0.55, few), None),
        ("share, items in both labels", lambda: shares([[1] * 30] * 2, 0.55, few, across=True), None),
        ("share, labels of 2 and 9 x 200", lambda: shares(uneven, 0.19, few, [0.5] + [1.4 / 9] * 9), None),
        ("share, labels of 3 x 3 and 7 x 100", lambda: shares(some, 0.19, few, [0.5] * 3 + [0.4 / 7] * 7), None),
        ("t over 5 models", lambda: models(5, False, many), 0.0),
        ("signs of 6 models", lambda: models(6, True, many), 1 / 64),
    ]
    return [row(name, made(), step) for name, made, step in cases]


def skewness(share: float = 1.0) -> list[Row]:
    """Give the table of skewed differences, which sign flips do not promise to hold exactly."""
    rows = []
    for kind in ("exponential", "lognormal"):
        for stimuli in (30, 100):
            p, student = skewed(kind, stimuli, int(4000 * share))
            found = row(f"sign flips, minus {kind}, n {stimuli}", p, None)
            rows.append({**found, "student 0.05": float(np.mean(student <= 0.05))})
    return rows
