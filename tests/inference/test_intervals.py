"""Intervals against SciPy's, closed forms and simulation."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import inference
from deeplocalizer.inference.freedom import _moments
from tests.inference.designs import first, simple


def with_scipys_resamples(draws, observed, jackknife):
    """Put resamples that SciPy drew behind a column of means."""
    return inference.Means(
        np.array([observed]), draws[:, None], jackknife[:, None], np.zeros(len(jackknife), dtype=int)
    )


@pytest.mark.parametrize("method", ["BCa", "basic", "percentile"])
@pytest.mark.parametrize("values", ["skewed", "binary"])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_the_intervals_are_scipys_on_the_same_resamples(method, values, confidence):
    rng = np.random.default_rng(0)
    values = rng.gamma(1.0, size=40) if values == "skewed" else (rng.random(40) < 0.2).astype(float)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=3000, confidence_level=confidence, method=method, rng=2
    )
    left_out = (values.sum() - values) / (len(values) - 1)
    means = with_scipys_resamples(theirs.bootstrap_distribution, values.mean(), left_out)
    ours = inference.intervals(means, confidence, method.lower(), expanded=False)[0]
    assert (ours.low, ours.high) == pytest.approx(theirs.confidence_interval, rel=1e-9)


def test_the_interval_of_a_ratio_is_scipys_on_the_same_resamples():
    values = np.random.default_rng(3).gamma(2.0, size=(50, 2))

    def ratio(a, b, axis=-1):
        return np.mean(a, axis=axis) / np.mean(b, axis=axis)

    theirs = scipy.stats.bootstrap(
        (values[:, 0], values[:, 1]), ratio, paired=True, n_resamples=4000, method="BCa", rng=2
    )
    left_out = (values.sum(axis=0) - values) / 49
    means = with_scipys_resamples(
        theirs.bootstrap_distribution, values[:, 0].mean() / values[:, 1].mean(), left_out[:, 0] / left_out[:, 1]
    )
    ours = inference.intervals(means, 0.95, expanded=False)[0]
    assert (ours.low, ours.high) == pytest.approx(theirs.confidence_interval, rel=1e-9)


def test_of_two_strata_the_acceleration_is_scipys():
    """SciPy's BCa of two independent samples has the same formula for several strata."""
    rng = np.random.default_rng(5)
    a, b = rng.gamma(1.0, size=25), rng.gamma(3.0, size=35)

    def half(a, b, axis=-1):
        return (np.mean(a, axis=axis) + np.mean(b, axis=axis)) / 2

    theirs = scipy.stats.bootstrap((a, b), half, n_resamples=4000, method="BCa", rng=2)
    plan = simple(60, label=np.repeat(["a", "b"], [25, 35]))
    made = inference.resample(plan, 1, rng).means(np.concatenate([a, b])[:, None])
    means = inference.Means(made.observed, theirs.bootstrap_distribution[:, None], made.jackknife, made.home)
    ours = inference.intervals(means, 0.95, expanded=False)[0]
    assert (ours.low, ours.high) == pytest.approx(theirs.confidence_interval, rel=1e-9)


def test_the_interval_with_own_resamples_agrees_with_scipys_bca():
    values = np.random.default_rng(0).gamma(1.0, size=40)
    sample = inference.resample(simple(40), 100_000, np.random.default_rng(1))
    ours = inference.interval(sample, values[:, None], first, 0.95, expanded=False)
    theirs = scipy.stats.bootstrap((values,), np.mean, n_resamples=100_000, method="BCa", rng=2).confidence_interval
    assert ours.estimate == pytest.approx(values.mean())
    assert ours.method == "BCa bootstrap"
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


@pytest.mark.parametrize("method", ["basic", "percentile"])
@pytest.mark.parametrize("n", [4, 12, 100])
def test_expanded_levels_give_students_interval_of_a_symmetric_sample(method, n):
    """The resamples of a mean are nearly normal, so its expanded interval is nearly Student's."""
    values = scipy.stats.norm.ppf((np.arange(n) + 0.5) / n)
    means = inference.resample(simple(n), 40_000, np.random.default_rng(0)).means(values[:, None])
    # normal resamples of the same spread: what is tested are the levels
    normal = scipy.stats.norm.ppf((np.arange(40_000) + 0.5) / 40_000, scale=values.std() / np.sqrt(n))
    means = inference.Means(means.observed, normal[:, None], means.jackknife, means.home)
    ours = inference.intervals(means, 0.9, method)[0]
    theirs = scipy.stats.t.interval(0.9, n - 1, scale=scipy.stats.sem(values))
    assert (ours.low, ours.high) == pytest.approx(theirs, rel=0.01)
    assert ours.method == f"{method} bootstrap" + (", few groups" if n < 11 else "")


