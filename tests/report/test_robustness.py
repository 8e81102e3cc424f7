"""What becomes of results under other conditions is told by the numbers."""

import functools
from dataclasses import replace

import pytest

from deeplocalizer import robustness as table_of
from deeplocalizer.report import persistence, robustness, sentences
from deeplocalizer.report.claims import Finding
from tests.plots import robust
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows
from tests.report.test_tables import cells

LACKING = ("nan", "None", "inf")
FACES, DIGITS, BOTH = robust.asked_of()


def written(**changes):
    return studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))), **changes)


@functools.cache
def plain():
    return written()


def of(table, **changes):
    """Make a study whose one network has this table of robustness."""
    one = written(**changes) if changes else plain()
    settings = one.config["ablation"] | {"values": ["mean", "resample"]}
    one = replace(one, config=one.config | {"ablation": settings})
    return one, replace(one.models[0], robustness=table)


def told(table, asked=FACES, **changes):
    study, _ = of(table, **changes)
    text = spoken(persistence.told(study, asked, table_of.cases(table, asked)))
    assert not any(word in text for word in LACKING)
    return text


def varied(p, estimates=(0.25, 0.2, 0.15), **changes):
    """Write a table of three values, each with its p and its estimate."""
    given = dict(zip(robust.VALUES, estimates, strict=True))
    table = robust.table(networks=0, twin=False, of=given, **changes)
    for name in ("p", "p_family"):
        table[name][:, :2] = [[one, one] for one in p]
    table["p"][:, 2] = list(p)
    return table


CLAIM = "That silencing the *faces* units does more harm to face detection than silencing as many random units does "


def test_what_holds_with_every_value():
    text = told(varied((0.01, 0.02, 0.03)))
    assert text == (
        f"{CLAIM}holds with all three replacement values: `zero` (25.0 percentage points [17.0, 31.0], p = 0.010), "
        "`mean` (20.0 percentage points [12.0, 26.0], p = 0.020) and `resample` (15.0 percentage points [7.0, 21.0], "
        "p = 0.030)."
    ).replace("p =", "*p* =")


@pytest.mark.parametrize(
    ("p", "estimates", "expected"),
    [
        ((0.01, 0.3, 0.4), (0.25, 0.05, 0.02), "holds only with `zero` (25.0"),
        ((0.01, 0.3, 0.4), (0.25, 0.05, 0.02), "; it is not shown with `mean` (5.0"),
        ((0.3, 0.01, 0.02), (0.25, 0.05, 0.2), "holds with `mean` (5.0"),
        ((0.3, 0.01, 0.02), (0.25, 0.05, 0.2), "; it is not shown with `zero` (25.0"),
        ((0.01, 0.02, 1.0), (0.25, 0.2, -0.2), "; it is reversed with `resample` (−20.0"),
        ((1.0, 1.0, 1.0), (-0.25, -0.2, -0.2), "is reversed with all three replacement values: `zero` (−25.0"),
        ((0.2, 0.3, 0.4), (0.02, 0.02, 0.02), "is shown with none of the three replacement values: `zero` (2.0"),
        ((0.01, 0.02, 0.4), (0.25, 0.2, [None, 0.1, 0.1]), "; it has no number with `resample`."),
        ((0.4, 0.4, 0.4), ([None] * 3,) * 3, "has a number with none of the three replacement values: `zero`,"),
    ],
)  # fmt: skip
def test_with_which_values_it_holds(p, estimates, expected):
    assert expected in told(varied(p, estimates))


def test_a_level_belongs_to_the_family():
    table = varied((0.01, 0.02, 0.03))
    table["p_family"][1, 0] = 0.06
    assert "; it is not shown with `mean`" in told(table)


def test_a_single_value_is_said_to_be_one():
    table = robust.table(networks=0, twin=False, values=("zero",))
    assert told(table).startswith(f"{CLAIM}holds with `zero`, the only replacement value that was run (25.0")
    table = robust.table(networks=0, twin=False, values=("zero",), of={"zero": [None] * 3})
    assert told(table) == f"{CLAIM}has no number with `zero`, the only replacement value that was run."


def test_what_cannot_be_done_cannot_be_tested():
    table = robust.table(networks=0, twin=False, p_able=0.3)
    why = "the network is not shown to do face detection to a meaningful degree"
    assert told(table) == f"{CLAIM}cannot be tested: {why}."
    assert "is not shown to do one of the two tasks" in told(table, BOTH)


