"""Matching: what is made alike in all images before a model sees them.

match            square, resolution, colour, luminance and JPEG history of the images of all categories
resave           one image saved as JPEG, for a category that has a history of its own

The order is fixed: each image is decoded (see `images`), cut to its central square, brought down to the common
resolution, made grey, given the common luminance, and encoded. Nothing is held decoded but one image: what has to be
common is measured in one pass over the files and given in a second.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from deeplocalizer import seeding
from deeplocalizer.provenance import digest_bytes
from deeplocalizer.stimuli import images
from deeplocalizer.stimuli.record import Record

LUMA = (299, 587, 114)  # Rec. 601, thousandths: the Y of JPEG, and PIL's grey
LEVELS = 256
SUBSAMPLING = "4:2:0"  # the common choice of cameras and of PIL
NEAR = 0.5  # levels within which mean and standard deviation count as met
ROUNDS = 60
SHOWN = 5  # images that a message names

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Target:
    """The common luminance: mean and standard deviation in levels, and the share of pixels at each level."""

    mean: float
    deviation: float
    histogram: np.ndarray


def match(records_by_category: Mapping[str, Sequence[Record]], settings: Mapping[str, Any]) -> dict[str, list[Record]]:
    """Make the images of all categories alike in what they are not meant to differ in.

    Parameters
    ----------
    records_by_category : mapping of sequences of Record
    settings : mapping
        What is absent or None is off.

        ``square`` : bool
            Cut each image to its central square, so that its shape tells nothing.
        ``resolution`` : int
            Length of the shorter side, to which every image is brought *down*, by Lanczos' filter. PIL scales the
            filter with the reduction, so that it passes what the smaller image can hold, nearly to its Nyquist
            frequency, and stops the rest. A box (area) filter would blur below that limit and fold frequencies above
            it back: the reduced images would differ in their high frequencies from images that were small already,
            the very confound that is to be removed.
        ``grey`` : bool
            Rec. 601 luma alone, one channel.
        ``luminance`` : str
            ``none``; ``moments``, the mean and standard deviation of luminance; or ``histogram``, all of its
            distribution, by exact specification (Coltuc, Bolon & Chassery 2006, IEEE Trans Image Process
            15:1143-1152) as in the SHINE toolbox (Willenbockel et al. 2010, Behav Res Methods 42:671-684).
        ``jpeg`` : int
            Quality of the JPEG file (4:2:0) that every image becomes, so that all have the same last history.

    Returns
    -------
    dict of lists of Record
        The records in their order, with other files: JPEG if it was asked for, else PNG where a pixel changed, else
        the file as it was.

    Raises
    ------
    ValueError
        If an image is smaller than the resolution, has no contrast that could be matched, or cannot be decoded, naming
        it.

    Notes
    -----
    The common luminance is measured on the images that are given: every category weighs the same, and within it every
    image, whatever its size. So it does not depend on their order, but it moves a little when images are added. A
    network that crops its inputs sees less than what was matched; the confounds are measured after that.

    Luminance is the luma of the encoded pixels, as a network sees them. In a colour image, what each channel has
    above or below its luminance is kept, and shrunk by a common factor where a channel would leave 0 to 255: a pixel
    loses saturation rather than the luminance that it was given.

    A histogram is exact in grey, to the pixel; in colour the rounding of three channels moves a pixel's luminance by
    half a level at most, and JPEG moves it further. Pixels of equal luminance are ranked by the mean around them (3 by
    3, then 5 by 5 pixels), what is left by lot, seeded by the image. Moments are met within `NEAR` levels in spite of
    clipping at 0 and 255, by adjusting scale and shift; an image whose own distribution forbids it (most of it white,
    say) comes as close as it can, and a warning in the log says so.
    """
    kind = settings.get("luminance") or "none"
    if kind not in ("none", "moments", "histogram"):
        raise ValueError(f"luminance {kind!r} is unknown; allowed are none, moments, histogram")
    asked = kind != "none" or any(settings.get(key) for key in ("square", "resolution", "grey", "jpeg"))
    if not asked or not any(records_by_category.values()):
        return {name: list(records) for name, records in records_by_category.items()}
    if settings.get("resolution"):
        _refuse_small(records_by_category, settings["resolution"])
    target = None if kind == "none" else _common(records_by_category, settings)
    missed: list[str] = []
    matched = {
        name: [_matched(record, settings, kind, target, missed) for record in records]
        for name, records in records_by_category.items()
    }
    if missed:
        logger.warning(
            "matching: %d of %d images cannot have the common mean and contrast within 0 to 255 and come as close as "
            "they can: %s; luminance: histogram has no such limit",
            len(missed),
            sum(map(len, matched.values())),
            _some(missed),
        )
    return matched


def resave(record: Record, quality: int) -> Record:
    """Save one image as JPEG (4:2:0), in the colours that it has.

    Parameters
    ----------
    record : Record
    quality : int
        PIL's scale, 1 to 95; its default is 75.

    Raises
    ------
    ImageError
        If the image cannot be decoded, naming the stimulus.
    """
    return replace(record, encoded=_jpeg(_decoded(record, grey=False), quality))


def _matched(
    record: Record, settings: Mapping[str, Any], kind: str, target: _Target | None, missed: list[str]
) -> Record:
    """Give one image what is common, and note whether it could not have it."""
    original = _decoded(record, bool(settings.get("grey")))
    shaped = _shaped(original, settings)
    pixels = np.asarray(shaped)
    if target is not None:
        try:
            luminance = _luminance(pixels)
            if kind == "histogram":
                wanted = _specified(luminance, target.histogram, digest_bytes(record.encoded))
            else:
                wanted, met = _adjusted(luminance, target)
                missed += [] if met else [record.id]
        except ValueError as error:
            raise ValueError(f"stimulus {record.id!r}: {error}") from error
        pixels = _with_luminance(pixels, luminance, wanted)
    if settings.get("jpeg"):
        return replace(record, encoded=_jpeg(Image.fromarray(pixels), settings["jpeg"]))
    untouched = target is None and not settings.get("grey") and shaped is original
    return record if untouched else replace(record, encoded=images.encode_png(pixels))


def _decoded(record: Record, grey: bool) -> Image.Image:
    return images.decode(record.encoded, record.id, "L" if grey else "RGB")


def _shaped(image: Image.Image, settings: Mapping[str, Any]) -> Image.Image:
    """Cut and bring down an image; the same object where there is nothing to do."""
    shorter = min(image.size)
    if settings.get("square") and max(image.size) > shorter:
        left, top = (image.width - shorter) // 2, (image.height - shorter) // 2
        image = image.crop((left, top, left + shorter, top + shorter))
    resolution = settings.get("resolution")
    if not resolution or shorter == resolution:
        return image
    width, height = (max(resolution, round(side * resolution / shorter)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _refuse_small(records_by_category: Mapping[str, Sequence[Record]], resolution: int) -> None:
    """Refuse images that would have to be blown up: they would stay blurred beside the others."""
    records = [record for members in records_by_category.values() for record in members]
    sizes = [images.size(record.encoded, record.id) for record in records]
    small = [
        f"{record.id} ({width} × {height})"
        for record, (width, height) in zip(records, sizes, strict=True)
        if min(width, height) < resolution
    ]
    if small:
        raise ValueError(
            f"matching: resolution is {resolution}, but {len(small)} of {len(records)} images are smaller: "
            f"{_some(small)}; the largest resolution that all have is {min(map(min, sizes))}"
        )


def _common(records_by_category: Mapping[str, Sequence[Record]], settings: Mapping[str, Any]) -> _Target:
    """Average luminance over the images of each category, and then over categories."""
    parts = []
    for name in sorted(records_by_category):
        records = sorted(records_by_category[name], key=lambda record: record.id)
        if records:  # sorted, so that not even the last bit depends on the order
            parts.append(np.mean(np.stack(list(_measured(records, settings))), axis=0))
    average = np.mean(np.stack(parts), axis=0)
    return _Target(float(average[0]), float(average[1]), average[2:])


def _measured(records: Iterable[Record], settings: Mapping[str, Any]) -> Iterator[np.ndarray]:
    """Measure mean, standard deviation and histogram of the luminance of each image, as (2 + level,)."""
    for record in records:
        luminance = _luminance(np.asarray(_shaped(_decoded(record, bool(settings.get("grey"))), settings)))
        levels = np.bincount(np.rint(luminance).astype(int).ravel(), minlength=LEVELS)
        yield np.concatenate([[luminance.mean(), luminance.std()], levels / luminance.size])


def _luminance(pixels: np.ndarray) -> np.ndarray:
    """Give Rec. 601 luma of grey (y, x) or colour (y, x, 3) in levels, unrounded, as (y, x)."""
    return pixels.astype(float) if pixels.ndim == 2 else pixels @ np.array(LUMA) / sum(LUMA)


def _with_luminance(pixels: np.ndarray, luminance: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Give every pixel the luminance that is wanted, within 0 to 255, and as much of its colour as that leaves."""
    if pixels.ndim == 2:
        return np.rint(wanted).astype(np.uint8)
    colour = pixels - luminance[..., None]
    above, below = colour.max(axis=-1), -colour.min(axis=-1)
    room = np.ones_like(wanted)
    np.divide(LEVELS - 1 - wanted, above, out=room, where=above > LEVELS - 1 - wanted)
    shrunk = room.copy()
    np.divide(wanted, below, out=shrunk, where=below * room > wanted)
    shown = wanted[..., None] + colour * np.minimum(room, shrunk)[..., None]
    return np.rint(np.clip(shown, 0, LEVELS - 1)).astype(np.uint8)  # nothing but the last bit is clipped


