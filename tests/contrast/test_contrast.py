"""Contrasts agree with SciPy, recover planted units and mark dead ones."""

import numpy as np
import pytest
import scipy.stats

from deeplocalizer import contrast, moments, units

CATEGORIES = ("digits", "faces", "objects")
CONTRASTS = {
    "faces": {"preferred": ["faces"], "other": ["objects", "digits"]},
    "digits": {"preferred": ["digits"], "other": ["faces"]},
}


def recorded(values, category, fold, folds=4):
    code = np.searchsorted(CATEGORIES, category)
    layout = units.table([units.Layer("a", 0, (values.shape[1],))], ["mean"])
    made = moments.of(values, code * folds + fold, len(CATEGORIES) * folds)
    return moments.table(made, layout, CATEGORIES, ["localize"], folds)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    category = np.repeat(CATEGORIES, [70, 30, 50])
    values = rng.gamma(2.0, size=(150, 12)).astype(np.float32)
    values[category == "faces", :3] += 1.5
    values[:, 10] = 0.0
    values[:, 11] = 0.1  # constant, but not exactly so once it is averaged
    return values, category, rng.integers(0, 4, 150)


def test_welch_agrees_with_scipy(data):
    values, category, _ = data
    result = contrast.welch(recorded(*data), CONTRASTS)
    for name, sides in CONTRASTS.items():
        one, two = (values[np.isin(category, sides[side]), :10].astype(float) for side in ("preferred", "other"))
        expected = scipy.stats.ttest_ind(one, two, equal_var=False)
        got = result.sel(contrast=name).isel(unit=slice(10))
        np.testing.assert_allclose(got["t"], expected.statistic, rtol=1e-10)
        np.testing.assert_allclose(got["df"], expected.df, rtol=1e-10)
        np.testing.assert_allclose(10 ** got["log10_p"].values, expected.pvalue, rtol=1e-8)
        greater = scipy.stats.ttest_ind(one, two, equal_var=False, alternative="greater")
        np.testing.assert_allclose(10 ** got["log10_p_greater"].values, greater.pvalue, rtol=1e-8)
        pooled = np.sqrt(
            ((len(one) - 1) * one.var(0, ddof=1) + (len(two) - 1) * two.var(0, ddof=1)) / (len(one) + len(two) - 2)
        )
        np.testing.assert_allclose(got["d"], (one.mean(0) - two.mean(0)) / pooled, rtol=1e-10)
        q = scipy.stats.false_discovery_control(10 ** result.sel(contrast=name)["log10_p"].values)
        np.testing.assert_allclose(10 ** result.sel(contrast=name)["log10_q"].values, q, rtol=1e-8)


def test_planted_units_come_first(data):
    t = contrast.welch(recorded(*data), CONTRASTS).sel(contrast="faces")["t"].values
    assert set(np.argsort(-t)[:3]) == {0, 1, 2}


def test_dead_units_are_marked_and_finite(data):
    result = contrast.welch(recorded(*data), CONTRASTS)
    assert result["dead"].values[:, 10:].all()
    assert not result["dead"].values[:, :10].any()
    for name in ("t", "d", "log10_p", "log10_q", "df"):
        assert np.isfinite(result[name]).all()
    assert (result["t"].values[:, 10:] == 0).all()


def test_a_unit_constant_in_one_category_alone_is_alive():
    rng = np.random.default_rng(2)
    category = np.repeat(CATEGORIES, [20, 20, 20])
    values = np.where(category[:, None] == "faces", 0.0, rng.normal(3, 1, (60, 4))).astype(np.float32)
    result = contrast.welch(recorded(values, category, np.arange(60) % 4), CONTRASTS)
    assert not result["dead"].any()
    assert (result["t"].sel(contrast="faces") < -5).all()


def test_reliability_is_the_correlation_of_the_two_halves(data):
    values, category, fold = data
    maps = []
    for parity in (0, 1):
        half = fold % 2 == parity
        one, two = (values[half & (category == name), :10].astype(float) for name in ("digits", "faces"))
        pooled = np.sqrt(
            ((len(one) - 1) * one.var(0, ddof=1) + (len(two) - 1) * two.var(0, ddof=1)) / (len(one) + len(two) - 2)
        )
        maps.append((one.mean(0) - two.mean(0)) / pooled)
    result = contrast.welch(recorded(*data), CONTRASTS)
    assert float(result["reliability"].sel(contrast="digits")) == pytest.approx(np.corrcoef(*maps)[0, 1])


def test_too_few_stimuli_are_named():
    category = np.array(["digits", "faces", "faces", "objects"])
    made = recorded(np.eye(4, dtype=np.float32), category, np.zeros(4, dtype=int))
    with pytest.raises(ValueError, match="contrast 'digits': preferred has 1 stimuli of digits; expected two or more"):
        contrast.welch(made, CONTRASTS)


def test_a_unit_that_tells_the_samples_apart_perfectly_is_not_dead():
    category = np.repeat(CATEGORIES, [10, 10, 10])
    values = np.stack([category == "faces", category != "faces", np.ones(30, bool)], axis=1).astype(np.float32)
    result = contrast.welch(recorded(values, category, np.arange(30) % 4), CONTRASTS).sel(contrast="faces")
    assert result["dead"].values.tolist() == [False, False, True]
    assert result["t"].values[0] > 1e3 > -1e3 > result["t"].values[1]
    assert np.isfinite(result["log10_p"]).all()
    assert np.isfinite(result["d"]).all()


def test_tiny_and_large_responses_do_not_poison_the_others():
    rng = np.random.default_rng(3)
    category = np.repeat(CATEGORIES, [40, 40, 40])
    values = rng.normal(size=(120, 3)) * np.array([1e-100, 1.0, 1e12])
    result = contrast.welch(recorded(values, category, np.arange(120) % 4), CONTRASTS)
    for name in ("t", "df", "log10_p", "log10_q", "d"):
        assert np.isfinite(result[name]).all(), name
