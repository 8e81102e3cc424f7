"""What is planted in images is found, and differences are those of the textbooks."""

import tracemalloc

import numpy as np
import pytest
import scipy.signal
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from deeplocalizer import confounds, provenance, store


def inputs(images, category=None, split=None):
    """Put images, (image, channel, y, x) or (image, y, x), on a table."""
    images = np.asarray(images, dtype=np.uint8)
    images = images[:, None] if images.ndim == 3 else images
    category = ["a"] * len(images) if category is None else category
    split = ["test"] * len(images) if split is None else split
    return xr.Dataset(
        {"pixel_values": (("stimulus", "channel", "y", "x"), images)},
        coords={
            "stimulus": np.array([f"s{i}" for i in range(len(images))], dtype=object),
            "category": ("stimulus", np.array(category, dtype=object)),
            "split": ("stimulus", np.array(split, dtype=object)),
        },
    )


def measured(images):
    return confounds.measure(inputs(images))["value"]


def grating(cycles, amplitude=100.0, side=128, angle=0.0):
    y, x = np.indices((side, side)) / side
    wave = np.sin(2 * np.pi * cycles * (x * np.cos(angle) + y * np.sin(angle)))
    return np.round(127.5 + amplitude * wave).astype(np.uint8)


def noise(exponent, side=128, seed=0):
    """Make noise whose amplitude falls with a power of frequency, cut from a field four times as large."""
    rng = np.random.default_rng(seed)
    radius = np.hypot(np.fft.fftfreq(4 * side)[:, None], np.fft.fftfreq(4 * side))
    radius[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.standard_normal((4 * side, 4 * side))) * radius**exponent
    patch = np.fft.ifft2(spectrum).real[:side, :side]
    return np.clip(np.round(127.5 + 40 * (patch - patch.mean()) / patch.std()), 0, 255)


def test_luminance_and_contrast_are_mean_and_deviation_of_luma():
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (5, 3, 16, 16))
    luma = np.tensordot([0.299, 0.587, 0.114], colour, (0, 1)) / 255
    found = measured(colour)
    np.testing.assert_allclose(found.sel(statistic="luminance"), luma.mean((1, 2)))
    np.testing.assert_allclose(found.sel(statistic="contrast"), luma.std((1, 2)))
    grey = measured(colour[:, 0])
    np.testing.assert_allclose(grey.sel(statistic="luminance"), colour[:, 0].mean((1, 2)) / 255)
    white, black = measured([np.full((8, 8), 255), np.zeros((8, 8))]).sel(statistic="luminance").values
    assert (white, black) == (1, 0)
    halves = np.zeros((8, 8))
    halves[:4] = 255
    assert measured([halves]).sel(statistic="contrast").item() == pytest.approx(0.5)


@pytest.mark.parametrize(("cycles", "band"), [(3, "low"), (6, "low"), (11, "middle"), (28, "middle"), (36, "high")])
@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 4, np.pi / 2])
def test_a_grating_lies_in_its_band(cycles, band, angle):
    shares = measured([grating(cycles, angle=angle)]).isel(stimulus=0)
    assert float(shares.sel(statistic=band)) > 0.99


def test_shares_are_those_of_the_energy():
    low, high = grating(4, 60) - 127.5, grating(40, 30) - 127.5
    shares = measured([low + high + 127.5]).isel(stimulus=0)
    # a sine's power is half its squared amplitude, and powers of different frequencies add up (Parseval)
    assert float(shares.sel(statistic="low")) == pytest.approx(60**2 / (60**2 + 30**2), abs=0.01)
    assert float(shares.sel(statistic="high")) == pytest.approx(30**2 / (60**2 + 30**2), abs=0.01)


def test_shares_agree_with_scipys_periodogram_for_what_varies_in_one_direction():
    rng = np.random.default_rng(1)
    rows = np.round(np.clip(128 + 30 * rng.standard_normal((4, 128)), 0, 255))
    windowed = np.sin(np.pi * (np.arange(128) + 0.5) / 128) ** 2
    found = measured(np.repeat(rows[:, None], 128, axis=1))
    for row, shares in zip(rows, found, strict=True):
        centred = row - (row * windowed).sum() / windowed.sum()
        frequency, power = scipy.signal.periodogram(centred, 128, windowed, detrend=False)
        expected = [power[(frequency >= low) & (frequency < high) & (frequency > 0)].sum() for low, high in (
            (0, 8), (8, 32), (32, 65))]  # fmt: skip
        # the window in the other direction spreads each line over its neighbours, across the edge of a band at times
        np.testing.assert_allclose(
            shares.sel(statistic=["low", "middle", "high"]), np.array(expected) / sum(expected), atol=0.04
        )


