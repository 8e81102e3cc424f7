"""How often 95 % intervals of a target minus its controls hold the truth where stimuli and masks are both random.

``stimuli only`` resamples stimuli, and holds for the control masks that happened to be drawn, not for others.
"""

from __future__ import annotations

import numpy as np

from deeplocalizer import inference
from tests.calibration.counting import Row, error, seeds


def simulate(
    stimuli: int,
    masks: int,
    scatter: float,
    runs: int,
    method: str = "bca",
    skewed: bool = False,
    resamples: int = 800,
) -> Row:
    """Count how often intervals hold; ``scatter`` is the standard deviation of masks, stimuli's is 1."""
    plan = inference.design(*(np.array(["a"] * stimuli),) * 2, np.arange(stimuli).astype(str))
    drawn = inference.design(*(np.array(["a"] * masks),) * 2, np.arange(masks).astype(str))
    both, alone = [], []

    def noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
        return rng.exponential(size=shape) - 1 if skewed else rng.normal(size=shape)

    for rng in seeds(f"hierarchy {stimuli} {masks} {scatter} {method} {skewed}", runs):
        common = noise(rng, stimuli, 1)
        controls = common + scatter * noise(rng, masks) + noise(rng, stimuli, masks)
        target = common + noise(rng, stimuli, 1)
        sample = inference.resample(plan, resamples, rng)
        difference = sample.means(target - controls.mean(axis=1, keepdims=True))
        over = inference.resample(drawn, resamples, rng).means(controls.mean(axis=0)[:, None])
        crossed = inference.crossed(difference, over)
        for held, means in ((both, crossed), (alone, difference)):
            found = inference.intervals(means, 0.95, method)[0]
            held.append(found.low <= 0 <= found.high)
    return {
        "stimuli": stimuli,
        "masks": masks,
        "scatter": scatter,
        "outcomes": "exponential" if skewed else "normal",
        "method": method,
        "runs": runs,
        "ours": float(np.mean(both)),
        "error": error(float(np.mean(both)), runs),
        "stimuli only": float(np.mean(alone)),
    }


def main(share: float = 1.0) -> list[Row]:
    """Give the table of few and many stimuli and masks."""
    runs = int(1000 * share)
    cases = ((50, 20, 0.5), (50, 100, 1.0), (200, 20, 0.2), (200, 100, 0.5))
    rows = [simulate(*case, runs) for case in cases]
    rows += [simulate(*case, runs, skewed=True) for case in cases[:2]]
    return [*rows, simulate(*cases[0], runs, method="percentile")]
