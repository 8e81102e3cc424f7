"""How often 95 % intervals of a mean hold the truth, beside SciPy's BCa on the same samples.

``below`` and ``above`` are the shares of intervals that lie below and above the truth, ``textbook`` are our BCa
intervals without the levels of Student's t, and ``ahead`` is ours minus SciPy's on the same samples. ``undefined`` is
where SciPy's is NaN because all outcomes are the same; that counts as a miss.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.stats

from deeplocalizer import inference
from tests.calibration.counting import Row, error, seeds

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
BATCH = 100  # samples that share resamples


@dataclass(frozen=True)
class Population:
    """What stimuli are drawn from, and its mean."""

    draw: Draw
    mean: float
    bounds: tuple[float, float] | None = None


POPULATIONS = {
    "normal": Population(lambda rng, shape: rng.normal(size=shape), 0.0),
    "exponential": Population(lambda rng, shape: rng.exponential(size=shape), 1.0),
    "lognormal, sigma 1.5": Population(lambda rng, shape: rng.lognormal(0, 1.5, size=shape), float(np.exp(1.125))),
    "binary, p 0.05": Population(lambda rng, shape: (rng.random(shape) < 0.05) * 1.0, 0.05, (0.0, 1.0)),
    "binary, p 0.02": Population(lambda rng, shape: (rng.random(shape) < 0.02) * 1.0, 0.02, (0.0, 1.0)),
}


def simulate(name: str, n: int, runs: int, beside: int, resamples: int, seed: int = 0) -> Row:
    """Count how often intervals hold the mean of a population; of the first runs, also SciPy's."""
    population = POPULATIONS[name]
    batches = -(-runs // BATCH)
    plan = inference.design(*(np.array(["a"] * n),) * 2, np.arange(n).astype(str))
    ends: dict[str, list[np.ndarray]] = {"ours": [], "textbook": [], "scipy": []}
    for number, rng in enumerate(seeds(f"coverage of {name} {n}", batches, seed)):
        columns = population.draw(rng, (n, BATCH))
        sample = inference.resample(plan, resamples, rng)
        ends["ours"].append(_ends(inference.balanced(sample, columns, 0.95, "bca", population.bounds)))
        ends["textbook"].append(_ends(inference.intervals(sample.means(columns), 0.95, "bca", expanded=False)))
        if number * BATCH < beside:
            ends["scipy"].append(_scipy(columns, resamples, rng))
    low, high = np.concatenate(ends["ours"], axis=1)
    slack = 1e-12
    held = {key: _held(np.concatenate(found, axis=1), population.mean, slack) for key, found in ends.items()}
    ours, theirs = held["ours"], held["scipy"]
    ahead = ours[: len(theirs)] * 1.0 - theirs
    return {
        "population": name,
        "n": n,
        "runs": len(ours),
        "ours": float(ours.mean()),
        "error": error(ours.mean(), len(ours)),
        "below": float(np.mean(high < population.mean - slack)),
        "above": float(np.mean(low > population.mean + slack)),
        "textbook": float(held["textbook"].mean()),
        "scipy": float(theirs.mean()),
        "scipy_error": error(theirs.mean(), len(theirs)),
        "undefined": float(np.isnan(np.concatenate(ends["scipy"], axis=1)[0]).mean()),
        "ahead": float(ahead.mean()),
        "ahead_error": float(max(ahead.std(), 1 / len(ahead)) / np.sqrt(len(ahead))),
    }


def main(share: float = 1.0) -> list[Row]:
    """Give the table of all populations at n = 50 and 500."""
    rows = []
    for n, runs, beside in ((50, 6000, 4000), (500, 4000, 1000)):
        rows += [simulate(name, n, int(runs * share), int(beside * share), 2000) for name in POPULATIONS]
    return rows


def _ends(found: inference.Intervals) -> np.ndarray:
    return np.stack([found.low, found.high])


def _held(ends: np.ndarray, mean: float, slack: float) -> np.ndarray:
    return (ends[0] <= mean + slack) & (ends[1] >= mean - slack)


def _scipy(columns: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    with warnings.catch_warnings():
        # of samples whose outcomes are all the same: the NaN is counted
        warnings.simplefilter("ignore", scipy.stats.DegenerateDataWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        found = scipy.stats.bootstrap(
            (columns.T,), np.mean, axis=-1, n_resamples=resamples, method="BCa", rng=rng, batch=200
        )
    return np.stack([found.confidence_interval.low, found.confidence_interval.high])
