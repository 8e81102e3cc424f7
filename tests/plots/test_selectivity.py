"""Preference by layer."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import summaries, units
from deeplocalizer.plots import drawing, selectivity
from tests import synthetic
from tests.plots.conftest import artists, texts


def test_every_living_unit_is_drawn_where_its_d_is(contrasts):
    drawn = artists(selectivity.draw(contrasts, 0.05))
    layer = units.layer_names(contrasts)
    for name in contrasts["contrast"].values:
        one = contrasts.sel(contrast=name)
        for place, label in enumerate(("conv1", "conv2")):
            here = (layer == label) & ~one["dead"].values
            q, d = 10 ** one["log10_q"].values, one["d"].values
            for kind, members in (
                ("preferring", here & (q <= 0.05) & (d > 0)),
                ("opposing", here & (q <= 0.05) & (d < 0)),
                ("neither", here & (q > 0.05)),
            ):
                shown = np.asarray(drawn[f"{kind}/{name}/{place}"].get_offsets())[:, 0]
                np.testing.assert_allclose(np.sort(shown), np.sort(d[members]))
            assert drawn[f"median/{name}/{place}"].get_xdata()[0] == pytest.approx(np.median(d[here]))


def test_shares_and_reliability_are_written(contrasts):
    figure = selectivity.draw(contrasts, 0.05)
    drawn, summary = artists(figure), summaries.selectivity(contrasts, 0.05)
    row = summary.sel(contrast="faces", place="conv2")
    share = 100 * int(row["preferring"]) / int(row["units"])
    assert drawn["share/preferring/faces/1"].get_text() == f"+ {share:.0f} %"
    r = float(contrasts["reliability"].sel(contrast="faces"))
    n = int(contrasts["n_preferred"].sel(contrast="faces"))
    assert any(f"{n} against" in text and f"r = {r:.2f}" in text for text in texts(figure))


def test_without_reliability_there_is_no_nan(contrasts):
    unknown = contrasts.assign(reliability=xr.full_like(contrasts["reliability"], np.nan))
    assert not any("nan" in text.lower() for text in texts(selectivity.draw(unknown, 0.05)))


def test_dead_layers_single_units_and_many_units(config, table, tmp_path):
    layers = [
        units.Layer("a.layer.with.quite.a.long.name.0.conv", 0, (1, 2, 2)),
        units.Layer("many", 0, (selectivity.MOST_UNITS + 1, 2, 2)),
        units.Layer("dead", 0, (3,)),
    ]
    made = synthetic.contrasts(config, table, layers, dead=3)
    figure = selectivity.draw(made, 0.05)
    drawn = artists(figure)
    heights = drawn["units/faces/1"].get_data().values
    assert heights.min() == pytest.approx(1 - 0.52)
    # the same base and the same bins, so those in colour never stand above all
    for kind in ("preferring", "opposing"):
        part = drawn[f"{kind}/faces/1"].get_data()
        assert (part.values >= heights - 1e-9).all() and part.baseline == drawn["units/faces/1"].get_data().baseline
    total = (0.98 - heights).sum()
    coloured = sum((0.98 - drawn[f"{kind}/faces/1"].get_data().values).sum() for kind in ("preferring", "opposing"))
    one = summaries.selectivity(made, 0.05).sel(contrast="faces", place="many")
    assert coloured / total == pytest.approx(int(one["preferring"] + one["opposing"]) / int(one["units"]))
    assert "all units are dead" in texts(figure)
    assert "median/faces/2" not in drawn
    drawing.save(figure, tmp_path / "figure.svg", "Preferences")


def test_many_layers_make_a_tall_figure(config, table):
    layers = [units.Layer(f"stage{i // 4}.block{i % 4}", 0, (2, 2, 2)) for i in range(48)]
    figure = selectivity.draw(synthetic.contrasts(config, table, layers), 0.05)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == [layer.name for layer in layers]
    assert figure.get_figheight() > 48 * 0.4
