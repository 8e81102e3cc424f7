"""Names as long as sentences stay inside a figure, and apart from each other."""

import pytest
from matplotlib.text import Text

from deeplocalizer.plots import confounds as confounds_figure
from deeplocalizer.plots import curves, dissociation, drawing, labels, reliability
from deeplocalizer.plots import effects as effects_figure
from deeplocalizer.plots import masks as masks_figure
from tests.plots import makers
from tests.plots.test_confounds import study

LONG = {
    "faces": "faces_rather_than_objects_or_scenes",
    "digits": "digits_rather_than_anything_else_here",
    "face_detection": "detection_of_faces_among_all_objects",
    "digit_recognition": "recognition_of_all_the_handwritten_digits",
    "scrambled_faces": "scrambled_pieces_of_many_faces",
}
OWN = {LONG["faces"]: LONG["face_detection"], LONG["digits"]: LONG["digit_recognition"]}


def renamed(dataset):
    """Give everything a long name."""
    words = {name: one for name, one in dataset.coords.items() if one.dtype.kind in "OUT" and name != "stimulus"}
    return dataset.assign_coords(
        {name: (one.dims, [LONG.get(str(word), str(word)) for word in one.values]) for name, one in words.items()}
    )


def confounded():
    measured, compared = study(["faces", "scrambled_faces", "objects"], 12)
    compared = compared.assign_coords(contrast=["a_contrast_of_a_rather_long_description"] * compared.sizes["contrast"])
    return confounds_figure.draw(renamed(measured), compared)


FIGURES = {
    "confounds": lambda masks, effects: confounded(),
    "masks": lambda masks, effects: masks_figure.draw(renamed(masks)),
    "effects": lambda masks, effects: effects_figure.draw(renamed(effects), "correct", OWN),
    "dissociation": lambda masks, effects: dissociation.draw(renamed(effects), "correct", OWN),
    "curves": lambda masks, effects: curves.draw(renamed(makers.curves()), "correct", OWN),
    "reliability": lambda masks, effects: reliability.draw(renamed(makers.reliability())),
}


@pytest.mark.parametrize("name", FIGURES)
def test_long_names_are_inside_and_apart(name, masks, effects):
    figure = FIGURES[name](masks, effects)
    with drawing.style():
        figure.draw_without_rendering()
    # numbers at the ends of axes that are hidden have no place
    shown = [text for text in figure.findobj(Text) if any(letter.isalpha() for letter in text.get_text())]
    boxes = {text: text.get_window_extent() for text in shown if text.get_visible()}
    assert len(boxes) > 4
    for text, box in boxes.items():
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1
        assert inside, text.get_text()
    titles = [box for text, box in boxes.items() if text.get_fontweight() == "bold"]
    for place, one in enumerate(titles):
        assert not any(one.overlaps(other) for other in titles[place + 1 :])


def test_lines_are_as_long_as_they_may_be():
    assert drawing.wrapped("faces rather than objects", 13) == "faces rather\nthan objects"
    assert drawing.wrapped("x" * 25, 10) == "x" * 10 + "\n" + "x" * 10 + "\n" + "x" * 5
    assert drawing.wrapped("", 10) == ""
    assert drawing.deepest(["a", "a\nb\nc"]) == 2
    assert drawing.deepest([]) == 0


@pytest.mark.parametrize("letters", range(5, 30))
def test_the_middle_of_a_name_is_cut(letters):
    name = LONG["digit_recognition"]
    cut = labels.cut(name, letters)
    assert len(cut) == letters and "…" in cut
    assert name.startswith(cut.split("…")[0]) and name.endswith(cut.split("…")[1])
    assert labels.cut("short", 5) == "short"
