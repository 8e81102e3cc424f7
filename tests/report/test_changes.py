"""The sentences and tables on labels that change follow the numbers."""

import re

import numpy as np
import pytest

from deeplocalizer import changes as room
from deeplocalizer.report import categories, changes, transitions
from deeplocalizer.report.study import Study
from tests import changing
from tests.changing import BELT, CAT, CONTROLS, FACES, OBJECTS
from tests.effects import studies as planted
from tests.report.studies import spoken
from tests.report.test_tables import cells

EVERYTHING = dict.fromkeys(range(FACES + OBJECTS), BELT)


def study(tasks=(), kinds=("objects", "faces"), confidence=0.95):
    """Configure as much as these sentences need."""
    config = {
        "tasks": {task: [] for task in tasks},
        "inference": {"alpha": 0.05, "confidence": confidence},
        "stimuli": {"categories": {kind: {} for kind in kinds}},
    }
    return Study(config, None, (), (), ())


def measured(target=None, random=None, **more):
    return changing.measured({"faces": changing.outcomes("faces", target, random, **more)})


def told(found, of=None):
    return spoken(changes.sentence(of or study(), found))


def test_what_changes_is_told_with_what_random_masks_do():
    text = told(changing.measured())
    assert text.startswith("The label of an image is that with the highest of all 1,000 outputs of the network.")
    assert (
        "Silencing the *faces* units changes the label of 16 of 100 test images (16.0 % [10.0, 23.0]); the 20 random "
        "masks change 0.6 % on average (95 % of them 0.0 to 3.0). That is more than random masks change (*p* = 0.048)."
    ) in text
    assert (
        "it changes 37.5 % of the *faces* (random 0.9 %, *p* = 0.048) and 1.7 % of the *objects* (random 0.3 %, "
        "*p* = 0.14)."
    ) in text
    assert (
        "The most frequent change is *wig* → *seat belt, seatbelt* (14 images; 0.25 under a random mask). Of these 16 "
        "images, 14 change under no random mask."
    ) in text
    # nothing to compare where neither changes anything
    last = text.split("\n\n")[-1]
    assert last.endswith("none of the 100 test images (0.0 % [0.0, 3.6]); no random mask changes any.")


@pytest.mark.parametrize(
    ("target", "random", "value", "words"),
    [
        ({}, [EVERYTHING] * 20, "zero", "none of the 100 test images"),
        ({}, [EVERYTHING] * 20, "zero", "That is fewer than random masks change, not more (*p* = 1.00 for more)."),
        ({0: CAT}, [{0: CAT}] * 20, "zero", "That is not demonstrably more than random masks change (*p* = 1.00)."),
        ({0: CAT}, [{0: CAT}] * 20, "zero", "It changes from *wig* → *tabby, tabby cat*. It changes under some random"),
        ({0: CAT}, [], "zero", "It changes under no random mask."),
        (EVERYTHING, [], "zero", "changes the label of every one of the 100 test images (100.0 % [96.4, 100.0])"),
        (EVERYTHING, [], "zero", "All of these images change under no random mask."),
        ({0: CAT, 1: BELT}, [], "zero", "No two images change in the same way."),
        ({0: CAT, 1: CAT}, [], "zero", "All change from *wig* → *tabby, tabby cat* (2 images; 0.00 under"),
        ({0: CAT, 1: CAT}, [{0: CAT, 1: CAT}], "zero", "Each of these images changes under some random mask, too."),
        ({0: CAT}, [EVERYTHING] * 20, "keep", "Keeping nothing but the *faces* units changes the label of 1 of 100"),
        ({0: CAT}, [EVERYTHING] * 20, "keep", "That is fewer than random masks change (*p* = 0.048)."),
        (EVERYTHING, [{0: CAT}] * 20, "keep", "That is more than random masks change, not fewer (*p* = 1.00 for"),
        (EVERYTHING, [EVERYTHING] * 20, "keep", "not demonstrably fewer than random masks change (*p* = 1.00)."),
    ],
)  # fmt: skip
def test_sentences_follow_the_numbers(target, random, value, words):
    assert words in told(measured(target, random, value=value))


