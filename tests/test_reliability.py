"""Split-half reliability: what it measures, and that its p is valid."""

import itertools

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from deeplocalizer import contrast, masks, reliability, store
from tests.masks.planted import SIDES, recorded

LOCALIZER = {"contrast": "c", "statistic": "d", "sign": "positive", "fraction": 0.1, "scope": "network"}
PLANTED = range(10)


@pytest.fixture(scope="module")
def planted():
    return recorded(preferring=PLANTED, effect=2.5)


@pytest.fixture(scope="module")
def measured(planted):
    return reliability.measure(planted, SIDES, {"faces": LOCALIZER}, {}, 0)


def half_of(moments, folds, localizer=LOCALIZER, exchange=()):
    """Give the map and the mask of some folds by the ordinary functions, with some folds exchanged by hand."""
    turned = moments.copy(deep=True)
    for fold in exchange:
        for name in ("count", "mean", "m2"):
            turned[name].values[[0, 1], :, fold] = turned[name].values[[1, 0], :, fold]
    found = contrast.welch(turned.isel(fold=list(folds)), SIDES).isel(contrast=0)
    return found[localizer["statistic"]].values, masks.select(found, localizer)


def dice(one, two):
    return 2 * np.sum(one & two) / (one.sum() + two.sum())


@pytest.mark.parametrize("change", [{}, {"sign": "absolute", "statistic": "t"}, {"scope": "layer", "sign": "negative"}])
def test_observed_values_are_those_of_two_halves(planted, change):
    localizer = LOCALIZER | change
    found = reliability.measure(planted, SIDES, {"a": localizer}, {"exchanges": 3}, 0)
    expected = set()
    for one in itertools.combinations(range(1, 8), 3):
        first = (0, *one)
        second = [fold for fold in range(8) if fold not in first]
        (a, mask_a), (b, mask_b) = half_of(planted, first, localizer), half_of(planted, second, localizer)
        expected.add((round(scipy.stats.pearsonr(a, b).statistic, 9), round(dice(mask_a, mask_b), 9)))
    values = zip(found["correlation"].values[0].round(9), found["dice"].values[0].round(9), strict=True)
    assert found.sizes["half"] == 35
    assert {(float(r), float(d)) for r, d in values} == expected


def test_exchanged_values_are_means_over_the_same_halvings_of_exchanged_data(planted):
    found = reliability.measure(planted, SIDES, {"a": LOCALIZER}, {"halves": 2}, 4)
    # the halvings are found again by their observed values
    halvings = [((0, *one), tuple({*range(8)} - {0, *one})) for one in itertools.combinations(range(1, 8), 3)]
    observed = {
        round(float(np.corrcoef(half_of(planted, a)[0], half_of(planted, b)[0])[0, 1]), 9): (a, b) for a, b in halvings
    }
    chosen = [observed[round(float(r), 9)] for r in found["correlation"].values[0]]
    expected = []
    for size in (1, 4, 8):
        for exchange in list(itertools.combinations(range(8), size))[::5]:  # each costs four contrasts
            halves = [
                [half_of(planted, folds, exchange=[f for f in exchange if f in folds]) for folds in pair]
                for pair in chosen
            ]
            expected.append(
                (
                    np.mean([np.corrcoef(a[0], b[0])[0, 1] for a, b in halves]),
                    np.mean([dice(a[1], b[1]) for a, b in halves]),
                )
            )
    null = np.stack([found["correlation_exchanged"].values[0], found["dice_exchanged"].values[0]], axis=1)
    assert null.shape == (255, 2)
    for one in expected:
        assert np.abs(null - one).max(axis=1).min() < 1e-9


def test_a_planted_preference_is_reliable(measured):
    assert measured["correlation_mean"][0] > 0.8
    assert measured["dice_mean"][0] > 0.95
    # to exchange all folds is to turn the map, which changes no correlation
    assert measured["correlation_p"][0] == 2 / 256
    assert measured["dice_p"][0] == 1 / 256
    # 35 halvings with 6 x 6 balanced exchanges; where nothing is preferred two masks of 10 of 100 units share 1
    assert measured["dice_null"].shape == (1, 35 * 36)
    assert abs(measured["dice_null"].mean() - 0.1) < 0.06
    np.testing.assert_allclose(measured["dice_chance"].mean(), measured["dice_null"].mean())
    assert np.abs(measured["correlation_null"].mean()) < 1e-12
    assert np.abs(measured["correlation_null"]).max() < 0.6
    r = float(measured["correlation_mean"][0])
    np.testing.assert_allclose(measured["spearman_brown"][0], 2 * r / (1 + r))


