"""Image files that are made to fill the memory, or that are something else.

HOSTILE          files, and what is said of each
INFLATING        chunks of PNG files that inflate
ODD_EXIF         what a JPEG file may say of itself
saved            a good file, with as many frames as are wanted
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from deeplocalizer.stimuli.images import LARGEST


def saved(kind, frames=1, size=(16, 16)):
    buffer = io.BytesIO()
    pictures = [Image.fromarray(np.full((*size, 3), number % 256, np.uint8)) for number in range(frames)]
    more = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    pictures[0].save(buffer, kind, **more)
    return buffer.getvalue()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, bits=8, colour=2):
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def with_chunk(kind, head):
    """A good PNG file with a chunk that inflates to 40 MB."""
    good = saved("PNG")
    return good[:33] + chunk(kind, head + zlib.compress(bytes(40 * 2**20), 9)) + good[33:]


def gif(width, height, frames=1):
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + screen + b"\0\0\0\xff\xff\xff" + frame * frames + b"\x3b"


def tiff(width, height):
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 200), (277, 1), (278, 1), (279, 10)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(204)


def webp(width, height):
    wide = b"VP8X" + struct.pack("<I", 10) + bytes(4)
    body = b"WEBP" + wide + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3] + saved("WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg(width, height):
    good = saved("JPEG")
    place = good.index(b"\xff\xc0") + 5
    return good[:place] + struct.pack(">HH", height, width) + good[place + 4 :]


def jpeg2000(side):
    good = saved("JPEG2000")
    place, box = good.index(b"\xff\x51") + 6, good.index(b"ihdr") + 4
    good = good[:place] + struct.pack(">II", side, side) + good[place + 8 :]
    return good[:box] + struct.pack(">II", side, side) + good[box + 8 :]


def exif(content):
    """A JPEG file with EXIF data."""
    body = b"Exif\0\0" + content
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(body) + 2) + body + saved("JPEG")[2:]


BMP = b"BM" + struct.pack("<IHHI", 100, 0, 0, 54)
TOO_LARGE = f"at most {LARGEST:,} in all are read"
HOSTILE = {
    "png": (png(100_000, 100_000), TOO_LARGE),
    "png of 16 bits": (png(100_000, 100_000, 16), TOO_LARGE),
    "png of one bit": (png(2**31 - 1, 2**31 - 1, 1, 0), TOO_LARGE),
    "png just too large": (png(9460, 9460), TOO_LARGE),
    "png that is a line": (png(20_000_000, 1), "not a readable image"),
    "gif": (gif(65_535, 65_535), TOO_LARGE),
    "gif of many frames": (gif(9000, 9000, 3000), "it has 3000 frames"),
    "tiff": (tiff(2**32 - 1, 2**32 - 1), TOO_LARGE),
    "tiff of one column": (tiff(1, 2**32 - 1), TOO_LARGE),
    "webp": (webp(2**24, 2**24), "not a readable image"),
    "bmp": (BMP + struct.pack("<IiiHHIIiiII", 40, 100_000, 100_000, 1, 24, *[0] * 6), TOO_LARGE),
    "bmp upside down": (BMP + struct.pack("<IiiHHIIiiII", 40, 2**31 - 1, -(2**31) + 1, 1, 24, *[0] * 6), TOO_LARGE),
    "ppm": (b"P6 100000 100000 255\n", TOO_LARGE),
    "ppm of a long number": (b"P6 " + b"9" * 40 + b" 9 255\n", "not a readable image"),
    "jpeg": (jpeg(65_500, 65_500), TOO_LARGE),
    "jpeg 2000": (jpeg2000(100_000), TOO_LARGE),
    "apng": (saved("PNG", 300), "it has 300 frames"),
    "animated webp": (saved("WEBP", 100), "frames"),
    "pages": (saved("TIFF", 100), "it has 100 pages"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "it is an SVG drawing"),
    "page": (b"<!DOCTYPE html><script>1</script>", "it is a web page"),
    "archive": (b"PK\x03\x04" + bytes(100), "it is a ZIP archive"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run", "it is a PostScript file"),
    "truncated": (saved("PNG")[:60], "not a readable image"),
    "nothing": (b"", "the file is empty"),
}
INFLATING = {
    "profile": (b"iCCP", b"x\0\0"),
    "text": (b"zTXt", b"x\0\0"),
    "international text": (b"iTXt", b"x\0\1\0\0\0"),
}
# what a JPEG file may say of itself and that must not be believed; the picture itself is good
ODD_EXIF = {
    "a circle": b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0",
    "two thousand million values": b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\xff\xff\x7f\x1a\0\0\0\0\0\0\0",
    "beyond its end": b"MM\0*\xff\xff\xff\xff",
    "nothing": b"",
}
