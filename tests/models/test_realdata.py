"""A real network sees real photographs as it should: its accuracy is the one that is known."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from deeplocalizer.inputs import prepare
from deeplocalizer.models import network, weights
from deeplocalizer.models.description import describe
from deeplocalizer.models.feeding import batches, logits
from deeplocalizer.models.pipelines import pipeline
from deeplocalizer.stimuli import table
from deeplocalizer.stimuli.record import Record

FOLDER = os.environ.get("DEEPLOCALIZER_REALDATA", "")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not FOLDER, reason="DEEPLOCALIZER_REALDATA names no folder"),
]


def test_squeezenet_recognises_what_it_is_known_to(tmp_path):
    file = str(Path(FOLDER, "squeezenet1_0.safetensors"))
    described = describe("torchvision:squeezenet1_0", weights=file)
    network.save(weights.obtain(described, file, 0, tmp_path), tmp_path / "w.safetensors", {})
    loaded = network.load(tmp_path / "w.safetensors")
    with Path(FOLDER, "imagenet", "labels.csv").open() as stream:
        known = {row["file"]: int(row["class_index"]) for row in csv.DictReader(stream)}
    records = [Record(name, Path(FOLDER, "imagenet", name).read_bytes(), "ImageNet") for name in known]
    stimuli = table.build({"photographs": records}, {"localize": 0.4, "select": 0.3, "test": 0.3}, 2, seed=0)
    inputs = prepare(stimuli, pipeline(described.preprocessing))
    assert inputs.sizes["stimulus"] == 250
    with torch.inference_mode():
        outputs = torch.cat([logits(loaded.module(images)) for _, images in batches(inputs, 50, torch.device("cpu"))])
    right = np.array([known[name] for name in inputs["stimulus"].values])[:, None]
    best = outputs.topk(5).indices.numpy()
    assert (best[:, :1] == right).sum() == 161
    assert (best == right).sum() == 205
