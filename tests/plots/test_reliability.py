"""Reliability beside shuffled labels."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import summaries
from deeplocalizer.plots import drawing
from deeplocalizer.plots import reliability as reliability_figure
from tests.plots import makers
from tests.plots.conftest import artists, texts


@pytest.mark.parametrize("measure", ["correlation", "dice"])
def test_halves_mean_and_shuffled_labels_are_where_the_data_are(measure):
    made = makers.reliability()
    drawn = artists(reliability_figure.draw(made))
    for name in makers.LOCALIZERS:
        values, null = made[measure].sel(localizer=name).values, made[f"{measure}_null"].sel(localizer=name).values
        dots = np.asarray(drawn[f"halves/{measure}/{name}"].get_offsets())[:, 0]
        np.testing.assert_allclose(np.sort(dots), np.sort(values))
        assert drawn[f"mean/{measure}/{name}"].get_xdata()[0] == pytest.approx(values.mean())
        band = drawn[f"null/{measure}/{name}"]
        ends = band.get_x(), band.get_x() + band.get_width()
        assert ends == pytest.approx(tuple(np.quantile(null, [0.025, 0.975])))
        if measure == "dice":
            chance = drawn[f"chance/dice/{name}"].get_xdata()[0]
            assert chance == pytest.approx(float(made["dice_chance"].sel(localizer=name).mean()))
        p = float(made[f"{measure}_p"].sel(localizer=name))
        assert drawn[f"p/{measure}/{name}"].get_text() == f"p {summaries.p_text(p)}"


def test_everything_lies_on_the_axis():
    made = makers.reliability()
    made["correlation_null"] = made["correlation_null"] - 0.6
    axes = reliability_figure.draw(made).axes[0]
    assert axes.get_xlim()[0] < float(made["correlation_null"].quantile(0.025, "shuffle").min())


def test_without_shuffled_labels_there_is_no_band():
    figure = reliability_figure.draw(makers.reliability(shuffles=0))
    assert not any(name.startswith(("null/", "p/")) for name in artists(figure))
    assert not any("shuffled" in text for text in texts(figure))


def test_what_is_not_available_is_said():
    made = makers.reliability()
    made["dice"] = xr.full_like(made["dice"], np.nan)
    shown = texts(reliability_figure.draw(made))
    assert shown.count("not available") == 2
    assert not any("nan" in text.lower() for text in shown)


def test_a_file_is_the_same_every_time(tmp_path):
    for name in ("one.svg", "two.svg"):
        drawing.save(reliability_figure.draw(makers.reliability()), tmp_path / name, "Reliability")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
