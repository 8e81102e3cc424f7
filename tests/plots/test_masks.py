"""What the localizers select."""

import pytest

from deeplocalizer import summaries, units
from deeplocalizer.plots import drawing
from deeplocalizer.plots import masks as masks_figure
from tests import synthetic
from tests.plots.conftest import artists, texts


def test_bars_are_shares_of_layers(masks):
    drawn, summary = artists(masks_figure.draw(masks)), summaries.selection(masks)
    for name in ("faces", "digits"):
        for row in range(2):
            one = summary.isel(place=row)
            share = float(one["selected"].sel(localizer=name) / one["units"])
            assert drawn[f"share/{name}/{row}"].get_width() == pytest.approx(100 * share)
        held = int(summary["selected"].sel(localizer=name).sum())
        overall = 100 * held / int(summary["units"].sum())
        assert drawn[f"overall/{name}"].get_xdata()[0] == pytest.approx(overall)


def test_the_overlap_is_counted(masks):
    drawn, shared = artists(masks_figure.draw(masks)), summaries.overlap(masks)
    for row in range(2):
        for column in range(2):
            assert drawn[f"overlap/{row}/{column}"].get_text() == str(int(shared[row, column]))


def test_one_localizer_has_no_overlap(config, contrasts):
    one = config | {"localizers": {"faces": config["localizers"]["faces"]}}
    figure = masks_figure.draw(synthetic.selected(one, contrasts))
    assert not any(name.startswith("overlap") for name in artists(figure))
    assert len(figure.axes) == 1


def test_many_localizers_and_layers(config, table, tmp_path):
    layers = [units.Layer(f"encoder.layer.{i}.output.dense", 0, (8,)) for i in range(12)]
    rule = config["localizers"]["faces"]
    many = config | {"localizers": {f"localizer_{i}": {**rule, "fraction": 0.1 + 0.05 * i} for i in range(7)}}
    figure = masks_figure.draw(synthetic.selected(many, synthetic.contrasts(many, table, layers)))
    assert sum(name.startswith("overall/") for name in artists(figure)) == 7
    assert any(text.startswith("localizer 6 (") for text in texts(figure))
    drawing.save(figure, tmp_path / "figure.svg", "Masks")
