"""Contrast, AUROC and bootstrap of a study's size, beside SciPy and scikit-learn in the same run.

    python -m tests.benchmarks statistics

What would take minutes is measured on some of the units (or columns), and ``all_s`` is the time of one of them times
the number of all: these peers go unit by unit, or along contiguous units. The fastest of some repeats counts. All of
it runs in memory but for what is "from a file", and the bootstrap has a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import scipy.stats
import xarray as xr
from sklearn.metrics import roc_auc_score

from deeplocalizer import contrast, inference, moments, provenance, ranks, store, units
from deeplocalizer.contrast import auroc
from tests.benchmarks import resampled
from tests.benchmarks.tables import Row

T = TypeVar("T")
FOLDS = 8
CONTRASTS = {"faces": {"preferred": ["faces"], "other": ["objects"]}}
CATEGORIES = ("faces", "objects")
FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "continuous": lambda values: values,
    "after a ReLU": lambda values: np.maximum(values, 0, out=values),  # half of them tie at 0
}


def main(
    contrasted: int = 1_400_000,
    ranked: int = 100_000,
    stimuli: int = 2000,
    masks: int = 200,
    resamples: int = 10_000,
    some: int = 200,
    repeats: int = 3,
) -> list[Row]:
    """Measure.

    Parameters
    ----------
    contrasted, ranked : int
        Units that are contrasted from moments, and whose areas under the ROC curve are computed.
    stimuli : int
    masks, resamples : int
        Of the bootstrap.
    some : int
        Units that are given to scikit-learn; SciPy gets ten times as many.
    repeats : int
        The fastest counts.

    Returns
    -------
    list of dict
        ``error``: against the peer, in its last digits for the AUROC, relative for t and in widths of the interval for
        the bootstrap, whose draws differ.
    """
    rows = _contrasts(contrasted, stimuli, 10 * some, repeats)
    rows += [row for form in FORMS for row in _areas(form, ranked, stimuli, some, repeats)]
    return rows + _bootstraps(stimuli, masks, resamples, repeats)


def _contrasts(count: int, stimuli: int, some: int, repeats: int) -> list[Row]:
    table = _moments(count, stimuli)
    ours, _ = _timed(lambda: contrast.welch(table, CONTRASTS), repeats)
    responses, preferred = _responses("continuous", some, stimuli)
    sides = responses[preferred], responses[~preferred]
    theirs, found = _timed(lambda: scipy.stats.ttest_ind(*sides, equal_var=False), repeats)
    t = contrast.welch(_moments_of(*sides), CONTRASTS)["t"].values[0]
    error = float(np.max(np.abs(t - found.statistic) / np.maximum(1, np.abs(t))))
    return [
        _row("contrast", "contrast.welch, all its statistics, from moments", count, ours, count),
        _row("contrast", "scipy.stats.ttest_ind, t and p, from responses", some, theirs, count, error=error),
    ]


def _areas(form: str, count: int, stimuli: int, some: int, repeats: int) -> list[Row]:
    responses, preferred = _responses(form, count, stimuli)
    ours, areas = _timed(lambda: ranks.auroc(responses, preferred), repeats)
    read, from_file = _from_file(responses, preferred, repeats)
    if not np.array_equal(areas, from_file):
        raise ValueError("areas from a file differ from those in memory")
    few, more = (np.ascontiguousarray(responses[:, :size]) for size in (some, 10 * some))
    loop, found = _timed(lambda: np.array([roc_auc_score(preferred, column) for column in few.T]), repeats)
    rank, ranked = _timed(lambda: _by_rankdata(more, preferred), repeats)
    task = f"AUROC, {form}"
    return [
        _row(task, "ranks.auroc", count, ours, count),
        _row(task, "contrast.auroc.of, from a file", count, read, count),
        _row(task, "sklearn.metrics.roc_auc_score, a loop", few.shape[1], loop, count, error=_digits(areas, found)),
        _row(task, "scipy.stats.rankdata", more.shape[1], rank, count, error=_digits(areas, ranked)),
    ]


def _bootstraps(stimuli: int, masks: int, resamples: int, repeats: int) -> list[Row]:
    sizes = [stimuli, masks, resamples]
    runs = [_child(sizes) for _ in range(repeats)]
    ours = min(runs, key=lambda run: run["seconds"])
    columns = resampled.outcomes(stimuli, masks)[:, : resampled.OUTCOMES]
    plan = resampled.planned(stimuli)
    theirs, ends = _timed(lambda: np.array([_scipy(plan, column, resamples) for column in columns.T]), 1)
    sample = inference.resample(plan, resamples, np.random.default_rng(0))
    # the levels of SciPy, which takes no account of how few there are
    found = inference.intervals(sample.means(columns), resampled.CONFIDENCE, expanded=False)
    apart = np.abs(np.stack([found.low, found.high], axis=1) - ends).max(axis=1) / np.ptp(ends, axis=1)
    task, count = f"bootstrap, {resamples} resamples, BCa", ours["columns"]
    own = {"cpu_s": ours["cpu_s"], "peak_MB": max(run["peak_MB"] for run in runs)}
    return [
        _row(task, "inference.resample and intervals", count, ours["seconds"], count, **own),
        _row(task, "scipy.stats.bootstrap, a loop", columns.shape[1], theirs, count, error=float(apart.max())),
    ]


def _child(sizes: list[int]) -> Row:
    command = [sys.executable, "-m", "tests.benchmarks.resampled", *map(str, sizes)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise RuntimeError(f"the bootstrap of {sizes} failed: {done.stderr}")
    return json.loads(done.stdout)


def _scipy(plan: inference.Design, column: np.ndarray, resamples: int) -> tuple[float, float]:
    """Let SciPy resample each stratum by itself, and take the balanced mean."""
    samples = [column[plan.stratum == stratum] for stratum in range(len(plan.balance))]

    def mean(*parts: np.ndarray, axis: int = -1) -> np.ndarray:
        return sum(weight * part.mean(axis=axis) for weight, part in zip(plan.balance, parts, strict=True))

    rng = np.random.default_rng(1)
    found = scipy.stats.bootstrap(
        samples, mean, n_resamples=resamples, confidence_level=resampled.CONFIDENCE, batch=1000, rng=rng
    )
    return tuple(found.confidence_interval)


def _by_rankdata(values: np.ndarray, preferred: np.ndarray) -> np.ndarray:
    """Give the areas from the sum of midranks (Mann & Whitney 1947)."""
    count = int(preferred.sum())
    sums = scipy.stats.rankdata(values, axis=0)[preferred].sum(axis=0)
    return (sums - count * (count + 1) / 2) / (count * (len(values) - count))


def _from_file(responses: np.ndarray, preferred: np.ndarray, repeats: int) -> tuple[float, np.ndarray]:
    """Give the seconds in which the areas come from a file of activations, and the areas."""
    stimuli, count = responses.shape
    known = {
        "stimulus": np.arange(stimuli),
        "category": np.where(preferred, *CATEGORIES),
        "split": ["localize"] * stimuli,
    }
    template = _table(count).assign_coords({name: ("stimulus", column) for name, column in known.items()})
    large = store.Large({"stimulus": stimuli, "unit": count}, "float32", {}, store.chunks(stimuli, count))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "activations.nc"
        with store.stream(
            path, provenance.stamp(template, "activations", "made up", {}), {"activation": large}
        ) as pieces:
            pieces.write("activation", 0, responses)

        def read() -> np.ndarray:
            with store.lazy(path, "activations", verify=False) as activations:
                return auroc.of(activations, CONTRASTS).values[0]

        return _timed(read, repeats)


def _responses(form: str, count: int, stimuli: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw responses (stimulus, unit), float32; half of the stimuli are preferred, by 0.3 standard deviations."""
    values = np.random.default_rng(0).standard_normal((stimuli, count), dtype=np.float32)
    preferred = np.arange(stimuli) % 2 == 0
    values[preferred] += np.float32(0.3)
    return FORMS[form](values), preferred


