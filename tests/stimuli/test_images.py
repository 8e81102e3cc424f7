"""Whatever the file, an image comes out as its author meant it, or is refused by name."""

import contextlib
import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from deeplocalizer.stimuli import images
from deeplocalizer.stimuli.images import ImageError, check, decode, duplicates, encode_png, fingerprint, size
from deeplocalizer.stimuli.record import Record

COFFEE = Image.fromarray(skimage.data.coffee()).resize((60, 40))
ARRAY = np.asarray(COFFEE)
ORIENTATION = 0x0112


def saved(image, fmt, **options):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, colour, rows):
    """Write a PNG file by hand, for kinds that PIL cannot write."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def refusal(encoded, act=check):
    with pytest.raises(ImageError) as caught:
        act(encoded, "faces/anna.jpg")
    assert caught.value.name == "faces/anna.jpg"
    assert str(caught.value) == f"stimulus 'faces/anna.jpg': {caught.value.reason}"
    return caught.value.reason


@pytest.mark.parametrize("fmt", ["PNG", "BMP", "TIFF", "PPM", "JPEG2000"])
def test_lossless_formats_keep_every_pixel(fmt):
    encoded = saved(COFFEE, fmt)
    check(encoded, "a")
    assert np.array_equal(decode(encoded, "a", "RGB"), ARRAY)
    assert np.array_equal(decode(encoded, "a", "L"), COFFEE.convert("L"))
    assert size(encoded, "a") == (60, 40)


@pytest.mark.parametrize("fmt", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_come_close(fmt):
    if not features.check(fmt.lower().replace("jpeg", "jpg")):
        pytest.skip(f"this PIL has no {fmt}")
    encoded = saved(COFFEE, fmt, quality=95)
    assert distance(decode(encoded, "a", "RGB")) < 4


def distance(shown):
    """Mean difference in luma; most formats store less colour."""
    return np.abs(np.asarray(shown.convert("L")).astype(int) - np.asarray(COFFEE.convert("L"))).mean()


def test_16_bits_of_grey_are_scaled_by_value():
    values = np.array([[0, 128, 129, 255, 257, 32768, 65407, 65535]], dtype=np.uint16)
    expected = np.round(values / 65535 * 255).astype(np.uint8)
    row = values.astype(">u2").tobytes()
    for encoded in (
        png(8, 1, 16, 0, [row]),
        saved(Image.fromarray(values), "TIFF"),
        saved(Image.fromarray(values.astype(">u2")), "TIFF"),
        b"P5 8 1 65535\n" + row,
    ):
        assert np.array_equal(decode(encoded, "a", "L"), expected)
        assert np.array_equal(np.asarray(decode(encoded, "a", "RGB"))[..., 1], expected)


def tiff(bits, photometric, content, width, height):
    """Write a little-endian grey TIFF by hand."""
    entries = [(256, 3, width), (257, 3, height), (258, 3, bits), (259, 3, 1), (262, 3, photometric), (273, 4, 8)]
    entries += [(277, 3, 1), (278, 3, height), (279, 4, len(content))]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    start = 8 + len(content) + len(content) % 2
    head = b"II*\0" + struct.pack("<I", start) + content + b"\0" * (len(content) % 2)
    return head + struct.pack("<H", len(entries)) + directory + b"\0\0\0\0"


def test_scanners_grey_of_12_bits_and_white_as_zero():
    packed = bytes([0xFF, 0xF8, 0x00, 0x00, 0x00, 0x00])  # 4095, 2048, 0, 0
    assert np.asarray(decode(tiff(12, 1, packed, 2, 2), "a", "L")).ravel().tolist() == [255, 128, 0, 0]
    values = np.array([0, 65535, 257 * 9, 0], dtype="<u2").tobytes()
    assert np.asarray(decode(tiff(16, 0, values, 2, 2), "a", "L")).ravel().tolist() == [255, 0, 246, 255]


def test_16_bits_of_colour_keep_their_higher_byte():
    values = np.array([[0x0000, 0x7F80, 0xFFFF], [0x1234, 0xABCD, 0x00FF]], dtype=np.uint16)
    encoded = png(2, 1, 16, 2, [values.astype(">u2").tobytes()])
    assert np.asarray(decode(encoded, "a", "RGB"))[0].tolist() == [[0, 0x7F, 0xFF], [0x12, 0xAB, 0]]


def test_transparent_parts_lie_on_white():
    red = np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [200, 0, 0, 128]]], dtype=np.uint8)
    half = round(200 * 128 / 255 + 255 * 127 / 255)
    for fmt in ("PNG", "TIFF", "WEBP"):
        encoded = saved(Image.fromarray(red), fmt, **({"lossless": True, "exact": True} if fmt == "WEBP" else {}))
        opaque, clear, mixed = np.asarray(decode(encoded, "a", "RGB"))[0].tolist()
        assert opaque == [200, 0, 0] and clear == [255, 255, 255]
        assert np.abs(np.array(mixed) - [half, 127, 127]).max() <= 1
    grey = np.array([[[10, 255], [10, 0]]], dtype=np.uint8)
    assert np.asarray(decode(saved(Image.fromarray(grey, "LA"), "PNG"), "a", "L")).tolist() == [[10, 255]]


def test_one_transparent_colour_is_white():
    grey = Image.fromarray(np.array([[0, 100, 200]], dtype=np.uint8))
    assert np.asarray(decode(saved(grey, "PNG", transparency=100), "a", "L")).tolist() == [[0, 255, 200]]
    deep = Image.fromarray(np.array([[0, 100, 65535]], dtype=np.uint16))
    assert np.asarray(decode(saved(deep, "PNG", transparency=100), "a", "L")).tolist() == [[0, 255, 255]]
    palette = Image.new("P", (3, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.putdata([0, 1, 2])
    for fmt in ("PNG", "GIF"):
        pixels = np.asarray(decode(saved(palette, fmt, transparency=1), "a", "RGB"))
        assert pixels[0].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255]]
    several = saved(palette, "PNG", transparency=bytes([255, 0, 0]))  # PIL would warn of these
    assert np.asarray(decode(several, "a", "RGB"))[0].tolist() == [[255, 0, 0], [255] * 3, [255] * 3]


def test_palettes_and_single_bits():
    few = COFFEE.quantize(16)
    assert np.array_equal(decode(saved(few, "PNG"), "a", "RGB"), few.convert("RGB"))
    black_and_white = COFFEE.convert("1")
    for fmt, options in (("PNG", {}), ("TIFF", {"compression": "group4"})):
        pixels = np.asarray(decode(saved(black_and_white, fmt, **options), "a", "L"))
        assert np.array_equal(pixels, np.asarray(black_and_white) * np.uint8(255))


def upright(array, orientation):
    """Turn as the EXIF standard words it: where the 0th row and the 0th column of the file are seen."""
    return {
        1: array,
        2: array[:, ::-1],  # top, right
        3: array[::-1, ::-1],  # bottom, right
        4: array[::-1],  # bottom, left
        5: array.transpose(1, 0, 2),  # left, top
        6: array.transpose(1, 0, 2)[:, ::-1],  # right, top
        7: array.transpose(1, 0, 2)[::-1, ::-1],  # right, bottom
        8: array.transpose(1, 0, 2)[::-1],  # left, bottom
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("fmt", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_images_are_turned_upright(fmt, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    encoded = saved(COFFEE, fmt, exif=exif, **({"lossless": True} if fmt == "WEBP" else {}))
    expected = upright(ARRAY, orientation)
    shown = np.asarray(decode(encoded, "a", "RGB"))
    assert shown.shape == expected.shape
    assert size(encoded, "a") == shown.shape[1::-1]
    if fmt == "JPEG":
        assert np.abs(shown.astype(int) - expected).mean() < 10
    else:
        assert np.array_equal(shown, expected)


def test_avif_is_turned_once():
    if not features.check("avif"):
        pytest.skip("this PIL has no AVIF")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    shown = np.asarray(decode(saved(COFFEE, "AVIF", exif=exif, quality=95), "a", "RGB"))
    assert shown.shape == (60, 40, 3)
    assert np.abs(shown.astype(int) - upright(ARRAY, 6)).mean() < 4


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0"])
def test_a_damaged_note_on_orientation_does_not_matter(exif):
    encoded = saved(COFFEE, "JPEG", exif=exif)
    check(encoded, "a")
    assert np.array_equal(decode(encoded, "a", "RGB"), decode(saved(COFFEE, "JPEG"), "a", "RGB"))


def test_a_phones_second_picture_is_left_alone():
    encoded = saved(COFFEE, "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))], quality=95)
    assert Image.open(io.BytesIO(encoded)).n_frames == 2
    check(encoded, "a")
    assert distance(decode(encoded, "a", "RGB")) < 4


def grey_inks():
    """Make a CMYK profile (ICC.1:2001, lut8): paper is white, black ink is black, and all other ink gives L* = 50."""
    corners = []
    for index in range(16):  # the last channel, black, varies fastest
        lightness = 0 if index & 1 else 50 if index else 100
        corners += [round(lightness / 100 * 255), 128, 128]
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0])
    table += struct.pack(">9i", *(round(65536 * v) for v in np.eye(3).ravel()))
    table += straight * 4 + bytes(corners) + straight * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * v) for v in (0.9642, 1.0, 0.8249)))
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"inks\0" + bytes(78)
    tags, content, start = [], b"", 128 + 4 + 3 * 12
    for key, body in ((b"A2B0", table), (b"wtpt", white), (b"desc", name)):
        tags.append(key + struct.pack(">2I", start + len(content), len(body)))
        content += body + bytes(-len(body) % 4)
    length = start + len(content)
    head = struct.pack(">I4sI4s4s4s", length, b"test", 0x02100000, b"prtr", b"CMYK", b"Lab ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", 3) + b"".join(tags) + content


def test_inks_are_shown_by_their_profile_and_else_by_their_complement():
    inks = np.zeros((16, 16, 4), dtype=np.uint8)
    inks[:, 8:, 0] = 255  # cyan on the right
    picture = Image.fromarray(inks, "CMYK")
    for fmt, options in (("TIFF", {}), ("JPEG", {"quality": 100, "subsampling": 0})):
        plain = np.asarray(decode(saved(picture, fmt, **options), "a", "RGB")).astype(int)
        assert np.abs(plain[:, :7] - 255).max() <= 3 and np.abs(plain[:, 9:] - [0, 255, 255]).max() <= 3
        shown = decode(saved(picture, fmt, icc_profile=grey_inks(), **options), "a", "RGB")
        # L* = 50 is 119 in sRGB (CIE 15, IEC 61966-2-1)
        right, left = np.asarray(shown)[:, 9:].astype(int), np.asarray(shown)[:, :7].astype(int)
        assert np.abs(right - 119).max() <= 3 and np.abs(left - 255).max() <= 3


def test_an_adobe_file_with_inverted_inks_is_not_inverted_twice():
    inks = np.zeros((16, 16, 4), dtype=np.uint8)
    inks[..., 3] = 64  # a light grey
    encoded = saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=100)
    assert b"Adobe" in encoded
    assert np.abs(np.asarray(decode(encoded, "a", "L")).astype(int) - 191).max() <= 2


def test_no_image_at_all_is_told_by_what_it_is():
    assert "empty" in refusal(b"")
    for content, word in (
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"%PDF-1.7", "PDF"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"some text", "not known"),
        (b"\x89PNG\r\n\x1a\n", "not a readable image"),
    ):
        reason = refusal(content)
        assert word in reason and f"{len(content)} bytes are not a readable image" in reason


def test_formats_that_are_not_taken_are_not_even_tried():
    assert "PostScript" in refusal(saved(COFFEE, "EPS"))
    assert "not a readable image" in refusal(saved(COFFEE, "TGA"))


@pytest.mark.parametrize(
    "fmt",
    ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", *(["AVIF"] if features.check("avif") else [])],
)
def test_a_truncated_file_is_refused(fmt):
    encoded = saved(COFFEE, fmt)
    for kept in (len(encoded) - 5, len(encoded) // 2, 40, 12, 3):
        assert "not a readable image" in refusal(encoded[:kept])


def test_one_wrong_byte_in_a_png_is_refused():
    encoded = bytearray(encode_png(ARRAY))
    for place in range(40, len(encoded) - 1, 97):
        damaged = encoded.copy()
        damaged[place] ^= 0xFF
        assert "not a readable image" in refusal(bytes(damaged))


def test_animations_and_pages_are_refused_with_their_number():
    frames = [Image.fromarray(np.roll(ARRAY, shift, axis=1)) for shift in range(3)]
    for fmt in ("GIF", "WEBP", "PNG"):
        encoded = saved(frames[0], fmt, save_all=True, append_images=frames[1:])
        assert "3 frames" in refusal(encoded)
        assert "3 frames" in refusal(encoded, lambda e, n: decode(e, n, "RGB"))
    assert "3 pages" in refusal(saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    check(saved(frames[0], "GIF", save_all=True), "a")


def test_pixels_of_unknown_black_and_white_are_refused():
    values = np.ones((4, 4))
    assert "floating-point" in refusal(saved(Image.fromarray(values.astype(np.float32)), "TIFF"))
    assert "32 bits" in refusal(saved(Image.fromarray(values.astype(np.int32)), "TIFF"))
    assert "Lab" in refusal(saved(Image.new("LAB", (4, 4)), "TIFF"))


def test_a_damaged_profile_of_inks_is_refused():
    encoded = saved(Image.new("CMYK", (8, 8)), "JPEG", icc_profile=b"no profile" * 20)
    assert "ICC profile" in refusal(encoded)


@pytest.mark.parametrize("side", [10_000, 20_000, 100_000])
def test_a_huge_image_is_refused_with_its_size_before_it_is_decoded(side):
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    encoded = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for act in (check, size, lambda e, n: decode(e, n, "L")):
            assert f"{side:,} × {side:,}" in refusal(encoded, act)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_slivers_and_single_pixels_are_refused_at_intake():
    check(encode_png(np.zeros((2, 40), dtype=np.uint8)), "a")
    assert "41 × 2" in refusal(encode_png(np.zeros((2, 41), dtype=np.uint8)))
    assert "1 × 1" in refusal(encode_png(np.zeros((1, 1), dtype=np.uint8)))


@given(place=st.integers(0, 10**6), values=st.binary(min_size=1, max_size=40), fmt=st.sampled_from(images.FORMATS))
@settings(max_examples=150, deadline=None)
def test_damaged_bytes_give_an_image_or_a_refusal_and_nothing_else(place, values, fmt):
    if fmt == "AVIF" and not features.check("avif"):
        return
    encoded = bytearray(saved(COFFEE, fmt))
    place %= len(encoded)
    encoded[place : place + len(values)] = values
    with contextlib.suppress(ImageError):
        check(bytes(encoded), "a")


def test_threads_leave_the_settings_of_the_process_alone():
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    files = [saved(COFFEE, "PNG"), saved(COFFEE, "JPEG"), b"none"] * 20

    def attempt(encoded):
        try:
            return fingerprint(encoded, "a")
        except ImageError:
            return ""

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(attempt, files))
    assert found == found[:3] * 20 and found[2] == ""
    assert limit == Image.MAX_IMAGE_PIXELS and filters == list(warnings.filters)


def test_the_same_picture_has_one_fingerprint_whatever_the_file():
    files = [saved(COFFEE, fmt) for fmt in ("PNG", "BMP", "TIFF", "PPM")] + [saved(COFFEE, "PNG", compress_level=1)]
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    files.append(saved(COFFEE.transpose(Image.Transpose.ROTATE_180), "PNG", exif=exif))
    assert len({fingerprint(encoded, "a") for encoded in files}) == 1
    grey = COFFEE.convert("L")
    assert fingerprint(saved(grey, "PNG"), "a") == fingerprint(saved(grey.convert("RGB"), "PNG"), "a")
    flipped = ARRAY.copy()
    flipped[0, 0, 0] ^= 1
    assert fingerprint(encode_png(flipped), "a") != fingerprint(files[0], "a")
    # as many bytes in another shape
    assert fingerprint(encode_png(np.zeros((4, 6)).astype(np.uint8)), "a") != fingerprint(
        encode_png(np.zeros((6, 4)).astype(np.uint8)), "a"
    )


def test_every_later_record_of_a_picture_is_named_with_the_first():
    other = encode_png(np.zeros((4, 4), dtype=np.uint8))
    contents = {"a": saved(COFFEE, "PNG"), "b": other, "c": saved(COFFEE, "BMP"), "d": saved(COFFEE, "TIFF")}
    assert duplicates(Record(name, encoded, "made") for name, encoded in contents.items()) == [("c", "a"), ("d", "a")]
