"""Every statistic of two pooled sides is what SciPy, statsmodels, mpmath or its formula gives for the responses."""

import math

import mpmath
import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from statsmodels.stats.multitest import multipletests

from deeplocalizer import contrast, moments, units
from deeplocalizer.contrast.comparison import hedges_factor
from tests.contrast.made import CATEGORIES, FOLDS, recorded, responses

SIDES = {"preferred": ["faces"], "other": ["objects", "scenes"]}
PER_UNIT = (
    *contrast.STATISTICS,
    *("df", "log10_p", "log10_p_greater", "log10_p_least", "log10_p_least_greater", "log10_p_least_less"),
    *(f"log10_q{least}{side}" for least in ("", "_least") for side in ("", "_greater", "_less")),
    *("auroc", "magnitude", "dead", "constant"),
)


@pytest.fixture(scope="module")
def data():
    return responses()


@pytest.fixture(scope="module")
def result(data):
    return contrast.welch(recorded(*data), {"faces": SIDES}).sel(contrast="faces")


def samples(values, category, sides=SIDES):
    return [values[np.isin(category, sides[side])] for side in ("preferred", "other")]


def test_t_df_and_p_are_scipys(data, result):
    one, two = samples(*data[:2])
    for alternative, name in (("two-sided", "log10_p"), ("greater", "log10_p_greater")):
        expected = scipy.stats.ttest_ind(one, two, equal_var=False, alternative=alternative)
        np.testing.assert_allclose(result["t"], expected.statistic, rtol=1e-10)
        np.testing.assert_allclose(result["df"], expected.df, rtol=1e-10)
        np.testing.assert_allclose(result[name], np.log10(expected.pvalue), rtol=1e-8)


def test_effect_sizes_are_their_formulas(data, result):
    one, two = samples(*data[:2])
    m1, m2, v1, v2 = one.mean(0), two.mean(0), one.var(0, ddof=1), two.var(0, ddof=1)
    within = len(one) + len(two) - 2
    d = (m1 - m2) / np.sqrt(((len(one) - 1) * v1 + (len(two) - 1) * v2) / within)
    factor = math.exp(math.lgamma(within / 2) - math.lgamma((within - 1) / 2)) / math.sqrt(within / 2)
    expected = {
        "difference": m1 - m2,
        "d": d,
        "g": d * factor,
        "dprime": (m1 - m2) / np.sqrt((v1 + v2) / 2),
        "selectivity_index": (m1 - m2) / (m1 + m2),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(result[name], value, rtol=1e-10, err_msg=name)


@pytest.mark.parametrize("df", [2, 5, 39, 41, 998, 10**6])
def test_hedges_factor_is_mpmaths(df):
    with mpmath.workdps(40):
        half = mpmath.mpf(df) / 2
        expected = mpmath.gammaprod([half], [half - mpmath.mpf(1) / 2]) / mpmath.sqrt(half)
    assert hedges_factor(df) == pytest.approx(float(expected), rel=1e-14)


def test_hedges_g_has_no_bias():
    rng = np.random.default_rng(3)
    one, two = rng.normal(0.8, 1, (5, 200_000)), rng.normal(0, 1, (6, 200_000))
    groups = [contrast.Group(w, len(x), x.mean(0), x.var(0) * len(x)) for w, x in ((1.0, one), (-1.0, two))]
    g = contrast.Comparison(groups).g
    assert g.mean() == pytest.approx(0.8, abs=4 * g.std() / math.sqrt(len(g)))


def test_the_p_against_a_minimum_effect_is_that_of_welchs_t_as_a_noncentral_t(data, result):
    one, two = samples(*data[:2])
    welch = scipy.stats.ttest_ind(one, two, equal_var=False)
    n1, n2, v1, v2 = len(one), len(two), one.var(0, ddof=1), two.var(0, ddof=1)
    pooled = np.sqrt(((n1 - 1) * v1 + (n2 - 1) * v2) / (n1 + n2 - 2))
    delta = 0.2 * pooled / np.sqrt(v1 / n1 + v2 / n2)
    upper, lower = (scipy.stats.nct.sf(sign * welch.statistic, welch.df, delta) for sign in (1, -1))
    size = np.abs(welch.statistic)
    both = scipy.stats.nct.sf(size, welch.df, delta) + scipy.stats.nct.cdf(-size, welch.df, delta)
    for side, expected in (("", both), ("_greater", upper), ("_less", lower)):
        got = result[f"log10_p_least{side}"]
        np.testing.assert_allclose(10**got.values, expected, rtol=1e-7, atol=1e-11)
        assert got.attrs["least_d"] == result[f"log10_q_least{side}"].attrs["least_d"] == 0.2
    assert (result["log10_p_least"] >= result["log10_p"] - 1).all()


def test_where_variances_are_equal_it_is_the_exact_test_of_students_t():
    # the same spread and number on both sides: Welch's t, df and noncentrality are then those of the pooled t
    rng = np.random.default_rng(8)
    noise = rng.normal(size=(20, 50))
    groups = [contrast.Group(w, 20, x.mean(0), x.var(0) * 20) for w, x in ((1.0, noise + 0.7), (-1.0, noise[::-1]))]
    t = scipy.stats.ttest_ind(noise + 0.7, noise[::-1]).statistic
    expected = scipy.stats.nct.sf(t, 38, 0.2 * math.sqrt(10))
    np.testing.assert_allclose(10 ** contrast.Comparison(groups).least(0.2).greater, expected, rtol=1e-7)


@pytest.mark.parametrize(("counts", "spreads"), [((30, 300), (2, 1)), ((30, 300), (3, 1)), ((300, 30), (3, 1))])
def test_a_minimum_effect_keeps_its_level_where_sizes_and_variances_differ(counts, spreads):
    rng = np.random.default_rng(counts[0] * spreads[0])
    (n1, n2), (s1, s2), draws = counts, spreads, 8000
    pooled = math.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / (n1 + n2 - 2))
    sides = [(1.0, rng.normal(0.2 * pooled, s1, (n1, draws))), (-1.0, rng.normal(0, s2, (n2, draws)))]
    groups = [contrast.Group(w, len(x), x.mean(0), x.var(0) * len(x)) for w, x in sides]
    for p in contrast.Comparison(groups).least(0.2)[:2]:
        assert (p <= math.log10(0.05)).mean() == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / draws))