@given(st.integers(0, 2**32 - 1), st.sampled_from([(70, 70), (80, 100), (99, 71)]))
@settings(max_examples=20, deadline=None)
def test_shares_are_of_one_whole_whatever_the_image(seed, shape):
    rng = np.random.default_rng(seed)
    found = measured(rng.integers(0, 256, (2, 3, *shape)))
    bands = found.sel(statistic=["low", "middle", "high"])
    np.testing.assert_allclose(bands.sum("statistic"), 1)
    assert (bands >= 0).all()


@pytest.mark.parametrize("exponent", [0.0, -0.5, -1.0, -1.5])
def test_the_slope_of_noise_is_its_exponent(exponent):
    found = measured([noise(exponent, seed=seed) for seed in range(12)]).sel(statistic="slope")
    assert float(found.mean()) == pytest.approx(exponent, abs=0.06)


def test_neither_brightness_nor_contrast_changes_frequencies():
    picture = noise(-1.0)
    found = measured([picture, np.round(picture / 2 + 60)])
    for name in ("low", "middle", "high", "slope"):
        one, other = found.sel(statistic=name).values
        assert one == pytest.approx(other, abs=0.02)


def test_colourfulness_is_that_of_hasler_and_suesstrunk():
    grey = np.random.default_rng(0).integers(0, 256, (1, 1, 8, 8)).repeat(3, axis=1)
    red = np.zeros((1, 3, 8, 8))
    red[:, 0] = 255
    halves = red.copy()
    halves[:, :, 4:] = np.array([0, 255, 0])[:, None, None]  # red above, green below
    found = measured(np.concatenate([grey, red, halves])).sel(statistic="colourfulness").values
    # by hand: rg = R - G and yb = (R + G) / 2 - B; deviation of both and 0.3 of the mean of both
    expected = [0, 0.3 * np.hypot(255, 127.5), 255 + 0.3 * 127.5]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_only_what_images_can_have_is_measured():
    names = {side: list(measured(np.eye(side)[None] * 255)["statistic"].values) for side in (6, 16, 25, 64, 66)}
    assert names[6] == ["luminance", "contrast"]
    assert names[16] == ["luminance", "contrast", "slope"]
    assert names[25] == names[64] == ["luminance", "contrast", "low", "middle", "slope"]
    assert names[66] == ["luminance", "contrast", "low", "middle", "high", "slope"]
    assert "colourfulness" in measured(np.zeros((1, 3, 8, 8)))["statistic"]


def test_a_uniform_image_has_no_frequencies():
    found = measured([np.full((70, 70), 100), grating(4, side=70)])
    for name in ("low", "middle", "high", "slope"):
        uniform, other = found.sel(statistic=name).values
        assert np.isnan(uniform) and (np.isfinite(other) or name == "slope")
    assert found.sel(statistic="contrast").values[0] == 0


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="2 channels"):
        measured(np.zeros((1, 2, 8, 8)))


def test_what_is_known_of_stimuli_is_kept():
    result = confounds.measure(inputs([grating(4)] * 3, ["a", "b", "b"], ["test", "train", "select"]))
    assert result["category"].values.tolist() == ["a", "b", "b"]
    assert set(result.coords) == {"stimulus", "category", "split", "statistic", "meaning"}


def test_memory_does_not_grow_with_the_number_of_stimuli(tmp_path):
    dataset = inputs(np.random.default_rng(0).integers(0, 256, (1024, 3, 64, 64), dtype=np.uint8))
    dataset.to_netcdf(tmp_path / "inputs.nc", encoding={"pixel_values": {"chunksizes": (64, 3, 64, 64)}})
    peaks = []
    with xr.open_dataset(tmp_path / "inputs.nc") as lazy:
        for number in (128, 1024):
            tracemalloc.start()
            confounds.measure(lazy.isel(stimulus=slice(number)))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_blocks_do_not_matter(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (10, 3, 20, 20))
    whole = measured(images)
    monkeypatch.setattr(confounds, "BLOCK", 3)
    np.testing.assert_allclose(measured(images), whole, rtol=1e-12)


CONTRASTS = {"a": {"preferred": ["a"], "other": ["b", "c"]}, "b": {"preferred": ["b"], "other": ["c"]}}


def many(seed=0):
    """Make 90 images of three categories, a the brightest, in all splits."""
    rng = np.random.default_rng(seed)
    category = np.array(["a", "b", "c"])[np.arange(90) % 3]
    base = np.where(category == "a", 140, 100) + rng.integers(-30, 30, 90)
    images = np.clip(base[:, None, None, None] + rng.integers(-60, 60, (90, 3, 70, 70)), 0, 255)
    return inputs(images, category, np.array(["train", "localize", "select", "test"])[np.arange(90) % 4])