def _moments(count: int, stimuli: int) -> xr.Dataset:
    """Draw moments of two categories in the localize split, by fold."""
    rng, cells = np.random.default_rng(0), len(CATEGORIES) * FOLDS
    size = max(2, stimuli // cells)
    mean = rng.standard_normal((cells, count)) / size**0.5
    mean[:FOLDS] += rng.standard_normal(count) / 2  # faces: so that t is large in many units, as it is in networks
    m2 = rng.standard_normal((cells, count)) ** 2 + size - 1
    found = moments.Moments(np.full(cells, size), mean, m2)
    return moments.table(found, _table(count), CATEGORIES, ["localize"], FOLDS)


def _moments_of(preferred: np.ndarray, other: np.ndarray) -> xr.Dataset:
    """Compute moments of responses; one fold, and the others are empty."""
    sides = [side.astype(float) for side in (preferred, other)]
    mean = np.stack([side.mean(axis=0) for side in sides])
    m2 = np.stack([side.var(axis=0) * len(side) for side in sides])
    found = moments.Moments(np.array([len(side) for side in sides]), mean, m2)
    return moments.table(found, _table(mean.shape[1]), CATEGORIES, ["localize"], 1)


def _table(count: int) -> xr.Dataset:
    return units.table([units.Layer("made up", 0, (count,))], ["mean"])


def _row(task: str, way: str, measured: int, seconds: float, all_of_them: int, **more: float) -> Row:
    return {
        "task": task,
        "way": way,
        "measured": measured,
        "seconds": seconds,
        "of": all_of_them,
        "all_s": seconds / measured * all_of_them,
        **more,
    }


def _digits(areas: np.ndarray, found: np.ndarray) -> float:
    """Give the largest difference in units of the last digit."""
    return float(np.max(np.abs(areas[: len(found)] - found) / np.spacing(found)))


def _timed(work: Callable[[], T], repeats: int) -> tuple[float, T]:
    """Give the fewest seconds of some repeats, and what the last one gave."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        found = work()
        taken.append(time.perf_counter() - start)
    return min(taken), found
