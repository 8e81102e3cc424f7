"""Central results under other conditions."""

import numpy as np
import pytest

from deeplocalizer import robustness as table_of
from deeplocalizer.plots import drawing, robustness
from tests.plots import robust
from tests.plots.conftest import artists, texts


def test_estimates_intervals_bands_and_networks_are_where_the_data_are():
    table = robust.table(networks=4)
    drawn = artists(robustness.draw(table))
    for one in table_of.results(table):
        for row, case in enumerate(table_of.cases(table, one)):
            name = f"{case.kind}/{case.name}/{one.name}"
            mark = drawn[f"estimate/{name}"]
            assert mark.get_xdata()[0] == pytest.approx(100 * case.effect.estimate)
            assert mark.get_ydata()[0] == row
            # the study as it is stands out
            assert (mark.get_markerfacecolor() != "white") == (case.kind == "main")
            ends = drawn[f"interval/estimate/{name}"].get_xdata()
            assert tuple(ends) == pytest.approx((100 * case.effect.low, 100 * case.effect.high))
            if case.band is None:
                assert f"band/{name}" not in drawn
            else:
                band = drawn[f"band/{name}"]
                # random masks do 2 points of harm, and lie 3 points around that
                assert (band.get_x(), band.get_width()) == pytest.approx((-3, 6))
            if case.kind == "replicates":
                np.testing.assert_allclose(drawn[f"each/{name}"].get_offsets()[:, 0], 100 * np.array(case.each))
        line = drawn[f"reference/{one.name}"]
        assert line.get_xdata()[0] == drawn[f"estimate/main/zero/{one.name}"].get_xdata()[0]


def test_rows_are_named_as_their_conditions():
    shown = texts(robustness.draw(robust.table(networks=5)))
    for label in ("zero", "mean", "resample", "several seeds\n(5 networks)", "untrained twin"):
        assert label in shown
    assert {"the study as it is", "another condition", "random masks", "single networks"} <= set(shown)


def test_one_condition_needs_no_legend_of_others():
    shown = texts(robustness.draw(robust.table(networks=0, twin=False, values=("zero",))))
    assert "another condition" not in shown and "single networks" not in shown


def test_what_is_not_there_is_said():
    table = robust.table(networks=0, of={"mean": [0.2, None, None]})
    figure = robustness.draw(table)
    assert texts(figure).count("not available") == 2
    assert not any("nan" in text.lower() for text in texts(figure))


def test_without_a_main_estimate_there_is_no_line_of_it():
    drawn = artists(robustness.draw(robust.table(networks=0, of={"zero": [None, 0.1, 0.1]})))
    assert "reference/advantage/faces/face_detection/raw" not in drawn
    assert "reference/advantage/digits/digit_recognition/raw" in drawn


def test_decisions_have_an_axis_of_their_own():
    figure = robustness.draw(robust.table(localizers=1, dissociations=False, networks=0, outcome="kept"))
    assert "Decisions changed beyond\nrandom masks (%)" in texts(figure)


def test_effects_of_nothing_are_not_blown_up():
    table = robust.table(localizers=1, dissociations=False, networks=0, twin=False, values=("zero",), spread=0.0)
    for name in ("estimate", "low", "high"):
        table[name] = table[name] * 0
    (axes,) = robustness.draw(table).axes
    low, high = axes.get_xlim()
    assert high - low >= 1


@pytest.mark.parametrize("localizers", [1, 5])
def test_nothing_overlaps_however_many_there_are_and_however_long_their_names(localizers):
    table = robust.table(localizers=localizers, dissociations=localizers > 1, networks=12, long=True)
    with drawing.style():
        figure = robustness.draw(table)
        figure.draw_without_rendering()
    panels = [axes for axes in figure.axes if axes.axison]
    assert len(panels) == table.sizes["comparison"]
    boxes = [axes.get_tightbbox() for axes in panels]
    width, height = figure.bbox.size
    for index, box in enumerate(boxes):
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


def test_nothing_to_draw_is_refused():
    table = robust.table(networks=0)
    with pytest.raises(ValueError, match="there is nothing to draw"):
        robustness.draw(table.isel(comparison=[]))


def test_a_file_is_the_same_every_time(tmp_path):
    for name in ("one", "two"):
        drawing.save(robustness.draw(robust.table()), tmp_path / f"{name}.svg", "Robustness")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
