"""A network of 1,000 outputs and two kinds of images, whose labels change as they are told to."""

import numpy as np
import xarray as xr

from deeplocalizer import changes, units
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Record
from deeplocalizer.stimuli.table import build

SETTINGS = {"alpha": 0.05, "confidence": 0.95, "resamples": 500, "least_performance": 0.1}
WIG, BELT, TEAPOT, CAT = 903, 785, 849, 281
NAMES = [f"thing {place}" for place in range(1000)]
for place, name in {WIG: "wig", BELT: "seat belt, seatbelt", TEAPOT: "teapot", CAT: "tabby, tabby cat"}.items():
    NAMES[place] = name
FACES, OBJECTS, CONTROLS = 40, 60, 20


def outcomes(localizer="faces", target=None, random=None, controls=CONTROLS, names=NAMES, value="zero", **labels):
    """Give outcomes of one localizer: faces are wigs and objects teapots, until they change.

    ``target`` and ``random`` map the place of a stimulus (faces first) to the label that it changes to, under the mask
    and under each random mask (a list of such mappings, shorter than the masks if the rest change nothing).
    """
    random = random or []
    count = FACES + OBJECTS
    category = np.array(["faces"] * FACES + ["objects"] * OBJECTS, dtype=object)
    intact = np.where(category == "faces", WIG, TEAPOT).astype(np.int16)
    decided = np.tile(intact, (2 + controls, 1))
    for row, moved in enumerate([target or {}, *random], start=1):
        for place, label in moved.items():
            decided[row, place] = label
    kept = (decided == intact).astype(np.int8)
    rng = np.random.default_rng(0)
    kl = np.where(kept == 1, 0.01, 1.0) * (1 + rng.random(kept.shape))
    kl[0] = 0
    dims = ("intervention", "stimulus")
    flags = {
        "flag_values": np.arange(len(names), dtype=np.int16),
        "flag_meanings": " ".join(units.escape(name) for name in names),
    }
    absent = np.full(kept.shape, np.nan, dtype=np.float32)
    roles = ["intact", "target", *["control"] * controls]
    return xr.Dataset(
        {
            "correct": (dims, np.full(kept.shape, -1, dtype=np.int8)),
            "margin": (dims, absent),
            "log_likelihood": (dims, absent),
            "kept": (dims, kept),
            "kl": (dims, kl.astype(np.float32)),
            "decided": (dims, decided, flags),
        },
        coords={
            "intervention": ["intact", localizer, *(f"{localizer}/random-{i:05}" for i in range(controls))],
            "localizer": ("intervention", ["", *[localizer] * (1 + controls)]),
            "role": ("intervention", roles),
            "kind": ("intervention", ["", "target", *["random"] * controls]),
            "value": ("intervention", ["", *[value] * (1 + controls)]),
            "stimulus": [f"image-{place:03}" for place in range(count)],
            "category": ("stimulus", category),
            "label": ("stimulus", np.full(count, "", dtype=object)),
            "group": ("stimulus", np.array([f"g{place}" for place in range(count)], dtype=object)),
            "split": ("stimulus", np.full(count, "test", dtype=object)),
        },
    )


# 14 faces are belted and one becomes a cat, as one object does; random masks belt the first face
PLANTED = {**dict.fromkeys(range(14), BELT), 14: CAT, FACES: CAT}
RANDOM = [{0: BELT}] * 5 + [{0: CAT, FACES: CAT, FACES + 1: CAT}] * 2


def planted(**more):
    """Give the outcomes of two localizers, of which the second changes nothing."""
    return {"faces": outcomes("faces", PLANTED, RANDOM, **more), "objects": outcomes("objects", **more)}


def measured(parts=None, tasks=None, **settings):
    """Measure the changes of outcomes."""
    return changes.measure(planted() if parts is None else parts, tasks or {}, SETTINGS | settings, seed=0)


def pictures():
    """Draw a picture for each stimulus."""
    rng = np.random.default_rng(0)

    def record(place):
        return Record(f"image-{place:03}", encode_png(rng.integers(0, 256, (16, 8, 3), dtype=np.uint8)), "made up")

    kinds = {"faces": range(FACES), "objects": range(FACES, FACES + OBJECTS)}
    records = {kind: [record(place) for place in places] for kind, places in kinds.items()}
    return build(records, {"localize": 0.5, "test": 0.5}, 2, seed=0)
