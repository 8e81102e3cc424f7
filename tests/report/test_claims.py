"""What the numbers allow to be said."""

import math

import pytest

from deeplocalizer.report import claims
from deeplocalizer.report.claims import Finding, Verdict
from tests.report import studies

FACES = ("faces", "", "face_detection")


def rows(advantage, intact=(0.9, 0.85, 0.95)):
    return {
        ("intact", "", "", "face_detection"): intact,
        ("ablated", *FACES): (0.6, 0.5, 0.7),
        ("harm", *FACES): (0.3, 0.2, 0.4, 0.01),
        ("control", *FACES): (0.05, 0.0, 0.1),
        ("advantage", *FACES): advantage,
    }


@pytest.mark.parametrize(
    ("advantage", "p_able", "finding"),
    [
        ((0.25, 0.1, 0.4, 0.01, 0.02), 0.001, Finding.SPECIFIC),
        ((0.25, 0.1, 0.4, 0.05, 0.05), 0.001, Finding.SPECIFIC),
        # the family decides, not the p of one comparison
        ((0.25, 0.1, 0.4, 0.03, 0.06), 0.001, Finding.NONE),
        ((0.25, 0.1, 0.4, 0.03), 0.001, Finding.SPECIFIC),
        ((-0.2, -0.3, -0.1, 1.0, 1.0), 0.001, Finding.OPPOSITE),
        ((-0.2, -0.3, 0.1, 0.9, 1.0), 0.001, Finding.NONE),
        ((0.25, 0.1, 0.4, 0.01, 0.02), 0.06, Finding.UNABLE),
        ((math.nan, math.nan, math.nan), 0.001, Finding.UNAVAILABLE),
        ((0.25, 0.1, 0.4), 0.001, Finding.UNAVAILABLE),
    ],
)
def test_findings(advantage, p_able, finding):
    made = studies.effects(rows(advantage), p_able=(p_able, 0.001))
    claim = claims.advantage(studies.study(made), made, "faces", "face_detection")
    assert claim.finding is finding
    assert claim.complete == (finding not in (Finding.UNAVAILABLE,))


def test_without_true_labels_it_is_not_asked_whether_the_network_can():
    made = studies.effects(rows((0.25, 0.1, 0.4, 0.01)), p_able=(1.0, 1.0), chance=(math.nan, math.nan))
    assert claims.able(made, "face_detection", 0.05)


def test_what_a_claim_needs():
    study = studies.study(studies.effects(rows((0.1, 0, 0.2, 0.5))))
    assert claims.needed(study, 0.5) == pytest.approx(0.55)
    assert claims.needed(study, 0.1) == pytest.approx(0.19)


def pair(raw, scaled, one=(0.01, 0.01), two=(0.01, 0.01)):
    """Write a pair of dissociations by their p: of both together, and of each on the raw and on the other scale."""
    tasks = {"faces": "face_detection", "digits": "digit_recognition"}
    made = {}
    for (mine, other), (p_raw, p_scaled) in zip((("faces", "digits"), ("digits", "faces")), (one, two), strict=True):
        made["dissociation", mine, other, tasks[mine]] = (0.3, 0.1, 0.5, p_raw)
        made["dissociation*", mine, other, tasks[mine]] = (0.4, 0.1, 0.6, p_scaled)
    made["double_dissociation", "faces", "digits"] = (0.3, 0.1, 0.5, raw)
    made["double_dissociation*", "faces", "digits"] = (0.3, 0.1, 0.5, scaled)
    return made


@pytest.mark.parametrize(
    ("made", "p_able", "verdict"),
    [
        (pair(0.01, 0.02), (0.001, 0.001), Verdict.DOUBLE),
        (pair(0.05, 0.05), (0.001, 0.001), Verdict.DOUBLE),
        (pair(0.01, 0.2), (0.001, 0.001), Verdict.ONE_SCALE),
        (pair(0.2, 0.01), (0.001, 0.001), Verdict.ONE_SCALE),
        (pair(0.9, 0.9, two=(0.9, 0.9)), (0.001, 0.001), Verdict.SINGLE),
        (pair(0.9, 0.9, one=(0.9, 0.9)), (0.001, 0.001), Verdict.SINGLE),
        # one scale is not enough for one half either
        (pair(0.9, 0.9, one=(0.01, 0.9), two=(0.9, 0.9)), (0.001, 0.001), Verdict.NONE),
        (pair(0.01, 0.02), (0.001, 0.2), Verdict.UNABLE),
        ({}, (0.001, 0.001), Verdict.UNAVAILABLE),
    ],
)
def test_verdicts(made, p_able, verdict):
    table = studies.effects(made, p_able=p_able)
    claim = claims.dissociation(studies.study(table), table, ["faces", "digits"])
    assert claim.verdict is verdict
    assert [side.task for side in claim.sides] == ["face_detection", "digit_recognition"]
    assert [side.able for side in claim.sides] == [p <= 0.05 for p in p_able]
