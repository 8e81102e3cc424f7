"""Controls are counted, named, and compared with no more words than they allow."""

from dataclasses import replace

import numpy as np
import pytest

from deeplocalizer import summaries
from deeplocalizer.report import claims, comparisons, controls, limits, preferences, sentences
from tests.report import studies, whole
from tests.report.studies import spoken
from tests.report.test_claims import rows
from tests.report.test_tables import cells

CLAIM = ("faces", "face_detection")
AGAINST = {
    ("against", "faces", "bottom", "face_detection"): (0.3, 0.2, 0.4, 0.001),
    ("against", "faces", "opposite", "face_detection"): (0.1, -0.1, 0.3, 0.2),
    ("against", "faces", "shuffled", "face_detection"): (0.2, 0.1, 0.3, 0.01),
}


@pytest.fixture(scope="module")
def study():
    one = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02)) | AGAINST))
    one.config["ablation"]["compare"] = whole.COMPARED
    return replace(one, models=(replace(one.models[0], masks=whole.with_masks(one.models[0].masks)),))


def test_a_mask_is_compared_with_every_other_control(study):
    claim = claims.advantage(study, study.models[0].effects, "faces", "face_detection")
    text = spoken(controls.compared(study, study.models[0], claim))
    assert "the units at the bottom of the ranking (30.0 [20.0, 40.0], *p* = 0.001)" in text
    assert "they harm it more than do the units at the bottom" in text
    shown, _, open_question = text.partition("It is not shown that they harm it more than do")
    assert "the units of the opposite preference (10.0 [−10.0, 30.0], *p* = 0.20)" in open_question
    assert "opposite" not in shown and "less" not in text
    assert text in spoken(sentences.harm(study, study.models[0], claim))


def test_a_mask_that_harms_less_than_another_control_is_said_to_do_so():
    made = rows((0.25, 0.1, 0.4, 0.01, 0.02)) | AGAINST
    made["against", "faces", "shuffled", "face_detection"] = (-0.2, -0.3, -0.1, 1.0)
    one = studies.study(studies.effects(made))
    claim = claims.advantage(one, one.models[0].effects, "faces", "face_detection")
    text = spoken(controls.compared(one, one.models[0], claim))
    less = "they harm it less, not more, than do the units that are selected where labels are shuffled (−20.0 [−30.0"
    assert f", but {less}" in text
    del made["against", "faces", "bottom", "face_detection"]
    one = studies.study(studies.effects(made))
    text = spoken(controls.compared(one, one.models[0], claims.advantage(one, one.models[0].effects, *CLAIM)))
    assert text.startswith(f"In percentage points, {less}")


def test_without_other_controls_nothing_is_said():
    one = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))))
    claim = claims.advantage(one, one.models[0].effects, "faces", "face_detection")
    assert controls.compared(one, one.models[0], claim) == ""
    assert controls.further(one, one.models[0]) == ""
    assert "Single controls" not in "\n".join(limits.write(one))


def test_masks_are_counted_by_kind(study):
    model = study.models[0]
    assert summaries.controls(model.masks, "faces") == {"random": 39} | dict.fromkeys(whole.COMPARED, 1)
    (_, row, _) = cells(controls.table(study, model))
    assert row[:2] == ["faces", "5"]
    assert row[2] == "≥ 80.0 %"
    assert "random, by layer: 39; bottom of the ranking: 1" in row[-1]
    text = spoken(preferences.selection(study, model))
    assert "Further controls are the units at the bottom of the ranking" in text
    assert "At least 80.0 % of the *faces* units and 80.0 % of the *digits* units truly have the preference" in text


def test_shared_units_stand_with_their_dice_coefficient(study):
    model = study.models[0]
    held = summaries.targets(model.masks)["selected"].values
    both = np.sum(held[0] & held[1])
    expected = f"{both} ({2 * both / (held[0].sum() + held[1].sum()):.2f})"
    assert cells(controls.table(study, model))[1][4] == expected


def test_the_imbalance_of_the_random_masks_is_listed_where_it_is_known(study):
    masks = study.models[0].masks
    known = np.where(masks["kind"].values.astype(str) == "random", 0.25, 9.0)
    model = replace(study.models[0], masks=masks.assign_coords(imbalance=("mask", known)))
    head, row, _ = cells(controls.table(study, model))
    assert row[head.index("Imbalance")] == "0.25"
    assert "Imbalance is by how many standard deviations" in controls.caption(study, model)
    unknown = masks.assign_coords(imbalance=("mask", np.full(len(known), np.nan)))
    assert "Imbalance" not in controls.caption(study, replace(study.models[0], masks=unknown))


def test_random_masks_that_p_values_come_from_are_told_apart_from_the_others(study):
    assert study.matched == "random"
    by_response = replace(
        study, config=study.config | {"ablation": study.config["ablation"] | {"matching": "response"}}
    )
    assert by_response.matched == "random_response"
    assert "matched by layer alone (39 masks)" in spoken(controls.further(by_response, study.models[0]))
    held = summaries.control_overlap(study.models[0].masks, "random_response")
    assert held.dims == ("localizer",)


def test_rows_of_the_table_name_the_other_control(study):
    shown = cells(comparisons.table(study, study.models[0]))
    row = next(row for row in shown if row[0] == "against")
    assert row[1] == "faces − bottom of the ranking"
    assert row[2:5] == ["30.0", "[20.0, 40.0]", "0.001"]


def test_limits_of_single_controls(study):
    text = "\n".join(limits.write(study))
    assert (
        "**Single controls.** The units at the bottom of the ranking and the units of the opposite preference" in text
    )
