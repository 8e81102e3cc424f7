"""Images as bytes.

encode_png       a grey or RGB array as a PNG file
decode           the bytes of an image file as a PIL image
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode pixels losslessly.

    Parameters
    ----------
    pixels : ndarray (y, x) or (y, x, 3), uint8
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def decode(encoded: bytes, name: str, mode: str) -> Image.Image:
    """Decode an image file.

    Parameters
    ----------
    encoded : bytes
    name : str
        The stimulus, for the message of an error.
    mode : str
        PIL mode to convert to: ``L`` or ``RGB``.

    Raises
    ------
    ValueError
        If the bytes are no image or the image is damaged.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return image.convert(mode)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f"stimulus {name!r}: its {len(encoded)} bytes are not a readable image: {error}") from error
