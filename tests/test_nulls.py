"""Effect sizes beside those of exchanged labels: against single responses, and that the threshold keeps its level."""

import itertools

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import contrast, moments, nulls, store, units
from deeplocalizer.contrast import shuffling
from deeplocalizer.nulls.thresholds import Maxima
from tests.contrast.test_shuffling import EACH, LISTS, UNITS, WEIGHTS, study
from tests.masks.planted import SIDES, recorded

ALPHA = {"alpha": 0.05}
PAIR = {"preferred": ["a"], "other": ["c"], "each": False}


def cohen(responses, sign):
    """Cohen's d of two samples, by its definition, and the root of 1 / n + 1 / m."""
    one, two = responses[sign == 1], responses[sign == -1]
    squares = ((one - one.mean(0)) ** 2).sum(0) + ((two - two.mean(0)) ** 2).sum(0)
    d = (one.mean(0) - two.mean(0)) / np.sqrt(squares / (len(one) + len(two) - 2))
    return d, np.sqrt(1 / len(one) + 1 / len(two))


def swapped(responses, sign, fold, patterns):
    """Give d under exchanges (exchange, unit): labels of whole folds swapped, brought to the sizes as they are."""
    _, real = cohen(responses, sign)
    found = []
    for pattern in patterns:
        d, spread = cohen(responses, np.where(np.isin(fold, pattern), -sign, sign))
        found.append(d * real / spread)
    return np.array(found)


def signs(category, preferred, other):
    return np.select([np.isin(category, preferred), np.isin(category, other)], [1, -1], 0)


@pytest.mark.parametrize("sides", [PAIR, LISTS])
@pytest.mark.parametrize("unequal", [False, True])
def test_what_exchanges_give_is_what_swapped_labels_of_single_responses_give(sides, unequal):
    responses, category, fold, table = study(seed=3, folds=4, unequal=unequal)
    sign = signs(category, sides["preferred"], sides["other"])
    d = swapped(responses, sign, fold, itertools.combinations(range(4), 2))
    assert len(d) == 6
    found = nulls.measure(table, {"c": sides}, ALPHA, 0).sel(contrast="c")
    assert int(found["exchanges"]) == 6
    for least in (0.2, 0.5, 0.8):
        one = found.sel(least=least)
        each = {"more": (d > least).sum(1), "less": (d < -least).sum(1), "either": (np.abs(d) > least).sum(1)}
        for direction, counts in each.items():
            cell = one.sel(direction=direction)
            assert cell["beyond_null_mean"].sum() == pytest.approx(counts.mean())
            ends = np.quantile(counts, [0.025, 0.975])
            shown = [float(cell[f"network_beyond_null_{end}"]) for end in ("low", "high")]
            assert shown == pytest.approx(ends.tolist())
    edges = found["edge"].values
    bins = np.array([np.histogram(np.clip(row, edges[0], edges[-1]), edges)[0] for row in d])
    np.testing.assert_allclose(found["null_mean"].sum("place"), bins.mean(0))
    np.testing.assert_allclose(found["network_null_high"], np.quantile(bins, 0.975, axis=0))
    # the complement of an exchange is the same turned, and is not listed
    listed = found.isel(exchange=found["turned"].values == 2)
    shown = np.sort([*listed["largest"], *-listed["smallest"]])
    np.testing.assert_allclose(np.repeat(shown, 2), np.sort(np.concatenate([d.max(1), -d.min(1)])))


def test_a_conjunction_under_exchanges_is_that_of_swapped_pairs():
    responses, category, fold, table = study(seed=5, folds=4)
    found = nulls.measure(table, {"c": EACH}, ALPHA, 0).sel(contrast="c")
    counts = []
    for pattern in itertools.combinations(range(4), 2):
        d, t, p = [], [], []
        for other in "cd":
            sign = np.where(np.isin(fold, pattern), -1, 1) * signs(category, ["a"], [other])
            tested = scipy.stats.ttest_ind(responses[sign == 1], responses[sign == -1], equal_var=False)
            d.append(cohen(responses, sign)[0])
            t.append(tested.statistic)
            p.append(tested.pvalue)
        agree = np.sign(t[0]) == np.sign(t[1])
        decided = np.where(agree, np.where(p[0] >= p[1], d[0], d[1]), 0)
        counts.append((np.abs(decided) > 0.2).sum())
    assert float(found["beyond_null_mean"].sel(direction="either", least=0.2).sum()) == pytest.approx(np.mean(counts))
    assert found["untested"] == "conjunction"
    assert found.sizes["tested"] == 0


def test_observed_numbers_are_those_of_the_contrasts():
    planted = recorded(preferring=range(10), effect=1.0)
    d = contrast.welch(planted, SIDES)["d"].values[0]
    found = nulls.measure(planted, SIDES, ALPHA, 0).sel(contrast="c")
    edges = found["edge"].values
    for place, members in (("layer0", slice(40)), ("layer1", slice(40, None))):
        one = found.sel(place=place)
        np.testing.assert_array_equal(one["observed"], np.histogram(d[members], edges)[0])
        assert int(one["units"]) == len(d[members])
        for least in (0.2, 0.5, 0.8):
            beyond = [int(one["beyond"].sel(direction=way, least=least)) for way in ("more", "less", "either")]
            expected = [(d[members] > least).sum(), (d[members] < -least).sum(), (np.abs(d[members]) > least).sum()]
            assert beyond == expected


