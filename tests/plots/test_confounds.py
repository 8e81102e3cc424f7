"""What may tell the categories apart, drawn."""

import itertools

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import confounds
from deeplocalizer.plots import confounds as figure
from deeplocalizer.plots import drawing
from tests.plots.conftest import artists, texts


def study(categories, each, side=70, channels=3, contrasts=None):
    """Measure made-up images, brighter from category to category."""
    rng = np.random.default_rng(0)
    kind = np.arange(each * len(categories)) % len(categories)
    base = 80 + 40 * kind / len(categories) + rng.normal(0, 20, len(kind))
    images = base[:, None, None, None] + rng.normal(0, 30, (len(kind), channels, side, side))
    inputs = xr.Dataset(
        {"pixel_values": (("stimulus", "channel", "y", "x"), np.clip(images, 0, 255).astype(np.uint8))},
        coords={
            "category": ("stimulus", np.array(categories, dtype=object)[kind]),
            "split": ("stimulus", np.array(["train", "localize", "test"], dtype=object)[np.arange(len(kind)) // 7 % 3]),
        },
    )
    measured = confounds.measure(inputs)
    first, *others = categories
    contrasts = contrasts or {first: {"preferred": [first], "other": others}}
    return measured, confounds.compare(measured, contrasts)


@pytest.fixture(scope="module")
def small():
    return study(["faces", "scrambled_faces", "objects"], 30)


def test_every_image_that_counts_is_drawn_where_it_lies(small):
    measured, comparison = small
    drawn = artists(figure.draw(measured, comparison))
    used = measured["split"].values != "train"
    for category in ("faces", "scrambled_faces", "objects"):
        mine = used & (measured["category"].values == category)
        for name, factor in (("luminance", 1), ("low", 100)):
            values = factor * measured["value"].sel(statistic=name).values[mine]
            shown = np.asarray(drawn[f"images/{name}/{category}"].get_offsets())[:, 0]
            np.testing.assert_allclose(np.sort(shown), np.sort(values))
            assert drawn[f"median/{name}/{category}"].get_xdata()[0] == pytest.approx(np.median(values))


def test_differences_are_drawn_and_written(small):
    measured, comparison = small
    made = figure.draw(measured, comparison)
    drawn = artists(made)
    for name in measured["statistic"].values:
        cell = comparison.sel(contrast="faces", statistic=name)
        assert drawn[f"d/faces/{name}"].get_xdata()[0] == pytest.approx(float(cell["d"]))
        np.testing.assert_allclose(drawn[f"interval/faces/{name}"].get_xdata(), [cell["d_low"], cell["d_high"]])
    cell = comparison.sel(contrast="faces", statistic="luminance")
    size = f"{float(cell['d']):+.2f}".replace("-", "\u2212")
    assert drawn["words/faces/luminance"].get_text() == f"faces: d = {size}, AUROC {float(cell['auroc']):.2f}"
    assert {"Luminance", "Colourfulness", "scrambled faces", "% of power, from 32 cycles"} <= set(texts(made))


def test_very_many_images_are_an_outline():
    measured, comparison = study(["a", "b"], 300, side=12, channels=1)
    outline = artists(figure.draw(measured, comparison))["images/luminance/a"]
    used = (measured["split"].values != "train") & (measured["category"].values == "a")
    values = measured["value"].sel(statistic="luminance").values[used]
    counts = np.histogram(values, bins=outline.get_data().edges)[0]
    heights = outline.get_data().baseline - outline.get_data().values
    np.testing.assert_allclose(heights / heights.max(), counts / counts.max())
    assert counts.sum() == used.sum()


def test_infinite_unknown_and_huge_differences_have_words(small):
    measured, comparison = small
    d = comparison["d"].values.copy()
    d[0, :5] = np.inf, -np.inf, np.nan, 40.0, 0.001
    auroc = comparison["auroc"].where(np.isfinite(d) | np.isinf(d))
    odd = comparison.assign(d=(("contrast", "statistic"), d), auroc=auroc)
    drawn = artists(figure.draw(measured, odd))
    names = measured["statistic"].values
    words = [drawn[f"words/faces/{name}"].get_text().split(": ")[1].split(",")[0] for name in names[:5]]
    assert words == ["d = +∞", "d = \u2212∞", "not measured", "d = +40.00", "d = 0.00"]
    assert drawn[f"d/faces/{names[0]}"].get_marker() == ">" and drawn[f"d/faces/{names[1]}"].get_marker() == "<"
    assert f"d/faces/{names[2]}" not in drawn and f"interval/faces/{names[0]}" not in drawn


def test_a_category_of_uniform_images_has_no_frequencies(small):
    measured, comparison = small
    values = measured["value"].copy()
    uniform = (measured["category"] == "objects") & (measured["statistic"] == "low")
    made = figure.draw(measured.assign(value=values.where(~uniform)), comparison)
    assert "median/low/objects" not in artists(made) and "none" in texts(made)


def test_images_that_are_all_alike_have_an_axis(small):
    measured, comparison = small
    alike = measured.assign(value=xr.zeros_like(measured["value"]))
    assert "median/luminance/faces" in artists(figure.draw(alike, comparison))


@pytest.mark.parametrize(("number", "panels"), [(2, 1), (12, 5)])
def test_few_and_many_categories_find_room(number, panels, tmp_path):
    categories = [f"a_category_{index}" for index in range(number)]
    contrasts = {name: {"preferred": [name], "other": [c for c in categories if c != name]} for name in categories}
    chosen = dict(list(contrasts.items())[:panels])
    made = figure.draw(*study(categories, 24, side=25, channels=1, contrasts=chosen))
    drawing.save(made, tmp_path / "figure.svg", "Confounds")  # a warning would be an error
    made.draw_without_rendering()
    rows = [axes for axes in made.axes if axes.get_xlabel() == "mean, 0 to 1"]
    boxes = [text.get_window_extent() for text in rows[0].get_yticklabels()]
    assert len(boxes) == number
    assert all(not one.overlaps(other) for one, other in itertools.pairwise(boxes))
    labels = [axes.xaxis.label.get_window_extent() for axes in made.axes if axes.get_xlabel()]
    assert not any(one.overlaps(other) for i, one in enumerate(labels) for other in labels[i + 1 :])


def test_a_file_is_the_same_every_time(small, tmp_path):
    for name in ("one.svg", "two.svg"):
        drawing.save(figure.draw(*small), tmp_path / name, "Confounds")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
