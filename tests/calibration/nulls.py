"""How often p-values are small where nothing is there to be found.

For continuous statistics p must be uniform: ``uniform`` is the p of a Kolmogorov-Smirnov test of that, after p was
moved by a random part of its last step. For discrete ones small p may only be rarer than they say.
"""

from __future__ import annotations

from collections.abc import Callable

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


def shares(stimuli: int, threshold: float, runs: int, draws: int = 999) -> np.ndarray:
    """Give p of shares of successes that are at the threshold."""
    label = np.repeat(["a", "b"], stimuli // 2)
    plan = inference.design(label, label, np.arange(stimuli).astype(str))
    return np.array(
        [
            inference.exceeds_p(plan, (rng.random(stimuli) < threshold) * 1.0, threshold, draws, rng)
            for rng in seeds(f"shares {stimuli}", runs)
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
    """Give the table of all tests."""
    few, many = int(2000 * share), int(4000 * share)
    cases: list[tuple[str, Callable[[], np.ndarray], float | None]] = [
        ("sign flips, normal, n 40", lambda: flips("normal", 40, False, many), 1 / 2000),
        ("sign flips, heavy tails, n 40", lambda: flips("heavy tails", 40, False, many), 1 / 2000),
        ("sign flips, normal, 20 groups of 2", lambda: flips("normal", 40, True, many), 1 / 2000),
        ("sign flips, all of 8", lambda: flips("normal", 8, False, many), 1 / 256),
        ("sign flips, binary, n 40", lambda: flips("binary", 40, False, many), None),
        ("rank among 99, continuous", lambda: ranks("normal", 99, many), 1 / 100),
        ("rank among 99, binary", lambda: ranks("binary", 99, many), None),
        ("share of successes, n 40", lambda: shares(40, 0.6, few), None),
        ("t over 5 models", lambda: models(5, False, many), 0.0),
        ("signs of 6 models", lambda: models(6, True, many), 1 / 64),
    ]
    return [row(name, made(), step) for name, made, step in cases]
