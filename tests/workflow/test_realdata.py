"""A study on real pretrained weights and the field's standard images: what it finds makes sense."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from deeplocalizer import store, units
from tests.workflow.conftest import ROOT, snakemake

FOLDER = os.environ.get("DEEPLOCALIZER_REALDATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.realdata,
    pytest.mark.skipif(not FOLDER, reason="DEEPLOCALIZER_REALDATA names no folder"),
]
OTHERS = ("bodies", "cars", "instruments", "houses", "characters")


def run(folder: Path, *targets: str) -> Path:
    """Run the study as far as is wanted, or whole, and give the folder of its results."""
    config = (ROOT / "tests/workflow/realdata.yaml").read_text().replace("REALDATA", FOLDER)
    result = snakemake(folder, yaml.safe_load(config), *(f"results/floc/{path}" for path in targets))
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "results" / "floc"


@pytest.fixture(scope="module")
def floc(tmp_path_factory) -> Path:
    wanted = ("squeezenet/masks.nc", "squeezenet/effects.nc", "untrained/activations.nc")
    return run(tmp_path_factory.mktemp("floc"), *wanted)


def face_units(activations) -> np.ndarray:
    """Say which units prefer faces with d' > 0.85 against each of the other categories by itself."""
    category, values = activations["category"].values, activations["activation"].values.astype(float)
    faces = values[category == "faces"]
    chosen = np.ones(values.shape[1], dtype=bool)
    for other in OTHERS:
        others = values[category == other]
        spread = np.sqrt((faces.var(axis=0, ddof=1) + others.var(axis=0, ddof=1)) / 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            chosen &= (faces.mean(axis=0) - others.mean(axis=0)) / spread > 0.85
    return chosen


def test_the_trained_network_has_face_units_and_the_untrained_hardly_any(floc):
    found = {}
    for model in ("squeezenet", "untrained"):
        activations = store.open(floc / model / "activations.nc", "activations")
        chosen, layer = face_units(activations), units.layer_names(activations)
        found[model] = {name: int(chosen[layer == name].sum()) for name in np.unique(layer)}
    assert sum(found["untrained"].values()) <= 5  # of 1,408
    assert found["squeezenet"]["features.10"] > found["squeezenet"]["features.8"]
    assert 30 <= found["squeezenet"]["features.10"] <= 90  # 53 of 512 against eight categories
    assert 10 <= found["squeezenet"]["features.12"] <= 50  # 24 of 512


def test_the_mask_holds_face_units(floc):
    masks = store.open(floc / "squeezenet" / "masks.nc", "masks")
    activations = store.open(floc / "squeezenet" / "activations.nc", "activations")
    units.align(masks, activations)
    target = masks["selected"].values[masks["role"].values == "target"][0]
    assert target.sum() == np.ceil(0.03 * target.size)
    assert face_units(activations)[target].mean() > 0.9


def test_silencing_them_changes_labels_of_faces_most(floc):
    """Not what a network says of a picture of noise: more than random masks do, and more than of anything else."""
    effects = store.open(floc / "squeezenet" / "effects.nc", "effects")
    kept = {
        name: float(effects["estimate"].sel(comparison=f"harm/faces/{name}/raw", outcome="kl"))
        for name in ("faces", *OTHERS, "photographs")
    }
    assert max(kept, key=kept.get) == "faces", kept
    advantage = effects.sel(comparison="advantage/faces/faces/raw", outcome="kl")
    assert float(advantage["p"]) == pytest.approx(1 / 20)
    assert float(advantage["low"]) > 0


@pytest.mark.long
def test_the_report_states_the_numbers_of_the_files(floc):
    run(floc.parents[1])
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (floc / "report.html").read_text()))
    effects = store.open(floc / "squeezenet" / "effects.nc", "effects")
    kept = float(effects["estimate"].sel(comparison="ablated/faces/faces/raw", outcome="kept"))
    assert "squeezenet1_0" in text
    assert f"the decision changes for {100 * (1 - kept):.1f} %" in text
