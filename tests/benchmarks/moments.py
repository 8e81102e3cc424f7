"""Ways to the moments of many units: time, memory and error against NumPy in float64.

main             measure all ways on all kinds of data, and `leaf` on one large block; print tables
WAYS             each takes responses (stimulus, unit), float32, and how many are of the first category
DATA             what the units' means are like

Run it as ``python -m tests.benchmarks.moments``; ``--help`` tells the sizes. Times are CPU times of one thread.
"""

from __future__ import annotations

import argparse
import inspect
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
import torch

from deeplocalizer import leaf as room
from deeplocalizer.moments import Node, Tree

Found = tuple[np.ndarray | None, np.ndarray | None, np.ndarray]  # mean, variance (category, unit); t (unit,)
BATCH = 32
DATA = {"0": 0.0, "100": 1e2, "10000": 1e4, "1000, silent in the first batch": 1e3}


def main(
    stimuli: int = 2000, units: int = 100_000, block_units: int = 1_400_000, repeats: int = 3
) -> list[dict[str, Any]]:
    """Measure and print.

    Parameters
    ----------
    stimuli, units : int
        Size of the responses of which all ways compute moments.
    block_units : int
        Size of one block of 32 stimuli, given to `leaf` in slabs of several sizes.
    repeats : int
        The fastest counts.

    Returns
    -------
    list of dict
        One for each row printed.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = [row for name in DATA for row in _compare(name, stimuli, units, repeats)]
        rows += _slabs(block_units, repeats)
    finally:
        torch.set_num_threads(threads)
    return rows


def _compare(name: str, stimuli: int, units: int, repeats: int) -> list[dict[str, Any]]:
    first = stimuli // 2
    values = responses(name, stimuli, units)
    expected = exact(values, first)
    print(f"\n{stimuli} x {units} responses, mean/sd {name}")
    print(f"{'':42} {'CPU s':>8} {'MB more':>8} {'mean':>9} {'variance':>9} {'t':>9}")
    rows = []
    for way, function in WAYS.items():
        seconds, memory, found = measured(partial(function, values, first), repeats)
        row = {"data": name, "way": way, "seconds": seconds, "megabytes": memory, **errors(found, expected)}
        rows.append(row)
        shown = " ".join(f"{row[part]:9.0e}" for part in ("mean", "variance", "t"))
        print(f"{way:42} {seconds:8.2f} {memory:8.0f} {shown}")
    return rows


def _slabs(units: int, repeats: int) -> list[dict[str, Any]]:
    values = torch.rand(BATCH, units)
    chosen = room.SLAB["cpu"]
    rows = []
    print(f"\nleaf of one block of {BATCH} x {units}")
    try:
        for exponent in range(17, 25):
            room.SLAB["cpu"] = 1 << exponent
            seconds, memory, _ = measured(partial(room.leaf, values), repeats)
            rows.append({"way": "leaf", "slab": 1 << exponent, "seconds": seconds, "megabytes": memory})
            mark = " (chosen)" if chosen == 1 << exponent else ""
            print(f"{(1 << exponent) // 1024:>8} kB at a time: {seconds:6.3f} s{mark}")
    finally:
        room.SLAB["cpu"] = chosen
    return rows


def responses(name: str, stimuli: int, units: int) -> np.ndarray:
    """Draw responses of unit variance; the categories differ by half of it."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((stimuli, units), dtype=np.float32)
    values[: stimuli // 2] += 0.5
    values += np.float32(DATA[name])
    if "silent" in name:
        values[:BATCH] = 0.0  # of the first category: the second one's mean is far from it
    return values


def exact(values: np.ndarray, first: int, slab: int = 4096) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute mean, variance and t in float64, a few units at a time."""
    parts = []
    for start in range(0, values.shape[1], slab):
        sides = [side[:, start : start + slab].astype(np.float64) for side in (values[:first], values[first:])]
        mean, variance = (np.stack([np.asarray(f(side)) for side in sides]) for f in (_mean, _variance))
        parts.append((mean, variance, welch(mean, variance, (first, len(values) - first))))
    mean, variance, t = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
    return mean, variance, t


def _mean(side: np.ndarray) -> np.ndarray:
    return side.mean(axis=0)


def _variance(side: np.ndarray) -> np.ndarray:
    return side.var(axis=0, ddof=1)


def welch(mean: np.ndarray, variance: np.ndarray, counts: tuple[int, int]) -> np.ndarray:
    """Compute Welch's t."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (mean[0] - mean[1]) / np.sqrt(variance[0] / counts[0] + variance[1] / counts[1])


def errors(found: Found, expected: tuple[np.ndarray, np.ndarray, np.ndarray]) -> dict[str, float]:
    """Give the largest errors: mean relative to the larger of |mean| and sd, variance to itself, t to 1 or |t|."""
    mean, variance, t = expected
    scales = (np.maximum(np.abs(mean), np.sqrt(variance)), variance, np.maximum(1, np.abs(t)))
    result = {}
    for name, got, true, scale in zip(("mean", "variance", "t"), found, expected, scales, strict=True):
        error = np.nan if got is None else np.max(np.abs(got - true) / scale, initial=0.0)
        result[name] = float(error) if got is None or np.isfinite(got).all() else np.inf
    return result


def measured(function: Callable[[], Any], repeats: int) -> tuple[float, float, Any]:
    """Give the least CPU time, the memory it needed more at its height in MB (NaN if unknown), and the result.

    Memory that the process holds already, free for reuse, does not count: some MB at most.
    """
    clear = Path("/proc/self/clear_refs")
    least, more, result = np.inf, np.nan, None
    for _ in range(repeats):
        result = None
        if clear.exists():
            clear.write_text("5")  # sets the height of the memory back
        before = _memory("VmRSS")
        start = time.process_time()
        result = function()
        least = min(least, time.process_time() - start)
        more = np.fmax(more, (_memory("VmHWM") - before) / 1e3)
    return least, float(more), result


def _memory(key: str) -> float:
    """Read a figure of this process in kB."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((float(line.split()[1]) for line in lines if line.startswith(key)), np.nan)


def scipy_single(values: np.ndarray, first: int) -> Found:
    """SciPy's Welch test, which computes in the data's float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it warns of the loss that is measured here
        return None, None, scipy.stats.ttest_ind(values[:first], values[first:], equal_var=False).statistic


def double(values: np.ndarray, first: int) -> Found:
    """Two passes over everything in float64."""
    return exact(values, first, values.shape[1])


def shifted_sums(values: np.ndarray, first: int) -> Found:
    """Sums of the values less the first batch's mean, by matrix products with one-hot categories, in float32."""
    data = torch.from_numpy(values)
    shift = data[:BATCH].mean(0)
    sums, squares = (torch.zeros(2, values.shape[1], dtype=torch.float64) for _ in range(2))
    for start in range(0, len(values), BATCH):
        block = data[start : start + BATCH] - shift
        places = torch.arange(start, start + len(block))
        onehot = torch.stack([places < first, places >= first]).float()
        sums += onehot @ block
        squares += onehot @ block.square_()
    counts = torch.tensor([[first], [len(values) - first]])
    mean = sums / counts
    return _found(mean + shift, (squares - sums * mean) / (counts - 1), (first, len(values) - first))


def in_tree(leaf: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]], values: np.ndarray, first: int) -> Found:
    """Moments of each block by itself, merged along a tree in float64."""
    totals = []
    for side in (values[:first], values[first:]):
        blocks = list(_blocks(side))
        tree = Tree(0, len(blocks))
        for number, block in enumerate(blocks):
            tree.add(number, Node(len(block), *leaf(block)))
        totals.append(tree.total())
    mean = torch.stack([total.mean for total in totals])
    variance = torch.stack([total.m2 / (total.count - 1) for total in totals])
    return _found(mean, variance, (first, len(values) - first))


