"""What the benchmark of the moments says of errors holds: why `leaf` is the way that was chosen."""

import numpy as np
import pytest

from tests.benchmarks import moments as benchmark

LATE = "1000, silent in the first batch"


@pytest.fixture(scope="module")
def rows():
    return benchmark.main(stimuli=200, units=300, block_units=500, repeats=1)


def worst(rows, way, part, data=tuple(benchmark.DATA)):
    return max(row[part] for row in rows if row["way"].startswith(way) and row.get("data") in data)


def test_leaf_is_right_on_all_data(rows):
    assert worst(rows, "leaf", "mean") < 1e-14
    assert worst(rows, "leaf", "variance") < 1e-10
    assert worst(rows, "leaf", "t") < 1e-9


def test_faster_ways_fail_somewhere(rows):
    assert worst(rows, "sums shifted", "variance", ["10000"]) < 1e-5
    assert worst(rows, "sums shifted", "variance", [LATE]) > 1e-3
    assert worst(rows, "torch.var_mean", "variance", ["10000"]) > 1e-5
    assert worst(rows, "SciPy", "t", ["10000"]) > 1e-3


def test_the_reference_agrees_with_long_doubles():
    for name in benchmark.DATA:
        values = benchmark.responses(name, 200, 50)
        mean, variance, _ = benchmark.exact(values, 100, slab=7)
        sides = [side.astype(np.longdouble) for side in (values[:100], values[100:])]
        np.testing.assert_allclose(mean, [side.mean(axis=0).astype(float) for side in sides], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(variance, [side.var(axis=0, ddof=1).astype(float) for side in sides], rtol=1e-9)


def test_every_way_and_kind_of_data_is_measured(rows):
    assert {(row["way"], row["data"]) for row in rows if "data" in row} == {
        (way, data) for way in benchmark.WAYS for data in benchmark.DATA
    }
    assert all(row["seconds"] >= 0 for row in rows)