def stepped_down(d, alpha=0.05):
    """Give the thresholds of all units, and after setting aside those that pass, one set at a time: d (exchange, unit),
    the data as they are first."""
    place = int(alpha * len(d))
    remaining = np.ones(d.shape[1], dtype=bool)
    limits = []
    while True:
        limits.append(np.sort(np.abs(d[:, remaining]).max(1))[::-1][place] if remaining.any() else 0.0)
        kept = remaining & (np.abs(d[0]) <= limits[-1])
        if (kept == remaining).all():
            return limits[0], limits[-1]
        remaining = kept


def test_the_threshold_is_that_of_all_exchanges_of_single_responses():
    responses, category, fold, table = study(seed=1, folds=8, size=6)
    sign = signs(category, ["a"], ["c"])
    every = [one for size in range(9) for one in itertools.combinations(range(8), size)]
    d = swapped(responses, sign, fold, every)
    first, last = stepped_down(d)
    found = nulls.measure(table, {"c": PAIR}, ALPHA, 0)
    assert int(found["tests"][0]) == 256
    assert float(found["threshold_first"][0]) == pytest.approx(first)
    assert float(found["p"][0]) == pytest.approx(np.mean(np.abs(d).max(1) >= np.abs(d[0]).max() - 1e-12))
    # units are set aside by bins: the threshold is never below the exact one, and hardly above
    assert last - 1e-12 <= float(found["threshold"][0]) <= 1.1 * last
    passed = nulls.passed(found, "c")
    assert passed.exact
    assert (passed.more, passed.less) == tuple((side * d[0] > passed.threshold).sum() for side in (1, -1))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), units=st.integers(1, 60), strong=st.integers(0, 20))