def test_a_single_random_mask_is_called_so():
    assert "the one random mask changes 1.0 %." in told(measured({}, [{0: CAT}], controls=1))
    assert "the random mask changes none." in told(measured({0: CAT}, controls=1))
    assert "It changes not under the random mask." in told(measured({0: CAT}, controls=1))


def test_outputs_without_names_are_told_by_their_numbers():
    names = [str(place) for place in range(1000)]
    text = told(measured({0: CAT}, names=names))
    assert "These outputs have no names and are told by their numbers, from 0." in text
    assert "*903* → *281*" in text
    assert "no names" not in told(measured({0: CAT}))
    assert "among the labels of its task." in told(measured({0: CAT}), study(tasks=["one"]))


def test_a_label_cannot_be_taken_for_markup():
    names = list(changing.NAMES)
    names[CAT] = "a*b_[c]<d>"
    found = measured({0: CAT}, names=names)
    assert r"→ *a\*b \[c\]\<d\>*" in told(found)
    assert "a*b_[c]&lt;d&gt;" in transitions.table(found)


def test_of_many_categories_those_with_most_changes_are_told():
    made = changing.outcomes("faces", {0: CAT, 1: CAT, 20: CAT, 41: CAT, 99: CAT})
    kinds = np.array([f"kind_{place // 20}" for place in range(100)], dtype=object)
    found = changing.measured({"faces": made.assign_coords(category=("stimulus", kinds))})
    text = told(found, study(kinds=[f"kind_{number}" for number in range(5)]))
    assert "it changes 10.0 % of the *kind 0*" in text
    assert "5.0 % of the *kind 2*" in text and "*kind 3*" not in text
    assert "and no more of the other 2 categories." in text
    one = changing.measured({"faces": made.assign_coords(category=("stimulus", np.full(100, "all of it", object)))})
    assert "By category" not in told(one, study(kinds=["all of it"]))


def test_transitions_are_listed_most_frequent_first():
    head, group, *rows = cells(transitions.table(changing.measured()))
    assert head == ["Before", "After", "Images", "Random", "Category"] and group == ["Faces units"]
    assert rows == [
        ["wig", "seat belt, seatbelt", "14", "0.25", "faces"],
        ["wig", "tabby, tabby cat", "1", "0.10", "faces"],
        ["teapot", "tabby, tabby cat", "1", "0.20", "objects"],
    ]
    mixed = cells(transitions.table(measured({0: CAT, 1: CAT, FACES: CAT})))
    assert ["wig", "tabby, tabby cat", "2", "0.00", "faces"] in mixed
    assert transitions.table(measured()) == ""


def test_a_transition_of_several_categories_says_of_how_many_the_most_are():
    made = changing.outcomes("faces", {0: CAT, 1: CAT, 2: CAT})
    kinds = made["category"].values.copy()
    kinds[2] = "objects"
    found = changing.measured({"faces": made.assign_coords(category=("stimulus", kinds))})
    assert cells(transitions.table(found))[-1][-1] == "faces (2 of 3)"


def test_what_is_left_out_is_counted():
    found = measured({place: place for place in range(25)})
    assert len(cells(transitions.table(found))) == 2 + transitions.MOST
    assert f"Left out are {25 - transitions.MOST} more of the faces units." in transitions.caption(found)
    assert "Left out" not in transitions.caption(changing.measured())


