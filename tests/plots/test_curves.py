"""Harm by series of masks."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer.plots import curves as curves_figure
from deeplocalizer.plots import drawing
from tests.plots import makers
from tests.plots.conftest import artists, texts

OWN = {"faces": "face_detection", "digits": "digit_recognition"}


def taken(made, series, localizer, task):
    """Take some points of one series, in the order of the dose."""
    wanted = {"series": series, "localizer": localizer, "task": task}
    rows = np.logical_and.reduce([made[key].values.astype(str) == value for key, value in wanted.items()])
    return made.isel(point=np.flatnonzero(rows), outcome=0).sortby("dose")


def test_doses_are_where_the_data_are():
    made = makers.curves()
    drawn = artists(curves_figure.draw(made, "correct", OWN))
    for task in makers.TASKS:
        for name in makers.LOCALIZERS:
            here = taken(made, "fraction", name, task)
            line = drawn[f"harm/fraction/{name}/{task}"]
            np.testing.assert_allclose(line.get_xdata(), 100 * here["dose"].values)
            np.testing.assert_allclose(line.get_ydata(), 100 * here["estimate"].values)
            assert (line.get_markerfacecolor() != "white") == (OWN[name] == task)
            ends = drawn[f"interval/fraction/{name}/{task}"].get_segments()
            np.testing.assert_allclose([end[0][1] for end in ends], 100 * here["low"].values)
            np.testing.assert_allclose([end[1][1] for end in ends], 100 * here["high"].values)
            band = drawn[f"band/fraction/{name}/{task}"].get_paths()[0].vertices[:, 1]
            assert band.min() == pytest.approx(100 * float(here["control_low"].min()))
            assert band.max() == pytest.approx(100 * float(here["control_high"].max()))
            mean = drawn[f"control/fraction/{name}/{task}"].get_ydata()
            np.testing.assert_allclose(mean, 100 * here["control"].values)


def test_doses_far_apart_are_on_a_logarithmic_axis_and_marked():
    axes = curves_figure.draw(makers.curves(), "correct", OWN).axes[0]
    assert axes.get_xscale() == "log"
    np.testing.assert_allclose(axes.get_xticks(), [1, 5, 20])
    near = makers.curves(makers.points(doses=(0.1, 0.2)))
    assert curves_figure.draw(near, "correct", OWN).axes[0].get_xscale() == "linear"


@pytest.mark.parametrize(("series", "level"), [("layer", "conv1"), ("layer", "conv2"), ("keep", "")])
def test_rows_are_where_the_data_are(series, level):
    made = makers.curves()
    drawn = artists(curves_figure.draw(made, "correct", OWN))
    for name in makers.LOCALIZERS:
        here = taken(made, series, name, "face_detection")
        here = here.isel(point=np.flatnonzero(here["level"].values.astype(str) == level)).isel(point=0)
        key = "/".join(part for part in (series, name, level, "face_detection") if part)
        assert drawn[f"harm/{key}"].get_xdata()[0] == pytest.approx(100 * float(here["estimate"]))
        ends = drawn[f"interval/harm/{key}"].get_xdata()
        assert tuple(ends) == pytest.approx((100 * float(here["low"]), 100 * float(here["high"])))
        band = drawn[f"band/{key}"]
        assert band.get_x() == pytest.approx(100 * float(here["control_low"]))
        assert band.get_width() == pytest.approx(100 * float(here["control_high"] - here["control_low"]))


def test_only_what_was_run_is_drawn():
    figure = curves_figure.draw(makers.curves(makers.points(doses=(), keep=False)), "correct", OWN)
    assert len(figure.axes) == 2
    assert curves_figure.TITLES["layer"] in texts(figure)
    assert curves_figure.TITLES["fraction"] not in texts(figure)
    with pytest.raises(ValueError, match="no series to draw; expected one of fraction, layer and keep"):
        curves_figure.draw(makers.curves().isel(point=[]), "correct", OWN)


def test_a_task_without_numbers_is_said_and_others_stay():
    made = makers.curves()
    absent = made["task"].values.astype(str) == "digit_recognition"
    made["estimate"] = made["estimate"].where(xr.DataArray(~absent, dims="point"))
    figure = curves_figure.draw(made, "correct", OWN)
    assert texts(figure).count("not available") == 3
    assert "harm/fraction/faces/face_detection" in artists(figure)


def test_layers_that_one_localizer_lacks_keep_their_order():
    assert curves_figure.merged([["a", "c"], ["a", "b", "c", "d"], ["0", "a"]]) == ["0", "a", "b", "c", "d"]
    assert curves_figure.merged([]) == []


def test_decisions_and_many_tasks(tmp_path):
    tasks = [f"task_number_{i}" for i in range(5)]
    made = makers.curves(makers.points(tasks=tasks), outcome="kept")
    figure = curves_figure.draw(made, "kept", {})
    assert "Decisions changed (%)" in texts(figure)
    assert all(
        artist.get_markerfacecolor() == "white" for name, artist in artists(figure).items() if name.startswith("harm/")
    )
    for name in ("one.svg", "two.svg"):
        drawing.save(curves_figure.draw(made, "kept", {}), tmp_path / name, "Curves")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