def test_the_step_down_lowers_the_threshold_but_never_below_the_exact_one(seed, units, strong):
    rng = np.random.default_rng(seed)
    d = rng.normal(size=(64, units))
    d[: 1 + seed % 5, :strong] *= 20
    maxima = Maxima(float(np.abs(d[0]).max()), len(d))
    for part in (slice(units // 2), slice(units // 2, None)):
        maxima.add(d[0, part], list(d[:, part]))
    first, last = maxima.thresholds(0.05, 1)
    exact = stepped_down(d)
    assert first == exact[0]
    assert exact[1] <= last <= first


def test_units_are_taken_slab_by_slab(monkeypatch):
    planted = recorded(preferring=range(10), effect=1.0)
    sides = SIDES | {"w": {"preferred": {"faces": 1.0}, "other": {"objects": 1.0, "scenes": 2.0}, "each": False}}
    whole = nulls.measure(planted, sides, ALPHA, 0)
    monkeypatch.setattr(shuffling, "SLAB", 7)
    xr.testing.assert_identical(nulls.measure(planted, sides, ALPHA, 0), whole)
    assert whole["tested"].values.tolist() == ["c"]


def test_a_planted_preference_stands_out_and_noise_does_not():
    found = nulls.measure(recorded(preferring=range(10), effect=1.0), SIDES, ALPHA, 0)
    passed = nulls.passed(found, "c")
    assert (passed.more, passed.less, passed.p) == (10, 0, 2 / 256)
    assert nulls.passed(found, "c", "layer0").more == 10
    assert nulls.passed(found, "c", "layer1").more == 0
    assert float(found["threshold"][0]) < float(found["threshold_first"][0])
    beyond = nulls.beyond(found, "c", 0.5)
    assert beyond.more
    assert beyond.expected < 1


def test_what_cannot_be_tested_or_exchanged_is_named():
    planted = recorded(preferring=range(10), folds=4)
    found = nulls.measure(planted, SIDES, ALPHA, 0)
    assert found["untested"].values.tolist() == ["folds"]  # 2 of 16 exchanges are more than 5 %
    assert nulls.measure(planted, SIDES, {"alpha": 0.2}, 0)["untested"].values.tolist() == [""]
    lopsided = {"c": {"preferred": ["faces"], "other": ["objects", "scenes"], "each": False}}
    found = nulls.measure(planted, lopsided, {"alpha": 0.2}, 0)
    assert found["untested"].values.tolist() == ["sizes"]
    assert float(found["imbalance"][0]) == pytest.approx(9 / 8)
    alone = nulls.measure(planted.isel(fold=[0]), SIDES, ALPHA, 0)
    assert (alone["omitted"].values.tolist(), alone["reason"].values.tolist()) == (["c"], ["folds"])
    assert alone.sizes["contrast"] == 0
    for dataset in (found, alone):
        assert not any(np.isnan(column).any() for column in dataset.variables.values() if column.dtype.kind == "f")
    with pytest.raises(KeyError, match="category 'cats' was not recorded"):
        nulls.measure(planted, {"c": SIDES["c"] | {"other": ["cats"]}}, ALPHA, 0)


def test_single_stimuli_of_a_weighted_category_leave_no_threshold():
    *_, table = study(folds=8, size=1)
    sides = {"preferred": {"a": 1.0, "b": 1.0}, "other": {"c": 1.0, "d": 1.0}, "each": False}
    found = nulls.measure(table, {"c": sides}, ALPHA, 0)
    assert found["untested"].values.tolist() == ["stimuli"]
    assert int(found["exchanges"][0]) == 70


def test_dead_units_are_left_out():
    planted = recorded(preferring=range(10))
    silent = planted.copy(deep=True)
    for name in ("mean", "m2"):
        silent[name].values[..., 50:] = 0
    found = nulls.measure(silent, SIDES, ALPHA, 0)
    assert found["units"].values.tolist() == [[40, 10]]
    assert found["observed"].sum() == 50
    for name in ("mean", "m2"):
        silent[name].values[:] = 0
    found = nulls.measure(silent, SIDES, ALPHA, 0)
    assert not found["observed"].any()
    assert nulls.passed(found, "c").p == 1


def test_of_many_folds_some_exchanges_are_drawn():
    many = recorded(preferring=range(10), folds=20, stimuli=6)
    found = nulls.measure(many, SIDES, ALPHA, 0)
    assert int(found["tests"][0]) == 256
    assert float(found["p"][0]) <= 0.05
    assert int(found["exchanges"][0]) == 70
    xr.testing.assert_identical(found, nulls.measure(many, SIDES, ALPHA, 0))


def test_the_artefact_is_labelled_and_comes_back(tmp_path):
    planted = recorded(preferring=range(10))
    for name, part in (("some", planted), ("none", planted.isel(fold=[0]))):
        measured = nulls.measure(part, SIDES, ALPHA, 0)
        labelled = [*measured.data_vars, *measured.coords]
        assert [name for name in labelled if not measured[name].attrs.get("long_name")] == []
        store.save(measured.assign_attrs(title="Nulls", artefact="nulls"), tmp_path / f"{name}.nc")
        xr.testing.assert_equal(store.open(tmp_path / f"{name}.nc", "nulls"), measured)


def errors(count, sizes, strong=0, rectified=False, units=30):
    """Give the share of studies in which a unit that prefers nothing passes; sizes of both sides in each of 8 folds."""
    where = units_of(units)
    cells = np.repeat(np.arange(16), np.repeat(sizes, 8))
    wrong = 0
    for seed in range(count):
        responses = np.random.default_rng(seed).normal(size=(len(cells), units))
        responses = np.maximum(responses - 1, 0) if rectified else responses
        responses[cells < 8, :strong] += 1.5
        table = moments.table(moments.of(responses, cells, 16), where, ["faces", "objects"], ["localize"], 8)
        found = nulls.measure(table, SIDES, ALPHA, seed)
        d = contrast.welch(table, SIDES)["d"].values[0, strong:]
        wrong += bool((np.abs(d) > float(found["threshold"][0])).any())
    return wrong / count


def units_of(number):
    return units.table([units.Layer("one", 0, (number,))], ["mean"])


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(
    ("sizes", "strong", "rectified", "level"),
    [
        ((6, 6), 0, False, 0.05),
        ((6, 6), 8, True, 0.05),  # some units prefer: the others keep their level
        ((5, 6), 0, True, 0.06),  # unequal sides: nearly
        ((14, 22), 0, False, 0.06),
    ],
)
def test_noise_passes_no_more_often_than_alpha(sizes, strong, rectified, level):
    count = 300
    share = errors(count, sizes, strong, rectified)
    error = np.sqrt(level * (1 - level) / count)
    print(f"alpha 0.05: {share:.4f} (error {error:.4f}), sizes {sizes}, {strong} of 30 units prefer")
    assert share <= level + 3 * error


def test_small_or_unequal_samples_have_no_threshold():
    for sizes, expected in (((10, 12), ""), ((3, 4), "sizes"), ((2, 10), "sizes"), ((30, 90), "sizes")):
        cells = np.repeat(np.arange(16), np.repeat(sizes, 8))
        responses = np.random.default_rng(0).normal(size=(len(cells), 5))
        found = moments.of(responses, cells, 16)
        table = moments.table(found, units_of(5), ["faces", "objects"], ["localize"], 8)
        one = nulls.measure(table, SIDES, ALPHA, 0)
        assert one["untested"].values.tolist() == [expected]
        n, m = 8 * np.array(sizes)
        assert float(one["imbalance"][0]) == pytest.approx((n + m) ** 2 / (4 * n * m))
        assert float(one["skewness"][0]) == pytest.approx(abs(1 / n**2 - 1 / m**2) / (1 / n + 1 / m) ** 1.5)
        assert nulls.passed(one, "c") is None or not nulls.passed(one, "c").exact


def test_units_are_as_many_as_recorded():
    *_, table = study(folds=4)
    found = nulls.measure(table, {"c": PAIR, "w": WEIGHTS}, ALPHA, 0)
    assert found["units"].sum("place").values.tolist() == [UNITS, UNITS]