def test_d_and_auroc_are_those_of_the_textbook_and_of_scikit_learn():
    dataset = confounds.measure(many())
    found = confounds.compare(dataset, CONTRASTS)
    used = dataset["split"].values != "train"
    values, category = dataset["value"].values[used], dataset["category"].values[used]
    for name, sides in CONTRASTS.items():
        one, other = (values[np.isin(category, sides[side])] for side in ("preferred", "other"))
        for column, statistic in enumerate(dataset["statistic"].values):
            x, y = one[:, column], other[:, column]
            cell = found.sel(contrast=name, statistic=statistic)
            pooled = ((len(x) - 1) * x.var(ddof=1) + (len(y) - 1) * y.var(ddof=1)) / (len(x) + len(y) - 2)
            assert float(cell["d"]) == pytest.approx((x.mean() - y.mean()) / np.sqrt(pooled))
            assert float(cell["difference"]) == pytest.approx(x.mean() - y.mean())
            truth = np.repeat([1, 0], [len(x), len(y)])
            assert float(cell["auroc"]) == pytest.approx(roc_auc_score(truth, np.concatenate([x, y])))
            assert (int(cell["n_preferred"]), int(cell["n_other"])) == (len(x), len(y))
    assert float(found["d"].sel(contrast="a", statistic="luminance")) > 1


def test_the_interval_is_the_published_one():
    # Hedges & Olkin's formula by hand: n = 10 and 20, d = 1
    x, y = np.array([0.0, 2.0] * 5), np.array([0.0, 2.0] * 10)
    spread = np.sqrt((10 * 1 + 20 * 1) / 28)
    cell = confounds._difference(x + spread, y)
    error = np.sqrt(30 / 200 + 1 / 60)
    assert cell["d"] == pytest.approx(1)
    assert (cell["d_low"], cell["d_high"]) == (pytest.approx(1 - 1.959964 * error), pytest.approx(1 + 1.959964 * error))


def test_the_interval_covers_the_truth():
    rng, truth, trials = np.random.default_rng(0), 0.5, 2000
    cells = [confounds._difference(rng.normal(truth, 1, 40), rng.normal(0, 1, 60)) for _ in range(trials)]
    covered = np.mean([cell["d_low"] <= truth <= cell["d_high"] for cell in cells])
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / trials))


def test_constants_tie_or_tell_apart_perfectly():
    same, level = np.full(5, 0.1) + 1e-17 * np.arange(5), np.full(6, 0.3)
    assert confounds._difference(same, np.full(7, 0.1))["d"] == 0
    assert confounds._difference(same, np.full(7, 0.1))["auroc"] == 0.5
    above, below = confounds._difference(level, same), confounds._difference(same, level)
    assert (above["d"], above["auroc"]) == (np.inf, 1) and (below["d"], below["auroc"]) == (-np.inf, 0)


def test_matched_luminance_is_no_difference():
    pixels = np.random.default_rng(0).integers(0, 256, 64 * 64)
    images = [np.random.default_rng(seed).permutation(pixels).reshape(64, 64) for seed in range(12)]
    dataset = confounds.measure(inputs(images, ["a", "b"] * 6))
    found = confounds.compare(dataset, {"a": {"preferred": ["a"], "other": ["b"]}}).isel(contrast=0)
    for name in ("luminance", "contrast"):
        assert float(found["d"].sel(statistic=name)) == 0 and float(found["auroc"].sel(statistic=name)) == 0.5


def test_uniform_images_do_not_count_where_they_have_nothing():
    images = [np.full((70, 70), 9)] * 2 + [noise(-1.0, 70, seed) for seed in range(8)]
    found = confounds.compare(
        confounds.measure(inputs(images, ["a"] * 5 + ["b"] * 5)), {"x": {"preferred": ["a"], "other": ["b"]}}
    ).isel(contrast=0)
    assert found["n_preferred"].sel(statistic=["luminance", "low"]).values.tolist() == [5, 3]
    assert np.isfinite(found["d"]).all()


def test_a_side_without_stimuli_is_named():
    with pytest.raises(ValueError, match="contrast 'x': other has 0 stimuli"):
        confounds.compare(confounds.measure(many()), {"x": {"preferred": ["a"], "other": ["faces"]}})


def test_a_file_holds_both(tmp_path):
    dataset = confounds.measure(many())
    both = xr.merge([dataset, confounds.compare(dataset, CONTRASTS)], compat="no_conflicts")
    store.save(provenance.stamp(both, "confounds", "Confounds", {}), tmp_path / "confounds.nc")
    read = store.open(tmp_path / "confounds.nc", "confounds")
    xr.testing.assert_allclose(read["d"], both["d"])
    assert read["meaning"].values.tolist() == both["meaning"].values.tolist()
