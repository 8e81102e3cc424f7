"""Recorded responses are those of the network, and their moments agree with them."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from deeplocalizer import hooks, moments, recording, store, tracing, units
from deeplocalizer.provenance import stamp

CPU = torch.device("cpu")


class Network(nn.Module):
    """Maps, tokens and a vector, with an in-place ReLU that is used twice."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.norm = nn.BatchNorm2d(3)
        self.relu = nn.ReLU(inplace=True)
        self.token = nn.Linear(3, 5)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        x = self.relu(self.norm(self.conv(x)))
        x = self.token(x.flatten(2).transpose(1, 2))
        return self.head(self.relu(x).mean(dim=1))


@pytest.fixture
def model():
    torch.manual_seed(0)
    network = Network().eval()
    network.norm.running_mean.fill_(0.1)
    return network


def made(count=50, seed=0):
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "pixel_values": (
                ("stimulus", "channel", "y", "x"),
                rng.integers(0, 256, (count, 1, 6, 7), dtype=np.uint8),
            ),
            "mean": ("channel", [0.5]),
            "std": ("channel", [0.25]),
        },
        coords={
            "stimulus": [f"s{i:03d}" for i in range(count)],
            "category": ("stimulus", np.array(["a", "b", "c"], dtype=object)[rng.integers(0, 3, count)]),
            "label": ("stimulus", np.array([""] * count, dtype=object)),
            "split": ("stimulus", np.array(["localize", "test"], dtype=object)[rng.integers(0, 2, count)]),
            "fold": ("stimulus", rng.integers(0, 4, count).astype(np.int8)),
            "group": ("stimulus", np.array([f"s{i:03d}" for i in range(count)], dtype=object)),
        },
    )


LAYERS = ["conv", "norm", "relu", "token", "head"]


def by_hand(model, inputs):
    """The same responses without hooks."""
    with torch.inference_mode():
        x = (torch.from_numpy(inputs["pixel_values"].values).float() / 255 - 0.5) / 0.25
        conv = model.conv(x)
        norm = model.norm(conv)
        relu = norm.clamp(min=0)
        token = model.token(relu.flatten(2).transpose(1, 2))
        second = token.clamp(min=0)
        return [conv, norm, relu, token, second, model.head(second.mean(dim=1))]


@pytest.mark.parametrize("reduction", ["mean", "max"])
def test_responses_are_those_of_the_network(model, reduction):
    inputs = made()
    recorded, _ = recording.record(model, hooks.find(model, LAYERS), inputs, [reduction], 16, CPU)
    recorded = recorded.sel(stimulus=inputs["stimulus"])
    np.testing.assert_allclose(recorded["activation"], reduced(model, inputs, reduction), atol=1e-6)
    assert recorded["activation"].dtype == np.float32


def reduced(model, inputs, reduction):
    parts = []
    for value in by_hand(model, inputs):
        space = {4: (2, 3), 3: (1,), 2: ()}[value.ndim]
        if reduction == "position" or not space:
            parts.append(value.flatten(1))
        else:
            parts.append(value.amax(space) if reduction == "max" else value.mean(space))
    return torch.cat(parts, 1).numpy()


def test_positions_have_moments_and_their_responses_are_not_kept(model, tmp_path):
    inputs = made()
    activations, summary = recording.record(model, hooks.find(model, LAYERS), inputs, ["position"], 16, CPU)
    expected = reduced(model, inputs, "position").astype(float)
    pooled = moments.pool(summary, ["a", "b", "c"], ["localize", "test"])
    np.testing.assert_allclose(pooled["mean"], expected.mean(0), atol=1e-6)
    np.testing.assert_allclose(pooled["m2"], expected.var(0) * len(expected), rtol=1e-4, atol=1e-6)
    assert activations["activation"].shape == (50, 0)
    # the file of no units is a file like any other
    store.save(stamp(activations, "activations", "Responses", {}), tmp_path / "a.nc")
    read = store.open(tmp_path / "a.nc", "activations")
    assert read["activation"].shape == (50, 0)
    assert sorted(read["stimulus"].values.tolist()) == inputs["stimulus"].values.tolist()


def test_positions_beside_channels_leave_the_channels_alone(model):
    inputs, modules = made(), hooks.find(model, LAYERS)
    both, summary = recording.record(model, modules, inputs, ["mean", "position", "max"], 16, CPU)
    without, _ = recording.record(model, modules, inputs, ["mean", "max"], 16, CPU)
    np.testing.assert_array_equal(both["activation"], without["activation"])
    # a unit keeps its index, and so its place among the moments
    place = summary.sel(unit=both["unit"])
    for name in units.COORDINATES:
        np.testing.assert_array_equal(both[name], place[name])
    assert both.attrs["units_digest"] == units.digest(both) != summary.attrs["units_digest"]
    assert summary.attrs["units_digest"] == units.digest(summary)


def test_only_the_splits_that_are_asked_for_are_recorded(model):
    inputs = made()
    recorded, summary = recording.record(model, LAYERS, inputs, ["mean"], 16, CPU, splits=["localize", "select"])
    wanted = inputs["stimulus"].values[(inputs["split"] == "localize").values]
    assert set(recorded["stimulus"].values) == set(wanted) and summary["split"].values.tolist() == ["localize"]
    with pytest.raises(ValueError, match="no stimulus is in the splits select that .* there are localize, test"):
        recording.record(model, LAYERS, inputs, ["mean"], 16, CPU, splits=["select"])


