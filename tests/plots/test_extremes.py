"""The images at either end of the best units' responses."""

import io
import itertools

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from deeplocalizer import extremes as room
from deeplocalizer import units
from deeplocalizer.plots import drawing, extremes
from deeplocalizer.stimuli.table import encoded
from tests import extremal
from tests.plots.conftest import artists, texts

SIDES = extremal.SIDES


@pytest.fixture(scope="module")
def made():
    return extremal.noise()


@pytest.fixture(scope="module")
def stimuli(made):
    return extremal.pictured(made)


@pytest.fixture(scope="module")
def found(made):
    return room.find(made, extremal.two(made), SIDES, best=3, ranks=4)


def test_every_image_stands_in_its_place_with_its_response_and_side(found, stimuli):
    drawn = artists(extremes.draw(found, stimuli))
    position = {name: i for i, name in enumerate(stimuli["stimulus"].values)}
    count = 0
    for contrast in SIDES:
        for _, one in room.shown(found, contrast).groupby("unit", squeeze=False):
            for side in ("highest", "lowest"):
                for rank in (1, 2, 3, 4):
                    cell = one.sel(side=side, rank=rank).isel(unit=0)
                    gid = f"{contrast}/{int(cell['best'])}/{side}/{rank}"
                    file = encoded(stimuli, position[str(cell["extreme"].values)])
                    picture = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
                    np.testing.assert_array_equal(drawn[f"image/{gid}"].get_array(), picture)
                    assert drawn[f"response/{gid}"].get_text() == extremes.short(float(cell["response"]))
                    compared = int(cell["compared"].sel(category=cell["extreme_category"].values))
                    frame = drawn[f"frame/{gid}"]
                    assert drawing_color(frame) == extremes.FRAMES[compared]
                    left, right, _, _ = drawn[f"image/{gid}"].get_extent()
                    assert frame.get_x() == pytest.approx(left) and frame.get_width() == pytest.approx(right - left)
                    count += 1
    assert count == 3 * 2 * 4 == sum(gid.startswith("image/") for gid in drawn)


def drawing_color(patch):
    from matplotlib.colors import to_hex

    return {to_hex(color): color for color in extremes.FRAMES.values()}[to_hex(patch.get_edgecolor())]


def test_units_are_named_with_what_is_known_of_them(found, stimuli):
    shown = texts(extremes.draw(found, stimuli))
    one = room.shown(found, "faces").isel(unit=0)
    assert {"faces", "digits", "fc:0", "fc:1", "fc:2", "preferred categories", "not compared"} <= set(shown)
    assert f"d = 3.00, AUROC {float(one['auroc']):.2f}" in shown
    unknown = found.assign(auroc=xr.full_like(found["auroc"], np.nan))
    assert not any("nan" in text.lower() for text in texts(extremes.draw(unknown, stimuli)))


def test_images_of_real_people_are_not_drawn(found, stimuli, tmp_path):
    figure = extremes.draw(found, stimuli, ["faces"])
    drawn = artists(figure)
    kinds = found["extreme_category"]
    for gid in (gid.removeprefix("frame/") for gid in drawn if gid.startswith("frame/")):
        contrast, best, side, rank = gid.split("/")
        kind = kinds.sel(contrast=contrast, best=int(best), side=side, rank=int(rank))
        assert (f"withheld/{gid}" in drawn) == (kind == "faces") == (f"image/{gid}" not in drawn)
    assert texts(figure).count("faces") == 1 + int((kinds == "faces").sum())
    assert extremes.WITHHELD in texts(figure)
    assert extremes.WITHHELD not in texts(extremes.draw(found, stimuli))


def test_ties_are_told_once(made, stimuli):
    dull = made.copy(deep=True)
    dull["activation"][:, 0] = (made["category"] == "faces") * 2.5
    one = room.find(dull, extremal.two(dull), SIDES, best=3, ranks=4)
    drawn = artists(extremes.draw(one, stimuli))
    assert drawn["response/faces/1/highest"].get_text() == "2.50 each; 16 more tie"
    assert drawn["response/faces/1/lowest"].get_text() == "0.00 each; 36 more tie"
    assert "response/faces/1/lowest/1" not in drawn and "response/faces/2/lowest/1" in drawn


