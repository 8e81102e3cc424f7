"""Sentences follow the numbers."""

import math

import numpy as np
import pytest
import xarray as xr

from deeplocalizer.report import abstract, claims, limits, preferences, sentences, verdicts
from tests import synthetic
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import pair, rows


def told(advantage, p_able=0.001, ablated=(0.6, 0.5, 0.7), control=(0.05, 0.0, 0.1)):
    made = rows(advantage)
    made["ablated", "faces", "", "face_detection"] = ablated
    made["control", "faces", "", "face_detection"] = control
    table = studies.effects(made, p_able=(p_able, 0.001))
    study = studies.study(table)
    claim = claims.advantage(study, table, "faces", "face_detection")
    return spoken(sentences.harm(study, study.models[0], claim)), spoken(abstract._harm(study, claim))


def test_more_harm_than_random_units():
    text, short = told((0.25, 0.1, 0.4, 0.01, 0.02))
    assert text == (
        "Without the 5 *faces* units, balanced accuracy in face detection falls from 90.0 % to 60.0 % [50.0, 70.0]; "
        "silencing as many random units lowers it by 5.0 percentage points on average. That is more harm than random "
        "units do (difference 25.0 percentage points [10.0, 40.0], *p* = 0.010, *p* = 0.020 over the family of "
        "2 localizers)."
    )
    assert short == (
        "Without the *faces* units, balanced accuracy in face detection fell from 90.0 % to 60.0 %: more harm than as "
        "many random units do (difference 25.0 percentage points [10.0, 40.0], *p* = 0.020)."
    )


def test_an_interval_that_includes_zero_is_pointed_out():
    text, _ = told((0.25, -0.1, 0.4, 0.01, 0.02))
    assert "more harm than random units do" in text
    assert text.endswith("The interval over stimuli includes zero, so the effect may not hold for other stimuli.")


def test_no_more_harm_leaves_room_for_what_the_interval_holds():
    text, short = told((0.05, -0.1, 0.2, 0.3, 0.6))
    assert "That is not demonstrably more harm than random units do" in text
    assert text.endswith("An excess of up to 20.0 percentage points remains compatible with the data.")
    assert "not demonstrably more harm" in short
    text, _ = told((0.0, -0.1, 0.0001, 0.3, 0.6))
    assert "remains compatible" not in text


def test_less_harm():
    text, short = told((-0.2, -0.3, -0.1, 1.0, 1.0), ablated=(0.95, 0.9, 1.0), control=(-0.02, -0.05, 0.0))
    assert "rises from 90.0 % to 95.0 %" in text
    assert "random units raises it by 2.0 percentage points" in text
    assert "less harm, not more, than random units do" in text
    assert "less harm, not more" in short


def test_what_does_not_show_did_not_change():
    text, short = told((0.05, -0.1, 0.2, 0.3, 0.6), ablated=(0.9001, 0.8, 1.0), control=(0.0001, 0.0, 0.0))
    assert "balanced accuracy in face detection stays at 90.0 % [80.0, 100.0]" in text
    assert "silencing as many random units does not change it on average" in text
    assert "stayed at 90.0 %" in short


def test_what_a_network_cannot_do_is_not_claimed():
    text, short = told((0.25, 0.1, 0.4, 0.2, 0.2), p_able=0.2)
    assert "is not shown to do face detection to a meaningful degree" in text
    assert "chance is 50.0 % and a claim needs more than 55.0 %, *p* = 0.20" in text
    assert "nothing is claimed" in text
    assert "nothing is claimed" in short
    assert "harm" not in text


def test_without_a_number_there_is_no_claim():
    for text in told((math.nan, math.nan, math.nan)):
        assert "there is no number" in text
        assert "nan" not in text


