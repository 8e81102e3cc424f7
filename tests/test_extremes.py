"""The stimuli at either end are those that sorting finds, and none of them chose the units."""

import itertools

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from xarray.backends import BackendArray
from xarray.core import indexing

from deeplocalizer import extremes, provenance, store, units
from deeplocalizer.extremes import statistics
from tests.extremal import SIDES, contrasted, found, noise, recorded, two

ONE = {"faces": {"preferred": ["faces"], "other": ["objects"]}}


def test_what_is_planted_is_found():
    category = ["faces", "objects"] * 10
    values = np.zeros((20, 4))
    values[:, 3] = np.arange(20)  # the last are the highest
    values[:, 1] = -np.arange(20)
    made = recorded(values, category)
    result = extremes.find(made, contrasted(made, {"faces": [0.1, 2, 9, 3]}, dead=[2]), ONE, best=3, ranks=2)
    one = extremes.shown(result, "faces")
    # unit 2 is dead, whatever its d
    assert one["unit"].values.tolist() == [3, 1, 0] and one["d"].values.tolist() == [3, 2, 0.1]
    assert units.label(one).tolist() == ["fc:3", "fc:1", "fc:0"]
    ids = made["stimulus"].values
    assert one["extreme"].sel(unit=3, side="highest").values.tolist() == [ids[19], ids[18]]
    assert one["response"].sel(unit=3, side="highest").values.tolist() == [19, 18]
    assert one["extreme_category"].sel(unit=3, side="highest").values.tolist() == ["objects", "faces"]
    assert one["extreme"].sel(unit=1, side="lowest").values.tolist() == [ids[19], ids[18]]
    # a unit that says the same to all shows the first ids, and that all tie
    assert one["extreme"].sel(unit=0, side="lowest").values.tolist() == sorted(ids)[:2]
    assert one["tied"].sel(unit=0).values.tolist() == [20, 20]
    assert one["tied"].sel(unit=3).values.tolist() == [1, 1]
    assert one["share"].sel(unit=0).values.tolist() == [0.5, 0.5]


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_the_ends_are_those_of_sorting(data):
    """Small integers tie often; ties are in the order of the ids."""
    count = data.draw(st.integers(1, 25), label="stimuli")
    numbers = st.lists(st.integers(-2, 3), min_size=count, max_size=count)
    values = np.array([data.draw(numbers, label="responses") for _ in range(3)]).T
    kinds = st.lists(st.sampled_from(["faces", "objects"]), min_size=count, max_size=count)
    parts = st.lists(st.sampled_from(["train", "localize", "select", "test"]), min_size=count, max_size=count)
    split = np.array(data.draw(parts, label="splits"), dtype=object)
    split[0] = "test"
    made = recorded(values, data.draw(kinds, label="categories"), split)
    ranks = data.draw(st.integers(1, 8), label="ranks")
    result = extremes.find(made, contrasted(made, {"faces": [1, 2, 3]}), ONE, best=2, ranks=ranks)
    one = extremes.shown(result, "faces")
    assert one["unit"].values.tolist() == [2, 1]
    rows = [i for i in range(count) if split[i] in ("select", "test")]
    ids = made["stimulus"].values
    for unit, side in itertools.product((2, 1), ("highest", "lowest")):
        sign = -1 if side == "highest" else 1
        order = sorted(rows, key=lambda i, unit=unit, sign=sign: (sign * values[i, unit], ids[i]))[:ranks]
        end = one.sel(unit=unit, side=side)
        assert end["extreme"].values.tolist() == [ids[i] for i in order]
        assert end["response"].values.tolist() == [values[i, unit] for i in order]
        assert int(end["tied"]) == sum(values[i, unit] == values[order[-1], unit] for i in rows)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=7), st.integers(1, 7))
def test_the_share_is_the_mean_over_all_ways_to_break_ties(stimuli, number):
    number = min(number, len(stimuli))
    orders = [sorted(order, key=lambda one: one[0])[:number] for order in itertools.permutations(stimuli)]
    expected = np.mean([np.mean([preferred for _, preferred in order]) for order in orders])
    values, preferred = (np.array(column) for column in zip(*stimuli, strict=True))
    assert statistics.share(values, preferred, number) == pytest.approx(expected)


