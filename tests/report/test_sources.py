"""Where stimuli come from is told as it is configured and as it was drawn."""

import copy
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from deeplocalizer.report import limits, sources, tables
from deeplocalizer.report.shown import known
from tests import synthetic
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows

BIBLIOGRAPHY = Path(__file__).parents[2] / "report" / "references.bib"


def study(**changes):
    return studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))), **changes)


def of(name, **changes):
    """Give a study with the stimuli of a configuration of the project, and effects made by hand."""
    config = synthetic.published(name)
    config["stimuli"] |= changes
    parts = synthetic.drawn(config, 20)
    table = synthetic.stimuli(config, 20)
    origins = {"faces": {"repository": "tpremoli/CelebA-attrs", "revision": "c0ffee"}}
    assert set(parts) == {"faces", "objects"}
    one = study()
    return replace(one, config=one.config | {"stimuli": config["stimuli"]}, images=known(table, origins))


@pytest.fixture(scope="module")
def paper():
    return of("config")


@pytest.fixture(scope="module")
def legacy():
    return of("legacy")


def test_faces_of_celeba(paper, legacy):
    text = sources.described(paper, "faces")
    assert "CelebA [@liu2015], from the data set `tpremoli/CelebA-attrs`" in text
    assert "(commit `c0ffee`)" in text
    assert "`localize` from `train`, `select` from `validation` and `test` from `test`" in text
    # the study has no split `train`
    assert "`train` from" not in text
    assert "no person being in two of them" in text
    text = sources.described(legacy, "faces")
    assert "its split `test`" in text and "person" not in text
    changed = copy.deepcopy(legacy.config)
    changed["stimuli"]["categories"]["faces"] |= {"exclude": ["Eyeglasses", "Wearing_Hat"], "require": ["Smiling"]}
    text = sources.described(replace(legacy, config=changed), "faces")
    assert "without images that have the attribute Eyeglasses or Wearing Hat" in text
    assert "only images that have the attribute Smiling" in text


def test_objects_of_coco(paper, legacy):
    text = sources.described(paper, "objects")
    assert (
        "Microsoft COCO [@lin2014], of its split `validation` and, as far as these did not suffice, of `train`" in text
    )
    # what was asked for, where it is not known what was found
    assert "036f3f8291db64d17faad9b09e59dd30bb65c4d7" in text
    assert "without photographs in which COCO marks a person" in text
    assert sources.described(legacy, "objects").endswith("whatever they show")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"source": "folder", "path": "cats", "group_by": "none"}, "image files of `cats`"),
        (
            {"source": "folder", "path": ["cats", "more/cats"], "group_by": "folder"},
            "image files of `cats` and `more/cats`; files of one subfolder are a group",
        ),
        (
            {"source": "folder", "path": "cats", "group_by": "(\\d+)_"},
            "image files of `cats`; files whose names agree in `(\\d+)_` are a group",
        ),
        (
            {"source": "table", "path": "all.csv", "where": {"kind": ["cat", "kitten"], "age": 3}, "columns": {}},
            "images that `all.csv` lists, of those rows in which `kind` is `cat` or `kitten` and `age` is `3`",
        ),
        (
            {"source": "hub", "repository": "a/b", "revision": "main", "configuration": "", "subset": "train"},
            "images of the data set `a/b` on the Hugging Face Hub (commit `main`), its split `train`",
        ),
        ({"source": "holiday_pictures"}, "source `holiday_pictures`"),
    ],
)
def test_the_researchers_own(settings, words):
    one = study()
    one.config["stimuli"]["categories"]["faces"] = settings
    assert sources.described(one, "faces") == words


def test_what_was_made_alike(paper, legacy):
    text = sources.matching(paper)
    steps = (
        "cut to their central square, brought down to 128 pixels at the shorter side, given the same mean and standard"
    )
    assert f"all images were {steps}" in text
    assert text.index("luminance") < text.index("saved as JPEG of quality 90")
    assert "grey" not in text
    text = sources.matching(legacy)
    assert text.startswith("The images of *faces* alone were saved as JPEG of quality 75")
    assert "Nothing else was made alike" in text
    assert sources.matching(study()).startswith("Nothing was made alike")


