"""Distributions of effect sizes beside shuffled labels."""

import numpy as np
import pytest

from deeplocalizer import nulls
from deeplocalizer.plots import drawing
from deeplocalizer.plots import nulls as nulls_figure
from tests.masks.planted import SIDES, recorded
from tests.plots.conftest import artists, texts


def measured(contrasts=("c",), **changes):
    sides = {name: SIDES["c"] for name in contrasts}
    return nulls.measure(recorded(**{"preferring": range(10), "effect": 1.0} | changes), sides, {"alpha": 0.05}, 0)


@pytest.fixture(scope="module")
def found():
    return measured()


def test_distributions_band_and_mean_are_those_of_the_artefact(found):
    drawn, one = artists(nulls_figure.draw(found)), found.isel(contrast=0)
    for name, kind in (("observed", "observed"), ("mean", "null_mean")):
        stairs = drawn[f"{name}/network/c"].get_data()
        np.testing.assert_allclose(stairs.edges, found["edge"])
        np.testing.assert_allclose(stairs.values**2, one[kind].sum("place"))
    band = drawn["band/network/c"].get_data()
    np.testing.assert_allclose(band.values**2, one["network_null_high"])
    np.testing.assert_allclose(band.baseline**2, one["network_null_low"])
    for row, layer in enumerate(("layer0", "layer1")):
        heights = row + 0.4 - drawn[f"observed/{layer}/c"].get_data().values
        assert heights.max() <= 0.8
        np.testing.assert_allclose(
            (heights / heights.max()) ** 2, one["observed"].sel(place=layer) / one["observed"].sel(place=layer).max()
        )


def test_the_threshold_is_drawn_on_both_sides_and_only_where_there_is_one(found):
    drawn = artists(nulls_figure.draw(found))
    for side in (-1, 1):
        line = drawn[f"threshold/c/{side}"]
        assert line.get_xdata()[0] == pytest.approx(side * float(found["threshold"][0]))
    few = nulls_figure.draw(measured(folds=4))
    assert not any(name.startswith("threshold/") for name in artists(few))
    assert not any("threshold" in text for text in texts(few))


def test_every_threshold_and_unit_lies_on_the_axis(found):
    for axes in nulls_figure.draw(found).axes:
        low, high = axes.get_xlim()
        used = np.flatnonzero(found["observed"].sum(["contrast", "place"]))
        assert low < found["edge"][used[0]]
        assert high > found["edge"][used[-1] + 1]
        assert high > float(found["threshold"][0]) > -high


def test_many_layers_are_shades():
    many = measured(layers=(4,) * 20)
    drawn = artists(nulls_figure.draw(many))
    cells = drawn["strip/c"].get_paths()
    assert len(cells) == (many["observed"] > 0).sum()
    rows = [round(float(cell.get_extents().y0 + 0.5)) for cell in cells]
    np.testing.assert_array_equal(np.bincount(rows), (many["observed"] > 0).sum("bin")[0])
    assert (drawn["low/c"].get_xdata() < drawn["high/c"].get_xdata()).all()


@pytest.mark.parametrize("layers", [2, 40])
def test_words_do_not_overlap(layers):
    names = [f"a_rather_long_name_of_a_contrast_{i}" for i in range(2)]
    figure = nulls_figure.draw(measured(names, layers=(3,) * layers, preferring=(), folds=6))
    figure.draw_without_rendering()
    heads = [
        text.get_window_extent()
        for axes in figure.axes
        for text in (*axes.texts, *axes.findobj(lambda one: getattr(one, "get_text", str)().startswith("a rather")))
    ]
    assert len(heads) >= 4
    for index, one in enumerate(heads):
        assert not any(one.overlaps(other) for other in heads[index + 1 :])
    assert all(one.x0 >= 0 and one.x1 <= figure.bbox.width for one in heads)


def test_nothing_to_exchange_and_nothing_alive_are_said():
    alone = nulls.measure(recorded().isel(fold=[0]), SIDES, {"alpha": 0.05}, 0)
    assert texts(nulls_figure.draw(alone)) == ["Labels cannot be exchanged: there are too few folds or stimuli."]
    silent = recorded()
    for name in ("mean", "m2"):
        silent[name].values[:] = 0
    shown = texts(nulls_figure.draw(nulls.measure(silent, SIDES, {"alpha": 0.05}, 0)))
    assert shown.count("all units are dead") == 2
    assert not any("nan" in text.lower() for text in shown)


def test_a_file_is_the_same_every_time(found, tmp_path):
    for name in ("one.svg", "two.svg"):
        drawing.save(nulls_figure.draw(found), tmp_path / name, "Nulls")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
