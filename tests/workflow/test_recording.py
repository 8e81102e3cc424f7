"""Recording through the DAG: shards, operations, positions, reduced precision, validation."""

import shutil

import numpy as np
import pytest

from deeplocalizer import store, units
from tests.workflow.conftest import arrays, small, snakemake

MODEL = "results/small/dual_task_cnn"
RECORDED = ("activations", "moments")


@pytest.fixture
def unrecorded(study, tmp_path):
    """The small study as it was before anything was recorded."""
    folder = tmp_path / "study"
    shutil.copytree(study, folder)
    for name in RECORDED:
        (folder / MODEL / f"{name}.nc").unlink()
    return folder


def run(folder, config, *targets):
    result = snakemake(folder, config, *targets)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.mark.slow
def test_shards_give_the_same_numbers_and_one_that_is_lost_is_made_alone(study, unrecorded):
    config = small() | {"recording": {"shards": 3}}
    target = f"{MODEL}/moments.nc"
    run(unrecorded, config, target)
    expected = arrays(study)
    for name in RECORDED:
        gathered = store.open(unrecorded / MODEL / f"{name}.nc", name)
        assert gathered.attrs["content_digest"] == expected[f"{MODEL}/{name}.nc"]
    shutil.rmtree(unrecorded / MODEL / "shards" / "1")
    (unrecorded / target).unlink()
    told = run(unrecorded, config, target)
    assert told.count("Recording the responses") == 1 and "Putting the shards" in told
    assert store.open(unrecorded / target).attrs["content_digest"] == expected[target]


@pytest.mark.slow
def test_more_shards_than_blocks_are_refused_in_words(unrecorded):
    config = small() | {"recording": {"shards": 500}}
    result = snakemake(unrecorded, config, f"{MODEL}/shards/0/moments.nc")
    assert result.returncode != 0
    assert "cannot be scattered over 500 shards; expected 1 to" in result.stdout + result.stderr


@pytest.mark.slow
def test_positions_can_be_kept_rounded_and_validated(study, unrecorded):
    wanted = {"reductions": ["mean", "position"], "responses": ["position"], "significant_bits": 10, "validate": True}
    targets = [f"{MODEL}/{name}.nc" for name in ("contrast", "extremes", "validation")]
    run(unrecorded, small() | {"recording": wanted, "readouts": {}}, *targets)
    whole, rounded = (store.open(folder / MODEL / "activations.nc") for folder in (study, unrecorded))
    assert set(units.decode(rounded["reduction"])) == {"position"}
    assert rounded["activation"].attrs["_QuantizeBitRoundNumberOfSignificantBits"] == 10
    first = units.layer_names(rounded) == "conv1"
    maps = rounded["activation"].values[:, first].reshape(rounded.sizes["stimulus"], 16, -1)
    means = whole["activation"].values[:, units.layer_names(whole) == "conv1"]
    np.testing.assert_allclose(maps.mean(-1), means, rtol=2**-10, atol=1e-6)
    validated = store.open(unrecorded / MODEL / "validation.nc", "validation")
    assert validated["layer"].values.tolist() == ["conv1", "conv2", "conv3", "hidden"]
    assert validated["has_influence"].all() and (validated["error"] == 0).all()


NETWORK = '''
from torch import nn
from torch.nn import functional as F


class Functional(nn.Module):
    """A residual network whose sums and rectifiers are functions."""

    def __init__(self):
        super().__init__()
        self.stem, self.inner = nn.Conv2d(1, 8, 5, 2), nn.Conv2d(8, 8, 3, 1, 1)
        self.readout = nn.Linear(8, 12)

    def forward(self, x):
        x = F.relu(self.stem(x), inplace=True)
        y = self.inner(x)
        y += x
        return self.readout(F.relu(y).mean((2, 3)))


def build():
    return Functional()
'''


@pytest.mark.slow
def test_operations_are_recorded_localized_and_ablated(tmp_path):
    config = small() | {"readouts": {}, "ablation": {"controls": 40}}
    config["models"] = {
        "functional": {
            "architecture": "python:nets:build",
            "weights": "none",
            "layers": ["stem", "relu()", "add"],
            "preprocessing": {"mode": "L", "resize": 32, "crop": 32, "mean": [0.5], "std": [0.5]},
            "labels": "labels.txt",
        }
    }
    config["stimuli"]["splits"] = {"train": 0, "localize": 0.5, "select": 0, "test": 0.5}
    (tmp_path / "nets.py").write_text(NETWORK)
    (tmp_path / "labels.txt").write_text("\n".join(["face", "non-face", *map(str, range(10))]))
    run(tmp_path, config, "results/small/functional/outcomes/faces.nc")
    folder = tmp_path / "results/small/functional"
    architecture = store.open(folder / "architecture.nc")
    listed = list(zip(architecture["layer"].values, architecture["call"].values.tolist(), strict=True))
    assert listed == [("stem", 0), ("relu()", 0), ("add()", 0), ("relu()", 1)]
    edges = set(zip(architecture["source"].values.tolist(), architecture["target"].values.tolist(), strict=True))
    assert edges == {(0, 1), (1, 2), (2, 3)}
    outcomes = store.open(folder / "outcomes" / "faces.nc")
    assert outcomes.sizes["intervention"] == 42 and np.isfinite(outcomes["kl"].values).all()
    assert outcomes["kl"].values[1:].max() > 0 == np.abs(outcomes["kl"].values[0]).max()