def test_who_dealt_the_splits(paper, legacy):
    assert sources.own_splits(paper) == ["faces"]
    text = spoken(sources.dealing(paper))
    assert "Images of *faces* are in the split to which their source assigns them." in text
    assert "Those of *objects* were dealt at random (seed 0) into the splits `localize` (50 %)" in text
    text = spoken(sources.dealing(legacy))
    assert "Each category was dealt at random" in text and "66.6667 %" in text
    one = study()
    assert "label by label" in sources.dealing(one)
    assert "was not used" not in sources.dealing(one)
    one.config["stimuli"]["splits"] = {"localize": 0.5, "test": 0.25}
    assert "the rest was not used" in sources.dealing(one)
    for category in one.config["stimuli"]["categories"].values():
        category["columns"] = {"split": "part"}
    assert "dealt at random (seed 0) into 4 folds" in sources.dealing(one)


def test_nothing_is_left_out_in_silence(paper):
    assert "had to be left out" in sources.left_out(study())
    text = spoken(sources.left_out(paper))
    # of 60 that were asked for there are 20: nothing took the places
    assert text == "3 images of objects that were drawn were left out; @tbl-refused says why."
    columns = {"category": "objects", "id": "a", "reason": "b"}
    one = replace(paper, images=replace(paper.images, refused=pd.DataFrame([columns])))
    one.config["stimuli"]["categories"]["objects"]["count"] = 20
    text = spoken(sources.left_out(one))
    assert text == "1 image of objects that was drawn was left out; @tbl-refused says why. Another took its place."
    two = pd.DataFrame([columns, columns | {"category": "faces"}])
    text = spoken(sources.left_out(replace(paper, images=replace(paper.images, refused=two))))
    assert "2 images that were drawn were left out (1 of objects and 1 of faces)" in text


def test_only_the_first_of_many_are_listed(paper):
    many = pd.DataFrame([{"category": "objects", "id": f"<{i}>", "reason": "why"} for i in range(57)])
    html = tables.refused(replace(paper, images=replace(paper.images, refused=many)))
    assert html.count("<tr>") == 1 + tables.REFUSED
    assert "&lt;19&gt;" in html and "&lt;20&gt;" not in html


def test_terms_of_use(paper):
    text = sources.terms(paper)
    assert "non-commercial research and must not be redistributed" in text
    assert "this report shows none of them" in text
    assert "the terms of every image" in text
    shown = paper.config | {"report": {"identifiable": True}}
    assert "shows none" not in sources.terms(replace(paper, config=shown))
    assert sources.terms(study()) == "The sources name no terms of use for single images."
    assert tables.licences(study()) == ""
    table = paper.stimuli.copy()
    table.loc[table["category"] == "faces", "licence"] = ""
    some = replace(paper, images=replace(paper.images, table=table))
    assert "the terms of 20 of the 40 images" in spoken(sources.terms(some))
    html = tables.licences(some)
    assert html.index("CC BY 2.0") < html.index("not known")
    assert re.findall(r">(\d+)</td>", html) == ["0", "10", "0", "10", "20", "0"]


def test_attributes_are_counted_by_vocabulary(paper):
    assert "40 of the vocabulary `celeba` and 80 of the vocabulary `coco`" in sources.attributes(paper)
    assert sources.attributes(study()) == ""


def test_people_among_the_objects_and_histories_are_limits(paper, legacy):
    text = spoken("\n".join(limits.write(legacy)))
    number = int(legacy.images.attributes["objects"]["person"])
    assert number > 0
    assert f"COCO marks a person in {number} of the 20 images of *objects*" in text
    assert "**Compression.** Images of *faces* alone" in text
    assert "The data do not name the people that CelebA shows" in text
    assert "objects of various sizes" in text
    text = spoken("\n".join(limits.write(paper)))
    for word in ("People", "Compression", "Groups that are not known", "Formats"):
        assert f"**{word}.**" not in text
    one = study()
    one.config["stimuli"]["categories"]["digits"] = {"source": "folder", "path": "cats"}
    assert "No groups are known of *digits*" in "\n".join(limits.write(one))


def test_every_citation_is_in_the_bibliography(paper):
    bibliography = BIBLIOGRAPHY.read_text()
    text = " ".join([*(sources.described(paper, name) for name in ("faces", "objects")), sources.matching(paper)])
    cited = re.findall(r"@([a-z]+\d{4})", text)
    assert len(cited) == 3
    for key in cited:
        assert f"{{{key}," in bibliography