def test_stimuli_that_chose_or_taught_are_never_shown():
    split = np.array(["train", "localize", "select", "test"], dtype=object)[np.arange(60) % 4]
    made = noise(split=split)
    changed = made.copy(deep=True)
    changed["activation"][np.isin(split, ["train", "localize"])] = 1e9
    first, second = (extremes.find(one, two(one), SIDES) for one in (made, changed))
    xr.testing.assert_identical(first, second)
    assert set(first["extreme"].values.ravel()) - {""} <= set(
        made["stimulus"].values[np.isin(split, ["select", "test"])]
    )
    assert int(first["count"].sum()) == 30 and first.attrs["splits"] == "select test"
    # a split that was not recorded gives none
    only = made.isel(stimulus=np.flatnonzero(split != "select"))
    assert extremes.find(only, two(only), SIDES).attrs["splits"] == "test"


def test_the_order_of_recording_does_not_matter():
    made = noise()
    shuffled = made.isel(stimulus=np.random.default_rng(1).permutation(60))
    xr.testing.assert_allclose(extremes.find(made, two(made), SIDES), extremes.find(shuffled, two(made), SIDES))


def test_numbers_of_other_stimuli_agree_with_scikit_learn_and_scipy():
    made = noise()
    result = extremes.find(made, two(made), SIDES)
    category = made["category"].values
    for unit in (0, 2):
        one = extremes.shown(result, "faces").sel(unit=unit)
        values = made["activation"].values[:, unit]
        assert float(one["auroc"]) == pytest.approx(roc_auc_score(category == "faces", values))
        p = scipy.stats.mannwhitneyu(values[category == "faces"], values[category != "faces"], alternative="greater")
        assert float(one["log10_p"]) == pytest.approx(np.log10(p.pvalue))
        for kind in ("faces", "objects", "digits"):
            assert float(one["mean"].sel(category=kind)) == pytest.approx(values[category == kind].mean(dtype=float))
    digits = extremes.shown(result, "digits")
    known = np.isin(category, ["digits", "faces"])
    expected = roc_auc_score(category[known] == "digits", made["activation"].values[known, 1])
    assert digits["auroc"].values.tolist() == pytest.approx([expected])
    assert digits["compared"].sel(category=["digits", "faces", "objects"]).values.tolist() == [1, -1, 0]
    assert digits["unit"].values.tolist() == [1]


def test_a_group_is_one_observation_and_a_conjunction_its_weakest():
    made = noise(group=[f"g{i // 6}-{i % 3}" for i in range(60)])
    category, group, values = (made[name].values for name in ("category", "group", "activation"))
    means = {
        kind: [values[group == one, 2].mean(dtype=float) for one in np.unique(group[category == kind])]
        for kind in np.unique(category)
    }
    assert len(means["faces"]) == 10
    sides = {"preferred": ["faces"], "other": ["objects", "digits"], "each": True}
    expected = max(
        scipy.stats.mannwhitneyu(means["faces"], means[other], alternative="greater").pvalue
        for other in ("objects", "digits")
    )
    assert statistics.log10_p(values[:, 2], made, sides) == pytest.approx(np.log10(expected))


def test_p_values_do_not_underflow(monkeypatch):
    rng = np.random.default_rng(0)
    one, other = rng.integers(2, 9, 60).astype(float), rng.integers(0, 7, 80).astype(float)
    exact = scipy.stats.mannwhitneyu(one, other, alternative="greater")
    result = type(exact)(exact.statistic, 0.0)
    monkeypatch.setattr(scipy.stats, "mannwhitneyu", lambda *_, **__: result)
    assert statistics._greater(one, other) == pytest.approx(np.log10(exact.pvalue))
    monkeypatch.undo()
    far = statistics._greater(np.arange(3000) + 1e5, np.arange(3000.0))
    assert np.isfinite(far) and far < -300
    assert statistics._greater(np.ones(3), np.ones(4)) == 0


def test_a_category_without_stimuli_leaves_the_statistics_open():
    made = noise().isel(stimulus=np.arange(60) % 3 != 1)
    one = extremes.shown(extremes.find(made, two(made), SIDES), "faces")
    assert np.isnan(one["auroc"].values).all()
    assert np.isfinite(one["log10_p"].values).all()  # of the categories that there are
    made = noise().isel(stimulus=np.arange(60) % 3 == 1)
    one = extremes.shown(extremes.find(made, two(made), SIDES), "faces")
    assert np.isnan(one["log10_p"].values).all() and one["share"].values.tolist() == [[0, 0], [0, 0]]


