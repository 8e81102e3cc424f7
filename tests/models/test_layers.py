"""The layers of a model are listed as they run, with shapes that are true."""

import subprocess
import sys

import pytest
import transformers
from torch import nn

from deeplocalizer import architecture
from deeplocalizer.models import network
from deeplocalizer.models.__main__ import main
from deeplocalizer.models.description import describe
from deeplocalizer.models.specification import Specification
from tests.models.test_libraries import saved


def rows(name, *patterns):
    described = describe(name, weights="none", task_labels=["a", "b"])
    return {
        (row.layer, row.call): row for row in architecture.listing(network.initial(described, 0), patterns or ("**",))
    }


def test_a_convolutional_network():
    found = rows("small_cnn")
    assert list(found)[:4] == [
        ("conv1.convolution", 0),
        ("conv1.normalization", 0),
        ("conv1.activation", 0),
        ("conv1", 0),
    ]
    assert found["conv1.convolution", 0].shape == "16 x 32 x 32" and found["hidden.linear", 0].axes == "channel"
    assert found["conv1", 0].note == "the same output as conv1.activation"
    assert found["conv1", 0].parameters == 16 * 9 + 2 * 16


def test_a_transformer(tmp_path):
    saved(tmp_path, "vit")
    found = rows(f"transformers:{tmp_path}", "vit.layers.*", "vit.layernorm")
    assert found["vit.layers.1", 0].shape == "17 x 32" and found["vit.layers.1", 0].axes == "token channel"


def test_windows_and_channels_last(tmp_path):
    saved(tmp_path, "swin")
    found = rows(f"transformers:{tmp_path}")
    assert "its rows are not stimuli" in {row.note for row in found.values()}
    assert found["swin.encoder.layers.1[0]", 0].shape == "64 x 32"
    found = rows("torchvision:swin_t", "features.*", "features.1.0.attn.*")
    assert found["features.1", 0].shape == "96 x 56 x 56" and found["features.1", 0].axes == "channel y x"
    assert found["features.1.0.attn.qkv", 0].note == "does not run"


class Recurrent(nn.Module):
    """Reads an image row by row; without ``first``, stimuli stand on the second axis."""

    def __init__(self, layers=1, first=True):
        super().__init__()
        self.lstm, self.head = nn.LSTM(8, 5, layers, batch_first=first), nn.Linear(5, 2)

    def forward(self, x):
        rows = x[:, 0]
        if self.lstm.batch_first:
            return self.head(self.lstm(rows)[0][:, -1])
        return self.head(self.lstm(rows.transpose(0, 1))[0][-1])


@pytest.mark.parametrize("layers", [1, 2])
def test_the_final_state_of_a_recurrent_network_has_no_units(layers):
    # one layer is as long as one image is many, two are as two
    preprocessing = {"size": [8, 8], "mean": [0.5], "std": [0.5]}
    made = network.Network(Recurrent(layers).eval(), Specification("python", "m:f", "", {}, ("a", "b"), preprocessing))
    notes = {row.layer: row.note for row in architecture.listing(made)}
    state = "its rows are not stimuli"
    assert notes == {"lstm[0]": "", "lstm[1][0]": state, "lstm[1][1]": state, "getitem()": "", "head": ""}
    with pytest.raises(ValueError, match=r"layer 'lstm\[1\]\[0\]' gives .* expected a row for each.*final state"):
        architecture.table(made, ["lstm"])
    assert architecture.table(made, ["head"])["layer"].values.tolist() == ["head"]


def test_the_command(capsys, tmp_path):
    main(["layers", "torchvision:squeezenet1_1", "--pattern", "features.3*", "--pattern", "classifier"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["layer", "module", "call", "shape", "axes", "parameters", "note"]
    assert lines[1].split() == ["features.3", "Fire", "0", "128", "x", "55", "x", "55", "channel", "y", "x", "11,408"]
    (tmp_path / "study.yaml").write_text("models:\n  net:\n    architecture: small_cnn\n    layers: [conv1]\n")
    main(["layers", "--config", str(tmp_path / "study.yaml"), "--model", "net"])
    assert "conv3.convolution" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["small_cnn", "--pattern", "convv1"], "layer 'convv1' matches no module.*near it are: conv1"),
        (["torchvision:resnet35"], "torchvision has no image classifier 'resnet35'"),
        (["--config", "{tmp}/study.yaml"], "several models"),
        (["--config", "{tmp}/study.yaml", "--model", "c"], "has no model 'c'.*there are a, b"),
        (["--config", "{tmp}/none.yaml"], "No such file"),
    ],
)
def test_mistakes_of_the_command_are_named(arguments, words, tmp_path):
    (tmp_path / "study.yaml").write_text("models: {a: {architecture: small_cnn}, b: {architecture: small_cnn}}")
    with pytest.raises(SystemExit, match=words):
        main(["layers", *(argument.format(tmp=tmp_path) for argument in arguments)])


def test_the_command_needs_a_model(capsys):
    with pytest.raises(SystemExit):
        main(["layers"])
    assert "give either an architecture or --config" in capsys.readouterr().err


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "deeplocalizer.models", "layers", "small_cnn", "--pattern", "readout"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[1].split()[:2] == ["readout", "Linear"]


def test_the_table_takes_the_outputs_of_transformers(tmp_path):
    saved(tmp_path, "convnext", transformers.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.875))
    described = describe(f"transformers:{tmp_path}", weights="none")
    table = architecture.table(network.initial(described, 0), ["convnext.encoder.stages.*"])
    assert table["output_shape"].values.tolist() == ["8 x 16 x 16", "16 x 8 x 8", "24 x 4 x 4", "32 x 2 x 2"]