def test_expanded_degrees_of_freedom_are_welchs_where_the_smaller_label_scatters_more():
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=6) * 3, rng.normal(size=15)
    plan = simple(21, label=np.repeat(["a", "b"], [6, 15]))
    means = inference.resample(plan, 10, rng).means(np.concatenate([a, b])[:, None])
    half = scipy.stats.ttest_ind(a, -b, equal_var=False).confidence_interval(0.95)
    reach = (half.high - half.low) / 4  # of the mean of the two instead of their sum
    spread = np.sqrt(a.var() / 6 + b.var() / 15) / 2
    normal = scipy.stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000, loc=means.observed[0], scale=spread)
    means = inference.Means(means.observed, normal[:, None], means.jackknife, means.home)
    ours = inference.intervals(means, 0.95, "percentile")[0]
    assert ours.high - ours.estimate == pytest.approx(reach, rel=0.003)


def test_expanded_intervals_hold_the_textbook_ones():
    columns = np.random.default_rng(0).lognormal(size=(30, 20))
    means = inference.resample(simple(30), 2000, np.random.default_rng(0)).means(columns)
    for method in inference.METHODS:
        wide, narrow = (inference.intervals(means, 0.95, method, expanded) for expanded in (True, False))
        assert (wide.low <= narrow.low).all() and (wide.high >= narrow.high).all()


@given(
    st.integers(1, 25), st.integers(1, 4), st.integers(0, 1000), st.sampled_from(["bca", "basic", "percentile"]),
    st.sampled_from([1e-200, 1e-9, 1.0, 1e12]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_intervals_are_never_nan_and_hold_together(n, kinds, seed, method, scale):
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, kinds, size=(n, 3)) * scale
    plan = simple(n, label=rng.choice(["a", "b"], n), group=rng.integers(0, 8, n))
    found = inference.intervals(inference.resample(plan, 50, rng).means(columns), 0.9, method)
    assert not np.isnan([found.estimate, found.low, found.high]).any()
    assert (found.low <= found.high).all()
    endless = [name.endswith("one group") or name == "nothing to resample" for name in found.method]
    assert (np.isinf(found.low) == endless).all() and (np.isinf(found.high) == endless).all()
    # a constant column is told apart from one that varies between groups
    constant = (np.ptp(columns, axis=0) == 0) & ~np.array(endless)
    assert (found.low[constant] == found.high[constant]).all()


def test_intervals_scale_with_their_outcome():
    columns = np.random.default_rng(0).lognormal(size=(30, 4))
    sample = inference.resample(simple(30), 500, np.random.default_rng(0))
    plain = inference.intervals(sample.means(columns), 0.95)
    tiny = inference.intervals(sample.means(columns * 2.0**-600), 0.95)
    assert (tiny.low == plain.low * 2.0**-600).all() and (tiny.high == plain.high * 2.0**-600).all()


def test_columns_are_independent_of_their_neighbours(monkeypatch):
    columns = np.random.default_rng(0).lognormal(size=(30, 6))
    means = inference.resample(simple(30), 500, np.random.default_rng(0)).means(columns)
    together = inference.intervals(means, 0.95)
    monkeypatch.setattr("deeplocalizer.inference.levels.COLUMNS", 1)
    alone = inference.intervals(means, 0.95)
    assert together.low.tolist() == alone.low.tolist() and together.high.tolist() == alone.high.tolist()
    assert len(together) == 6


def test_a_statistic_on_one_side_of_its_resamples_gets_percentiles():
    means = inference.Means(
        np.array([5.0]), np.linspace(0, 1, 101)[:, None], np.arange(10.0)[:, None], np.zeros(10, int)
    )
    found = inference.intervals(means, 0.9, expanded=False)[0]
    assert (found.low, found.high) == pytest.approx((0.05, 0.95))
    assert found.method == "percentile bootstrap"


def test_single_groups_are_named():
    sample = inference.resample(simple(6, group=np.zeros(6)), 50, np.random.default_rng(0))
    none = inference.intervals(sample.means(np.arange(6.0)[:, None]), 0.95)[0]
    assert (none.low, none.high, none.method) == (-np.inf, np.inf, "nothing to resample")
    plan = simple(6, label=np.repeat(["a", "b"], 3), group=np.repeat([0, 1], 3))
    sample = inference.resample(plan, 50, np.random.default_rng(0))
    found = inference.intervals(sample.means(np.arange(6.0)[:, None]), 0.95)[0]
    # of two identities no resample lies outside; Student's interval of two numbers knows of others
    theirs = scipy.stats.t.interval(0.95, 1, loc=2.5, scale=scipy.stats.sem([1.0, 4.0]))
    assert (found.low, found.high) == pytest.approx(theirs)
    assert found.method == "BCa bootstrap, few groups"


def test_mistakes_are_refused_by_name():
    means = inference.resample(simple(5), 20, np.random.default_rng(0)).means(np.ones((5, 1)))
    with pytest.raises(ValueError, match="no interval 'student'; there are bca, basic, percentile"):
        inference.intervals(means, 0.95, "student")
    means.draws[3] = np.nan
    with pytest.raises(ValueError, match="column 0 is not in 1 of them"):
        inference.intervals(means, 0.95)
    with pytest.raises(ValueError, match="given is 95"):
        inference.intervals(means, 95)


def few(k, n=60, seed=0):
    """A label of many normal outcomes beside one of k."""
    plan = simple(n + k, label=np.repeat(["a", "b"], [n, k]))
    columns = np.random.default_rng(seed).normal(size=(n + k, 200))
    return inference.intervals(inference.resample(plan, 500, np.random.default_rng(seed)).means(columns), 0.95), columns


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_small_label_is_flagged_and_covered(k):
    found, _ = few(k)
    assert set(found.method) == {"BCa bootstrap, few groups"}
    held = np.mean((found.low <= 0) & (found.high >= 0))
    assert held >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 200)


