"""Units are found at the level that is asked for, and what was planted is found and nothing else."""

import pytest

from tests.calibration import discovery, planted
from tests.calibration.counting import text

SHARES = [pytest.param(0.1, id="short"), pytest.param(0.4, id="long", marks=[pytest.mark.slow, pytest.mark.long])]


@pytest.mark.parametrize("share", SHARES)
def test_false_discoveries_keep_their_level(share, capsys):
    rows = discovery.main(share)
    with capsys.disabled():
        print("\n" + text(rows))
    for row in rows:
        assert row["fdp"] <= discovery.LEVEL + 3 * row["error"], row
        assert row["above"] <= discovery.LEVEL + 3 * row["above_error"], row
        assert not row["there"] or row["power"] > 0.9


@pytest.mark.parametrize("share", SHARES)
def test_many_units_that_prefer_the_other_side_let_no_false_ones_in(share, capsys):
    rows = discovery.opposing(share)
    with capsys.disabled():
        print("\n" + text(rows))
    for row in rows:
        assert row["fdp"] <= discovery.LEVEL + 3 * row["error"], row
        assert row["power"] > 0.5, row


@pytest.mark.parametrize("share", SHARES)
def test_a_minimum_effect_that_is_just_there_is_seldom_passed(share, capsys):
    rows = discovery.least(share)
    with capsys.disabled():
        print("\n" + text(rows))
    for row in rows:
        for side in ("two_sided", "greater"):
            assert row[side] <= row["level"] + 3 * row["error"], row


@pytest.mark.parametrize("share", SHARES)
def test_a_planted_subnetwork_is_found_and_permuted_labels_show_nothing(share, capsys):
    there, permuted = rows = planted.main(share)
    with capsys.disabled():
        print("\n" + text(rows))
    assert there["recall"] >= 0.95 and there["precision"] >= 0.95
    assert there["claimed dissociation"] >= 0.95
    for claim in ("faces", "objects", "dissociation"):
        assert permuted[f"claimed {claim}"] <= planted.LEVEL + 3 * permuted["error"]
