"""Which class each stimulus has, by brute force, and classes that cannot be learned and tested."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import readout
from deeplocalizer.readout.questions import refuse
from tests.readout import made


@pytest.fixture(scope="module")
def known():
    return made.stimuli()


@pytest.mark.parametrize("column", ["category", "label", "group"])
def test_classes_are_a_column(known, column):
    found = readout.classes(made.readout(classes=column), known)
    assert found.tolist() == known[column].values.tolist()


def test_some_categories_alone_are_asked(known):
    found = readout.classes(made.readout(categories=["faces"]), known)
    expected = [a if b == "faces" else "" for a, b in zip(known["label"].values, known["category"].values, strict=True)]
    assert found.tolist() == expected


def test_one_attribute_is_asked_against_its_absence(known):
    found = readout.classes(made.readout(classes=["hat"]), known, known["has_attribute"])
    words = {1: "hat", 0: "not hat", -1: ""}
    assert found.tolist() == [words[value] for value in known["has_attribute"].sel(attribute="hat").values.tolist()]


def test_of_several_attributes_a_stimulus_has_just_one(known):
    found = readout.classes(made.readout(classes=["hat", "scarf"]), known, known["has_attribute"])
    expected = []
    for row in known["has_attribute"].sel(attribute=["hat", "scarf"]).values.tolist():
        expected.append({(1, 0): "hat", (0, 1): "scarf"}.get(tuple(row), ""))
    assert found.tolist() == expected
    assert {"hat", "scarf", ""} == set(expected)


def test_attributes_are_found_by_the_id_of_the_stimulus(known):
    shuffled = known["has_attribute"].isel(stimulus=np.random.default_rng(0).permutation(known.sizes["stimulus"]))
    one = made.readout(classes=["hat"])
    assert (readout.classes(one, known, shuffled) == readout.classes(one, known, known["has_attribute"])).all()
    with pytest.raises(ValueError, match="readout 'r': stimulus 's0000' is not among the attributes"):
        readout.classes(one, known, known["has_attribute"][1:], "r")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"classes": ["hta"]}, "readout 'r': no stimulus has the attribute 'hta'; did you mean hat?"),
        ({"classes": "hat"}, r"readout 'r': classes 'hat'; expected category, label, group, or .* a list: \[hat\]"),
        ({"categories": ["fcaes"]}, "readout 'r': no stimulus is of category 'fcaes'; did you mean faces?"),
    ],
)
def test_unknown_names_get_the_nearest_right_one(known, given, message):
    with pytest.raises(ValueError, match=message):
        readout.classes(made.readout(**given), known, known["has_attribute"], "r")


def test_attributes_that_are_not_there_are_named(known):
    with pytest.raises(ValueError, match=r"classes \['hat'\] are attributes, and none are given"):
        readout.classes(made.readout(classes=["hat"]), known)


def table(select, test, group=None):
    rows = [("select", one) for one in select] + [("test", one) for one in test]
    split, wanted = (np.array(column) for column in zip(*rows, strict=True))
    names = group or [f"g{i}" for i in range(len(rows))]
    return wanted, xr.Dataset(coords={"split": ("stimulus", split), "group": ("stimulus", names)})


@pytest.mark.parametrize(
    ("select", "test", "message"),
    [
        ("aaa", "aaa", r"it has 1 classes \(a\); expected 2 or more"),
        ("aaabbbccc", "ab", "class 'c' has stimuli in the select split and none in the test split"),
        ("aaabbb", "abc", "class 'c' has stimuli in the test split and none in the select split"),
        ("aaabb", "ab", r"class 'b' has 2 groups of stimuli in the select split \(2 stimuli\); expected 3 or more"),
    ],
)
def test_classes_that_cannot_be_learned_and_tested(select, test, message):
    wanted, known = table(select, test)
    with pytest.raises(ValueError, match=f"readout 'r': {message}"):
        refuse("r", wanted, known, made.readout(folds=3))


def test_stimuli_of_one_group_count_once():
    wanted, known = table("aaabbb", "ab", ["g", "g", "h", "i", "j", "k", "l", "m"])
    with pytest.raises(ValueError, match=r"class 'a' has 2 groups of stimuli in the select split \(3 stimuli\)"):
        refuse("r", wanted, known, made.readout(folds=3))


def test_two_folds_leave_none_to_choose_the_penalty_in():
    wanted, known = table("aaabbb", "ab")
    with pytest.raises(ValueError, match="readout 'r': 2 folds; expected 3 or more"):
        refuse("r", wanted, known, made.readout(folds=2))


def test_groups_that_never_cross_splits_cannot_be_decoded():
    known = made.stimuli(per_group=4)
    with pytest.raises(ValueError, match="A group never crosses splits.*draw the identities as label"):
        readout.fit(made.activations(known), known, {"identity": made.readout(classes="group")}, 0)
