"""Sentences where numbers are few, none, or strange: one group, one unit, a mask that is kept, gains, dead units."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deeplocalizer.report import (
    abstract,
    claims,
    comparisons,
    limits,
    methods,
    networks,
    persistence,
    preferences,
    robustness,
    sentences,
    series,
    verdicts,
)
from tests import extremal, synthetic
from tests.plots import makers, robust
from tests.report import studies, whole
from tests.report.studies import spoken
from tests.report.test_claims import pair, rows
from tests.report.test_robustness import of, varied
from tests.report.test_series import of as with_curves

ADVANTAGE = (0.25, 0.1, 0.4, 0.01, 0.02)


def study(made=None, **changes):
    return studies.study(studies.effects(rows(ADVANTAGE) if made is None else made), **changes)


def kept(made=None):
    return study(made, ablation=synthetic.configuration()["ablation"] | {"value": "keep"})


def told(one):
    claim = claims.advantage(one, one.models[0].effects, "faces", "face_detection")
    return spoken(sentences.harm(one, one.models[0], claim)), spoken(abstract._harm(one, claim))


def localized(**rule):
    """Give a study whose localizer for faces selects by another rule."""
    localizers = synthetic.configuration()["localizers"]
    localizers["faces"] |= rule
    return study(localizers=localizers)


def test_one_group_is_one():
    one = study()
    assert "nor is the one group of stimuli that belong together" in spoken(sentences.stimuli(one))
    objects = one.images.table.index[one.images.table["category"] == "objects"]
    one.images.table.loc[objects[3:5], "group"] = "another"
    assert "nor is any of the 2 groups of stimuli that belong together" in spoken(sentences.stimuli(one))


def test_with_a_mask_kept_nothing_is_silenced():
    text, short = told(kept())
    assert text.startswith("With nothing but the 5 *faces* units kept, balanced accuracy in face detection falls")
    assert "keeping as many random units lowers it by 5.0" in text
    assert "That is more harm than keeping random units does" in text
    assert "more harm than keeping as many random units does" in short
    less = rows((-0.2, -0.3, -0.1, 1.0, 1.0))
    assert "less harm than keeping random units does" in told(kept(less))[0]
    _, text = verdicts.verdict(
        kept(), claims.dissociation(kept(), studies.effects(pair(0.01, 0.01)), ("faces", "digits"))
    )
    assert "keeping nothing but the *faces* units does more harm than keeping nothing but the *digits*" in text
    assert "silenc" not in text
    assert "Kept" in comparisons.table(kept(), kept().models[0])
    assert "Silenced" in comparisons.table(study(), study().models[0])


def test_a_loss_that_is_a_gain_is_no_harm():
    made = rows(ADVANTAGE)
    made["ablated", "faces", "", "face_detection"] = (0.95, 0.9, 1.0)
    made["harm", "faces", "", "face_detection"] = (-0.05, -0.1, 0.0, 0.9)
    made["control", "faces", "", "face_detection"] = (-0.08, -0.09, -0.07)
    text, short = told(study(made))
    assert "rises from 90.0 % to 95.0 %" in text and "raises it by 8.0" in text
    assert "That is less gain than random units bring" in text and "less gain than as many random units bring" in short
    assert "harm" not in text + short


def test_the_abstract_points_out_an_interval_that_includes_zero():
    assert told(study(rows((0.25, -0.1, 0.4, 0.01, 0.02))))[1].endswith("*p* = 0.020; the interval includes zero).")
    assert "includes zero" not in told(study())[1]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "the 5 that prefer faces most"),
        ({"scope": "layer"}, "that prefer faces most in their layers"),
        ({"q": 0.01}, "the 5 that prefer faces and"),
        ({"percentile": [80, 90]}, "that rank from percentile 80 to 90 in preferring faces"),
        ({"sign": "absolute"}, "that tell faces from objects and digits most"),
    ],
)
def test_the_abstract_says_how_units_rank(rule, words):
    one = localized()
    one.config["localizers"]["faces"] |= rule
    assert words in spoken(abstract.write(one))


def test_one_unit_is_one():
    one = localized()
    (model,) = one.models
    mine = (model.masks["localizer"] == "faces") & (model.masks["role"] == "target")
    first = np.flatnonzero(model.masks["selected"].values[mine.values][0])[1:]
    model.masks["selected"].values[np.flatnonzero(mine.values)[0], first] = 0
    text = spoken(abstract.write(one))
    assert "the one that prefers faces most and the 5 that prefer digits most were silenced." in text
    one = replace(
        one, config=one.config | {"localizers": {"faces": one.config["localizers"]["faces"]}, "dissociations": []}
    )
    assert "the one that prefers faces most was silenced." in spoken(abstract.write(one))


def test_without_a_number_on_the_intact_network_nothing_is_said_of_what_it_can_do():
    made = rows(ADVANTAGE, intact=(math.nan,) * 3)
    one = studies.study(studies.effects(made, p_able=(math.nan, math.nan)))
    for text in told(one):
        assert "there is no number" in text and "–" not in text


def test_what_has_no_p_is_no_dissociation_and_no_absence_of_one():
    title, text = verdicts.verdict(
        study(), claims.dissociation(study(), studies.effects(pair(math.nan, 0.01)), ("faces", "digits"))
    )
    assert title.startswith("There is no number on a double dissociation")
    assert text


def test_dead_units_and_unknown_effects_prefer_nothing():
    one = study()
    (model,) = one.models
    contrast = model.contrasts
    contrast["d"].values[:, 0] = math.nan
    assert "–" not in preferences.selectivity(one, model, "faces")
    contrast["d"].values[:] = math.nan
    contrast["dead"].values[:] = 1
    contrast["reliability"].values[:] = math.nan
    text = spoken(preferences.selectivity(one, model, "faces"))
    assert "20 units do not respond to anything. So there is nothing to compare" in text
    assert "No unit prefers these categories." in text


def test_a_single_unit_responds():
    one = study()
    contrast = one.models[0].contrasts
    contrast["log10_q_greater"].values[:] = 0
    contrast["log10_q_less"].values[:] = 0
    contrast["log10_q_greater"].values[:, int(np.argmax(contrast["d"].sel(contrast="faces").values))] = -9
    text = spoken(preferences.selectivity(one, one.models[0], "faces"))
    assert "1 (5.0 %) responds more and 0 (0.0 %) respond less to faces" in text


def test_what_is_not_sure_of_any_unit_is_not_said_of_none():
    one = study()
    target = one.models[0].masks["role"].values.astype(str) == "target"
    for bounds, words in {
        (0.0, 0.0): "That any of the *faces* and *digits* units truly has the preference is not shown",
        (
            0.0,
            0.4,
        ): "At least 40.0 % of the *digits* units truly have the preference that they were selected for (of the",
        (0.2, 0.4): "At least 20.0 % of the *faces* units and 40.0 % of the *digits* units truly have",
    }.items():
        share = np.full(target.size, np.nan)
        share[target] = bounds
        model = replace(one.models[0], masks=one.models[0].masks.assign_coords(true_share=("mask", share)))
        text = spoken(preferences.selection(one, model))
        assert words in text
        assert "0.0 % of the *faces*" not in text.replace("20.0 %", "")


@pytest.mark.parametrize(
    ("estimates", "words"),
    [((-0.1, -0.05), "none does harm; in `conv2`, harm is −5.0"), ((-0.1, 0.05), "`conv2` does most")],
)
def test_a_layer_that_does_nothing_does_not_do_most(estimates, words):
    made = makers.curves()
    layers = np.flatnonzero(made["series"].values.astype(str) == "layer")
    for place in layers:
        made["estimate"].values[place] = estimates[str(made["level"].values[place]) == "conv2"]
    one = with_curves(made)
    assert words in spoken(series.sentence(one, one.models[0]))


def test_of_one_layer_nothing_is_chosen():
    one = with_curves(makers.curves(makers.points(layers=("conv2",))))
    text = series.sentence(one, one.models[0])
    assert "With the units in `conv2` silenced alone, harm is" in text and "after the fact" not in text


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (robust.table(), "The effect of the *faces* units on face detection, the effect of the *digits* units on digit "
                         "recognition and the double dissociation of *faces* and *digits* units hold with all three "
                         "replacement values and over the 3 networks of *several seeds*."),
        (varied((0.01, 0.3, 0.3)), "hold with `zero` only."),
        (varied((0.01, 0.01, 0.3)), "hold with `zero` and `mean` only."),
        (robust.table(values=("zero",), networks=0, twin=True, untrained=0.01), ""),
        (varied((0.3, 0.01, 0.01)), ""),
        (robust.table(values=("zero",), networks=0, twin=False), ""),
    ],
)  # fmt: skip
def test_the_abstract_says_where_results_hold(table, words):
    text = spoken(robustness.brief(*of(table)))
    assert (words in text) if words else text == ""


def test_results_that_do_not_hold_over_networks_say_so():
    table = robust.table(values=("zero",), twin=False)
    table["p"][table["kind"].values.astype(str) == "replicates"] = 0.4
    one, model = of(table)
    assert "units hold, but not over the 3 networks of *several seeds*." in spoken(robustness.brief(one, model))
    assert "The double" not in persistence.subject(one, robust.asked_of()[2])
    assert robustness.brief(one, replace(model, robustness=None)) == ""


def test_analyses_that_were_run_are_in_the_methods_with_their_sources():
    one = study()
    before = methods.contrasts(one) + methods.ablation(one)
    for words in ("shuffled", "exchanged in whole folds", "looked up", "change their label", "without training ("):
        assert words not in before
    model = replace(
        one.models[0], nulls=whole.exchanged(), extremes=extremal.found(), changes=whole.changed(),
        settings=one.models[0].settings | {"untrained": "newborn"},
    )  # fmt: skip
    one = replace(one, models=(model,))
    text = spoken(methods.contrasts(one) + methods.ablation(one))
    for words in ("at the level 0.05", "[@southworth2009]", "[@romano2005]", "images of `select` and `test`",
                  "an image changes if another label is chosen", "(`newborn` of `network`)"):  # fmt: skip
        assert words in text
    bibliography = (Path(__file__).parents[2] / "report" / "references.bib").read_text()
    for key in re.findall(r"@([a-z]+\d{4})", text):
        assert bibliography.count(f"{{{key},") == 1, key


def test_further_values_are_told_one_by_one():
    one = study(ablation=synthetic.configuration()["ablation"] | {"values": ["mean", "resample"]})
    text = spoken(methods.ablation(one))
    assert "response replaced by its mean response" in text
    assert ", position by position, or by its response to another stimulus" in text
    assert "beside the first 39 random masks of its localizer" in text and "[@berger1982]" in text


def test_a_network_that_was_trained_on_no_task_says_no_more():
    one = study(tasks={}, dissociations=[])
    assert networks.introduced(one, one.models[0]).endswith("trained by this study")


def test_limits_without_a_number_name_none():
    one = study({})
    assert limits.fewest(one) == 0
    assert not any("Sample" in limit for limit in limits.write(one))
    assert "intervals are wide" not in abstract.write(one)
