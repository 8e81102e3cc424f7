"""Harm to each task by each mask."""

import numpy as np
import pytest

from deeplocalizer import summaries
from deeplocalizer.plots import dissociation, drawing
from tests import synthetic
from tests.plots.conftest import artists, hand_made, texts

OWN = {"faces": "face_detection", "digits": "digit_recognition"}


@pytest.mark.parametrize("scale", ["raw", "scaled"])
def test_harm_controls_and_differences_are_where_the_data_are(effects, scale):
    drawn = artists(dissociation.draw(effects, "correct", OWN))
    for task in effects["task_name"].values:
        intact = summaries.find(effects, "intact", "correct", task=task)
        gain = intact.estimate - float(effects["chance"].sel(task_name=task)) if scale == "scaled" else 1
        for name in effects["localizer_name"].values:
            harm = summaries.find(effects, "harm", "correct", localizer=name, task=task, scale=scale)
            mark = drawn[f"harm/{name}/{task}/{scale}"]
            assert mark.get_xdata()[0] == pytest.approx(100 * harm.estimate)
            assert (mark.get_markerfacecolor() != "white") == (OWN[name] == task)
            ends = drawn[f"interval/harm/{name}/{task}/{scale}"].get_xdata()
            assert tuple(ends) == pytest.approx((100 * harm.low, 100 * harm.high))
            spread = summaries.find(effects, "control", "correct", localizer=name, task=task)
            band = drawn[f"control/harm/{name}/{task}/{scale}"]
            assert band.get_x() == pytest.approx(100 * spread.low / gain)
            assert band.get_width() == pytest.approx(100 * (spread.high - spread.low) / gain)
        one = next(name for name, own in OWN.items() if own == task)
        other = next(name for name in OWN if name != one)
        difference = summaries.find(
            effects, "dissociation", "correct", localizer=one, other=other, task=task, scale=scale
        )
        mark = drawn[f"difference/{one}/{other}/{task}/{scale}"]
        assert mark.get_xdata()[0] == pytest.approx(100 * difference.estimate)


def test_a_network_that_cannot_do_a_task_has_no_scaled_harm(config, table):
    made = synthetic.measured(config, table, {}, intact=0.5)
    figure = dissociation.draw(made, "correct", OWN)
    drawn = artists(figure)
    assert "harm/faces/face_detection/raw" in drawn
    assert "harm/faces/face_detection/scaled" not in drawn
    assert not any("nan" in text.lower() for text in texts(figure))


def test_one_scale_for_one_task_only():
    rows = {
        ("intact", "", "", "a", "raw"): (0.9, 0.8, 1.0, np.nan, np.nan),
        ("intact", "", "", "b", "raw"): (0.5, 0.4, 0.6, np.nan, np.nan),
        ("harm", "one", "", "a", "raw"): (0.2, 0.1, 0.3, 0.01, np.nan),
        ("harm", "one", "", "b", "raw"): (0.0, -0.1, 0.1, 0.5, np.nan),
        ("harm", "one", "", "a", "scaled"): (0.5, 0.2, 0.8, 0.01, np.nan),
    }
    figure = dissociation.draw(hand_made(["a", "b"], ["one"], rows), "correct", {"one": "a"})
    assert artists(figure)["harm/one/a/scaled"].get_xdata()[0] == pytest.approx(50)
    assert texts(figure).count("not available") == 1


def test_without_tasks_there_is_one_column_of_decisions(config, table, tmp_path):
    free = config | {"tasks": {}, "dissociations": []}
    free["localizers"] = {"faces": {k: v for k, v in config["localizers"]["faces"].items() if k != "task"}}
    figure = dissociation.draw(synthetic.measured(free, table, synthetic.DOUBLE), "kept", {})
    assert len(figure.axes) == 3
    assert "Decisions changed (%)" in texts(figure)
    drawing.save(figure, tmp_path / "figure.svg", "Decisions")


def test_a_file_is_the_same_every_time(effects, tmp_path):
    for name in ("one.svg", "two.svg"):
        drawing.save(dissociation.draw(effects, "correct", OWN), tmp_path / name, "Harm")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
