"""Readouts are told by what they decode and how well."""

from dataclasses import replace

import pytest

from deeplocalizer.report import claims, comparisons, methods, probes, sentences
from tests.report import studies, whole
from tests.report.studies import spoken
from tests.report.test_tables import cells


def of(estimate=(0.9, 0.8, 0.95), p_able=0.001, tasks=None):
    made = {
        ("intact", "", "", "face_or_digit"): estimate,
        ("ablated", "faces", "", "face_or_digit"): (0.6, 0.5, 0.7),
        ("harm", "faces", "", "face_or_digit"): (0.3, 0.2, 0.4, 0.01),
        ("control", "faces", "", "face_or_digit"): (0.05, 0.0, 0.1),
        ("advantage", "faces", "", "face_or_digit"): (0.25, 0.1, 0.4, 0.01),
    }
    effects = studies.effects(made, p_able=(p_able,), tasks=("face_or_digit",), chance=(0.5,))
    one = studies.study(effects, dissociations=[], **({} if tasks is None else {"tasks": tasks}))
    one.config["readouts"] = {"face_or_digit": dict(whole.READOUT)}
    one.config["localizers"]["faces"]["task"] = "face_or_digit"
    del one.config["localizers"]["digits"]["task"]
    return replace(one, models=(replace(one.models[0], readouts=whole.readouts()),))


def test_what_is_decoded_from_where_and_how_well():
    study = of()
    text = spoken(probes.sentence(study, study.models[0]))
    assert "decodes the category (of faces and digits) from `conv2`" in text
    assert "a balanced accuracy of 90.0 % [80.0, 95.0] (chance 50.0 %, 60 test stimuli in 40 groups)." in text
    (head, row) = cells(probes.table(study, study.models[0]))
    assert row == ["face or digit", "conv2", "2", "20", "93.0 %", "50.0 %", "90.0 % [80.0, 95.0]", "0.001", "60"]
    assert len(head) == len(row)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("label", "the label"),
        (["Smiling"], "whether an image has the attribute *Smiling*"),
        (["cat", "dog"], "which of *cat* and *dog* an image has"),
    ],
)
def test_classes_in_words(classes, words):
    assert probes.decoded({"classes": classes}) == words


def test_what_is_not_shown_is_not_claimed():
    study = of(p_able=0.3)
    assert "not shown to be a meaningful degree" in probes.sentence(study, study.models[0])
    nothing = of(estimate=(studies.NAN,) * 3)
    assert "there is no number" in probes.sentence(nothing, nothing.models[0])
    assert "–" in cells(probes.table(nothing, nothing.models[0]))[1]


def test_a_readout_is_about_performance_where_the_study_has_no_tasks():
    study = of(tasks={})
    assert (study.outcome, study.measure("face_or_digit"), study.measure("faces")) == ("kept", "correct", "kept")
    claim = claims.advantage(study, study.models[0].effects, "faces", "face_or_digit")
    assert claim.finding is claims.Finding.SPECIFIC
    text = spoken(sentences.harm(study, study.models[0], claim))
    assert "balanced accuracy in the readout *face or digit* falls from 90.0 % to 60.0 %" in text
    assert "more harm than random units do" in text
    shown = cells(comparisons.table(study, study.models[0], ["face_or_digit", ""]))
    assert shown[1] == ["Face or digit (60 test stimuli in 40 groups)"]
    assert ["advantage", "faces − random", "25.0", "[10.0, 40.0]", "0.010", "BCa bootstrap"] in shown


def test_methods_of_readouts():
    text = spoken(methods.readouts(of()))
    assert (
        "- *face or digit*: the category (of faces and digits), from `conv2` (mean over positions), with 5 folds."
        in text
    )
    assert methods.readouts(replace(of(), config=of().config | {"readouts": {}})) == ""