def test_with_few_groups_an_interval_is_no_shorter_than_students():
    columns = np.random.default_rng(0).normal(size=(5, 30))
    found = inference.intervals(inference.resample(simple(5), 2000, np.random.default_rng(0)).means(columns), 0.9)
    low, high = scipy.stats.t.interval(0.9, 4, loc=columns.mean(axis=0), scale=scipy.stats.sem(columns))
    assert (found.low <= low + 1e-12).all() and (found.high >= high - 1e-12).all()


def test_groups_of_unequal_size_are_worth_fewer():
    """Degrees of freedom and shortfall of the variance, by simulation of independent groups that vary alike."""
    share = np.array([40, *[2] * 19]) / 78
    short, freedom = _moments(share, np.zeros(20, dtype=int), np.array([20]))
    y = np.random.default_rng(0).normal(size=(200_000, 20))
    variance = np.sum(share**2 * (y - (y @ share)[:, None]) ** 2, axis=1)
    assert short[0] == pytest.approx(variance.mean() / np.sum(share**2), rel=0.02)
    assert freedom[0] == pytest.approx(2 * variance.mean() ** 2 / variance.var(), rel=0.05)
    even = _moments(np.full(20, 0.05), np.zeros(20, dtype=int), np.array([20]))
    assert (even[0][0], even[1][0]) == pytest.approx((19 / 20, 19))


def test_a_category_of_one_stimulus_joins_its_label():
    """It would otherwise count as known exactly; it keeps its weight."""
    plan = simple(31, label=["a"] * 31, category=np.repeat(["p", "q"], [30, 1]))
    alone = simple(31)
    columns = np.random.default_rng(0).normal(size=(31, 3))
    assert plan.weights == pytest.approx(alone.weights)
    one, other = (inference.resample(each, 300, np.random.default_rng(0)).means(columns) for each in (plan, alone))
    assert one.draws.tobytes() == other.draws.tobytes()
    # also where all categories of a label are of one stimulus
    assert (simple(5, label=["a"] * 5, category=list("pqrst")).groups_of_stratum >= 2).all()