def _adjusted(luminance: np.ndarray, target: _Target) -> tuple[np.ndarray, bool]:
    """Scale and shift luminance to the common mean and standard deviation, clipped; say whether they are met.

    What clipping takes from one of them is asked for in addition the next time.
    """
    if np.ptp(luminance) == 0:
        raise ValueError("all of its pixels have the same luminance, so it has no contrast to be matched; leave it out")
    score = (luminance - luminance.mean()) / luminance.std()
    mean, deviation = target.mean, target.deviation
    best, nearest = score, math.inf
    for _ in range(ROUNDS):
        wanted = np.clip(mean + deviation * score, 0, LEVELS - 1)
        off_mean, off_deviation = target.mean - wanted.mean(), target.deviation - wanted.std()
        distance = max(abs(off_mean), abs(off_deviation))
        if distance < nearest:
            best, nearest = wanted, distance
        if distance < NEAR / 100:
            break
        mean, deviation = mean + off_mean, deviation + off_deviation
    return best, nearest <= NEAR


def _specified(luminance: np.ndarray, histogram: np.ndarray, content: str) -> np.ndarray:
    """Give an image exactly the histogram that is wanted: its pixels in their order, the levels in theirs."""
    if np.ptp(luminance) == 0:
        raise ValueError("all of its pixels have the same luminance, so they have no order to be kept; leave it out")
    whole = np.rint(luminance * sum(LUMA)).astype(np.int64)  # in whole numbers, sums and so ties are exact
    around = [_sum_around(whole, side).ravel() for side in (5, 3)]
    lot = seeding.generator(0, "ties", content).random(whole.size)
    order = np.lexsort([lot, *around, whole.ravel()])
    ends = np.rint(np.cumsum(histogram) / histogram.sum() * whole.size).astype(int)
    specified = np.empty(whole.size)
    specified[order] = np.repeat(np.arange(LEVELS), np.diff(ends, prepend=0))
    return specified.reshape(whole.shape)


def _sum_around(values: np.ndarray, side: int) -> np.ndarray:
    """Sum the square around each pixel; it is mirrored at the edges."""
    ones = np.ones(side, dtype=np.int64)
    along: np.ndarray = ndimage.correlate1d(values, ones, axis=0, output=np.int64, mode="reflect")
    around: np.ndarray = ndimage.correlate1d(along, ones, axis=1, output=np.int64, mode="reflect")
    return around


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    options: dict[str, Any] = {"subsampling": SUBSAMPLING} if image.mode == "RGB" else {}
    image.save(buffer, format="JPEG", quality=quality, **options)
    return buffer.getvalue()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
