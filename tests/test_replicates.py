"""Several models show an effect only if it is larger than what differs between them."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from deeplocalizer import effects, inference, provenance, replicates, store
from tests.effects.studies import BOTH, LOCALIZERS, SETTINGS, TASKS, study

MODELS = 5


@pytest.fixture(scope="module")
def models():
    made = {}
    for seed in range(MODELS):
        outcomes = study(BOTH, seed=seed)
        made[f"network{seed}"] = effects.measure(outcomes, TASKS, LOCALIZERS, [("one", "two")], SETTINGS, seed)
    return made


def estimates(models, comparison, outcome="correct"):
    return np.array([float(one["estimate"].sel(comparison=comparison, outcome=outcome)) for one in models.values()])


def test_the_model_is_the_replicate(models):
    result = replicates.table(models, SETTINGS)
    for comparison in ("harm/one/ab/raw", "dissociation/one/two/ab/raw", "advantage/two/ab/raw"):
        for outcome in ("kept", "kl"):
            values = estimates(models, comparison, outcome)
            cell = result.sel(comparison=comparison, outcome=outcome)
            expected = stats.ttest_1samp(values, 0, alternative="greater")
            interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
            assert float(cell["estimate"]) == pytest.approx(values.mean())
            assert (float(cell["low"]), float(cell["high"])) == pytest.approx((interval.low, interval.high))
            if comparison.startswith("harm"):
                # what the intact network has by definition, any mask can only worsen
                assert np.isnan(cell["p"]) and np.isnan(cell["p_sign"])
            else:
                assert float(cell["p"]) == pytest.approx(expected.pvalue)
                assert float(cell["p_sign"]) == inference.replicate(values, 0.95).p_sign
            assert str(cell["method"].values) == "t over models"
            assert int(cell["models"]) == MODELS
            np.testing.assert_array_equal(cell["estimate_of_model"].values, values)
    assert result["model"].values.tolist() == list(models)


def test_levels_have_no_p(models):
    result = replicates.table(models, SETTINGS)
    level = np.isin(result["kind"].values, ("intact", "ablated", "control"))
    assert np.isnan(result["p"].values[level]).all()
    assert np.isfinite(result["estimate"].sel(outcome="correct").values[level]).all()


def test_a_double_dissociation_has_the_larger_p_and_the_smaller_estimate(models):
    result = replicates.table(models, SETTINGS).sel(outcome="correct")
    both = result.sel(comparison=["dissociation/one/two/ab/raw", "dissociation/two/one/xy/raw"])
    found = result.sel(comparison="double_dissociation/one/two/raw")
    assert float(found["p"]) == float(both["p"].max()) < 0.05
    for name in ("estimate", "low", "high"):
        assert float(found[name]) == float(both[name].min())


def test_models_that_cannot_do_the_task_lose_nothing():
    chance = {"ab": 0.55, "xy": 0.95}
    planted = {"intact": chance, "control": chance, "one": {"ab": 0.2, "xy": 0.95}, "two": chance}
    made = {f"{i}": effects.measure(study(planted, seed=i), TASKS, LOCALIZERS, [], SETTINGS, i) for i in range(MODELS)}
    result = replicates.table(made, SETTINGS)
    intact = estimates(made, "intact/ab/raw")
    able = stats.ttest_1samp(intact, 0.55, alternative="greater").pvalue
    found = result["p"].sel(comparison="advantage/one/ab/raw")
    assert float(found.sel(outcome="correct")) == pytest.approx(able)
    values = estimates(made, "advantage/one/ab/raw", "kept")
    expected = stats.ttest_1samp(values, 0, alternative="greater").pvalue
    assert float(found.sel(outcome="kept")) == pytest.approx(expected)
    assert expected < 0.05


def test_only_what_all_models_have_is_compared(models):
    some = dict(models)
    some["network0"] = models["network0"].drop_sel(comparison="harm/one/ab/raw")
    changed = models["network1"].copy(deep=True)
    changed["estimate"].loc[{"comparison": "harm/two/ab/raw", "outcome": "kl"}] = np.nan
    result = replicates.table(some | {"network1": changed}, SETTINGS)
    assert "harm/one/ab/raw" not in result["comparison"].values
    missing = result.sel(comparison="harm/two/ab/raw", outcome="kl")
    assert np.isnan(float(missing["estimate"]))
    assert np.isnan(float(missing["p"]))
    assert int(missing["models"]) == MODELS - 1
    assert np.isnan(result["estimate"].sel(outcome="top5")).all()


def test_one_model_is_no_replicate(models):
    with pytest.raises(ValueError, match="replicates are two models or more; given: network0"):
        replicates.table({"network0": models["network0"]}, SETTINGS)


def test_the_order_of_the_models_does_not_matter(models):
    first = replicates.table(models, SETTINGS)
    again = replicates.table(dict(reversed(models.items())), SETTINGS)
    for name in ("estimate", "low", "high", "p"):
        np.testing.assert_allclose(first[name], again[name], rtol=1e-12)


def test_it_is_saved_with_the_meaning_of_everything(models, tmp_path):
    result = replicates.table(models, SETTINGS)
    assert all(result[name].attrs.get("long_name") for name in result.data_vars)
    store.save(provenance.stamp(result, "replicates", "Replicates", {}), tmp_path / "replicates.nc")
    again = store.open(tmp_path / "replicates.nc", "replicates")
    np.testing.assert_array_equal(again["p"], result["p"])


def test_models_without_an_effect_claim_none(capsys):
    """Made-up estimates around zero: the share of p up to the level is the level."""
    rng, number = np.random.default_rng(0), 2000
    names = [f"harm/{i}" for i in range(number)]
    blank = {name: ("comparison", [""] * number) for name in ("localizer", "other", "task", "scale")}
    where = {"comparison": names, "outcome": ["margin"], "kind": ("comparison", ["harm"] * number), **blank}
    made = {
        str(model): xr.Dataset({"estimate": (("comparison", "outcome"), rng.normal(size=(number, 1)))}, coords=where)
        for model in range(4)
    }
    p = replicates.table(made, SETTINGS)["p"].values[:, 0]
    share, error = np.mean(p <= 0.05), np.sqrt(0.05 * 0.95 / len(p))
    with capsys.disabled():
        print(f"\nfalse effects over models at 5 %: {share:.3f} +- {error:.3f}")
    assert abs(share - 0.05) <= 3 * error
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_intervals_without_length_say_why_or_have_bounds():
    """All models are right about everything: of other models little more is known than of as few coins."""
    perfect = {"ab": 2.0, "xy": 2.0}
    planted = {name: perfect for name in ("intact", "control", "one", "two")}
    made = {
        f"network{seed}": effects.measure(
            study(planted, seed=seed), TASKS, LOCALIZERS, [("one", "two")], SETTINGS, seed
        )
        for seed in range(3)
    }
    result = replicates.table(made, SETTINGS)
    cell = result.sel(comparison="intact/ab/raw", outcome="correct")
    low = stats.binomtest(3, 3).proportion_ci(0.95).low
    assert (float(cell["low"]), float(cell["high"])) == pytest.approx((low, 1))
    assert str(cell["method"].values) == "exact binomial bound"
    assert str(result["method"].sel(comparison="intact/ab/raw", outcome="kept").values) == "by definition"
    there = np.isfinite(result["estimate"].values)
    short = there & (result["low"].values == result["high"].values)
    assert set(result["method"].values[short]) <= {"by definition", "constant"}
    assert (result["method"].values[~there] == "").all() and (result["method"].values[there] != "").all()