@pytest.mark.parametrize(("fdr", "method"), [("benjamini_hochberg", "fdr_bh"), ("benjamini_yekutieli", "fdr_by")])
def test_q_is_taken_over_the_family_that_is_named(fdr, method):
    values, category, fold = responses(columns=9)
    layers = [units.Layer("first", 0, (4,)), units.Layer("second", 0, (5,))]
    made = recorded(values, category, fold, layers=layers)
    for family, parts in (("network", [slice(0, 9)]), ("layer", [slice(0, 4), slice(4, 9)])):
        found = contrast.welch(made, {"faces": SIDES}, fdr=fdr, family=family).sel(contrast="faces")
        for suffix in ("", "_greater", "_less", "_least", "_least_greater", "_least_less"):
            for part in parts:
                less = scipy.stats.t.cdf(found["t"].values[part], found["df"].values[part])
                p = less if suffix == "_less" else 10 ** found[f"log10_p{suffix}"].values[part]
                expected = multipletests(p, method=method)[1]
                np.testing.assert_allclose(10 ** found[f"log10_q{suffix}"].values[part], expected, rtol=1e-8)


def test_areas_are_laid_out_by_unit_and_missing_elsewhere(data):
    made = recorded(*data)
    sides = {"faces": SIDES, "digits": {"preferred": ["digits"], "other": ["faces"]}}
    areas = xr.DataArray(
        [[0.7, 0.1, 0.9], [0.2, 0.3, 0.4]],
        {"contrast": ["digits", "faces"], "unit": [7, 2, 5]},
        ("contrast", "unit"),
    )
    got = contrast.welch(made, sides, auroc=areas)["auroc"]
    assert got.sel(contrast="faces").values[[7, 2, 5]].tolist() == [0.2, 0.3, 0.4]
    assert got.sel(contrast="digits").values[[7, 2, 5]].tolist() == [0.7, 0.1, 0.9]
    assert int(got.notnull().sum()) == 6
    with pytest.raises(KeyError, match="auroc has no contrast 'faces'; it has digits"):
        contrast.welch(made, sides, auroc=areas.isel(contrast=[0]))
    sizes = areas.rename("magnitude") + 3
    known = contrast.welch(made, sides, magnitude=sizes)["magnitude"].sel(contrast="faces").values
    assert known[[7, 2, 5]].tolist() == sizes.sel(contrast="faces").values.tolist()
    with pytest.raises(KeyError, match="auroc has unit 99, which the moments do not have"):
        contrast.welch(made, sides, auroc=areas.assign_coords(unit=[7, 2, 99]))


