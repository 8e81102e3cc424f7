"""Performance intact, ablated and under random controls."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import summaries
from deeplocalizer.plots import dissociation, drawing
from deeplocalizer.plots import effects as effects_figure
from tests import synthetic
from tests.plots.conftest import artists, hand_made, texts

OWN = {"faces": "face_detection", "digits": "digit_recognition"}


def test_everything_is_drawn_where_the_data_are(effects):
    drawn = artists(effects_figure.draw(effects, "correct", OWN))
    for task in effects["task_name"].values:
        intact = summaries.find(effects, "intact", "correct", task=task)
        assert drawn[f"intact/{task}"].get_xdata()[0] == pytest.approx(100 * intact.estimate)
        band = drawn[f"intact-interval/{task}"]
        assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((100 * intact.low, 100 * intact.high))
        for name in effects["localizer_name"].values:
            ablated = summaries.find(effects, "ablated", "correct", localizer=name, task=task)
            mark = drawn[f"ablated/{name}/{task}"]
            assert mark.get_xdata()[0] == pytest.approx(100 * ablated.estimate)
            ends = drawn[f"interval/ablated/{name}/{task}"].get_xdata()
            assert tuple(ends) == pytest.approx((100 * ablated.low, 100 * ablated.high))
            harm = effects["control_harm"].sel(localizer_name=name, task_name=task, outcome="correct").values
            dots = np.asarray(drawn[f"controls/{name}/{task}"].get_offsets())[:, 0]
            np.testing.assert_allclose(np.sort(dots), np.sort(100 * (intact.estimate - harm)))
            assert (mark.get_markerfacecolor() != "white") == (OWN[name] == task)


def test_the_p_is_the_one_that_decides(effects):
    drawn = artists(effects_figure.draw(effects, "correct", OWN))
    own = summaries.find(effects, "advantage", "correct", localizer="faces", task="face_detection")
    other = summaries.find(effects, "advantage", "correct", localizer="faces", task="digit_recognition")
    assert drawn["p/faces/face_detection"].get_text() == f"p {summaries.p_text(own.p_family)}"
    assert drawn["p/faces/digit_recognition"].get_text() == f"p {summaries.p_text(other.p)}"


ROWS = {
    ("intact", "", "", "seeing", "raw"): (0.98, 0.96, 1.0, np.nan, np.nan),
    ("ablated", "one", "", "seeing", "raw"): (0.97, 0.95, 0.99, np.nan, np.nan),
    ("advantage", "one", "", "seeing", "raw"): (0.01, 0.0, 0.02, 0.2, np.nan),
}


def test_chance_is_a_line_if_it_is_near_and_words_if_it_is_far():
    near = artists(effects_figure.draw(hand_made(["seeing"], ["one"], ROWS, chance=0.9), "correct", {}))
    assert near["chance/seeing"].get_xdata()[0] == pytest.approx(90)
    far = artists(effects_figure.draw(hand_made(["seeing"], ["one"], ROWS, chance=0.1), "correct", {}))
    assert far["chance/seeing"].get_text() == "← chance 10 %"


def test_an_axis_is_never_so_narrow_that_it_makes_much_of_nothing():
    same = {key: (0.5, 0.5, 0.5, 1.0, np.nan) for key in ROWS}
    made = hand_made(["seeing"], ["one"], same, chance=0.5)
    made["control_harm"][:] = 0
    figure = effects_figure.draw(made, "correct", {"one": "seeing"})
    low, high = figure.axes[0].get_xlim()
    assert high - low >= effects_figure.NARROW


def test_without_tasks_decisions_are_drawn_by_category(config, table, tmp_path):
    free = config | {"tasks": {}, "dissociations": []}
    free["localizers"] = {
        name: {k: v for k, v in one.items() if k != "task"} for name, one in free["localizers"].items()
    }
    made = synthetic.measured(free, table, synthetic.DOUBLE)
    figure = effects_figure.draw(made, "kept", {})
    drawn = artists(figure)
    for category in ("digits", "faces", "objects"):
        assert drawn[f"intact/{category}"].get_xdata()[0] == pytest.approx(100)
        assert f"intact-interval/{category}" not in drawn
        assert f"chance/{category}" not in drawn
        assert drawn[f"ablated/faces/{category}"].get_markerfacecolor() == "white"
    assert "Decisions kept (%)" in texts(figure)
    assert "units silenced" in texts(figure)
    drawing.save(figure, tmp_path / "figure.svg", "Decisions")


def test_what_is_not_available_is_said_and_never_drawn_as_a_number():
    empty = {key: (np.nan,) * 5 for key in ROWS}
    figure = effects_figure.draw(hand_made(["seeing"], ["one"], empty), "correct", {"one": "seeing"})
    assert "not available" in texts(figure)
    partly = ROWS | {("ablated", "one", "", "seeing", "raw"): (np.nan,) * 5}
    figure = effects_figure.draw(hand_made(["seeing"], ["one"], partly), "correct", {"one": "seeing"})
    assert "not available" in texts(figure)
    assert not any("nan" in text.lower() for text in texts(figure))


def test_many_controls_are_a_histogram():
    made = hand_made(["seeing"], ["one"], ROWS, controls=drawing.MOST_DOTS + 1)
    drawn = artists(effects_figure.draw(made, "correct", {"one": "seeing"}))
    counts = 1 - 1 - drawn["controls/one/seeing"].get_data().values
    assert counts.max() > 0


def test_many_tasks_and_localizers(tmp_path):
    tasks = [f"task_number_{i}" for i in range(5)]
    localizers = [f"localizer_with_a_long_name_{i}" for i in range(8)]
    rows = {("intact", "", "", task, "raw"): (0.9, 0.85, 0.95, np.nan, np.nan) for task in tasks}
    rows |= {("ablated", name, "", t, "raw"): (0.8, 0.7, 0.9, np.nan, np.nan) for name in localizers for t in tasks}
    figure = effects_figure.draw(hand_made(tasks, localizers, rows), "correct", {localizers[0]: tasks[0]})
    drawn = artists(figure)
    assert sum(name.startswith("ablated/") for name in drawn) == 40
    assert "without localizer with\na long name 7 units" in texts(figure)
    drawing.save(figure, tmp_path / "figure.svg", "Performance")


def test_a_file_is_the_same_every_time(effects, tmp_path):
    for name in ("one.svg", "two.svg"):
        drawing.save(effects_figure.draw(effects, "correct", OWN), tmp_path / name, "Performance")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


MIXED = {
    ("intact", "", "", "faces", "raw"): {"kept": (1.0, 0.9, 1.0)},
    ("ablated", "one", "", "faces", "raw"): {"kept": (0.6, 0.5, 0.7)},
    ("harm", "one", "", "faces", "raw"): {"kept": (0.4, 0.3, 0.5)},
    ("intact", "", "", "kind", "raw"): {"correct": (0.9, 0.8, 0.95)},
    ("ablated", "one", "", "kind", "raw"): {"correct": (0.7, 0.6, 0.8)},
    ("harm", "one", "", "kind", "raw"): {"correct": (0.2, 0.1, 0.3)},
}


def mixed():
    """Make effects of a category, which has no right answers, and of a readout, which has."""
    parts = []
    for outcome in ("correct", "kept"):
        rows = {key: (*found.get(outcome, (np.nan,) * 3), np.nan, np.nan) for key, found in MIXED.items()}
        parts.append(hand_made(["faces", "kind"], ["one"], rows, outcome=outcome))
    made = xr.concat(parts, "outcome", data_vars="minimal")
    return made.assign(chance=("task_name", [np.nan, 0.5]))


def test_a_readout_is_shown_by_performance_where_decisions_lead():
    figure = effects_figure.draw(mixed(), "kept", {"one": "kind"})
    drawn = artists(figure)
    assert drawn["ablated/one/faces"].get_xdata()[0] == pytest.approx(60)
    assert drawn["ablated/one/kind"].get_xdata()[0] == pytest.approx(70)
    assert {"Decisions kept (%)", "Balanced accuracy (%)"} <= set(texts(figure))
    assert "intact-interval/kind" in drawn and "intact-interval/faces" not in drawn
    shown = dissociation.draw(mixed(), "kept", {"one": "kind"})
    drawn = artists(shown)
    assert drawn["harm/one/faces/raw"].get_xdata()[0] == pytest.approx(40)
    assert drawn["harm/one/kind/raw"].get_xdata()[0] == pytest.approx(20)
    assert {"Decisions changed (%)", "Harm (percentage points)"} <= set(texts(shown))


def test_other_controls_are_not_among_the_random_dots(effects):
    rows = np.flatnonzero(effects["kind"].values.astype(str) == "advantage")
    more = effects[["estimate", "low", "high", "p", "p_family", "n", "groups", "method"]].isel(comparison=rows)
    more = more.assign_coords(
        kind=("comparison", ["against"] * len(rows)), other=("comparison", ["bottom"] * len(rows)),
        comparison=[f"against {i}" for i in range(len(rows))],
    )  # fmt: skip
    both = xr.merge([xr.concat([effects[list(more.data_vars)], more], "comparison"), effects["control_harm"]])
    both = both.assign(chance=effects["chance"], p_able=effects["p_able"])
    with_them, without = (artists(effects_figure.draw(one, "correct", OWN)) for one in (both, effects))
    assert set(with_them) == set(without)
