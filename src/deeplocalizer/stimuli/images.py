"""Images as bytes: what is taken, what is refused, and how everything becomes eight bits of grey or colour.

encode_png       a grey or RGB array as a PNG file
check            refuse an image that a study cannot use
decode           the bytes of an image file as a PIL image
size             width and height, without decoding
fingerprint      digest of the pixels: the same picture in another lossless file has the same
duplicates       records that show the same picture
ImageError       an image that cannot be used: which, and why

An image is shown as its author meant it to be seen, whatever the file:

- it is turned upright as its EXIF orientation says;
- transparent parts lie on white, the page that such images are drawn for;
- 16 bits of grey become 8 by value, 65,535 being white (PIL alone would clip at 255); 16 bits of colour likewise, by
  their higher byte;
- CMYK is converted through the ICC profile in the file, as inks mean nothing without one; where there is none, by
  PIL's plain complement. The profile of an RGB image is not applied: networks are trained on images that were read
  without it (torchvision, timm and transformers all do so);
- of the pictures in a phone's MPO file (depth, a second eye, brightness), the first is the photograph. Animations and
  files of several pages are refused: which of their pictures is the stimulus, only their owner knows.
"""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from deeplocalizer.provenance import digest_bytes
from deeplocalizer.stimuli.record import Record

LARGEST = 89_478_485  # pixels: a quarter of a gigabyte in RGB, and PIL's own limit
LEAST_SIDE = 2  # pixels; images of one pixel are what trackers and failed downloads leave
LONGEST = 20  # times the shorter side; the central square of anything longer shows a twentieth of it
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")

_LOCK = threading.RLock()
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION, _BITS, _PHOTOMETRIC = 0x0112, 258, 262  # tags of EXIF and TIFF
_WHITE_IS_ZERO = 0
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# what is often found under the name of an image, by its first bytes
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"version https://git-lfs", "a Git LFS pointer to the image (`git lfs pull` fetches it)"),
    (b"{", "JSON text"),
)


class ImageError(ValueError):
    """An image that cannot be used.

    Parameters
    ----------
    name : str
        The stimulus.
    reason : str
        What is wrong with it.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"stimulus {name!r}: {reason}")
        self.name = name
        self.reason = reason


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode pixels losslessly.

    Parameters
    ----------
    pixels : ndarray (y, x) or (y, x, 3), uint8
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def check(encoded: bytes, name: str) -> None:
    """Refuse an image that a study cannot use.

    Parameters
    ----------
    encoded : bytes
        The image file.
    name : str
        The stimulus, for the message of an error.

    Raises
    ------
    ImageError
        If `decode` would, or a PNG file is damaged behind its last pixel, or a side is shorter than `LEAST_SIDE`, or
        one side is more than `LONGEST` times the other.
    """
    fingerprint(encoded, name)


def decode(encoded: bytes, name: str, mode: str) -> Image.Image:
    """Decode an image file.

    Parameters
    ----------
    encoded : bytes
    name : str
        The stimulus, for the message of an error.
    mode : str
        PIL mode to convert to: ``L`` (Rec. 601 luma) or ``RGB``.

    Returns
    -------
    Image
        Upright, on white, in eight bits; see the head of this file.

    Raises
    ------
    ImageError
        If the bytes are empty, no image, truncated or damaged; if the image has more than `LARGEST` pixels, moves or
        has pages, or is of a kind whose black and white are not known (floating point, 32 bits, Lab).
    """
    with _opened(encoded, name) as image:
        return _plain(image, name).convert(mode)


def size(encoded: bytes, name: str) -> tuple[int, int]:
    """Give width and height of the upright image, in pixels, from the head of the file.

    Raises
    ------
    ImageError
        If the head is no image's.
    """
    with _opened(encoded, name) as image:
        width, height = image.size
        turned = image.format != "TIFF" and image.getexif().get(_ORIENTATION) in (5, 6, 7, 8)  # PIL turns TIFF itself
        return (height, width) if turned else (width, height)


def fingerprint(encoded: bytes, name: str) -> str:
    """Digest the pixels as they are shown (hex SHA-256), so that the same picture in another lossless file is found.

    Parameters
    ----------
    encoded : bytes
    name : str
        The stimulus, for the message of an error.

    Raises
    ------
    ImageError
        As `check` does, at no further cost: every pixel is decoded anyway.
    """
    _check_chunks(encoded, name)
    image = decode(encoded, name, "RGB")
    width, height = image.size
    if min(width, height) < LEAST_SIDE:
        raise ImageError(name, f"it is {_pixels(image)}; at least {LEAST_SIDE} pixels a side can show something")
    if max(width, height) > LONGEST * min(width, height):
        raise ImageError(name, f"it is {_pixels(image)}; one side may be at most {LONGEST} times the other")
    return digest_bytes(f"{width}x{height}:".encode() + image.tobytes())


def duplicates(records: Iterable[Record]) -> list[tuple[str, str]]:
    """Find records that show the same picture.

    Parameters
    ----------
    records : iterable of Record

    Returns
    -------
    list of (str, str)
        The id of each record whose picture was met before, and the id of the first that showed it.
    """
    first: dict[str, str] = {}
    shown = ((record.id, first.setdefault(fingerprint(record.encoded, record.id), record.id)) for record in records)
    return [(later, earlier) for later, earlier in shown if later != earlier]


@contextlib.contextmanager
def _opened(encoded: bytes, name: str) -> Iterator[Image.Image]:
    """Open an image file and say plainly what is wrong, whatever its decoder stumbles over.

    PIL warns of harmless oddities in the metadata and, before its size can be asked, of large images. To hear neither,
    settings of the whole process change for the moment, hence the lock.
    """
    if not encoded:
        raise ImageError(name, "the file is empty")
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with Image.open(io.BytesIO(encoded), formats=_formats()) as image:
                _refuse_what_cannot_be_shown(image, name)
                yield image
        except (ImageError, MemoryError):
            raise
        except UnidentifiedImageError as error:
            raise ImageError(name, _unreadable(encoded, _kind(encoded))) from error
        except Exception as error:  # on damaged bytes, decoders raise whatever their parsing comes to
            raise ImageError(name, _unreadable(encoded, str(error) or type(error).__name__)) from error
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _formats() -> list[str]:
    """List the formats that this PIL knows of those that are taken; the others' decoders never see foreign bytes."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _refuse_what_cannot_be_shown(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > LARGEST:
        raise ImageError(name, f"it is {_pixels(image)}; at most {LARGEST:,} in all are read, so make it smaller")
    if min(width, height) < 1:
        raise ImageError(name, f"it is {_pixels(image)}: there is nothing in it")
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if frames > 1:
        what = "pages" if image.format == "TIFF" else "frames"
        raise ImageError(name, f"it has {frames} {what} ({image.format}); save the one that is meant as a file")