def test_without_tasks_decisions_are_told():
    made = {(kind, "faces", "", "faces"): (0.3, 0.1, 0.5, 0.01) for kind in ("harm", "control", "advantage")}
    made["ablated", "faces", "", "faces"] = (0.7, 0.5, 0.9)
    made["intact", "", "", "faces"] = (1.0, 0.8, 1.0)
    names = ("digits", "faces", "objects")
    table = studies.effects(made, tasks=names, outcome="kept", chance=(math.nan,) * 3, p_able=(1.0,) * 3)
    rule = {k: v for k, v in synthetic.configuration()["localizers"]["faces"].items() if k != "task"}
    study = studies.study(table, tasks={}, dissociations=[], localizers={"faces": rule})
    text = spoken(sentences.harms(study, study.models[0]))
    assert "the decision changes for 30.0 % [10.0, 50.0] of faces; without as many random units, it changes" in text
    assert "more change than random units bring" in text
    assert "family" not in text
    assert "the decision changed for 30.0 % of faces: more change than as many random units bring" in spoken(
        abstract.write(study)
    )
    assert "whether the highest of its 4 outputs changes" in spoken(sentences.network(study, study.models[0]))


def test_a_localizer_without_a_task_is_not_passed_over():
    table = studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02)))
    localizers = synthetic.configuration()["localizers"]
    del localizers["digits"]["task"]
    study = studies.study(table, localizers=localizers, dissociations=[])
    text = sentences.harms(study, study.models[0])
    assert "The *digits* localizer is not expected to harm a task" in text
    del localizers["faces"]["task"]
    study = studies.study(table, localizers=localizers, dissociations=[])
    claimed = [(claim.localizer, claim.task) for claim in sentences.leading(study, study.models[0])]
    assert claimed == [(name, task) for name in ("faces", "digits") for task in studies.TASKS]
    assert "not expected" not in sentences.harms(study, study.models[0])


def ruled(made, p_able=(0.001, 0.001)):
    table = studies.effects(made, p_able=p_able)
    study = studies.study(table)
    claim = claims.dissociation(study, table, ["faces", "digits"])
    title, text = verdicts.verdict(study, claim)
    return title, spoken(text), spoken(abstract._verdict(study, claim))


def test_a_double_dissociation():
    title, text, short = ruled(pair(0.01, 0.02))
    assert title == "The *faces* units and the *digits* units doubly dissociate"
    assert text.count("does more harm than") == 2
    assert text.endswith(
        "Both comparisons hold on both scales (*p* = 0.010 raw, *p* = 0.020 scaled, each the larger of two)."
    )
    assert short == "The *faces* and *digits* units doubly dissociate (*p* = 0.020)."


@pytest.mark.parametrize(
    ("ps", "scale"), [((0.01, 0.2), "raw performance"), ((0.2, 0.01), "as a share of what is above")]
)
def test_one_scale_is_not_enough(ps, scale):
    title, text, short = ruled(pair(*ps))
    assert title.startswith("No double dissociation")
    assert scale in text.rsplit("\n", 1)[1]
    assert "that is not enough for a claim" in text
    assert "on one scale only" in short


def test_half_a_dissociation():
    title, text, short = ruled(pair(0.9, 0.9, two=(0.9, 0.9)))
    assert title.startswith("No double dissociation") and "one of two" in title
    assert "silencing the *faces* units does more harm than silencing the *digits* units" in text
    assert "silencing the *digits* units does not do demonstrably more harm than silencing the *faces* units" in text
    assert "only the *faces* units are shown to harm their own task more" in short


def test_no_dissociation_and_the_opposite_of_one():
    made = pair(1.0, 1.0, one=(0.9, 0.9), two=(1.0, 1.0))
    made["dissociation", "digits", "faces", "digit_recognition"] = (-0.3, -0.5, -0.1, 1.0)
    title, text, short = ruled(made)
    assert title == "No dissociation of *faces* and *digits* units is shown"
    assert "silencing the *digits* units does less harm, not more, than silencing the *faces* units" in text
    assert "neither set of units is shown to harm" in short


def test_what_cannot_be_tested():
    title, text, short = ruled(pair(0.3, 0.3), p_able=(0.001, 0.3))
    assert title.endswith("cannot be tested")
    assert "The network is not shown to do digit recognition to a meaningful degree" in text
    assert "In face detection" in text
    assert "In digit recognition, silencing" not in text
    assert "cannot be tested" in short
    title, text, short = ruled({})
    assert "no number" in title and "nothing is claimed" in text and "no number" in short


