"""Series are told by their numbers."""

from dataclasses import replace

import pytest

from deeplocalizer.report import series
from tests.plots import makers
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows
from tests.report.test_tables import cells


def of(curves, **changes):
    one = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))), **changes)
    return replace(one, models=(replace(one.models[0], curves=curves),))


def test_whether_there_are_series():
    assert series.run(of(makers.curves()).models[0])
    assert not series.run(of(None).models[0])
    assert not series.run(of(makers.curves().isel(point=[])).models[0])


def test_the_largest_dose_the_worst_layer_and_what_is_kept():
    made = makers.curves()
    study = of(made)
    text = spoken(series.sentence(study, study.models[0]))
    one = made.sel(outcome="correct").to_dataframe().reset_index()
    one = one[(one["localizer"] == "faces") & (one["task"] == "face_detection")].set_index(["series", "level"])
    largest, worst, kept = one.loc[("fraction", "0.2")], one.loc[("layer", "conv2")], one.loc[("keep", "")]
    for row, before in ((largest, "with 20 % of the units silenced"), (kept, "With nothing but these units kept")):
        harm = f"{100 * row['estimate']:.1f} percentage points [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
        assert f"{before}, harm is {harm} (random masks {100 * row['control']:.1f}, *p* = {row['p']:.3f})" in text
    assert f"`conv2` does most: harm is {100 * worst['estimate']:.1f} percentage points" in text
    assert "chosen after the fact" in text
    # each localizer on its own task only
    assert text.count("percentage points") == 2 * 4


def test_every_point_is_listed():
    made = makers.curves()
    study = of(made)
    shown = cells(series.table(study, study.models[0]))
    assert len([row for row in shown if len(row) > 1]) == 1 + made.sizes["point"]
    assert shown[1] == ["More and fewer units: face detection"]
    one = made.isel(point=0, outcome=0)
    assert shown[2] == [
        "1 %", "faces", "1.0 %", f"{100 * float(one['estimate']):.1f}",
        f"[{100 * float(one['low']):.1f}, {100 * float(one['high']):.1f}]", f"{100 * float(one['control']):.1f}",
        f"[−{abs(100 * float(one['control_low'])):.1f}, {100 * float(one['control_high']):.1f}]", "0.010",
    ]  # fmt: skip


def test_a_caption_names_what_was_run():
    study = of(makers.curves(makers.points(layers=(), keep=False)))
    text = series.caption(study, study.models[0])
    assert "by the share of units that is silenced" in text
    assert "layer" not in text and "kept" not in text
    with pytest.raises(AssertionError):
        series.caption(of(None), of(None).models[0])


def test_without_tasks_decisions_are_told():
    made = makers.curves(makers.points(localizers=["faces"], tasks=["faces"]), outcome="kept")
    rule = {k: v for k, v in studies.synthetic.configuration()["localizers"]["faces"].items() if k != "task"}
    effects = studies.effects({}, tasks=("faces",), outcome="kept")
    one = studies.study(effects, tasks={}, dissociations=[], localizers={"faces": rule})
    study = replace(one, models=(replace(one.models[0], curves=made),))
    text = spoken(series.sentence(study, study.models[0]))
    assert "of decisions change (random masks" in text
    assert "harm" not in text
    assert "Decisions changed" in series.caption(study, study.models[0])