def test_units_say_where_they_are(model):
    recorded, _ = recording.record(model, hooks.find(model, LAYERS), made(), ["mean", "max"], 16, CPU)
    names = units.layer_names(recorded)
    assert list(dict.fromkeys(zip(names.tolist(), recorded["call"].values.tolist(), strict=True))) == [
        ("conv", 0),
        ("norm", 0),
        ("relu", 0),
        ("token", 0),
        ("relu", 1),
        ("head", 0),
    ]
    # the head has no space to reduce, so its units are there once
    assert recorded.sizes["unit"] == 2 * (3 + 3 + 3 + 5 + 5) + 2
    assert recorded.attrs["units_digest"] == units.digest(recorded)


def test_moments_are_those_of_the_responses(model):
    inputs = made(80)
    recorded, summary = recording.record(model, hooks.find(model, LAYERS), inputs, ["mean"], 16, CPU)
    for category in "abc":
        chosen = (recorded["category"] == category) & (recorded["split"] == "localize")
        values = recorded["activation"].values[chosen.values].astype(float)
        pooled = moments.pool(summary, [category], ["localize"])
        assert int(pooled["count"]) == len(values)
        np.testing.assert_allclose(pooled["mean"], values.mean(0), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(pooled["m2"], values.var(0) * len(values), rtol=1e-7, atol=1e-12)
    assert int(summary["count"].sum()) == 80


def test_recording_again_is_bitwise_equal_and_other_batches_agree(model):
    first, again, other = (
        recording.record(model, hooks.find(model, LAYERS), made(), ["mean"], size, CPU)[0] for size in (16, 16, 7)
    )
    assert first.identical(again)
    np.testing.assert_allclose(first["activation"], other["activation"], atol=1e-5)


def test_mistakes_are_named(model):
    with torch.no_grad():
        model.head.weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"layer 'head' gives nan for stimulus 's0"):
        recording.record(model, hooks.find(model, LAYERS), made(), ["mean"], 16, CPU)
    unused = nn.Module()
    unused.used, unused.spare = nn.Linear(2, 2), nn.Linear(2, 2)
    unused.forward = lambda x: unused.used(x)
    with pytest.raises(ValueError, match="layer 'spare' takes no part in the forward pass of Module"):
        tracing.trace(unused, {"used": unused.used, "spare": unused.spare}, torch.zeros(1, 2))
    with pytest.raises(ValueError, match=r"layer 'm' gives an output of shape \(1, 1, 1, 1, 1\)"):
        recording.reduce(torch.zeros(1, 1, 1, 1, 1), "mean", hooks.Site("m", 0))


def test_a_block_and_its_last_module_are_not_recorded_twice():
    block = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()))
    layers = tracing.trace(block, hooks.find(block, ["0", "0.1"]), torch.zeros(1, 1, 5, 5))
    assert [layer.name for layer in layers] == ["0.1"]
    # the pattern that comes first decides
    chosen = tracing.select(block, ["0", "0.1"], torch.zeros(1, 1, 5, 5))
    assert [layer.name for layer in chosen.layers] == ["0"] and chosen.others == {
        hooks.Site("0", 0): [hooks.Site("0.1", 0)]
    }
    in_place = nn.Sequential(nn.BatchNorm2d(1), nn.ReLU(inplace=True))
    assert len(tracing.trace(in_place.eval(), hooks.find(in_place, ["*"]), torch.zeros(1, 1, 5, 5))) == 2


def test_a_layer_whose_rows_are_not_stimuli_is_named():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.turn = nn.Flatten(0, 1)

        def forward(self, x):
            return self.turn(x.expand(-1, 3, -1, -1)).mean((1, 2))

    turned = Turned()
    with pytest.raises(
        ValueError, match=r"layer 'turn' gives 3 rows for 1 stimulus \(shape \(3, 6, 7\)\); expected a row for each"
    ):
        recording.record(turned, {"turn": turned.turn}, made(), ["mean"], 16, CPU)


def test_rows_that_change_with_the_batch_are_named():
    class Kept(nn.Module):
        """Gives as many rows as stimuli, but never more than some."""

        def __init__(self, most):
            super().__init__()
            self.constant, self.most = nn.Linear(1, 3), most

        def forward(self, x):
            return x.mean((1, 2, 3))[:, None] + self.constant(torch.ones(min(len(x), self.most), 1)).mean(0)

    for most, words in ((1, r"gives 1 rows for 2 stimuli \(shape \(1, 3\)\)"), (2, "gives 2 rows for 16 stimuli")):
        kept = Kept(most)
        with pytest.raises(ValueError, match=f"layer 'constant' {words}"):
            recording.record(kept, {"constant": kept.constant}, made(), ["mean"], 16, CPU)


def test_a_layer_that_gives_no_real_numbers_is_told_from_one_that_never_runs():
    class Sorted(nn.Module):
        def forward(self, x):
            return x.argmax(1)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.best, self.linear = Sorted(), nn.Linear(2, 2)

        def forward(self, x):
            return self.best(self.linear(x))

    model = Model()
    with pytest.raises(ValueError, match=r"layer 'best' gives no tensor of real numbers but a Tensor of torch.int64"):
        tracing.trace(model, hooks.find(model, ["*"]), torch.zeros(1, 2))
