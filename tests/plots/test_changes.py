"""The images that change their label are shown with the label before and after."""

import io

import numpy as np
import pytest
from PIL import Image

from deeplocalizer.plots import changes, drawing
from deeplocalizer.stimuli.table import encoded
from tests import changing
from tests.plots.conftest import artists, texts


@pytest.fixture(scope="module")
def stimuli():
    return changing.pictures()


@pytest.fixture(scope="module")
def found():
    return changing.measured()


def shown(figure, localizer):
    marks = artists(figure)
    return [name.split("/")[2] for name in marks if name.startswith(f"change/{localizer}/")]


def test_the_most_specific_images_are_shown_with_their_labels(stimuli, found):
    figure = changes.draw(found, stimuli)
    expected = found["change_stimulus"].values[:12].tolist()
    assert sorted(shown(figure, "faces")) == sorted(expected)
    marks = artists(figure)
    row = {name: index for index, name in enumerate(stimuli["stimulus"].values)}
    for name in expected:
        picture = np.asarray(Image.open(io.BytesIO(encoded(stimuli, row[name]))).convert("RGB"))
        np.testing.assert_array_equal(marks[f"change/faces/{name}"].get_array(), picture)
        left, right, bottom, top = marks[f"change/faces/{name}"].get_extent()
        assert (bottom - top) / (right - left) == pytest.approx(2)
    words = [text.get_text() for text in marks["changes/faces"].texts]
    befores = [changes.short(label) for label in found["change_before"].values[:12]]
    afters = [f"→ {changes.short(label)}" for label in found["change_after"].values[:12]]
    assert words[1:] == [word for pair in zip(befores, afters, ["random 0 %"] * 12, strict=True) for word in pair]
    assert "16 of 100 images change their label (16.0 %; random masks: 0.6 %)" in texts(figure)


def test_where_none_changes_it_is_said(stimuli, found):
    figure = changes.draw(found, stimuli)
    assert "no image changes its label" in texts(figure)
    assert not shown(figure, "objects")
    nothing = changing.measured({"faces": changing.outcomes("faces")})
    assert texts(changes.draw(nothing, stimuli)).count("no image changes its label") == 1


def test_the_share_of_random_masks_is_that_of_the_image(stimuli):
    made = changing.measured({"faces": changing.outcomes("faces", {0: changing.BELT}, changing.RANDOM)})
    words = texts(changes.draw(made, stimuli))
    assert {"wig", "→ seat belt", "random 35 %"} <= set(words)


def test_withheld_images_have_a_placeholder_and_leave_room_for_others(stimuli):
    # a dozen of faces, and as many objects that more random masks change
    moved = dict.fromkeys([*range(12), *range(changing.FACES, changing.FACES + 12)], changing.CAT)
    random = [dict.fromkeys(range(changing.FACES, changing.FACES + 12), changing.CAT)]
    found = changing.measured({"faces": changing.outcomes("faces", moved, random)})
    figure = changes.draw(found, stimuli, ["faces"])
    marks, names = artists(figure), shown(figure, "faces")
    faces = [name for name in names if int(name[-3:]) < changing.FACES]
    assert len(faces) == 6 and len(names) == 12
    assert not any(hasattr(marks[f"change/faces/{name}"], "get_array") for name in faces)
    assert texts(figure).count("not shown") == 6
    assert any(changes.WITHHELD in text for text in texts(figure))
    # of faces alone, there is nothing else to show
    alone = changing.measured({"faces": changing.outcomes("faces", dict.fromkeys(range(12), changing.CAT))})
    assert texts(changes.draw(alone, stimuli, ["faces"])).count("not shown") == 12
    assert not any(changes.WITHHELD in text for text in texts(changes.draw(found, stimuli)))


def test_a_mask_that_is_kept_is_called_so(stimuli):
    found = changing.measured({"faces": changing.outcomes("faces", changing.PLANTED, value="keep")})
    assert "nothing but faces units kept" in {axes.get_title(loc="left") for axes in changes.draw(found, stimuli).axes}


@pytest.mark.parametrize("localizers", [1, 8])
def test_words_do_not_overlap(stimuli, localizers):
    names = [f"an_output_with_a_very_long_name_{place}" for place in range(1000)]
    parts = {
        name: changing.outcomes(name, changing.PLANTED, changing.RANDOM, names=names)
        for name in [f"localizer_{number}" for number in range(localizers)]
    }
    figure = changes.draw(changing.measured(parts), stimuli)
    with drawing.style():
        figure.draw_without_rendering()
    boxes = [text.get_window_extent() for axes in figure.axes for text in axes.texts]
    boxes += [axes.title.get_window_extent() for axes in figure.axes]
    pictures = [image.get_window_extent() for axes in figure.axes for image in axes.images]
    for place, one in enumerate(boxes):
        assert one.x0 >= 0 and one.x1 <= figure.bbox.x1 and one.y0 >= 0
        assert not any(one.overlaps(other) for other in [*boxes[place + 1 :], *pictures] if other.width)
    assert len(pictures) == (12 if localizers == 1 else 8 * changes.COLUMNS)


def test_labels_fit_beneath_an_image():
    assert changes.short("seat belt, seatbelt") == "seat belt"
    assert changes.short("face_mask") == "face mask"
    assert changes.short("tabby, tabby cat") == "tabby, tabby cat"
    assert changes.short("an_output_with_a_very_long_name") == "an output with a…"
    assert all(len(changes.short("x" * n)) <= changes.LETTERS for n in range(40))


def test_an_image_that_is_not_there_is_named(stimuli, found):
    with pytest.raises(ValueError, match=r"image 'image-\d+' changes its label and is not among the stimuli"):
        changes.draw(found, stimuli.isel(stimulus=slice(0, 0)))


def test_a_file_is_the_same_every_time(stimuli, found, tmp_path):
    for name in ("one.svg", "two.svg"):
        drawing.save(changes.draw(found, stimuli), tmp_path / name, "Changes")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