def test_without_responses_the_magnitude_is_the_root_mean_square(data):
    values, category, fold = data
    values = values - 1.0
    here = np.isin(category, [*SIDES["preferred"], *SIDES["other"]])
    weighted = {"preferred": {"faces": 3}, "other": {"objects": 1, "scenes": 2}}
    each = {**SIDES, "each": True}
    got = contrast.welch(recorded(values, category, fold), {"pooled": SIDES, "weighted": weighted, "each": each})
    for name in got["contrast"].values:
        expected = np.sqrt(np.square(values[here]).mean(axis=0))
        np.testing.assert_allclose(got["magnitude"].sel(contrast=name), expected, rtol=1e-10)
    assert "root of the mean squared response" in got["magnitude"].attrs["comment"]


def test_a_category_on_both_sides_is_refused(data):
    made = recorded(*data)
    for each in (False, True):
        sides = {"preferred": ["faces", "digits"], "other": ["objects", "digits"], "each": each}
        with pytest.raises(ValueError, match="contrast 'c': category 'digits' stands on both sides"):
            contrast.welch(made, {"c": sides})
    with pytest.raises(ValueError, match="category 'faces' stands on both sides"):
        contrast.compare(made, {"preferred": {"faces": 1}, "other": ["faces"]})


def test_every_variable_is_there_and_says_what_it_is(result):
    assert set(result.data_vars) == {*PER_UNIT, "n_preferred", "n_other", "reliability"}
    for name, variable in result.data_vars.items():
        assert variable.attrs["long_name"], name
    assert (int(result["n_preferred"]), int(result["n_other"])) == (30, 90)


def test_dead_and_constant_units_are_flagged_and_poison_nothing():
    category = np.repeat(CATEGORIES, 20)
    face = category == "faces"
    rng = np.random.default_rng(4)
    columns = [face, ~face, np.ones(80), np.zeros(80), -np.ones(80), np.where(face, 0.0, rng.gamma(2.0, size=80))]
    values = np.stack(columns, axis=1).astype(np.float32)
    got = contrast.welch(recorded(values, category, np.arange(80) % FOLDS), {"faces": SIDES}).sel(contrast="faces")
    assert got["dead"].values.tolist() == [False, False, True, True, True, False]
    assert got["constant"].values.tolist() == [True, True, False, False, False, False]
    for name in set(PER_UNIT) - {"auroc"}:
        assert np.isfinite(got[name].values).all(), name
    for name in ("t", "d", "g", "dprime", "selectivity_index", "log10_p", "log10_p_least", "log10_q"):
        assert (got[name].values[2:5] == 0).all(), name
    assert got["t"].values[0] > 1e3 > -1e3 > got["t"].values[1]
    assert got["selectivity_index"].values[[0, 1, 5]].tolist() == [1, -1, -1]


def test_the_selectivity_index_is_missing_only_where_a_mean_is_negative():
    values, category, fold = responses()
    values[:, 3] -= 100
    values[:, 5] *= -1
    got = contrast.welch(recorded(values, category, fold), {"faces": SIDES})["selectivity_index"]
    assert np.flatnonzero(np.isnan(got.values[0])).tolist() == [3, 5]


