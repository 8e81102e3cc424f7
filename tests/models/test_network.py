"""Networks are seeded, stored whole, and refuse what does not fit."""

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors import safe_open
from safetensors.torch import save_file
from transformers.modeling_outputs import ImageClassifierOutput

from deeplocalizer import architecture
from deeplocalizer.models import feeding, network, training
from deeplocalizer.units import Layer

LABELS = ["face", "non-face", "0"]


def test_the_same_seed_gives_the_same_weights_and_leaves_torch_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (network.build("small_cnn", LABELS, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert network.digest(first.module) == network.digest(again.module) != network.digest(other.module)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    built = network.build("small_cnn", LABELS, 3)
    network.save(built, tmp_path / "w.safetensors", {"seed": 3})
    loaded = network.load(tmp_path / "w.safetensors")
    assert loaded.labels == tuple(LABELS)
    assert network.digest(loaded.module) == network.digest(built.module)
    assert not loaded.module.training
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]
    network.save(built, tmp_path / "again.safetensors", {"seed": 3})
    assert (tmp_path / "w.safetensors").read_bytes() == (tmp_path / "again.safetensors").read_bytes()


def test_bad_weights_are_named(tmp_path):
    built = network.build("small_cnn", LABELS, 3)
    path = tmp_path / "w.safetensors"
    good = tmp_path / "good.safetensors"
    network.save(built, good, {})
    path.write_bytes(good.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"w\.safetensors: not a readable safetensors file"):
        network.load(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="not of DeepLocalizer"):
        network.load(path)
    with safe_open(good, framework="pt") as file:
        described = file.metadata()
    save_file({"a": torch.zeros(1)}, path, metadata=described)
    with pytest.raises(ValueError, match=r"do not fit 'small_cnn': 23 of 27 tensors are missing \(conv1\.convolution"):
        network.load(path)
    save_file({"a": torch.zeros(1)}, path, metadata={network.METADATA: '{"specification": {"format": 1}}'})
    with pytest.raises(ValueError, match="lacks library, name"):
        network.load(path)
    with pytest.raises(ValueError, match="architecture 'vgg' is unknown; allowed are small_cnn"):
        network.build("vgg", LABELS, 0)


def test_the_architecture_lists_layers_as_they_run():
    table = architecture.table(network.build("small_cnn", LABELS, 0), ["hidden", "conv*"])
    assert table["layer"].values.tolist() == ["conv1", "conv2", "conv3", "hidden"]
    assert table["channels"].values.tolist() == [16, 32, 64, 128]
    assert table["output_shape"].values[0] == "16 x 32 x 32"
    # 3 x 3 kernels without bias, then scale and shift of the normalisation
    assert table["parameters"].values[1] == 16 * 32 * 9 + 2 * 32
    assert Layer("conv1", 0, (16, 32, 32)).channels == 16


def made(count=240, seed=0):
    """Two tasks that pixels decide: bright or dark; a bar on the left or the right."""
    rng = np.random.default_rng(seed)
    label = np.array(["face", "non-face", "0", "1"])[np.arange(count) % 4]
    pixels = rng.integers(0, 60, (count, 1, 32, 32))
    pixels[label == "face"] += 150
    pixels[label == "0", :, :, :8] += 150
    pixels[label == "1", :, :, -8:] += 150
    return xr.Dataset(
        {
            "pixel_values": (("stimulus", "channel", "y", "x"), pixels.astype(np.uint8)),
            "mean": ("channel", [0.4]),
            "std": ("channel", [0.3]),
        },
        coords={"stimulus": [f"s{i}" for i in range(count)], "label": ("stimulus", label.astype(object))},
    )


TASKS = {"face": ["face", "non-face"], "digit": ["0", "1"]}
SETTINGS = {
    "epochs": 6,
    "batch_size": 32,
    "learning_rate": 0.003,
    "weight_decay": 0.01,
    "mirror": ["face", "non-face"],
}
ALL = [label for labels in TASKS.values() for label in labels]


def test_training_learns_both_tasks_and_is_the_same_whatever_the_threads():
    digests = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        built = training.train(network.build("small_cnn", ALL, 0), made(), TASKS, SETTINGS, seed=0)
        digests.append(network.digest(built.module))
        assert torch.get_num_threads() == threads
    accuracy = training.accuracy(built, made(seed=1), TASKS)
    assert min(accuracy.values()) > 0.95
    assert digests[0] == digests[1]


def test_an_untrained_network_is_at_chance():
    accuracies = [training.accuracy(network.build("small_cnn", ALL, seed), made(), TASKS) for seed in range(12)]
    assert np.mean([list(a.values()) for a in accuracies]) == pytest.approx(0.5, abs=0.15)


def test_a_label_without_stimuli_is_named():
    with pytest.raises(ValueError, match="task 'digit': no stimulus of the train split has the label '2'"):
        training.train(network.build("small_cnn", [*ALL, "2"], 0), made(), {"digit": ["0", "2"]}, SETTINGS, 0)


def test_weights_are_those_of_the_first_release():
    # digests of torch 2.15 with the code before there were other libraries
    found = [network.digest(network.build("small_cnn", ["a", "b", "c"], seed).module)[:16] for seed in (0, 1, 77)]
    assert found == ["d5846be374feb9ad", "6c70e4e1873f3aa4", "58521d919838ff95"]


def test_tied_weights_are_saved(tmp_path):
    built = network.build("small_cnn", LABELS, 3)
    built.module.twin = built.module.readout
    network.save(built, tmp_path / "w.safetensors", {})
    with safe_open(tmp_path / "w.safetensors", framework="pt") as file:
        assert torch.equal(file.get_tensor("twin.weight"), file.get_tensor("readout.weight"))


def test_outputs_are_found_in_what_networks_return():
    outputs = torch.zeros(2, 3)
    assert feeding.logits(outputs) is outputs
    assert feeding.logits((outputs, "more")) is outputs
    assert feeding.logits(ImageClassifierOutput(logits=outputs)) is outputs
    assert feeding.logits({"features": "more", "logits": outputs}) is outputs
    with pytest.raises(ValueError, match="returns a dict; expected a tensor .* a mapping with 'logits'"):
        feeding.logits({"a": outputs})
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\); expected \(stimulus, label\)"):
        feeding.logits(torch.zeros(2, 3, 4))


def test_blocks_cover_all_stimuli_once_and_are_normalised():
    inputs = made(50)
    blocks = list(feeding.batches(inputs, 16, torch.device("cpu")))
    assert [(b.start, b.stop) for b, _ in blocks] == [(0, 16), (16, 32), (32, 48), (48, 50)]
    pixels = torch.cat([images for _, images in blocks]).numpy()
    np.testing.assert_allclose(pixels, (inputs["pixel_values"].values / 255 - 0.4) / 0.3, atol=1e-5)
