"""What is said of the best units' images is what the artefact holds, whichever way it turns out."""

import re
from dataclasses import replace

import numpy as np
import pytest

from deeplocalizer import extremes
from deeplocalizer.report import examples
from tests import extremal
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows
from tests.report.test_tables import cells

SIDES = extremal.SIDES


@pytest.fixture(scope="module")
def study():
    one = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))))
    return replace(one, config=one.config | {"contrasts": SIDES})


def clean(text):
    """Refuse what must not reach the page."""
    assert not re.search(r"\b(nan|inf|None)\b|array|np\.", text), text
    return spoken(text)


def of(study, artefact, contrast):
    """Take the paragraph of a contrast."""
    parts = clean(examples.sentence(study, artefact)).split("\n\n")
    (found,) = [part for part in parts if part.startswith(f"In the contrast *{contrast}*")]
    return found


def planted(shift, count=90, best=3):
    """Find the extremes where units 0 to 2 respond more to faces, by so much each."""
    rng = np.random.default_rng(3)
    category = np.array(["faces", "objects", "digits"], dtype=object)[np.arange(count) % 3]
    values = rng.normal(size=(count, 4))
    values[:, :3] += np.asarray(shift) * (category == "faces")[:, None]
    made = extremal.recorded(values, category)
    d = {"faces": [3, 2, 1, -1], "digits": [-1, -1, -1, -1]}
    return extremes.find(made, extremal.contrasted(made, d), SIDES, best=best, ranks=5)


def test_preferred_images_at_the_top_and_others_at_the_bottom(study):
    told = of(study, planted((20, 20, 20)), "faces")
    assert (
        "faces make up 100 % of the 5 images that drive a unit most and 0 % of the 5 that drive it least (on average "
        "over the 3 units that prefer most); of all these images, they make up 33 %."
    ) in told
    assert "All 3 units prefer faces in these images, too (AUROC 1.00; all *p* < 0.001)." in told
    assert "no more often" not in told


def test_a_preference_of_some_units_is_told_of_those(study):
    artefact = planted((20, 0, 20))
    told = of(study, artefact, "faces")
    assert "Of the 3 units, 2 prefer faces in these images, too (AUROC from 0." in told
    assert "of `fc:1` this is not shown." in told
    assert "of `fc:1` and `fc:2` this" in of(study, planted((20, 0, 0)), "faces")
    assert "Of the 3 units, 1 prefers" in of(study, planted((20, 0, 0)), "faces")


def test_null_and_opposite_preferences_are_not_claimed(study):
    told = of(study, planted((0, 0, 0)), "faces")
    assert "That any of the 3 units prefers faces is not shown in these images (AUROC from 0." in told
    told = of(study, planted((-20, -20, -20)), "faces")
    assert "is not shown in these images (AUROC 0.00), and they tend to respond less to them." in told
    assert "faces make up 0 % of the 5 images that drive a unit most and 100 % of the 5 that drive it least" in told
    assert "The images that drive `fc:0`, `fc:1` and `fc:2` most are no more often faces than all images are." in told


def test_p_is_adjusted_for_the_units(study):
    artefact = planted((0, 0, 0))
    artefact["log10_p"].loc["faces"] = np.log10([0.02, 0.03, 0.9])
    assert "is not shown" in of(study, artefact, "faces")
    artefact["log10_p"].loc["faces"] = np.log10([0.01, 0.02, 0.9])
    assert "2 prefer faces in these images" in of(study, artefact, "faces")


def test_one_unit(study):
    told = of(study, planted((20, 0, 0), best=1), "faces")
    assert "5 images that drive unit `fc:0` most and 0 % of the 5 that drive it least; of all" in told
    assert "It prefers faces in these images, too (AUROC 1.00; *p* < 0.001)." in told
    opposite = of(study, planted((-20, 0, 0), best=1), "faces")
    assert "That the unit prefers faces is not shown in these images (AUROC 0.00), and it tends to respond" in opposite
    assert "The images that drive `fc:0` most are no more often faces" in opposite


def test_nothing_prefers_or_nothing_is_stored(study):
    assert of(study, planted((20, 20, 20)), "digits") == (
        "In the contrast *digits*, no unit prefers digits, so there are no images to show."
    )
    made = extremal.noise()
    some = extremes.find(made.isel(unit=[2]), extremal.two(made), SIDES)
    assert "1 unit that prefers more has no stored responses; the best of those with stored" in of(study, some, "faces")
    assert "no responses of the units that prefer digits were stored" in of(study, some, "digits")


def test_without_a_category_nothing_is_tested(study):
    made = extremal.noise()
    contrasts = extremal.two(made)
    for kept in (["faces"], ["faces", "digits"], ["objects"]):
        here = np.flatnonzero(np.isin(made["category"].values, kept))
        artefact = extremes.find(made.isel(stimulus=here), contrasts, SIDES)
        assert "cannot be tested: a category of the contrast is not among these images" in of(study, artefact, "faces")
        shown = cells(clean(examples.table(study, artefact)))
        assert shown[2][-2] == "–"


def test_very_few_images(study):
    made = extremal.noise()
    one = extremes.find(made.isel(stimulus=[0]), extremal.two(made), SIDES)
    told = of(study, one, "faces")
    assert "faces make up 100 % of the image that drives a unit most and 100 % of the one that drives it least" in told
    assert "(1 image)" in clean(examples.sentence(study, one))
    assert "in the split `select` (" in clean(examples.sentence(study, one))
    assert "the image of `select` that" in clean(examples.caption(study, one))


def test_the_table_lists_every_unit_with_its_numbers(study):
    artefact = planted((20, 1, 0))
    shown = cells(clean(examples.table(study, artefact)))
    heads = ["Unit", "d", "Preferred among the highest", "among the lowest", "among all", "AUROC", "p"]
    assert shown[0] == heads and shown[1] == ["faces"] and shown[5] == ["digits"]
    one = extremes.shown(artefact, "faces")
    for row, unit in zip(shown[2:5], (0, 1, 2), strict=True):
        cell = one.sel(unit=unit)
        high, low = (f"{100 * float(cell['share'].sel(side=side)):.0f} %" for side in ("highest", "lowest"))
        number = f"{float(cell['auroc']):.2f}"
        assert row[:6] == [f"fc:{unit}", f"{float(cell['d']):.2f}", high, low, "33 %", number]
    assert shown[2][6] == "< 0.001"
    assert shown[6] == ["–", "–", "–", "–", "33 %", "–", "–"]


def test_the_caption_speaks_of_ties_only_where_there_are(study):
    assert "tie" not in clean(examples.caption(study, planted((0, 0, 0))))
    made = extremal.recorded(np.zeros((30, 2)), ["faces", "objects", "digits"] * 10)
    dull = extremes.find(made, extremal.contrasted(made, {"faces": [1, 2], "digits": [1, 2]}), SIDES)
    assert "Where more images tie than can be shown" in clean(examples.caption(study, dull))
    told = of(study, dull, "faces")
    assert "faces make up 33 % of the 6 images" in told and "(AUROC 0.50)" in told
