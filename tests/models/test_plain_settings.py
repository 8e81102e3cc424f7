"""What a preprocessing is told makes sense, or is refused by the key."""

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deeplocalizer.models.pipelines import from_settings
from deeplocalizer.models.plain_settings import CHANNELS, FILTERS, KEYS, checked

ROOT = Path(__file__).parents[2]

GIVEN = {"mode": "RGB", "resize": 40, "crop": 32, "resample": "bilinear", "mean": [0.5] * 3, "std": [0.2] * 3}


def test_it_allows_what_the_schema_of_a_configuration_does():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    text = json.dumps(schema)
    for key, values in (("mode", CHANNELS), ("resample", FILTERS)):
        assert f'"{key}": {{"enum": {json.dumps(list(values))}' in text
    assert set(KEYS) == set(GIVEN)


def test_numbers_may_come_in_arrays_and_tensors():
    for made in (tuple, np.array, torch.tensor, lambda x: np.array(x, dtype=np.float32), lambda x: list(np.array(x))):
        found = checked({**GIVEN, "mean": made([0.5, 0.25, 0.0]), "resize": np.int64(40), "crop": 32.0}, "m")
        assert json.loads(json.dumps(found)) == {**GIVEN, "mean": [0.5, 0.25, 0.0]}
        assert type(found["resize"]) is type(found["crop"]) is int
    assert from_settings({**GIVEN, "mode": "L", "mean": [1], "std": (2,)}, "m", "python").mean == (1.0,)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "CMYK"}, r"mode: got 'CMYK'; allowed are RGB, L"),
        ({"mode": ["RGB"]}, r"mode: got \['RGB'\]; allowed are RGB, L"),
        (
            {"resample": "cubic"},
            r"resample: got 'cubic'; allowed are nearest, bilinear, bicubic, lanczos, box, hamming",
        ),
        ({"resample": 3}, r"resample: got 3; allowed"),
        ({"resize": 0}, r"resize: got 0; expected a whole number of pixels, at least 1"),
        ({"crop": 31.5}, r"crop: got 31.5; expected a whole number"),
        ({"crop": "32"}, r"crop: got '32'; expected a whole number"),
        ({"crop": (32, 32)}, r"crop: got \(32, 32\); expected a whole number"),
        ({"crop": True}, r"crop: got True; expected a whole number"),
        ({"crop": float("nan")}, r"crop: got nan; expected a whole number"),
        ({"resize": float("inf")}, r"resize: got inf; expected a whole number"),
        ({"resize": None}, r"resize: got None; expected a whole number"),
        ({"crop": 41}, r"crop: got 41, more than resize 40; expected at most the shorter side"),
        ({"mean": [0.5]}, r"mean: got \[0.5\]; expected 3 numbers, finite, one for each channel of RGB"),
        ({"mode": "L"}, r"mean: got \[0.5, 0.5, 0.5\]; expected 1 number, finite, one for each channel of L"),
        ({"mean": 0.5}, r"mean: got 0.5; expected 3 numbers"),
        ({"mean": "abc"}, r"mean: got 'abc'; expected 3 numbers"),
        ({"mean": [0.5, float("nan"), 0.5]}, r"mean: got .*nan.*; expected 3 numbers, finite"),
        ({"std": [0.5, 0, 1]}, r"std: got \[0.5, 0, 1\]; expected 3 numbers, finite and above 0, one for each channel"),
        ({"std": [0.5, -0.5, 1]}, r"std: got .*; expected 3 numbers, finite and above 0"),
        ({"std": [0.5, float("inf"), 1]}, r"std: got .*inf.*; expected 3 numbers, finite and above 0"),
        ({"std": np.ones(2)}, r"std: got array.*; expected 3 numbers"),
    ],
)
def test_what_makes_no_sense_is_named(changes, words):
    with pytest.raises(ValueError, match=f"^python:m:f: preprocessing.{words}"):
        checked({**GIVEN, **changes}, "python:m:f")


@given(
    st.dictionaries(st.sampled_from(KEYS), st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.floats()))
)
def test_nothing_else_comes_of_it(changes):
    with contextlib.suppress(ValueError):
        found = checked({**GIVEN, **changes}, "m")
        assert 1 <= found["crop"] <= found["resize"] and min(found["std"]) > 0
        assert len(found["mean"]) == len(found["std"]) == CHANNELS[found["mode"]]
        assert json.loads(json.dumps(found, allow_nan=False)) == found
