"""Weighted contrasts are linear contrasts of category means, computed directly from the responses."""

import math

import numpy as np
import pytest
import scipy.stats

from deeplocalizer import contrast
from tests.contrast.made import recorded, responses

SIDES = {"preferred": {"faces": 3, "scenes": 1}, "other": {"objects": 0.5, "digits": 1.5}}
WEIGHTS = {"faces": 0.75, "scenes": 0.25, "objects": -0.25, "digits": -0.75}


@pytest.fixture(scope="module")
def data():
    return responses(1)


@pytest.fixture(scope="module")
def result(data):
    return contrast.welch(recorded(*data), {"c": SIDES}).sel(contrast="c")


def groups(values, category):
    return [(weight, values[category == name]) for name, weight in WEIGHTS.items()]


def test_t_df_and_p_are_those_of_a_linear_contrast(data, result):
    parts = groups(*data[:2])
    difference = sum(w * x.mean(0) for w, x in parts)
    errors = [w**2 * x.var(0, ddof=1) / len(x) for w, x in parts]
    df = sum(errors) ** 2 / sum(e**2 / (len(x) - 1) for e, (_, x) in zip(errors, parts, strict=True))
    t = difference / np.sqrt(sum(errors))
    np.testing.assert_allclose(result["difference"], difference, rtol=1e-10)
    np.testing.assert_allclose(result["t"], t, rtol=1e-10)
    np.testing.assert_allclose(result["df"], df, rtol=1e-10)
    np.testing.assert_allclose(result["log10_p"], np.log10(2 * scipy.stats.t.sf(np.abs(t), df)), rtol=1e-9)
    np.testing.assert_allclose(result["log10_p_greater"], np.log10(scipy.stats.t.sf(t, df)), rtol=1e-9)


def test_effect_sizes_are_by_the_spread_within_categories(data, result):
    parts = groups(*data[:2])
    within = sum(len(x) - 1 for _, x in parts)
    difference = sum(w * x.mean(0) for w, x in parts)
    d = difference / np.sqrt(sum((len(x) - 1) * x.var(0, ddof=1) for _, x in parts) / within)
    np.testing.assert_allclose(result["d"], d, rtol=1e-10)
    sides = [sum(abs(w) * x.var(0, ddof=1) for w, x in parts if w * sign > 0) for sign in (1, -1)]
    np.testing.assert_allclose(result["dprime"], difference / np.sqrt((sides[0] + sides[1]) / 2), rtol=1e-10)
    means = [sum(abs(w) * x.mean(0) for w, x in parts if w * sign > 0) for sign in (1, -1)]
    np.testing.assert_allclose(result["selectivity_index"], difference / (means[0] + means[1]), rtol=1e-10)
    error = np.sqrt(sum(w**2 * x.var(0, ddof=1) / len(x) for w, x in parts))
    df = error**4 / sum((w**2 * x.var(0, ddof=1) / len(x)) ** 2 / (len(x) - 1) for w, x in parts)
    delta, size = 0.2 * (difference / d) / error, np.abs(difference) / error
    p = scipy.stats.nct.sf(size, df, delta) + scipy.stats.nct.cdf(-size, df, delta)
    np.testing.assert_allclose(10 ** result["log10_p_least"].values, p, rtol=1e-7, atol=1e-11)


def test_one_category_of_any_weight_is_a_list_of_it(data):
    made = recorded(*data)
    weighted = {"preferred": {"faces": 7.0}, "other": {"digits": 0.1}}
    listed = {"preferred": ["faces"], "other": ["digits"]}
    got = contrast.welch(made, {"weighted": weighted, "listed": listed})
    for name in ("t", "df", "d", "g", "dprime", "log10_p", "log10_p_least", "selectivity_index"):
        np.testing.assert_array_equal(got[name][0], got[name][1])


def test_a_list_may_stand_against_weights(data):
    values, category, _ = data
    sides = {"preferred": ["faces", "scenes"], "other": {"objects": 1, "digits": 1}}
    got = contrast.welch(recorded(*data), {"c": sides}).sel(contrast="c")
    pooled = values[np.isin(category, ["faces", "scenes"])].mean(0)
    other = (values[category == "objects"].mean(0) + values[category == "digits"].mean(0)) / 2
    np.testing.assert_allclose(got["difference"], pooled - other, rtol=1e-9, atol=1e-12)
    assert (int(got["n_preferred"]), int(got["n_other"])) == (70, 120)


def test_categories_that_differ_but_balance_are_constant_not_dead():
    category = np.repeat(["digits", "faces", "objects"], 10)
    level = np.select([category == "digits", category == "objects"], [0.0, 2.0], 1.0)
    values = np.stack([level, np.ones(30)], axis=1)
    sides = {"preferred": {"faces": 1}, "other": {"digits": 1, "objects": 1}}
    got = contrast.compare(recorded(values, category, np.arange(30) % 4, ("digits", "faces", "objects")), sides)
    assert got.constant.tolist() == [True, False]
    assert got.dead.tolist() == [False, True]
    assert got.t.tolist() == [0, 0]


def test_under_the_null_p_is_uniform():
    rng = np.random.default_rng(9)
    counts = {"digits": 12, "faces": 25, "objects": 18, "scenes": 40}
    scales = {"digits": 3.0, "faces": 1.0, "objects": 2.0, "scenes": 0.5}
    category = np.repeat(list(counts), list(counts.values()))
    values = rng.normal(size=(len(category), 4000)) * np.array([scales[name] for name in category])[:, None]
    got = contrast.compare(recorded(values, category, np.arange(len(category)) % 4), SIDES)
    p = 10**got.log10_p
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 4000))
    assert scipy.stats.kstest(p, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ({"preferred": {"faces": 0}, "other": ["digits"]}, "contrast 'c': preferred: the weight of 'faces' is 0; exp"),
        (
            {"preferred": {"faces": math.nan}, "other": ["digits"]},
            "preferred: the weight of 'faces' is nan; expected a",
        ),
        ({"preferred": ["faces"], "other": {}}, "contrast 'c': other has no categories; expected one or more"),
        (
            {"preferred": ["faces"], "other": {"digits": 1}, "each": True},
            "contrast 'c': other has weights, but each category is compared by itself; expected a list",
        ),
    ],
)
def test_bad_sides_are_named(data, sides, message):
    with pytest.raises(ValueError, match=message):
        contrast.welch(recorded(*data), {"c": sides})


def test_each_weighted_category_needs_two_stimuli():
    category = np.array(["digits", "digits", "faces", "objects", "objects"])
    made = recorded(np.eye(5), category, np.zeros(5, dtype=int), ("digits", "faces", "objects"))
    sides = {"preferred": {"digits": 1, "faces": 1}, "other": ["objects"]}
    with pytest.raises(ValueError, match="contrast 'c': preferred has 1 stimuli of faces; expected two or more"):
        contrast.welch(made, {"c": sides})