@pytest.mark.parametrize("change", [{}, {"scope": "layer", "fraction": 0.3}])
def test_two_folds_say_that_they_are_too_few_and_give_a_chance(change, caplog):
    found = reliability.measure(recorded(preferring=PLANTED, folds=2), SIDES, {"a": LOCALIZER | change}, {}, 0)
    assert "localizer 'a': its contrast has stimuli of both sides in 2 folds only" in caplog.text
    assert "cannot be below 0.5" in caplog.text
    assert 0.5 <= found["correlation_p"][0] <= 1
    assert all("with two it says nothing" in found[f"{name}_p"].attrs["comment"] for name in ("correlation", "dice"))
    # two random masks: 10 of all 100 units, or 12 of 40 and 18 of 60
    rng = np.random.default_rng(0)
    parts = [(12, np.arange(40)), (18, np.arange(40, 100))] if change else [(10, np.arange(100))]
    drawn = np.zeros((2, 4000, 100), dtype=bool)
    for mask in drawn.reshape(-1, 100):
        for count, part in parts:
            mask[rng.choice(part, count, replace=False)] = True
    shared = 2 * (drawn[0] & drawn[1]).sum(axis=1) / drawn.sum(axis=(0, 2))
    assert found["dice_chance"].values[0, 0] == pytest.approx(shared.mean(), abs=4 * shared.std() / np.sqrt(4000))


@pytest.mark.parametrize("effect", [1.5, 4.0, 12.0])
def test_the_strongest_preference_has_the_smallest_p(effect):
    # a few exchanged folds leave the mask as it is: equal Dice must not make p large
    strong = recorded(preferring=PLANTED, effect=effect)
    found = reliability.measure(strong, SIDES, {"a": LOCALIZER}, {"halves": 5}, 0)
    assert found["correlation_p"][0] == 2 / 256
    assert found["dice_p"][0] <= 2 / 256


def null_p(count, folds, **settings):
    """Measure noise that units share: the maps of both halves are alike by chance, and much so."""
    rng = np.random.default_rng(2)
    shared = rng.normal(size=(30, 30)) / 3
    p = []
    for seed in range(count):
        noise = recorded(seed=1000 + seed, layers=(30,), stimuli=4, folds=folds)
        noise["mean"].values[:] = noise["mean"].values @ shared
        found = reliability.measure(noise, SIDES, {"a": LOCALIZER}, settings, seed)
        p.append([float(found["correlation_p"][0]), float(found["dice_p"][0])])
    return np.array(p)


@pytest.mark.parametrize("settings", [{"halves": 3}, {"halves": 2, "exchanges": 19}])
def test_without_a_preference_p_is_below_alpha_no_more_often_than_alpha(settings):
    p = null_p(150, 6, **settings)
    for alpha in (0.05, 0.1, 0.25, 0.5):
        bound = alpha + 3 * np.sqrt(alpha * (1 - alpha) / len(p))
        assert (np.mean(p <= alpha, axis=0) <= bound).all()
    # and it is no empty test: small p do occur
    assert (p.min(axis=0) <= 0.1).all()


@pytest.mark.slow
@pytest.mark.long
def test_without_a_preference_p_is_valid_at_eight_folds():
    p = null_p(1500, 8, halves=5)
    for alpha in (0.01, 0.05, 0.1, 0.25, 0.5):
        error = np.sqrt(alpha * (1 - alpha) / len(p))
        shares = np.mean(p <= alpha, axis=0)
        print(f"alpha {alpha}: correlation {shares[0]:.4f}, Dice {shares[1]:.4f} (error {error:.4f})")
        assert (shares <= alpha + 3 * error).all()


def test_halvings_are_all_ways_and_differ():
    rng = np.random.default_rng(0)
    bundles = [(i,) for i in range(8)]
    every = reliability.halvings(bundles, 100, rng)
    assert len({frozenset([frozenset(a), frozenset(b)]) for a, b in every}) == 35
    assert all(len(a) == len(b) == 4 and {*a, *b} == {*range(8)} for a, b in every)
    assert len(reliability.halvings(bundles[:5], 100, rng)) == 10
    assert len(reliability.halvings(bundles, 4, rng)) == 4


