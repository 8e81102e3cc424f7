"""After matching, images differ in nothing that they were matched in."""

import io
import logging

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from deeplocalizer.stimuli.images import decode, encode_png
from deeplocalizer.stimuli.matching import match, resave
from deeplocalizer.stimuli.record import Record

PHOTOGRAPHS = ("coffee", "rocket", "astronaut", "chelsea")


def patches(name, number, side=(48, 48), seed=0):
    """Cut colour patches from a photograph that scikit-image ships."""
    photograph, rng = getattr(skimage.data, name)(), np.random.default_rng(seed)
    for _ in range(number):
        top, left = (int(rng.integers(whole - part)) for whole, part in zip(photograph.shape, side, strict=False))
        yield photograph[top : top + side[0], left : left + side[1]]


def records(prefix, pictures):
    return [Record(f"{prefix}/{i}", encode_png(np.ascontiguousarray(p)), "made") for i, p in enumerate(pictures)]


@pytest.fixture(scope="module")
def study():
    """Dark and bright patches of several sizes, as many of one category as not of the other."""
    dark = [picture // 2 for picture in patches("rocket", 3)]
    bright = [picture // 2 + 120 for picture in patches("coffee", 9, (60, 80))]
    return {"dark": records("dark", dark), "bright": records("bright", bright)}


def pixels(record, mode="RGB"):
    return np.asarray(decode(record.encoded, record.id, mode)).astype(int)


def luma(record):
    return pixels(record) @ [0.299, 0.587, 0.114]


def opened(record):
    return Image.open(io.BytesIO(record.encoded))


def flat(matched):
    return [record for members in matched.values() for record in members]


def test_nothing_asked_for_changes_nothing(study):
    for chosen in ({}, {"luminance": "none", "resolution": None, "square": False, "grey": False, "jpeg": None}):
        assert match(study, chosen) == study
    assert match({"a": []}, {"luminance": "moments"}) == {"a": []}


def test_all_that_is_known_of_a_record_stays(study):
    record = Record("x", study["dark"][0].encoded, "s", "l", "g", "test", "CC0", {"a": 1})
    (matched,) = match({"c": [record]}, {"grey": True})["c"]
    assert {**vars(matched), "encoded": b""} == {**vars(record), "encoded": b""}
    assert matched.encoded != record.encoded


@pytest.mark.parametrize("square", [False, True])
def test_resolution_is_that_of_the_shorter_side(square):
    shapes = [(40, 40), (40, 90), (81, 40), (300, 123)]
    rng = np.random.default_rng(0)
    study = {"a": records("a", [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes])}
    sizes = [opened(record).size for record in match(study, {"resolution": 32, "square": square})["a"]]
    assert sizes == ([(32, 32)] * 4 if square else [(32, 32), (72, 32), (32, 65), (32, 78)])


def test_a_square_is_cut_from_the_centre_and_keeps_its_pixels():
    picture = np.arange(5 * 9, dtype=np.uint8).reshape(5, 9)
    (matched,) = match({"a": records("a", [picture])}, {"square": True})["a"]
    assert np.array_equal(pixels(matched, "L"), picture[:, 2:7])


def test_a_file_that_is_right_already_stays_as_it_is(study):
    buffer = io.BytesIO()
    Image.fromarray(next(patches("coffee", 1, (32, 32)))).save(buffer, "JPEG")
    right = Record("small", buffer.getvalue(), "made")
    matched = match({"a": [right], **study}, {"resolution": 32, "square": True})
    assert matched["a"] == [right]
    assert all(opened(record).format == "PNG" for record in matched["dark"])


def test_a_smaller_image_is_named_with_its_size_and_what_all_could_have(study):
    small = records("small", [np.zeros((30, 64), dtype=np.uint8), np.zeros((64, 20), dtype=np.uint8)])
    with pytest.raises(ValueError, match=r"2 of 14 .*small/0 \(64 × 30\), small/1 \(20 × 64\).* all have is 20$"):
        match({**study, "small": small}, {"resolution": 48})


def grating(side, cycles):
    x = np.arange(side) / side
    return np.tile(np.round(127.5 + 100 * np.sin(2 * np.pi * cycles * x)), (side, 1)).astype(np.uint8)


def test_reduction_keeps_what_fits_and_folds_nothing_back():
    side, resolution = 512, 128  # its Nyquist frequency is 64 cycles per image
    study = {"a": records("a", [grating(side, cycles) for cycles in (10, 45, 90, 140)])}
    inner = slice(8, -8)
    contrasts = [
        np.std(pixels(r, "L")[inner, inner]) / (100 / np.sqrt(2)) for r in match(study, {"resolution": resolution})["a"]
    ]
    assert contrasts[0] == pytest.approx(1, abs=0.02)
    assert contrasts[1] > 0.85
    assert max(contrasts[2:]) < 0.06


def test_grey_is_rec_601_in_one_channel(study):
    matched = match(study, {"grey": True})
    for before, after in zip(flat(study), flat(matched), strict=True):
        assert opened(after).mode == "L"
        assert np.abs(pixels(after, "L") - luma(before)).max() <= 0.501


def test_in_grey_every_histogram_is_the_same_to_the_pixel(study):
    matched = flat(match(study, {"grey": True, "luminance": "histogram", "resolution": 40, "square": True}))
    counts = [np.bincount(pixels(record, "L").ravel(), minlength=256) for record in matched]
    assert all(np.array_equal(count, counts[0]) for count in counts)
    assert counts[0].sum() == 40 * 40


def test_the_common_histogram_weighs_categories_alike(study):
    matched = flat(match(study, {"grey": True, "luminance": "histogram"}))
    shares = {
        name: np.mean([np.bincount(pixels(r, "L").ravel(), minlength=256) / pixels(r, "L").size for r in members], 0)
        for name, members in match(study, {"grey": True}).items()
    }
    expected = (shares["dark"] + shares["bright"]) / 2
    for record in matched:  # of two sizes
        size = pixels(record, "L").size
        share = np.bincount(pixels(record, "L").ravel(), minlength=256) / size
        assert np.abs(np.cumsum(share) - np.cumsum(expected)).max() <= 0.5 / size + 1e-12


def test_matching_keeps_the_order_of_luminance(study):
    before = flat(match(study, {"grey": True}))
    after = flat(match(study, {"grey": True, "luminance": "histogram"}))
    for one, other in zip(before, after, strict=True):
        order = np.argsort(pixels(one, "L").ravel(), kind="stable")
        ranked = pixels(other, "L").ravel()[order]
        levels = pixels(one, "L").ravel()[order]
        # within a level ranks are free; between levels they hold
        tops = np.maximum.reduceat(ranked, np.unique(levels, return_index=True)[1])
        bottoms = np.minimum.reduceat(ranked, np.unique(levels, return_index=True)[1])
        assert (tops[:-1] <= bottoms[1:]).all()


@pytest.mark.parametrize("grey", [False, True])
def test_moments_are_the_average_of_the_categories(study, grey):
    matched = match(study, {"grey": grey, "luminance": "moments"})
    for statistic in (np.mean, np.std):
        expected = np.mean([np.mean([statistic(luma(r)) for r in members]) for members in study.values()])
        for record in flat(matched):
            assert statistic(luma(record)) == pytest.approx(expected, abs=0.6)


def test_colour_matching_moves_luminance_and_not_hue(study):
    matched = match(study, {"luminance": "histogram"})
    common, seen = match(study, {"luminance": "histogram", "grey": True}), 0
    for before, after, grey in zip(flat(study), flat(matched), flat(common), strict=True):
        assert opened(after).mode == "RGB"
        assert np.abs(np.sort(luma(after).ravel()) - np.sort(pixels(grey, "L").ravel())).max() <= 1.5
        old, new = (pixels(r) - luma(r)[..., None] for r in (before, after))
        colourful = (np.linalg.norm(old, axis=-1) > 30) & (np.linalg.norm(new, axis=-1) > 30)
        cosine = (old * new).sum(-1) / np.linalg.norm(old, axis=-1).clip(1) / np.linalg.norm(new, axis=-1).clip(1)
        assert cosine[colourful].min(initial=1) > 0.99
        seen += int(colourful.sum())
        assert (np.linalg.norm(new, axis=-1) <= np.linalg.norm(old, axis=-1) + 2).all()
    assert seen > 1000


@given(
    arrays(np.uint8, (6, 7, 3)).filter(lambda a: np.ptp(a @ np.array([299, 587, 114])) > 0),
    st.sampled_from(["moments", "histogram"]),
)
@settings(max_examples=60, deadline=None)
def test_any_two_images_get_the_same_luminance(picture, kind):
    other = np.tile(np.linspace(0, 255, 42).astype(np.uint8).reshape(6, 7, 1), 3)
    matched = match({"a": records("a", [picture]), "b": records("b", [other])}, {"luminance": kind})
    if kind == "histogram":
        ranked = [np.sort(luma(record).ravel()) for record in flat(matched)]
        assert np.abs(ranked[0] - ranked[1]).max() <= 1.01
    for record in flat(matched):
        assert pixels(record).min() >= 0 and pixels(record).max() <= 255


def test_neither_the_order_of_categories_nor_of_records_counts(study):
    turned = {name: members[::-1] for name, members in reversed(study.items())}
    for kind in ("moments", "histogram"):
        one, other = match(study, {"luminance": kind}), match(turned, {"luminance": kind})
        assert {r.id: r.encoded for r in flat(one)} == {r.id: r.encoded for r in flat(other)}


def test_an_image_without_contrast_is_named(study):
    blank = records("blank", [np.full((50, 50), 9, dtype=np.uint8)])
    for kind in ("moments", "histogram"):
        with pytest.raises(ValueError, match=r"'blank/0'.*same luminance"):
            match({**study, "blank": blank}, {"luminance": kind})


def test_an_image_that_cannot_have_the_moments_is_warned_of(study, caplog):
    mostly_white = np.full((50, 50), 255, dtype=np.uint8)
    mostly_white[:2, :20] = 0
    ramp = np.tile(np.linspace(60, 180, 50).astype(np.uint8), (50, 1))
    study = {"drawings": records("drawings", [mostly_white]), "ramps": records("ramps", [ramp])}
    with caplog.at_level(logging.WARNING, "deeplocalizer"):
        match(study, {"luminance": "moments"})
    (warning,) = caplog.messages
    assert "1 of 2 images" in warning and "drawings/0" in warning and "histogram" in warning


@pytest.mark.parametrize("grey", [False, True])
def test_all_have_the_same_jpeg_history(study, grey):
    buffer = io.BytesIO()
    decode(study["dark"][0].encoded, "x", "RGB").save(buffer, "JPEG", quality=20, subsampling=0)
    mixed = {**study, "old": [Record("old", buffer.getvalue(), "made")]}
    opened_files = [opened(record) for record in flat(match(mixed, {"jpeg": 80, "grey": grey}))]
    assert {image.format for image in opened_files} == {"JPEG"}
    assert len({str(image.quantization) for image in opened_files}) == 1
    assert {image.mode for image in opened_files} == {"L" if grey else "RGB"}
    if not grey:
        assert {get_sampling(image) for image in opened_files} == {2}  # 4:2:0


def test_saving_anew_is_what_pil_does_by_itself(study):
    picture = decode(study["bright"][0].encoded, "x", "RGB")
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG")  # at its default quality
    assert resave(study["bright"][0], 75).encoded == buffer.getvalue()


def test_a_misspelt_kind_is_refused(study):
    with pytest.raises(ValueError, match="'histograms' is unknown; allowed are none, moments, histogram"):
        match(study, {"luminance": "histograms"})


def test_a_damaged_image_is_named(study):
    with pytest.raises(ValueError, match="'bad'"):
        match({**study, "c": [Record("bad", b"nothing", "made")]}, {"grey": True})