class Counting(BackendArray):
    """An array that counts the values that are read of it."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.read = values, values.shape, values.dtype, 0

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._part)

    def _part(self, key):
        part = self.values[key]
        self.read += part.size
        return part


def test_of_very_many_units_only_the_chosen_are_read():
    made = noise(count=300, width=40_000)
    array = Counting(made["activation"].values)
    lazy = xr.Variable(("stimulus", "unit"), indexing.LazilyIndexedArray(array), encoding={"chunksizes": (100, 500)})
    d = np.full(40_000, -1.0)
    d[[0, 1, 7, 30_000]] = 4, 3, 2, 1
    contrasts = contrasted(made, {"faces": d, "digits": d})
    result = extremes.find(made.assign(activation=lazy), contrasts, SIDES)
    xr.testing.assert_identical(result, extremes.find(made, contrasts, SIDES))
    # units 0 to 7 lie together
    assert array.read == 300 * (8 + 1)


def test_a_file_gives_the_same_however_it_is_cut(tmp_path, monkeypatch):
    made = noise(count=90, width=30, layers=[units.Layer("conv", 0, (10, 2, 2)), units.Layer("fc", 0, (20,))])
    template = provenance.stamp(made.drop_vars("activation"), "activations", "Responses", {})
    expected = extremes.find(made, two(made), SIDES)
    store.save(provenance.stamp(two(made), "contrast", "Contrasts", {}), tmp_path / "c.nc")
    monkeypatch.setattr(extremes.columns, "SLAB", 1)
    for chunks in ((7, 2), (90, 30), None):
        large = store.Large({"stimulus": 90, "unit": 30}, "float32", {"long_name": "response"}, chunks)
        with store.stream(tmp_path / "a.nc", template, {"activation": large}) as pieces:
            pieces.write("activation", 0, made["activation"].values)
        with store.lazy(tmp_path / "a.nc", verify=False) as lazy, store.lazy(tmp_path / "c.nc") as contrasts:
            xr.testing.assert_identical(extremes.find(lazy, contrasts, SIDES), expected)


def test_units_without_responses_are_passed_over_and_counted():
    made = noise()
    contrasts = two(made)

    def keep(chosen):  # as `recording.columns.Book.kept_table`
        some = made.isel(unit=chosen)
        return some.assign_attrs(units_digest=units.digest(some))

    some = keep([1, 2, 5])
    result = extremes.find(some, contrasts, SIDES)
    assert extremes.shown(result, "faces")["unit"].values.tolist() == [2]
    assert result["unstored"].values.tolist() == [1, 0]
    expected = extremes.shown(extremes.find(made, contrasts, SIDES), "faces").sel(unit=2)
    assert extremes.shown(result, "faces")["extreme"].values[0].tolist() == expected["extreme"].values.tolist()
    none = extremes.find(keep([]), contrasts, SIDES)
    assert none["unstored"].values.tolist() == [2, 1]
    assert not extremes.shown(none, "faces").sizes["unit"]


def test_nothing_prefers():
    made = noise()
    contrasts = contrasted(made, {"faces": [-1.0] * 7 + [0.0], "digits": [np.nan] * 8})
    result = extremes.find(made, contrasts, SIDES)
    assert (result["unit"].values == -1).all() and (result["extreme"].values == "").all()
    assert result["unstored"].values.tolist() == [0, 0]


def test_the_artefact_is_labelled_and_comes_back_from_disk(tmp_path):
    result = provenance.stamp(found(), "extremes", "Extremes", {"contrasts": SIDES})
    for name, variable in result.variables.items():
        assert variable.attrs.get("long_name"), name
    store.save(result, tmp_path / "e.nc")
    back = store.open(tmp_path / "e.nc", "extremes")
    for name in ("faces", "digits"):
        one, other = extremes.shown(back, name), extremes.shown(result, name)
        assert one["extreme"].values.tolist() == other["extreme"].values.tolist()
        assert units.label(one).tolist() == units.label(other).tolist()
    store.save(result, tmp_path / "again.nc")
    assert (tmp_path / "e.nc").read_bytes() == (tmp_path / "again.nc").read_bytes()


def test_bad_input_is_named():
    made = noise()
    contrasts = two(made)
    with pytest.raises(KeyError, match="contrast 'words' was not measured; measured are faces, digits"):
        extremes.find(made, contrasts, {"words": SIDES["faces"]})
    with pytest.raises(ValueError, match="no stimulus of the splits select, test was recorded; recorded are localize"):
        extremes.find(noise(split=["localize"] * 60), contrasts, SIDES)
    with pytest.raises(units.UnitsMismatchError):
        extremes.find(noise(width=9), contrasts, SIDES)
    row = int(np.flatnonzero(made["split"].values == "test")[3])
    for wrong in (np.nan, np.inf):
        broken = made.copy(deep=True)
        broken["activation"][row, 2] = wrong
        with pytest.raises(ValueError, match=f"unit fc:2 to stimulus '{made['stimulus'].values[row]}' is {wrong}; exp"):
            extremes.find(broken, contrasts, SIDES)