def test_two_folds_are_enough_and_one_is_not(planted):
    found = reliability.measure(planted.isel(fold=[0, 1]), SIDES, {"a": LOCALIZER}, {}, 0)
    assert found.sizes["half"] == 1
    assert (found.sizes["exchange"], found.sizes["shuffle"]) == (3, 0)
    assert found["correlation_p"][0] >= 0.5
    with pytest.raises(ValueError, match="localizer 'a': its contrast has stimuli of both sides in 1 folds"):
        reliability.measure(planted.isel(fold=[0]), SIDES, {"a": LOCALIZER}, {}, 0)


def test_many_folds_are_bundled():
    many = recorded(preferring=PLANTED, folds=20, stimuli=4)
    found = reliability.measure(many, SIDES, {"a": LOCALIZER}, {}, 0)
    assert dict(found.sizes) == {"localizer": 1, "half": 35, "shuffle": 1260, "exchange": 255}
    assert found["dice_p"][0] < 0.01


def test_an_area_is_measured_by_d(planted, measured):
    found = reliability.measure(planted, SIDES, {"faces": LOCALIZER | {"statistic": "auroc"}}, {}, 0)
    assert found["statistic"].values.tolist() == ["d"]
    xr.testing.assert_allclose(found["correlation"], measured["correlation"])


def test_a_q_takes_as_many_units_as_in_all_stimuli(planted):
    rule = LOCALIZER | {"fraction": None, "q": 0.01, "statistic": "t"}
    settings = {"exchanges": 9, "fdr": "benjamini_yekutieli", "family": "layer"}
    whole = contrast.welch(planted, SIDES, fdr="benjamini_yekutieli", family="layer").isel(contrast=0)
    size = int(masks.select(whole, rule).sum())
    by_q = reliability.measure(planted, SIDES, {"a": rule}, settings, 0)
    by_count = reliability.measure(planted, SIDES, {"a": rule | {"q": None, "count": size}}, {"exchanges": 9}, 0)
    assert size >= len(PLANTED)
    np.testing.assert_array_equal(by_q["dice"], by_count["dice"])


def test_dead_units_do_not_enter(planted):
    silent = planted.copy(deep=True)
    for name in ("mean", "m2"):
        silent[name].values[..., 50:] = 0
    found = reliability.measure(silent, SIDES, {"a": LOCALIZER}, {"exchanges": 5}, 0)
    alone = reliability.measure(planted.isel(unit=slice(50)), SIDES, {"a": LOCALIZER}, {"exchanges": 5}, 0)
    np.testing.assert_allclose(found["correlation"], alone["correlation"], rtol=1e-12)
    np.testing.assert_allclose(found["dice_exchanged"], alone["dice_exchanged"], rtol=1e-12)
    for name in ("mean", "m2"):
        silent[name].values[..., 2:] = 0
    with pytest.raises(ValueError, match="localizer 'a': 2 units live in both halves; expected three or more"):
        reliability.measure(silent, SIDES, {"a": LOCALIZER}, {}, 0)


def test_a_conjunction_and_weights_are_measured(planted):
    sides = {
        "each": {"preferred": ["faces"], "other": ["objects", "scenes"], "each": True},
        "weights": {"preferred": {"faces": 2.0}, "other": {"objects": 1.0, "scenes": 3.0}, "each": False},
    }
    rules = {name: LOCALIZER | {"contrast": name} for name in sides}
    found = reliability.measure(planted, sides, rules, {"halves": 3, "exchanges": 20}, 0)
    assert (found["dice_mean"] > 0.9).all()
    assert (found["correlation_exchanged"].mean("exchange") < 0.5).all()


def test_the_artefact_is_labelled_and_comes_back(measured, tmp_path):
    store.save(measured.assign_attrs(title="Reliability", artefact="reliability"), tmp_path / "reliability.nc")
    xr.testing.assert_equal(store.open(tmp_path / "reliability.nc"), measured)
    assert all(variable.attrs.get("long_name") for variable in measured.variables.values())


def test_the_same_seed_gives_the_same_numbers(planted, measured):
    xr.testing.assert_identical(reliability.measure(planted, SIDES, {"faces": LOCALIZER}, {}, 0), measured)