def test_of_a_double_dissociation():
    assert told(varied((0.01, 0.02, 0.03)), BOTH).startswith(
        "That *faces* and *digits* units doubly dissociate holds with all three replacement values: `zero` (25.0"
    )
    text = told(varied((0.01, 0.3, 1.0), (0.25, 0.01, -0.2)), BOTH)
    assert "holds only with `zero`" in text and "; it is not shown with `mean`" in text
    assert "; it is contradicted, on one side at least, with `resample` (−20.0" in text


def test_of_decisions_and_of_what_is_kept():
    asked = robust.asked_of(1, dissociations=False)
    table = robust.table(localizers=1, dissociations=False, networks=0, twin=False, outcome="kept")
    text = told(table, asked[0], tasks={}, dissociations=[], localizers={})
    assert "changes more decisions about things 0 than silencing as many random units does" in text
    kept = studies.synthetic.configuration()["ablation"] | {"value": "keep"}
    table = robust.table(networks=0, twin=False, values=("keep",))
    one = written(ablation=kept)
    text = spoken(persistence.told(one, FACES, table_of.cases(table, FACES)))
    assert "keeping nothing but the *faces* units does more harm to face detection than keeping as many" in text


@pytest.mark.parametrize(
    ("mean", "p", "expected"),
    [
        (0.2, 0.004, "it holds (mean 20.0 percentage points [10.0, 30.0], *p* = 0.004; above zero in 3 of 3)."),
        (0.05, 0.2, "it is not shown (mean 5.0"),
        (-0.2, 0.9, "it is reversed (mean −20.0"),
        (float("nan"), 0.9, "there is no number."),
    ],
)
def test_over_networks(mean, p, expected):
    table = robust.table(twin=False, replicates=mean)
    table["p"][table["kind"].values.astype(str) == "replicates"] = p
    text = told(table)
    assert expected in text
    assert f"Over the {'' if mean != mean else '3 '}networks of *several seeds*" in text


def test_networks_and_twins_contradict_one_side_of_a_dissociation():
    table = robust.table(replicates=-0.2, untrained=-0.2)
    table["p"][-2:] = 0.9
    text = told(table, BOTH)
    assert "Over the 3 networks of *several seeds* it is contradicted, on one side at least (mean −20.0" in text
    assert "without training, it is contradicted, on one side at least (−20.0" in text


@pytest.mark.parametrize(
    ("main", "untrained", "p", "expected"),
    [
        (0.25, 0.01, 0.4, "it is not shown (1.0 percentage points [−7.0, 7.0], *p* = 0.40); the intervals of the two "
                          "networks do not overlap."),
        (0.25, 0.15, 0.4, "so that they are not shown to differ."),
        (0.25, -0.2, 1.0, "it is reversed (−20.0"),
        (0.25, 0.2, 0.01, "*p* = 0.010), too, so that it does not take training."),
        (0.25, None, 0.4, "there is no number."),
        (None, 0.01, 0.4, "it is not shown (1.0 percentage points [−7.0, 7.0], *p* = 0.40)."),
        (None, 0.2, 0.01, "*p* = 0.010), though it is not shown in the network itself."),
    ],
)  # fmt: skip
def test_the_untrained_twin(main, untrained, p, expected):
    table = robust.table(networks=0, untrained=untrained, of={"zero": main})
    for name in ("p", "p_family"):
        table[name][table["kind"].values.astype(str) == "twin", :2] = p
    text = told(table)
    assert f"In `untrained`, the same network without training, {expected}" in text or text.endswith(expected)


def test_a_twin_that_cannot_do_the_task_is_said_to_lose_nothing():
    table = robust.table(networks=0)
    table["p_able"][table["kind"].values.astype(str) == "twin"] = 0.6
    assert told(table).endswith(
        "In `untrained`, the same network without training, it cannot be tested: that network is not shown to do "
        "face detection to a meaningful degree, and what cannot be done cannot be lost."
    )
    assert "one of the two tasks to a meaningful degree" in told(table, BOTH)


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        ((0.01, 0.01, 0.01), "3 hold in the main analysis, and 3 hold with every replacement value, too."),
        ((0.01, 0.01, 0.30), "3 hold in the main analysis, but none of them with every replacement value."),
        ((0.30, 0.01, 0.01), "none holds in the main analysis."),
    ],
)
def test_how_many_hold(p, expected):
    study, model = of(varied(p))
    assert robustness.overview(study, model) == f"Of 3 central results, {expected}"


