"""The areas under the ROC curve of a file are those of scikit-learn on the localize split, however it is read."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from deeplocalizer import provenance, store, units
from deeplocalizer.contrast import auroc

CATEGORIES = ["faces", "objects", "scenes", "words"]
LAYERS = [units.Layer("conv1", 0, (24, 4, 4)), units.Layer("fc", 0, (17,))]
POOLED = {"preferred": ["faces"], "other": ["objects", "scenes"]}


def recorded(seed=0, count=120):
    """Draw responses after a ReLU, on three splits; faces drive the even units more, and words never drive any."""
    rng = np.random.default_rng(seed)
    category, split = (
        rng.choice(CATEGORIES, count),
        rng.choice(["localize", "select", "test"], count, p=[0.6, 0.2, 0.2]),
    )
    table = units.table(LAYERS, ["mean"])
    values = rng.standard_normal((count, table.sizes["unit"])) + 0.3
    values[:, ::2] += 0.8 * (category == "faces")[:, None]
    values[category == "words"] = 0
    names = {"stimulus": [f"s{number:03}" for number in range(count)], "category": category, "split": split}
    coords = {name: ("stimulus", column) for name, column in names.items()}
    made = table.assign_coords(coords)
    return made.assign(activation=(("stimulus", "unit"), np.maximum(values, 0).astype(np.float32)))


def expected(dataset, preferred, other, unit):
    """Let scikit-learn compare two groups of categories on the localize split."""
    here = dataset.isel(unit=unit, stimulus=dataset["split"].values == "localize")
    here = here.isel(stimulus=np.isin(here["category"].values, [*preferred, *other]))
    return roc_auc_score(np.isin(here["category"].values, preferred), here["activation"].values)


def areas(dataset, preferred, other):
    return np.array([expected(dataset, preferred, other, unit) for unit in range(dataset.sizes["unit"])])


def of_one(dataset, **sides):
    return auroc.of(dataset, {"it": sides}).sel(contrast="it").values


def test_pooled_categories_agree_with_scikit_learn():
    dataset = recorded()
    found = auroc.of(dataset, {"faces": POOLED, "words": {"preferred": ["words"], "other": ["faces"]}})
    assert found.dims == ("contrast", "unit") and found.dtype == np.float64 and found.attrs["long_name"]
    for name in ("unit", *units.COORDINATES):
        np.testing.assert_array_equal(found[name], dataset[name])
        assert found[name].attrs.keys() == dataset[name].attrs.keys()
    exact = {"rtol": 1e-14, "atol": 0}
    np.testing.assert_allclose(found.sel(contrast="faces"), areas(dataset, ["faces"], ["objects", "scenes"]), **exact)
    np.testing.assert_allclose(found.sel(contrast="words"), areas(dataset, ["words"], ["faces"]), **exact)
    assert found.sel(contrast="faces")[::2].mean() > 0.6


def test_the_magnitude_is_the_mean_size_over_the_stimuli_of_the_contrast():
    dataset = recorded()
    dataset["activation"] -= 0.5  # of both signs
    conjunction = {"preferred": ["faces", "scenes"], "other": ["objects"], "each": True}
    weighted = {"preferred": {"faces": 5.0}, "other": {"objects": 3, "words": 1}}
    found = auroc.streamed(dataset, {"pooled": POOLED, "each": conjunction, "weighted": weighted})["magnitude"]
    assert found.dims == ("contrast", "unit") and found.attrs["long_name"]
    category, here = dataset["category"].values, dataset["split"].values == "localize"
    entering = {"pooled": ["faces", "objects", "scenes"], "weighted": ["faces", "objects", "words"]}
    for name in found["contrast"].values:
        rows = here & np.isin(category, entering.get(str(name), entering["pooled"]))
        expected = np.abs(dataset["activation"].values[rows].astype(float)).mean(axis=0)
        np.testing.assert_allclose(found.sel(contrast=name), expected, rtol=1e-12)


def test_other_splits_do_not_count():
    dataset = recorded()
    changed = dataset.copy(deep=True)
    changed["activation"][dataset["split"].values != "localize"] = np.nan
    np.testing.assert_array_equal(of_one(changed, **POOLED), of_one(dataset, **POOLED))


def test_weights_are_the_chances_of_the_categories():
    """The mean of the pairs is the area for stimuli of the categories in these proportions."""
    dataset = recorded()
    dataset = dataset.isel(stimulus=dataset["split"].values == "localize")
    found = of_one(dataset, preferred={"faces": 5.0}, other={"objects": 3, "words": 1})
    mean = 0.75 * areas(dataset, ["faces"], ["objects"]) + 0.25 * areas(dataset, ["faces"], ["words"])
    np.testing.assert_allclose(found, mean, rtol=1e-14)
    category = dataset["category"].values
    share = {"faces": 1.0, "objects": 0.75, "words": 0.25, "scenes": 0.0}
    weights = np.array([share[name] / (category == name).sum() for name in category])
    here = dataset["activation"].values
    with_weights = [roc_auc_score(category == "faces", column, sample_weight=weights) for column in here.T]
    np.testing.assert_allclose(found, with_weights, rtol=1e-12)


def test_weights_may_stand_on_one_side():
    dataset = recorded()
    found = of_one(dataset, preferred=["faces", "words"], other={"objects": 1.0, "scenes": 1.0})
    mean = sum(areas(dataset, ["faces", "words"], [name]) for name in ("objects", "scenes")) / 2
    np.testing.assert_allclose(found, mean, rtol=1e-14)


def test_a_conjunction_is_its_weakest_pair():
    dataset = recorded()
    found = of_one(dataset, preferred=["faces", "scenes"], other=["objects", "words"], each=True)
    pairs = [areas(dataset, [one], [two]) for one in ("faces", "scenes") for two in ("objects", "words")]
    least, most = np.min(pairs, axis=0), np.max(pairs, axis=0)
    wins, loses = least > 0.5, most < 0.5
    assert wins.any() and (~wins & ~loses).any()
    np.testing.assert_allclose(found, np.where(wins, least, np.where(loses, most, 0.5)), rtol=1e-14)
    turned = of_one(dataset, preferred=["objects", "words"], other=["faces", "scenes"], each=True)
    np.testing.assert_allclose(turned, 1 - found, rtol=1e-14)


def test_a_constant_unit_has_a_half_in_every_way():
    dataset = recorded()
    dataset["activation"][:, 3] = 1.7
    weighted = {"preferred": {"faces": 0.1, "scenes": 0.7}, "other": {"objects": 0.3, "words": 0.9}}
    contrasts = {"pooled": POOLED, "each": {**POOLED, "each": True}, "weighted": weighted}
    assert auroc.of(dataset, contrasts)[:, 3].values.tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("chunks", [(7, 5), (50, 41), None])
@pytest.mark.parametrize("slab", [1, 2000, 1 << 26])
def test_a_file_gives_the_same_however_it_is_cut(tmp_path, monkeypatch, chunks, slab):
    dataset = recorded()
    template = provenance.stamp(dataset.drop_vars("activation"), "activations", "Responses", {})
    shape = {"stimulus": dataset.sizes["stimulus"], "unit": dataset.sizes["unit"]}
    large = store.Large(shape, "float32", {"long_name": "response"}, chunks)
    with store.stream(tmp_path / "a.nc", template, {"activation": large}) as pieces:
        pieces.write("activation", 0, dataset["activation"].values)
    monkeypatch.setattr(auroc, "SLAB", slab)
    contrasts = {"pooled": POOLED, "each": {**POOLED, "each": True}}
    with store.lazy(tmp_path / "a.nc", "activations") as lazy:
        found = auroc.of(lazy, contrasts)
    monkeypatch.undo()
    np.testing.assert_array_equal(found, auroc.of(dataset, contrasts))


def test_no_contrast_gives_nothing():
    assert auroc.of(recorded(), {}).shape == (0, 41)


@pytest.mark.parametrize(
    ("sides", "error", "message"),
    [
        (
            {"preferred": ["face"], "other": ["objects"]},
            KeyError,
            "category 'face' was not recorded; recorded are faces,",
        ),
        ({"preferred": ["faces"], "other": ["faces"]}, ValueError, "'it': category 'faces' stands on both sides"),
        ({"preferred": ["faces"], "other": []}, ValueError, "'it': other has no categories; expected one or more"),
        ({"preferred": {"faces": 0}, "other": ["objects"]}, ValueError, "'it': preferred: the weight of 'faces' is 0"),
        ({"preferred": ["faces"], "other": ["words"]}, ValueError, "'words' has no stimulus in the localize split"),
    ],
)
def test_what_cannot_be_compared_is_refused(sides, error, message):
    dataset = recorded()
    dataset["split"][dataset["category"].values == "words"] = "test"
    with pytest.raises(error, match=message):
        auroc.of(dataset, {"it": sides})


def test_nan_is_refused_by_stimulus_and_unit():
    dataset = recorded()
    row = np.flatnonzero((dataset["split"].values == "localize") & (dataset["category"].values == "faces"))[3]
    dataset["activation"][row, 26] = np.nan
    with pytest.raises(ValueError, match=f"unit fc:2 to stimulus s{row:03} is NaN; expected a number"):
        auroc.of(dataset, {"it": POOLED})


MEMORY = """
import sys
import numpy as np, xarray as xr
from deeplocalizer import provenance, store, units
from deeplocalizer.contrast import auroc
path, count = sys.argv[1], int(sys.argv[2])
auroc.SLAB = 1 << 22
table = units.table([units.Layer("fc", 0, (count,))], ["mean"])
kind = {"stimulus": [f"s{i}" for i in range(1000)], "category": ["a", "b"] * 500, "split": ["localize"] * 1000}
template = table.assign_coords({name: ("stimulus", column) for name, column in kind.items()})
template = provenance.stamp(template, "activations", "t", {})
large = store.Large({"stimulus": 1000, "unit": count}, "float32", {}, store.chunks(1000, count))
rng = np.random.default_rng(0)
with store.stream(path, template, {"activation": large}) as pieces:
    for start in range(0, 1000, 50):
        pieces.write("activation", start, rng.random((50, count), dtype="float32"))
with store.lazy(path) as dataset:
    auroc.of(dataset, {"a": {"preferred": ["a"], "other": ["b"]}})
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
def test_memory_does_not_hold_the_file(tmp_path):
    """Files of 15 MB and of 120 MB; of what is more, a quarter at most may be held."""
    command = [sys.executable, "-c", MEMORY]
    few, many = (
        float(subprocess.run([*command, tmp_path / count, count], capture_output=True, check=True).stdout)
        for count in ("4000", "30000")
    )
    assert many - few < 26