def test_the_table_of_categories_has_the_numbers_of_the_artefact():
    found = changing.measured()
    rows = cells(categories.table(study(), found))
    start = rows.index(["Faces units: label kept (%)"])
    # all first, then the order of the configuration
    assert [row[0] for row in rows[start + 1 : start + 4]] == [
        "All (100 test stimuli)", "Objects (60 test stimuli)", "Faces (40 test stimuli)",
    ]  # fmt: skip
    cell = found.sel(localizer_name="faces", category="faces", outcome="kept")
    low, high = (f"{100 * float(cell[name]):.1f}" for name in ("low", "high"))
    assert rows[start + 3][1:8] == ["100.0", "62.5", "37.5", f"[{low}, {high}]", "0.9", "[0.0, 2.5]", "0.048"]
    assert not any("decided right" in row[0] for row in rows)
    assert "right decisions" not in categories.caption(study(), found)
    assert "of changing more;" in spoken(categories.caption(study(), found))
    assert "of changing less;" in spoken(categories.caption(study(), measured(value="keep")))
    assert "its 90 % interval" in spoken(categories.caption(study(confidence=0.9), found))


def test_accuracy_has_rows_of_its_own_where_there_are_tasks():
    outcomes = planted.study(planted.BOTH)
    outcomes["decided"] = (("intervention", "stimulus"), (1 - outcomes["kept"].values).astype(np.int16))
    outcomes["decided"].attrs = {"flag_values": np.arange(2, dtype=np.int16), "flag_meanings": "a b"}
    found = room.measure({"one": outcomes}, planted.TASKS, planted.SETTINGS, seed=0)
    of = study(tasks=["ab", "xy"], kinds=["a", "b", "x", "y"])
    rows = cells(categories.table(of, found))
    row = rows[rows.index(["One units: decided right (%)"]) + 2]
    a = outcomes["category"].values == "a"
    intact, ablated = (100 * outcomes["correct"].values[place][a].mean() for place in (0, 1))
    assert row[:4] == ["A (30 test stimuli)", f"{intact:.1f}", f"{ablated:.1f}", f"{intact - ablated:.1f}"]
    assert "and of right decisions" in categories.caption(of, found)


def test_captions_and_alternative_text_name_what_is_shown():
    found = changing.measured()
    assert changes.alt(found) == (
        "Images whose label changes, with the label before and after; faces units: 16 images, most often from wig to "
        "seat belt, seatbelt; objects units: none"
    )
    assert "without the units of a localizer" in changes.figure_caption(found)
    assert "where nothing but the units of a localizer is kept" in changes.figure_caption(
        measured({0: CAT}, value="keep")
    )
    assert "there is none" in changes.figure_caption(measured())


@pytest.mark.parametrize("target", [{}, {0: CAT}, EVERYTHING])
@pytest.mark.parametrize("random", [[], [{1: CAT}], [EVERYTHING] * CONTROLS])
@pytest.mark.parametrize("value", ["zero", "keep"])
def test_no_number_that_is_none_reaches_the_page(target, random, value):
    found, of = measured(target, random, value=value), study()
    parts = [
        changes.sentence(of, found), transitions.table(found), transitions.caption(found), changes.alt(found),
        changes.figure_caption(found), categories.table(of, found), categories.caption(of, found),
    ]  # fmt: skip
    assert not re.search(r"\b(nan|inf|None|object)\b", " ".join(parts))


def test_plain_tables_have_every_number():
    found = changing.measured()
    listed, numbers = room.frames.stimuli(found), room.frames.categories(found)
    assert listed["stimulus"].tolist() == found["change_stimulus"].values.tolist()
    assert set(listed.columns) >= {"localizer", "category", "label", "before", "after", "controls", "same", "kl"}
    assert numbers["category"].tolist()[:2] == ["all", "all"] and not numbers["estimate"].isna().any()
    row = numbers[(numbers["localizer"] == "faces") & (numbers["category"] == "faces") & (numbers["outcome"] == "kept")]
    assert row["estimate"].item() == 15 / 40 and row["n"].item() == FACES
    assert len(room.frames.stimuli(measured())) == 0


def test_a_network_that_labels_all_images_alike_is_told_of():
    found = changing.measured()
    assert float(found["commonest_share"]) == OBJECTS / (FACES + OBJECTS)
    assert "one label" not in told(found)
    found["commonest_share"] = found["commonest_share"] * 0 + 1
    assert "gives 100.0 % of the test images one label, *teapot*" in told(found)
