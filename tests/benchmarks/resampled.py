"""Bootstrap the harm of many masks in this process, and print its peak memory as JSON; `statistics` starts it.

It loads no PyTorch, as a job of the statistics does not.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from deeplocalizer import inference
from tests.benchmarks.used import peak

CATEGORIES = ("faces", "objects", "scenes", "words")
OUTCOMES = 3  # correct or not, a skewed one, and a normal one
CONFIDENCE = 0.95


def main(stimuli: int, masks: int, resamples: int) -> dict[str, object]:
    """Give the intervals of all harms; time begins when outcomes are in memory, and ends with the intervals."""
    harms, plan = outcomes(stimuli, masks), planned(stimuli)
    start, begun = time.perf_counter(), time.process_time()
    sample = inference.resample(plan, resamples, np.random.default_rng(0))
    found = inference.intervals(sample.means(harms), CONFIDENCE)
    seconds, cpu = time.perf_counter() - start, time.process_time() - begun
    if not np.isfinite(found.low).all() or not np.isfinite(found.high).all():
        raise ValueError("an interval has no end")
    return {"columns": harms.shape[1], "seconds": seconds, "cpu_s": cpu, "peak_MB": peak()}


def outcomes(stimuli: int, masks: int) -> np.ndarray:
    """Make up the harm (stimulus, mask × outcome) that each mask does to each stimulus: intact minus ablated."""
    rng = np.random.default_rng(0)
    shape = (stimuli, masks)
    kinds = [rng.random(shape) < 0.1, rng.exponential(size=shape), rng.standard_normal(shape) + 0.2]
    return np.stack(kinds, axis=-1).reshape(stimuli, masks * OUTCOMES).astype(float)


def planned(stimuli: int) -> inference.Design:
    """Stratify the stimuli by category; each is a group of its own."""
    category = np.array(CATEGORIES)[np.arange(stimuli) % len(CATEGORIES)]
    return inference.design(category, np.full(stimuli, "all"), np.arange(stimuli).astype(str))


if __name__ == "__main__":
    found = main(*map(int, sys.argv[1:]))
    if "torch" in sys.modules:
        raise RuntimeError("the statistics load torch")
    print(json.dumps(found))
