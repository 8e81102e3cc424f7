"""Images that are made to fill the memory, or that are something else, are refused by name before they do."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deeplocalizer import inputs
from deeplocalizer.stimuli.images import ImageError, decode, fingerprint
from deeplocalizer.stimuli.record import Draw
from deeplocalizer.stimuli.sources.folder import folder
from tests import synthetic
from tests.security import limited
from tests.security.bombs import HOSTILE, INFLATING, ODD_EXIF, exif, png, saved, with_chunk

DECODE = """
import json
from deeplocalizer.stimuli.images import ImageError, fingerprint
told = {}
for name, (encoded, _) in bombs.HOSTILE.items():
    try:
        told[name] = fingerprint(encoded, name) and "taken"
    except ImageError as error:
        told[name] = str(error)
    except MemoryError:
        told[name] = "out of memory"
print(json.dumps([told, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - started]))
"""


def test_each_is_refused_by_name_with_little_memory():
    imports = (
        "from tests.security import bombs\nfrom PIL import Image\nImage.init()\n"
        "started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss"
    )
    told, grown = json.loads(limited.run(imports, DECODE, memory=400).splitlines()[-1])
    assert {name: words in told[name] for name, (_, words) in HOSTILE.items()} == dict.fromkeys(HOSTILE, True), told
    assert all(told[name].startswith(f"stimulus {name!r}: ") for name in HOSTILE)
    assert grown < 350 * 1024


@pytest.mark.parametrize("kind", INFLATING)
def test_what_inflates_beside_the_picture_is_refused(kind):
    with pytest.raises(ImageError, match=f"stimulus '{kind}': .*too large"):
        fingerprint(with_chunk(*INFLATING[kind]), kind)


@pytest.mark.parametrize("kind", ODD_EXIF)
def test_what_a_picture_says_of_itself_harms_nobody(kind):
    assert decode(exif(ODD_EXIF[kind]), kind, "RGB").size == (16, 16)


def test_a_photograph_that_is_also_an_archive_or_a_page_is_a_photograph():
    good = fingerprint(saved("JPEG"), "good")
    assert fingerprint(saved("JPEG") + b"PK\x03\x04<script>alert(1)</script>", "both") == good


def test_pil_has_its_own_limit_again_and_warns_nobody(recwarn):
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ImageError):
        decode(png(100_000, 100_000), "bomb", "RGB")
    assert before == Image.MAX_IMAGE_PIXELS and not recwarn


@pytest.mark.parametrize("unreadable", ["refuse", "skip"])
def test_a_bomb_in_a_folder_is_named_or_left_out(tmp_path, unreadable):
    root = tmp_path / "pictures"
    root.mkdir()
    for number in range(8):
        (root / f"{number}.png").write_bytes(saved("PNG", size=(8, 8 + number)))
    (root / "bomb.png").write_bytes(png(100_000, 100_000))
    before = limited.listing(tmp_path)
    draw = Draw("faces", {"path": str(root), "unreadable": unreadable}, None, 0, {}, Path("unused"))
    if unreadable == "refuse":
        with pytest.raises(ValueError, match=r"bomb\.png: it is 100,000 × 100,000 pixels.*`unreadable: skip`"):
            folder(draw)
    else:
        drawn = folder(draw)
        assert len(drawn.records) == 8
        assert [(one.id, "100,000 × 100,000" in one.reason) for one in drawn.refused] == [("faces/bomb.png", True)]
    assert limited.listing(tmp_path) == before


def test_a_bomb_among_the_stimuli_is_named_by_inputs():
    config = synthetic.configuration()
    (settings,) = config["models"].values()
    stimuli = synthetic.stimuli(config).copy(deep=True)
    start, size, bomb = 0, int(stimuli["encoded_size"].values[0]), png(100_000, 100_000)
    assert size >= len(bomb)
    stimuli["encoded"].values[start : start + len(bomb)] = np.frombuffer(bomb, dtype=np.uint8)
    name = str(stimuli["stimulus"].values[0])
    with pytest.raises(ImageError, match=f"stimulus '{name}': it is 100,000 × 100,000 pixels"):
        inputs.prepare(stimuli, synthetic.preprocessing(settings))
