"""Intervals and p-values keep what they promise; the slow tests with more repetitions."""

import numpy as np
import pytest

from tests.calibration import __main__, coverage, families, groups, hierarchy, nulls
from tests.calibration.counting import error, text

SHARES = [pytest.param(0.1, id="short"), pytest.param(0.4, id="long", marks=[pytest.mark.slow, pytest.mark.long])]


@pytest.fixture
def shown(capsys):
    def show(rows):
        with capsys.disabled():
            print("\n" + text(rows))
        return rows

    return show


@pytest.mark.parametrize("name", ["normal", "exponential"])
def test_a_short_run_of_intervals_covers(name, shown):
    row = coverage.simulate(name, 50, 2000, 200, 600)
    shown([row])
    assert 0.93 - 2 * row["error"] <= row["ours"] <= 0.97
    assert row["ours"] >= row["textbook"]


def test_rare_outcomes_are_covered_where_scipy_gives_nan(shown):
    row = coverage.simulate("binary, p 0.02", 50, 500, 500, 400)
    shown([row])
    assert row["undefined"] > 0.2
    assert row["ours"] > 0.9 > row["scipy"]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.3, pytest.param(1.0, marks=pytest.mark.long)])
def test_intervals_cover_and_are_no_worse_than_scipys(share, shown):
    for row in shown(coverage.main(share)):
        if row["population"] in ("normal", "exponential"):
            assert 0.93 - (share < 1) * 3 * row["error"] <= row["ours"] <= 0.97 + (share < 1) * 3 * row["error"]
        assert row["ahead"] >= -3 * row["ahead_error"]


@pytest.mark.parametrize("share", SHARES)
def test_intervals_with_few_groups_cover_better_than_the_textbooks(share, shown):
    for row in shown(groups.main(share)):
        assert row["ours"] >= row["textbook"]
        if "flagged" in row:
            # a small label beside a large one, or unequal groups
            assert row["ours"] >= 0.94 - 3 * row["error"]
            assert row["flagged"] == 1 or row["groups"] == "30 + 30"
        elif row["population"] == "normal" or row["groups"] >= 20:
            assert row["ours"] >= 0.92 - 3 * row["error"]


@pytest.mark.parametrize("share", SHARES)
def test_intervals_over_stimuli_and_masks_cover_and_those_over_stimuli_do_not(share, shown):
    rows = shown(hierarchy.main(share))
    for row in rows:
        assert 0.92 - 3 * row["error"] <= row["ours"] <= 0.98 + 3 * row["error"]
        assert row["stimuli only"] < row["ours"]
    assert np.mean([row["stimuli only"] for row in rows]) < 0.92


@pytest.mark.parametrize("share", SHARES)
def test_p_values_of_nothing_are_uniform_or_rarer(share, shown):
    for row in shown(nulls.kept(share)):
        for level in nulls.LEVELS:
            assert row[f"p <= {level}"] <= level + 3 * row[f"error {level}"], row["test"]
        assert np.isnan(row["uniform"]) or row["uniform"] > 1e-3, row["test"]


@pytest.mark.parametrize("share", SHARES)
def test_skewed_differences_are_nearer_their_level_than_by_students_t(share, shown):
    for row in shown(nulls.skewness(share)):
        assert row["p <= 0.05"] < row["student 0.05"]
        assert row["p <= 0.05"] <= (0.08 if "exponential" in row["test"] else 0.13) + 3 * row["error 0.05"]


@pytest.mark.parametrize("share", SHARES)
def test_families_keep_their_level(share, shown):
    rows = shown(families.main(share))
    for row in rows:
        assert row["false"] <= 0.05 + 3 * row["error"]
    # with few controls, only the maximum over shared ones can find anything
    power = {(row["adjust"], row["controls"]): row["power"] for row in rows if row["there"]}
    assert power["maximum", 30] > 0.2 > power["holm", 30] == 0
    assert power["maximum", 199] >= power["holm", 199]


def test_a_broken_test_would_be_seen():
    """p that are too small, or not uniform, do not pass what is asked of them."""
    p = np.random.default_rng(0).random(4000)
    assert nulls.row("fair", p, 0.0)["uniform"] > 1e-3
    small = nulls.row("too small", p**1.3, 0.0)
    assert small["uniform"] < 1e-3 and small["p <= 0.05"] > 0.05 + 3 * error(0.05, 4000)


def test_the_tables_are_printed_by_name(capsys):
    found = __main__.main(["--quick", "families"])
    assert list(found) == ["families"]
    assert "maximum" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        __main__.main(["weather"])
    assert "no calibration 'weather'" in capsys.readouterr().err