def _blocks(side: np.ndarray) -> Iterator[torch.Tensor]:
    for start in range(0, len(side), BATCH):
        yield torch.from_numpy(side[start : start + BATCH])


def _found(mean: torch.Tensor, variance: torch.Tensor, counts: tuple[int, int]) -> Found:
    return mean.numpy(), variance.numpy(), welch(mean.numpy(), variance.numpy(), counts)


def var_mean(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """PyTorch's own, in float32."""
    variance, mean = torch.var_mean(values, 0, correction=0)
    return mean.double(), variance.double() * len(values)


def recentred(width: int, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums of deviations from the block's own mean, in float32, some units at a time."""
    mean, m2 = (torch.empty(values.shape[1], dtype=torch.float64) for _ in range(2))
    for start in range(0, values.shape[1], width):
        slab = values[:, start : start + width]
        centre = slab.mean(0)
        deviation = slab - centre
        residue = deviation.sum(0).double() / len(values)
        mean[start : start + width] = centre.double() + residue
        m2[start : start + width] = deviation.square_().sum(0).double() - len(values) * residue.square()
    return mean, m2


WAYS: dict[str, Callable[[np.ndarray, int], Found]] = {
    "SciPy ttest_ind, float32": scipy_single,
    "two passes, float64": double,
    "sums shifted by the first batch, float32": shifted_sums,
    "torch.var_mean, float32, in a tree": partial(in_tree, var_mean),
    "re-centred, float32, all units at a time": partial(in_tree, partial(recentred, 1 << 30)),
    "re-centred, float32, 16384 units at a time": partial(in_tree, partial(recentred, 16384)),
    "re-centred, float32, 4096 units at a time": partial(in_tree, partial(recentred, 4096)),
    "re-centred, float32, 2048 units at a time": partial(in_tree, partial(recentred, 2048)),
    "leaf, float64, in a tree": partial(in_tree, room.leaf),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for size, parameter in inspect.signature(main).parameters.items():
        parser.add_argument(f"--{size.replace('_', '-')}", type=int, default=parameter.default)
    main(**vars(parser.parse_args()))