def test_responses_whose_squares_underflow_are_dead():
    values, category, fold = responses(columns=3)
    values[:, 1] *= 1e-170
    got = contrast.welch(recorded(values, category, fold), {"faces": SIDES}).sel(contrast="faces")
    assert got["dead"].values.tolist() == [False, True, False]
    assert all(np.isfinite(got[name]).all() for name in set(PER_UNIT) - {"auroc"})


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(np.float32, (40, 3), elements=st.floats(0, 1000, width=32) | st.just(0.0)),
    st.floats(0.01, 100),
)
def test_scale_changes_no_effect_size_and_swapping_turns_the_sign(values, scale):
    category = np.repeat(["faces", "objects"], 20)
    fold = np.arange(40) % FOLDS
    sides = {"a": {"preferred": ["faces"], "other": ["objects"]}, "b": {"preferred": ["objects"], "other": ["faces"]}}
    first, second = (
        contrast.welch(recorded(x.astype(float), category, fold, ("faces", "objects")), sides)
        for x in (values, values * scale)
    )
    for name in contrast.STATISTICS:
        a, b = first[name].values
        np.testing.assert_allclose(a, -b, rtol=1e-9, atol=1e-9 * np.abs(a).max(), err_msg=name)
    alive = ~(first["dead"] | first["constant"]).values & ~(second["dead"] | second["constant"]).values
    np.testing.assert_allclose(first["d"].values[alive], second["d"].values[alive], rtol=1e-5, atol=1e-7)
    for name in set(PER_UNIT) - {"auroc"}:
        assert np.isfinite(first[name].values).all(), name


def test_units_of_one_network_do_not_depend_on_the_slab_they_fall_in(monkeypatch):
    made = recorded(*responses(columns=50))
    whole = contrast.welch(made, {"faces": SIDES})
    monkeypatch.setattr("deeplocalizer.contrast.table.SLAB", 7)
    xr.testing.assert_identical(contrast.welch(made, {"faces": SIDES}), whole)


@pytest.mark.parametrize("name", contrast.STATISTICS)
def test_one_statistic_is_that_of_the_table(name, data, result):
    made = recorded(*data)
    preferred, other = (moments.pool(made, SIDES[side], ["localize"]) for side in ("preferred", "other"))
    np.testing.assert_allclose(contrast.statistic(preferred, other, name), result[name], rtol=1e-9)
    np.testing.assert_allclose(contrast.two_samples(preferred, other)[name], result[name], rtol=1e-9)
    for q in ("log10_q", "log10_q_greater", "log10_q_less"):
        np.testing.assert_allclose(contrast.two_samples(preferred, other)[q], result[q], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(getattr(contrast.compare(made, SIDES), name), result[name], rtol=1e-9)


def test_a_statistic_that_needs_responses_is_refused(data):
    sample = moments.pool(recorded(*data), ["faces"], ["localize"])
    with pytest.raises(ValueError, match="statistic 'auroc' does not come from moments; allowed are t, d, g, dprime"):
        contrast.statistic(sample, sample, "auroc")


def test_a_contrast_of_some_folds_is_that_of_their_stimuli(data):
    values, category, fold = data
    one, two = samples(values[np.isin(fold, [0, 3])], category[np.isin(fold, [0, 3])])
    got = contrast.compare(recorded(*data), SIDES, [0, 3])
    np.testing.assert_allclose(got.t, scipy.stats.ttest_ind(one, two, equal_var=False).statistic, rtol=1e-10)
    with pytest.raises(KeyError, match="fold 9 was not recorded; recorded are 0, 1, 2, 3"):
        contrast.compare(recorded(*data), SIDES, [9])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "block"}, "family 'block' is unknown; allowed are network, layer"),
        ({"fdr": "holm"}, "fdr method 'holm' is unknown"),
        ({"least_d": -1.0}, r"least_d is -1\.0; expected 0 or more"),
    ],
)
def test_unknown_options_are_refused(data, options, message):
    with pytest.raises(ValueError, match=message):
        contrast.welch(recorded(*data), {"faces": SIDES}, **options)


def test_a_category_or_split_that_was_not_recorded_is_named(data):
    made = recorded(*data)
    with pytest.raises(KeyError, match="category 'houses' was not recorded; recorded are digits, faces"):
        contrast.welch(made, {"houses": {"preferred": ["houses"], "other": ["faces"]}})
    with pytest.raises(KeyError, match="split 'localize' was not recorded; recorded are test"):
        contrast.welch(made.assign_coords(split=["test"]), {"faces": SIDES})