def test_how_many_hold_of_few():
    table = varied((0.01, 0.01, 0.3))
    table["p_family"][2, 0] = 0.01
    study, model = of(table)
    assert "3 hold in the main analysis, and 1 holds with every replacement value, too." in robustness.overview(
        study, model
    )
    table["p_family"][0, 1], table["p"][0, 2] = 0.3, 0.3
    assert robustness.overview(*of(table)).endswith(
        "1 holds in the main analysis, and this one does so with every replacement value, too."
    )
    table["p_family"][2, 0] = 0.3
    assert robustness.overview(*of(table)).endswith(
        "1 holds in the main analysis, but it does not do so with every replacement value."
    )
    one = table.isel(comparison=[0])
    assert robustness.overview(*of(one)) == (
        "The central result holds in the main analysis, but not with every replacement value alike."
    )
    one["p_family"][2, 0] = 0.01
    assert robustness.overview(*of(one)).endswith("main analysis, and with every replacement value, too.")
    one["p_family"][0, 0] = 0.3
    assert robustness.overview(*of(one)) == "The central result is not shown in the main analysis."
    for name in ("estimate", "low", "high"):
        one[name][0] = -0.1
    assert robustness.overview(*of(one)) == "The central result is reversed in the main analysis."
    every = varied((0.9, 0.9, 0.9), (-0.25, -0.2, -0.2))
    assert robustness.overview(*of(every)).endswith("none holds in the main analysis (2 are reversed there).")
    alone = robust.table(localizers=1, dissociations=False, networks=0, values=("zero",))
    assert robustness.overview(*of(alone)) == "The central result holds in the main analysis."


def test_networks_count_as_a_condition_and_the_twin_does_not():
    table = robust.table()
    for name in ("p", "p_family"):
        table[name][table["kind"].values.astype(str) == "twin"] = 0.5
    text = robustness.overview(*of(table))
    assert text.endswith("3 hold with every replacement value and over networks, too.")


def test_what_was_not_tried_is_named():
    study, model = of(robust.table())
    assert robustness.tried(model) and robustness.untested(study, model) == ""
    study, model = of(robust.table(networks=0, twin=False, values=("zero",)))
    assert not robustness.tried(model)
    alone = replace(study, config=study.config | {"ablation": study.config["ablation"] | {"values": []}})
    text = robustness.untested(alone, model)
    assert text == (
        "Not tested: other replacement values than `zero` (key `ablation.values`), other networks of the same kind "
        "(key `replicates`) and the same network without training (key `models.<name>.untrained`)."
    )
    without = replace(model, robustness=None)
    assert not robustness.tried(without) and robustness.untested(alone, without) == text
    kept = alone.config["ablation"] | {"value": "keep"}
    assert "ablation.values" not in robustness.untested(replace(alone, config=alone.config | {"ablation": kept}), model)


def test_a_caption_names_what_is_drawn():
    text = robustness.caption(*of(robust.table()))
    for part in ("with other values in the place", "over networks", "without training", "with 95", "40 random masks"):
        assert part in spoken(text)
    text = robustness.caption(*of(robust.table(networks=0, twin=False)))
    assert "networks" not in text and "training" not in text


def test_every_case_is_listed():
    table = robust.table(of={"mean": [0.2, None, None]})
    study, model = of(table)
    shown = cells(robustness.table(study, model))
    assert shown[0] == ["Condition", "Result", "Estimate", "Interval", "p", "Random", "Random, spread", "Masks"]
    assert len([row for row in shown if len(row) > 1]) == 1 + table.sizes["variant"] * table.sizes["comparison"]
    assert shown[1] == ["Faces units: face detection"]
    assert shown[2] == ["zero (main)", "holds", "25.0", "[17.0, 31.0]", "0.010", "2.0", "[−1.0, 5.0]", "40"]
    assert ["mean", "no number", "–", "–", "–", "–", "–", "–"] in shown
    assert shown[5][:2] == ["several seeds (3 networks)", "holds"]
    assert shown[6][:2] == ["untrained twin untrained", "not shown"]
    assert not any(word in cell for row in shown for cell in row for word in LACKING)


def test_results_are_those_that_the_report_leads_with():
    study = plain()
    asked = table_of.central(*(study.config[key] for key in ("tasks", "localizers", "contrasts", "dissociations")))
    leading = sentences.leading(study, study.models[0])
    assert [(one.localizer, one.task) for one in asked if one.task] == [(one.localizer, one.task) for one in leading]


def test_decisions_are_made_as_claims_makes_them():
    study, _ = of(robust.table())
    case = table_of.cases(robust.table(), FACES)[0]
    assert persistence.finding(study, case) is Finding.SPECIFIC
    assert persistence.finding(study, replace(case, p_able=0.06)) is Finding.UNABLE
    assert persistence.finding(study, replace(case, effect=None)) is Finding.UNAVAILABLE
    below = replace(case.effect, p=1.0, p_family=1.0, high=-0.01)
    assert persistence.finding(study, replace(case, effect=below)) is Finding.OPPOSITE
