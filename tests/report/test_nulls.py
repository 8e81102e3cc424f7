"""What is told of effect sizes beside shuffled labels follows the numbers."""

import pytest

from deeplocalizer import nulls
from deeplocalizer.report import nulls as told
from tests.masks.planted import SIDES, recorded
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows
from tests.report.test_tables import cells


@pytest.fixture(scope="module")
def study():
    made = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))))
    made.config["contrasts"]["c"] = SIDES["c"]
    return made


def measured(moments=None, sides=SIDES["c"], **changes):
    made = recorded(**{"preferring": range(10), "effect": 1.0} | changes) if moments is None else moments
    return nulls.measure(made, {"c": sides}, {"alpha": 0.05}, 0)


def test_numbers_are_those_of_the_artefact(study):
    found = measured()
    text = spoken(told.sentence(study, found))
    either = found.sel(contrast="c", direction="either", least=0.5)
    assert f"{int(either['beyond'].sum())} units have |*d*| > 0.5, of 100" in text
    assert f"with shuffled labels, {float(either['network_beyond_null_mean']):.1f} on average" in text
    assert "middle 95 % of 70 exchanges" in text
    assert "more than nearly all exchanges give, among units that respond more" in text
    threshold = float(found["threshold"][0])
    assert f"|*d*| = {threshold:.2f}, *p* = 0.008 by the largest |*d*| under 256 exchanges" in text
    assert "10 units pass (10 that respond more to faces) a threshold" in text
    assert "nearly" not in text.split("threshold")[1]
    assert told.stands_out(found, "c")


def test_a_reversed_effect_is_told_as_such(study):
    turned = measured(sides={"preferred": ["objects"], "other": ["faces"], "each": False})
    text = spoken(told.sentence(study, turned))
    assert "among units that respond less" in text
    assert "10 units pass (10 that respond less to" in text
    both = measured()
    both["passed"][0, 0, 1] = 3
    both["network_beyond_null_high"][0, 1] = -1
    text = spoken(told.sentence(study, both))
    assert "13 units pass (10 that respond more and 3 that respond less to faces)" in text
    assert "give, on both sides." in text


def test_without_an_effect_nothing_is_claimed(study):
    found = measured(preferring=(), seed=1)
    text = spoken(told.sentence(study, found))
    assert "no more than exchanges give, and no sign of preferences of that size" in text
    assert "No unit passes a threshold" in text
    assert not told.stands_out(found, "c")
    found["network_beyond_null_low"][:] = 50
    assert "fewer than nearly all exchanges give" in told.sentence(study, found)


@pytest.mark.parametrize(
    ("changes", "sides", "words"),
    [
        ({"folds": 4}, SIDES["c"], "there are too few folds to exchange for a level of 0.05"),
        ({}, {"preferred": ["faces"], "other": ["objects", "scenes"], "each": False}, "sides differ so much"),
        ({}, {"preferred": ["faces"], "other": ["objects", "scenes"], "each": True}, "must win several comparisons"),
    ],
)
def test_why_there_is_no_threshold_is_told(study, changes, sides, words):
    found = measured(sides=sides, **changes)
    text = spoken(told.sentence(study, found))
    assert f"There is no family-wise threshold for single units: {words}" in text or words in text
    assert "pass" not in text.split("family-wise")[0]
    assert cells(told.table(found))[-1][-1] == "–"


@pytest.mark.parametrize("reason", ["folds", "stimuli"])
def test_why_labels_cannot_be_exchanged_is_told(study, reason):
    found = measured(recorded().isel(fold=[0]))
    found["reason"] = found["reason"].astype("U8")
    found["reason"][:] = reason
    text = told.sentence(study, found)
    assert text.startswith("The labels of the contrast *c* cannot be exchanged by folds")
    assert told.table(found).count("<td") == 0


def test_every_reason_has_words():
    assert set(nulls.UNTESTED) - {""} == set(told._UNTESTED)


def test_dead_networks_are_told(study):
    silent = recorded()
    for name in ("mean", "m2"):
        silent[name].values[:] = 0
    found = measured(silent)
    assert "no unit responds to anything" in told.sentence(study, found)
    shown = told.sentence(study, found) + told.table(found)
    assert not any(word in shown for word in ("nan", "inf", "None"))


def test_the_table_lists_every_layer_and_all(study):
    found = measured()
    shown = cells(told.table(found))
    assert shown[0] == [
        "Layer", "Units", "|d| > 0.2", "by chance (> 0.2)", "|d| > 0.5", "by chance (> 0.5)", "|d| > 0.8",
        "by chance (> 0.8)", "Beyond threshold",
    ]  # fmt: skip
    assert [row[0] for row in shown[1:]] == ["c", "layer0", "layer1", "all"]
    one = found.sel(contrast="c", place="layer0", direction="either", least=0.2)
    low, high = float(one["beyond_null_low"]), float(one["beyond_null_high"])
    assert shown[2][1:4] == [
        "40",
        f"{int(one['beyond'])}",
        f"{float(one['beyond_null_mean']):.1f} [{low:.1f}, {high:.1f}]",
    ]
    assert [row[-1] for row in shown[2:]] == ["+10 −0", "+0 −0", "+10 −0"]
    assert "0.05" in told.caption(study)


def test_unequal_sizes_are_told(study):
    found = measured()
    found["skewness"][:] = 0.01
    assert "at most (nearly, as the two sides differ a little in size, or do in some folds): |" in spoken(
        told.sentence(study, found)
    )