def test_a_contrast_that_nothing_prefers_says_so(made, stimuli):
    nothing = extremal.contrasted(made, {"faces": [-1] * 8, "digits": [-1, 2, *[-1] * 6]})
    shown = texts(extremes.draw(room.find(made, nothing, SIDES), stimuli))
    assert shown.count("No unit prefers these categories.") == 1
    unstored = room.find(made.isel(unit=[]), extremal.two(made), SIDES)
    assert sum("not stored" in text for text in texts(extremes.draw(unstored, stimuli))) == 2


@pytest.mark.parametrize("count", [1, 6])
def test_long_names_and_many_contrasts_fit(made, stimuli, count, tmp_path):
    layers = [units.Layer("vision_model.encoder.layers.11.self_attn.out_proj_of_the_block", 0, (2, 2, 2))]
    odd = extremal.recorded(made["activation"].values, made["category"].values, layers=layers, reductions=["position"])
    names = [f"a_rather_long_name_of_contrast_{i}" for i in range(count)]
    d = {name: np.linspace(0.1, 1, 8) for name in names}
    result = room.find(odd, extremal.contrasted(odd, d), {name: SIDES["faces"] for name in names})
    figure = extremes.draw(result, stimuli)
    figure.draw_without_rendering()
    rows = {gid.rsplit("/", 2)[0] for gid in artists(figure) if gid.startswith("image/")}
    assert len(rows) == (5 if count == 1 else 12)
    # names end before the images begin, and panels do not overlap
    for panel in figure.axes:
        images = min(image.get_window_extent().x0 for image in panel.images)
        labels = [text for text in panel.texts if text.get_position()[0] == 0]
        assert labels and max(label.get_window_extent().x1 for label in labels) <= images
        for above, below in itertools.pairwise(labels):
            assert above.get_window_extent().y0 >= below.get_window_extent().y1 - 1
    boxes = [panel.get_tightbbox() for panel in figure.axes]
    assert all(above.y0 >= below.y1 for above, below in itertools.pairwise(boxes))
    assert figure.get_size_inches()[0] == pytest.approx(drawing.WIDTH)


def test_names_are_broken_where_they_may_be():
    assert extremes._lines("conv2:14") == ["conv2:14"]
    assert extremes._lines("layer4.2.bottleneck.conv2:114") == ["layer4.2.bottleneck.", "conv2:114"]
    for name in ("x" * 30, "a.very.long.name" * 10):
        lines = extremes._lines(name)
        assert len(lines) == 2 and max(map(len, lines)) <= extremes.LINE
        assert lines[0][0] == name[0] and lines[1][-5:] == name[-5:]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"),
        (3.14159, "3.14"),
        (-12.34, "−12.3"),
        (1234.5, "1234"),
        (2.5e7, "2e7"),
        (-3e-5, "−3e−5"),
        (0.006, "0.01"),
    ],
)
def test_responses_are_short(value, text):
    assert extremes.short(value) == text


@pytest.mark.slow
def test_very_many_photographs_make_no_large_file(tmp_path):
    made = extremal.noise(count=120)
    names = [f"c{i}" for i in range(8)]
    result = room.find(
        made, extremal.contrasted(made, {name: np.arange(1, 9) for name in names}), {n: SIDES["faces"] for n in names}
    )
    drawing.save(extremes.draw(result, extremal.pictured(made, (60, 45))), tmp_path / "e.svg", "Extremes")
    # noise does not shrink, so this is the largest that it can be
    assert (tmp_path / "e.svg").stat().st_size < 1.5e6


def test_a_file_is_the_same_every_time(found, stimuli, tmp_path):
    for name in ("one.svg", "two.svg"):
        drawing.save(extremes.draw(found, stimuli), tmp_path / name, "Extremes")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_what_is_no_image_or_not_there_is_named(found, stimuli):
    name = str(found["extreme"].values[0, 0, 0, 0])
    text = stimuli["modality"].where(stimuli["stimulus"] != name, "text")
    with pytest.raises(ValueError, match=f"stimulus '{name}' is of the modality 'text'; expected an image"):
        extremes.draw(found, stimuli.assign_coords(modality=text))
    with pytest.raises(ValueError, match=f"stimulus '{name}' is not in the table"):
        extremes.draw(found, stimuli.isel(stimulus=stimuli["stimulus"].values != name))
