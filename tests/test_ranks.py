"""The area under the ROC curve is exact: that of brute force, of SciPy's U and of scikit-learn."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import roc_auc_score

from deeplocalizer import ranks

EXTREMES = {
    np.float32: [0.0, -0.0, 1.0, -1.0, 2.0**-64, -(2.0**-64), 2.0**64, 1e-45, -1e-45, 3.4e38, np.inf, -np.inf],
    np.float64: [0.0, -0.0, 1.0, -1.0, 2.0**-512, -(2.0**-512), 2.0**512, 5e-324, -5e-324, 1.7e308, np.inf, -np.inf],
}


def by_definition(values, preferred):
    """Compare all pairs, as Hanley & McNeil define the area; the ratio is rounded once."""
    more = ties = 0
    for one in values[preferred].tolist():
        for other in values[~preferred].tolist():
            more, ties = more + (one > other), ties + (one == other)
    return float(Fraction(2 * more + ties, 2 * int(preferred.sum()) * int((~preferred).sum())))


def labels(rng, count):
    preferred = rng.random(count) < 0.4
    preferred[:2] = True, False
    return preferred


@st.composite
def samples(draw):
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    width = 8 * np.dtype(dtype).itemsize
    known = st.sampled_from([float(dtype(value)) for value in EXTREMES[dtype]])
    elements = draw(st.sampled_from([st.floats(width=width, allow_nan=False), known, known.filter(np.isfinite)]))
    shape = draw(st.tuples(st.integers(2, 12), st.integers(1, 3)))
    values = draw(arrays.arrays(dtype, shape, elements=elements))
    preferred = draw(arrays.arrays(bool, shape[0]).filter(lambda some: some.any() and not some.all()))
    return values, preferred


@given(samples())
@settings(max_examples=500, deadline=None)
def test_any_responses_give_the_area_by_definition(sample):
    values, preferred = sample
    found = ranks.auroc(values, preferred)
    assert found.tolist() == [by_definition(column, preferred) for column in values.T]
    # the sides exchanged, and the responses turned over, tell the same
    assert np.abs(found + ranks.auroc(values, ~preferred) - 1).max() <= 2**-53
    np.testing.assert_array_equal(ranks.auroc(-values, preferred), ranks.auroc(values, ~preferred))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "change",
    [
        lambda x: x,
        lambda x: np.maximum(x, 0),
        lambda x: np.round(4 * x),
        lambda x: x * 1e-30,
        lambda x: 100 + x * 1e-5,
        lambda x: np.where(x > 1, np.inf, np.where(x < -1, -np.inf, x)),
    ],
    ids=["continuous", "rectified", "coarse", "tiny", "far", "infinite"],
)
def test_it_agrees_with_scipy_and_scikit_learn(dtype, change):
    rng = np.random.default_rng(0)
    preferred = labels(rng, 301)
    values = change(rng.standard_normal((301, 45)) + 0.3 * preferred[:, None]).astype(dtype)
    found = ranks.auroc(values, preferred)
    pairs = int(preferred.sum()) * int((~preferred).sum())
    doubles = values.astype(np.float64)  # SciPy gives U in the type of the responses
    u = scipy.stats.mannwhitneyu(doubles[preferred], doubles[~preferred], method="asymptotic").statistic
    np.testing.assert_array_equal(found, u / pairs)
    if np.isfinite(values).all():  # scikit-learn refuses infinities, and adds its trapezoids up with rounding
        expected = np.array([roc_auc_score(preferred, column) for column in values.T])
        np.testing.assert_array_max_ulp(found, expected, maxulp=4)


@pytest.mark.parametrize("slab", [1, 100, 1 << 20])
def test_slabs_do_not_change_the_result(slab, monkeypatch):
    rng = np.random.default_rng(1)
    preferred = labels(rng, 90)
    values = np.maximum(rng.standard_normal((90, 70), dtype=np.float32), 0)
    values[3, 40] = np.inf  # the slab of this unit takes the other way
    expected = [by_definition(column, preferred) for column in values.T]
    monkeypatch.setattr(ranks, "SLAB", slab)
    monkeypatch.setattr(ranks, "LEAST", 3)
    assert ranks.auroc(values, preferred).tolist() == expected
    # neither does the layout in memory
    assert ranks.auroc(np.asfortranarray(values)[::-1], preferred[::-1]).tolist() == expected


@pytest.mark.parametrize("value", [0.0, 3.5, np.inf])
def test_a_constant_unit_tells_nothing(value):
    assert ranks.auroc(np.full((7, 2), value), np.arange(7) < 3).tolist() == [0.5, 0.5]


def test_a_perfect_unit_tells_all():
    values = np.array([[2.0, -0.0, 1e-300], [3.0, 0.0, 2e-300], [1.0, 0.0, 0.0]])
    assert ranks.auroc(values, np.array([True, True, False])).tolist() == [1.0, 0.5, 1.0]


def test_only_the_order_counts():
    rng = np.random.default_rng(2)
    preferred, values = labels(rng, 400), rng.standard_normal((400, 20))
    np.testing.assert_array_equal(ranks.auroc(np.exp(values), preferred), ranks.auroc(values, preferred))


def test_no_units_give_no_areas():
    assert ranks.auroc(np.empty((3, 0)), np.array([True, False, True])).shape == (0,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sign", [1, -1])
def test_nan_is_refused_by_name(dtype, sign):
    values = np.zeros((6, 50), dtype=dtype)
    values[4, 41] = np.copysign(np.nan, sign)
    values[1, 40] = np.inf
    with pytest.raises(ValueError, match="unit 41, stimulus 4 is NaN; expected a number"):
        ranks.auroc(values, np.arange(6) % 2 == 0)


@pytest.mark.parametrize(
    ("values", "preferred", "error", "message"),
    [
        (np.zeros((3, 1)), np.zeros(3, bool), ValueError, "0 of 3 stimuli are preferred; expected one or more on"),
        (np.zeros((3, 1)), np.ones(3, bool), ValueError, "3 of 3 stimuli are preferred"),
        (np.zeros((0, 1)), np.zeros(0, bool), ValueError, "0 of 0 stimuli are preferred"),
        (np.zeros((3, 1)), np.ones(4, bool), ValueError, r"shape \(3, 1\) and labels of shape \(4,\)"),
        (np.zeros(3), np.ones(3, bool), ValueError, r"shape \(3,\) and labels of shape \(3,\)"),
        (np.zeros((3, 1), np.float16), np.ones(3, bool), TypeError, "of float16; expected float32 or float64"),
        (np.zeros((3, 1)), np.ones(3, int), TypeError, "of int64; expected booleans"),
    ],
)
def test_what_has_no_curve_is_refused(values, preferred, error, message):
    with pytest.raises(error, match=message):
        ranks.auroc(values, preferred)


MEMORY = """
import sys
import numpy as np
from deeplocalizer import ranks
values = np.random.default_rng(0).standard_normal((2000, int(sys.argv[1])), dtype="float32")
ranks.auroc(values, np.arange(2000) % 2 == 0)
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) / 1024 - values.nbytes / 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
def test_memory_beside_the_responses_does_not_grow_with_the_units():
    """125 MiB more of responses take no more beside them."""
    few, many = (
        float(subprocess.run([sys.executable, "-c", MEMORY, units], capture_output=True, check=True).stdout)
        for units in ("100", "16500")
    )
    assert many - few < 10