def test_selectivity_and_selection_count_units():
    study = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))))
    model = study.models[0]
    one = model.contrasts.sel(contrast="faces")
    q, d, dead = 10.0 ** one["log10_q_greater"].values, one["d"].values, one["dead"].values
    text = spoken(preferences.selectivity(study, model, "faces"))
    assert f"compares faces ({int(one['n_preferred'])} stimuli) with objects and digits ({int(one['n_other'])})" in text
    assert f"Of 20 units, {np.sum((q <= 0.05) & (d > 0) & ~dead)} (" in text
    assert "2 units do not respond to anything" in text
    assert f"(*d* = {d[~dead].max():.2f})" in text
    unknown = model.contrasts.assign(reliability=xr.full_like(model.contrasts["reliability"], np.nan))
    study.models[0].contrasts["reliability"] = unknown["reliability"]
    assert "too few stimuli to compare halves" in preferences.selectivity(study, model, "faces")
    text = spoken(preferences.selection(study, model))
    assert "The localizer *faces* selects 5 units of 20" in text
    assert "share no unit" in text
    assert "39 random masks" in text


def test_ability_is_told_with_its_limits():
    made = rows((0.25, 0.1, 0.4, 0.01, 0.02))
    study = studies.study(studies.effects(made, p_able=(0.001, 0.001)))
    text = spoken(sentences.network(study, study.models[0]))
    assert "trained by this study on face detection and digit recognition" in text
    assert "balanced accuracy of 90.0 % [85.0, 95.0] (chance 50.0 %, 60 test stimuli in 40 groups)." in text
    assert "no number on how it does digit recognition" in text
    study = studies.study(studies.effects(made, p_able=(0.4, 0.001)))
    assert "not shown to be a meaningful degree" in sentences.network(study, study.models[0])


def test_limits_apply_where_they_should():
    table = studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02)))
    all_of_them = "\n".join(limits.write(studies.study(table)))
    for word in ("Sample", "One draw", "Crops", "Groups that are not known", "Formats", "Silencing", "Selection"):
        assert f"**{word}.**" in all_of_them
    assert "40 independent test stimuli" in spoken(all_of_them)
    assert "spans 30.0 percentage points" in all_of_them
    config = synthetic.configuration()
    config["stimuli"]["categories"] = {"faces": {"source": "photograph_patches"}}
    study = studies.study(table, ablation={"value": "mean", "controls": 99, "batch_size": 1})
    study.config["stimuli"]["categories"] = {"faces": {"source": "photograph_patches"}}
    study.sizes.clear()
    few = "\n".join(limits.write(study))
    for word in ("Crops", "Groups that are not known", "Formats", "Silencing"):
        assert word not in few
    assert "smaller than 1/100 (about 0.01)" in few


def test_the_abstract_tells_everything_once():
    made = rows((0.25, 0.1, 0.4, 0.01, 0.02)) | pair(0.9, 0.9, two=(0.9, 0.9))
    text = spoken(abstract.write(studies.study(studies.effects(made))))
    assert "120 images of faces, objects and digits were shown to the network `network`" in text
    assert "Of its 20 units, the 5 that prefer faces most and the 5 that prefer digits most were silenced." in text
    assert "fell from 90.0 % to 60.0 %" in text
    assert text.count("double dissociation") == 1
    assert "With as few as 40 independent test stimuli, intervals are wide." in text
    many = spoken(abstract.write(studies.study(studies.effects(made, groups=5000))))
    assert "intervals are wide" not in many


def test_a_localizer_of_what_is_avoided_says_so():
    localizers = synthetic.configuration()["localizers"]
    localizers["faces"]["sign"], localizers["digits"]["sign"] = "negative", "absolute"
    study = studies.study(studies.effects(rows((0.2, 0.1, 0.3, 0.1))), localizers=localizers, dissociations=[])
    text = abstract.write(study)
    assert "that prefer objects and digits most" in text
    assert "that tell digits from faces and objects most" in text