def _check_chunks(encoded: bytes, name: str) -> None:
    """Verify the checksums of a PNG file; its decoder stops reading after the last pixel."""
    if encoded.startswith(b"\x89PNG"):
        with _opened(encoded, name) as image:
            image.verify()


def _plain(image: Image.Image, name: str) -> Image.Image:
    """Bring an open image to mode ``L`` or ``RGB``, upright and on white."""
    image.load()
    turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    shown = _eight_bits(image, name)
    return shown if turn is None else shown.transpose(turn)


def _eight_bits(image: Image.Image, name: str) -> Image.Image:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return _from_16_bits(image)
    if image.mode in ("I", "F", "LAB"):
        kind = {"I": "whole numbers of 32 bits or with a sign", "F": "floating-point numbers", "LAB": "Lab colours"}
        raise ImageError(name, f"its pixels are {kind[image.mode]}, of unknown black and white; save it as PNG")
    if image.mode == "CMYK":
        return _from_cmyk(image, name)
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    """Scale grey of up to 16 bits to 8 by value; what a PNG file calls transparent becomes white."""
    values = np.asarray(image).astype(np.int64)
    tags = getattr(image, "tag_v2", {})
    white = 2 ** int(np.max(tags.get(_BITS, 16))) - 1
    pixels = (values * 255 + white // 2) // white
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        pixels = 255 - pixels
    if isinstance(image.info.get("transparency"), int):
        pixels[values == image.info["transparency"]] = 255
    return Image.fromarray(pixels.astype(np.uint8))


def _from_cmyk(image: Image.Image, name: str) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile:
        return image.convert("RGB")
    try:
        inks = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        screen = ImageCms.createProfile("sRGB")
        shown = ImageCms.profileToProfile(image, inks, screen, ImageCms.Intent.PERCEPTUAL, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        raise ImageError(name, f"its colours are CMYK and its ICC profile is not usable: {error}") from error
    if shown is None:  # only where the conversion is done in place
        raise ImageError(name, "its ICC profile gave no image")
    return shown


def _unreadable(encoded: bytes, reason: str) -> str:
    return f"its {len(encoded):,} bytes are not a readable image: {reason}"


def _kind(encoded: bytes) -> str:
    """Say what a file is that is no image of a known format, as far as its first bytes tell."""
    head = encoded[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    text = head.lower()
    if b"<svg" in text:
        return "it is an SVG drawing; draw it as PNG"
    if text.startswith((b"<!doctype html", b"<html")):
        return "it is a web page, as failed downloads leave"
    if encoded[4:8] == b"ftyp":
        if encoded[8:12] in _HEIF:
            return "it is a HEIC picture; save it as JPEG or PNG"
        return "it is AVIF, cut short or unknown to this PIL" if encoded[8:12] == b"avif" else "it is a video"
    if encoded.startswith((b"II*\x00", b"MM\x00*", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM")):
        return "it begins like an image but is damaged, cut short or of a rare kind"
    return next((f"it is {kind}" for start, kind in _OTHERS if head.startswith(start)), "its format is not known")


def _pixels(image: Image.Image) -> str:
    return f"{image.width:,} × {image.height:,} pixels"
