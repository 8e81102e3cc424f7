"""Which stimuli change their label, and what masks do to each category: against planted changes, SciPy and effects."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from deeplocalizer import changes, effects, provenance, store
from deeplocalizer.changes import listing
from deeplocalizer.effects.sample import Sample
from tests import changing
from tests.changing import BELT, CAT, CONTROLS, FACES, OBJECTS, SETTINGS, TEAPOT, WIG
from tests.effects import studies


def number(result, name, category, outcome="kept", localizer="faces"):
    return result[name].sel(localizer_name=localizer, category=category, outcome=outcome).item()


def rows(result, along, localizer="faces"):
    return result.isel({along: np.flatnonzero(result[f"{along}_localizer"].values == localizer)})


def test_shares_of_each_category_are_counts():
    result = changing.measured()
    assert result["category"].values.tolist() == ["", "faces", "objects"]
    assert result["n"].values.tolist() == [FACES + OBJECTS, FACES, OBJECTS]
    for category, share in (("", 16 / 100), ("faces", 15 / 40), ("objects", 1 / 60)):
        assert number(result, "estimate", category) == pytest.approx(share)
        assert number(result, "low", category) < share < number(result, "high", category)
    # 5 masks change one face, 2 change one face and two objects, 13 nothing
    drawn = np.array([1 / 40] * 7 + [0] * 13)
    assert number(result, "control", "faces") == pytest.approx(drawn.mean())
    assert number(result, "control_high", "faces") == pytest.approx(np.quantile(drawn, 0.975))
    assert number(result, "p", "faces") == pytest.approx(1 / 21)
    # two masks change two objects, which is at least one
    assert number(result, "p", "objects") == pytest.approx(3 / 21)
    assert result["changed"].values.tolist() == [16, 0]
    assert result["transitions"].values.tolist() == [3, 0]
    assert result["controls"].values.tolist() == [CONTROLS] * 2


def test_where_nothing_changes_the_interval_is_exact():
    result = changing.measured()
    assert number(result, "estimate", "faces", localizer="objects") == 0
    high = number(result, "high", "faces", localizer="objects")
    assert binom.pmf(0, FACES, high) == pytest.approx(0.025)
    assert number(result, "method", "faces", localizer="objects") == "exact binomial bound"
    assert number(result, "p", "faces", localizer="objects") == 1


def test_the_transitions_are_those_that_were_planted():
    found = rows(changing.measured(), "transition")
    names = (found[f"transition_{name}"].values.tolist() for name in ("before", "after", "stimuli"))
    told = list(zip(*names, strict=True))
    # of equally frequent ones the rarer under random masks first
    assert told == [
        ("wig", "seat belt, seatbelt", 14),
        ("wig", "tabby, tabby cat", 1),
        ("teapot", "tabby, tabby cat", 1),
    ]
    control = dict(zip(told, found["transition_control"].values, strict=True))
    assert control[told[0]] == pytest.approx(5 / CONTROLS)
    assert control["teapot", "tabby, tabby cat", 1] == pytest.approx(4 / CONTROLS)
    assert control["wig", "tabby, tabby cat", 1] == pytest.approx(2 / CONTROLS)
    assert found["transition_category"].values.tolist()[0] == "faces"
    assert found["transition_of_category"].values.tolist() == [14, 1, 1]


def test_the_most_specific_changes_come_first():
    found = rows(changing.measured(), "change")
    names, controls = found["change_stimulus"].values.tolist(), found["change_controls"].values
    assert (np.diff(controls) >= 0).all()
    first = controls == 0
    assert first.sum() == 14 and (np.diff(found["change_kl"].values[first]) <= 0).all()
    assert names[-1] == "image-000" and controls[-1] == 7 and found["change_same"].values[-1] == 5
    assert names[-2] == f"image-{FACES:03}" and controls[-2] == 2 and found["change_same"].values[-2] == 2
    assert found["change_before"].values[-1] == "wig" and found["change_after"].values[-1] == "seat belt, seatbelt"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, 99), st.sampled_from([WIG, BELT, TEAPOT, CAT])), min_size=3, max_size=3))
def test_what_holds_of_all_changes(moved):
    made = changing.outcomes("faces", moved[0], moved[1:], controls=2)
    found, counted = listing.changed(made, "faces", "random"), listing.transitions(made, "faces", "random")
    kept = made["kept"].values
    assert len(found) == counted.stimuli.sum() == (kept[1] == 0).sum()
    assert sorted(found.stimulus) == sorted(made["stimulus"].values[kept[1] == 0])
    assert (found.before != found.after).all() and (counted.before != counted.after).all()
    assert (found.same <= found.controls).all() and (found.controls <= 2).all()
    place = {name: index for index, name in enumerate(made["stimulus"].values)}
    for name, controls in zip(found.stimulus, found.controls, strict=True):
        assert controls == (kept[2:, place[name]] == 0).sum()
    assert (counted.of_category <= counted.stimuli).all() and (2 * counted.of_category >= counted.stimuli).all()
    assert (np.diff(counted.stimuli) <= 0).all()


def test_without_tasks_the_categories_are_those_of_effects():
    outcomes = studies.without_labels(studies.study(studies.BOTH))
    outcomes["decided"] = (("intervention", "stimulus"), (1 - outcomes["kept"].values).astype(np.int16))
    outcomes["decided"].attrs = {"flag_values": np.array([0, 1], dtype=np.int16), "flag_meanings": "yes no"}
    result = changes.measure({"one": outcomes}, {}, studies.SETTINGS, seed=0)
    expected = effects.measure(outcomes, {}, {"one": {}, "two": {}}, [], studies.SETTINGS, seed=0)
    for category in ("a", "x"):
        for outcome in ("kept", "kl"):
            for name in ("estimate", "low", "high"):
                found = number(result, name, category, outcome, "one")
                assert found == studies.value(expected, f"harm/one/{category}/raw", outcome, name)
            control = studies.value(expected, f"control/one/{category}/raw", outcome)
            assert number(result, "control", category, outcome, "one") == pytest.approx(control)
            p = studies.value(expected, f"advantage/one/{category}/raw", outcome, "p")
            assert number(result, "p", category, outcome, "one") == p
    assert np.isnan(result["estimate"].sel(outcome="correct")).all() and np.isnan(result["intact"]).all()


def test_accuracy_is_that_of_the_stimuli_where_they_have_labels():
    outcomes = studies.study(studies.BOTH)
    outcomes["decided"] = (("intervention", "stimulus"), (1 - outcomes["kept"].values).astype(np.int16))
    outcomes["decided"].attrs = {"flag_values": np.arange(4, dtype=np.int16), "flag_meanings": "0 1 2 3"}
    result = changes.measure({"one": outcomes}, studies.TASKS, studies.SETTINGS, seed=0)
    a = outcomes["category"].values == "a"
    right = outcomes["correct"].values[:, a].mean(axis=1)
    assert result["intact"].sel(localizer_name="one", category="a").item() == pytest.approx(right[0])
    assert result["ablated"].sel(localizer_name="one", category="a").item() == pytest.approx(right[1])
    assert number(result, "estimate", "a", "correct", "one") == pytest.approx(right[0] - right[1])
    drawn = right[0] - right[2 : 2 + studies.CONTROLS]
    assert number(result, "p", "a", "correct", "one") == pytest.approx(
        (1 + (drawn >= right[0] - right[1] - 1e-9).sum()) / (1 + studies.CONTROLS)
    )
    assert bool(result["named"])


def test_some_stimuli_of_a_category_without_a_label_have_no_accuracy():
    outcomes = studies.study(studies.BOTH)
    outcomes["decided"] = (("intervention", "stimulus"), (1 - outcomes["kept"].values).astype(np.int16))
    outcomes["decided"].attrs = {"flag_values": np.arange(2, dtype=np.int16), "flag_meanings": "0 1"}
    outcomes["correct"][:, 0] = -1
    result = changes.measure({"one": outcomes}, studies.TASKS, studies.SETTINGS, seed=0)
    assert np.isnan(number(result, "estimate", "a", "correct", "one")) and np.isnan(result["intact"].values[0, 0])
    assert np.isfinite(number(result, "estimate", "b", "correct", "one"))


def test_where_a_mask_is_kept_fewer_changes_count():
    everything = dict.fromkeys(range(FACES + OBJECTS), BELT)
    made = changing.outcomes("faces", {0: BELT}, [everything] * CONTROLS, value="keep")
    result = changing.measured({"faces": made})
    assert number(result, "p", "") == pytest.approx(1 / 21)
    assert result["replaced_by"].values.tolist() == ["keep"]


def test_other_controls_and_readouts_are_left_alone():
    plain = changing.planted()["faces"]
    more = plain.isel(intervention=[2]).assign_coords(intervention=["faces/bottom"], kind=("intervention", ["bottom"]))
    more["decided"][:] = CAT
    more["kept"][:] = 0
    both = xr.concat([plain, more], "intervention", coords="minimal", compat="override", data_vars="minimal")
    both["readout_correct"] = (("readout", "intervention", "stimulus"), both["correct"].values[None])
    both = both.assign_coords(readout=["faces"])
    xr.testing.assert_identical(changing.measured({"faces": both}), changing.measured({"faces": plain}))


def test_the_order_of_runs_and_stimuli_does_not_matter():
    plain = changing.planted()["faces"]
    turned = plain.isel(intervention=np.r_[0, 5, 1:5, 6 : 2 + CONTROLS], stimulus=np.arange(100)[::-1])
    xr.testing.assert_identical(changing.measured({"faces": turned}), changing.measured({"faces": plain}))


def test_very_many_changes_are_counted_and_the_first_listed(monkeypatch):
    monkeypatch.setattr("deeplocalizer.changes.table.LISTED", 4)
    result = changing.measured()
    assert result.sizes["change"] == 4 and result["changed"].values.tolist() == [16, 0]
    assert result.sizes["transition"] == 3
    assert "the first 4 are listed" in result["changed"].attrs["long_name"]


@pytest.mark.parametrize("of", ["{}", "LABEL_{}", "class {}"])
def test_outputs_without_names_are_told_apart(of):
    numbers = [of.format(place) for place in range(1000)]
    result = changing.measured({"faces": changing.outcomes("faces", {0: BELT}, names=numbers)})
    assert not bool(result["named"]) and int(result["outputs"]) == 1000
    assert result["change_after"].values.tolist() == [of.format(BELT)]
    assert bool(changing.measured()["named"])


def test_it_can_be_saved_without_any_change(tmp_path):
    nothing = {name: changing.outcomes(name) for name in ("faces", "objects")}
    for number, parts in enumerate((nothing, changing.planted())):
        result = changing.measured(parts)
        for name, variable in result.variables.items():
            assert {"long_name", "comment"} & set(variable.attrs) or name == "localizer_name", name
        store.save(provenance.stamp(result, "changes", "Changes", {}), tmp_path / f"{number}.nc")
        again = store.open(tmp_path / f"{number}.nc", "changes")
        assert again.sizes["change"] == (0, 16)[number]
        assert again["change_stimulus"].values.astype(str).tolist() == result["change_stimulus"].values.tolist()


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="no variable 'decided'"):
        changing.measured({"faces": changing.planted()["faces"].drop_vars("decided")})
    with pytest.raises(ValueError, match="no control of kind 'random_response'"):
        changing.measured(matching="response")
    with pytest.raises(ValueError, match="localizer 'objects' are of other stimuli"):
        parts = changing.planted()
        changing.measured(parts | {"objects": parts["objects"].isel(stimulus=slice(1, None))})
    with pytest.raises(ValueError, match="is of the split 'select'"):
        made = changing.planted()["faces"]
        made["split"][3] = "select"
        changing.measured({"faces": made})
    with pytest.raises(ValueError, match="no outcomes"):
        changes.measure({}, {}, SETTINGS, seed=0)


def test_random_masks_are_averaged_a_few_at_a_time_and_other_variables_are_not_asked_for(monkeypatch):
    """A thousand masks of a hundred thousand stimuli would be gigabytes at once: no more than asked for are held."""
    expected = changing.measured()
    seen = []
    harms = Sample.harms
    monkeypatch.setattr(Sample, "harms", lambda self, name, rows: seen.append(len(rows)) or harms(self, name, rows))
    monkeypatch.setattr(changes.shares, "BLOCK", 3 * (FACES + OBJECTS))
    only = {name: one[list(changes.ASKED)] for name, one in changing.planted().items()}
    xr.testing.assert_identical(changing.measured(only), expected)
    assert max(seen) == 3 * (FACES + OBJECTS) // FACES  # of the smallest category
