"""What replaces units is what its name says, by hand and step by step."""

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.stats import binomtest
from torch import nn

from deeplocalizer import ablation, hooks, moments, outcomes, recording, units
from deeplocalizer.ablation import Filling
from tests.ablation.networks import CPU, LABELS, images, inputs, layers, masked

SIDE = 8


class Chain(nn.Module):
    """Maps, then tokens, then a vector; an addition that is no module."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)
            self.token, self.vector, self.head = nn.Linear(5, 6), nn.Linear(6, 7), nn.Linear(7, 10)
            self.head.weight.data *= 5
        self.eval()

    def forward(self, x):
        first = self.first(x)
        second = self.second(torch.relu(first))
        token = self.token((second + 1).flatten(2).transpose(1, 2))
        return self.head(torch.tanh(self.vector(torch.tanh(token).mean(1))))


PATTERNS = ["first", "second", "add()", "token", "vector"]
SHAPES = {"first": (4, 6, 6), "second": (5, 4, 4), "add()": (5, 4, 4), "token": (16, 6), "vector": (7,)}


def step_by_step(model, x, change):
    """Run the chain by hand; ``change`` takes the name and the output of each layer."""
    with torch.no_grad():
        first = change("first", model.first(x))
        second = change("second", model.second(torch.relu(first)))
        added = change("add()", second + 1)
        token = change("token", model.token(added.flatten(2).transpose(1, 2)))
        vector = change("vector", model.vector(torch.tanh(token).mean(1)))
        return model.head(torch.tanh(vector))


def layer_outputs(model, x):
    seen = {}
    step_by_step(model, x, lambda name, output: seen.setdefault(name, output))
    return seen


@pytest.fixture(scope="module")
def chain():
    model, stimuli = Chain(), inputs(30, SIDE)
    _, places = layers(model, PATTERNS, SIDE)
    _, summary = recording.record(model, places, stimuli, ["mean"], 8, CPU)
    maps = ablation.mean_maps(model, places, stimuli, ["b"], 8, CPU)
    tested = stimuli.isel(stimulus=(stimuli["split"] == "test").values)
    return model, stimuli, places, summary, maps, tested


def channels(table, chosen):
    """Give the units of some channels, by layer."""
    names = units.layer_names(table)
    return np.flatnonzero([c in chosen.get(n, ()) for n, c in zip(names, table["channel"].values, strict=True)])


def setting(chosen, values, kept=False):
    """Change some channels, or all but them, to values of the shape of a response (or of all responses)."""

    def change(name, output):
        if name not in chosen and not kept:
            return output
        axis = 2 if output.ndim == 3 else 1
        mine = torch.zeros(output.shape[axis], dtype=torch.bool)
        mine[list(chosen.get(name, ()))] = True
        wide = (mine ^ kept)[:, None, None] if output.ndim == 4 else mine ^ kept
        value = torch.as_tensor(np.asarray(values[name]), dtype=output.dtype)
        return torch.where(wide, value.expand_as(output), output)

    return change


MASKS = [
    {"first": [1, 3]},
    {"second": [0]},
    {"add()": [2, 4]},
    {"token": [0, 5]},
    {"vector": [1, 2, 6]},
    {"first": [0], "add()": [1], "token": [2], "vector": [3]},
]


def kl(model, tested, change, batch=32):
    x = images(tested)
    question = outcomes.ask(tested["label"].values.astype(str), LABELS, {})
    with torch.no_grad():
        return outcomes.score(step_by_step(model, x, change).numpy(), model(x).numpy(), question)["kl"]


def localized(stimuli, category):
    return stimuli.isel(stimulus=((stimuli["split"] == "localize") & (stimuli["category"] == category)).values)


def values_by_hand(model, stimuli, tested, kind):
    """Give what replaces each layer's response."""
    if kind == "zero":
        return {name: 0.0 for name in SHAPES}
    if kind == "resample":
        drawn = ablation.donors(stimuli, tested["stimulus"].values, ["b"], seed=3)
        return layer_outputs(model, images(drawn))
    means = {name: out.double().mean(0) for name, out in layer_outputs(model, images(localized(stimuli, "b"))).items()}
    if kind == "map":
        return means
    over = {"token": (0,), "vector": ()}
    scalars = {
        name: mean.mean(over.get(name, (1, 2)), keepdim=True) if name != "vector" else mean
        for name, mean in means.items()
    }
    return scalars


@pytest.mark.parametrize("kind", ["zero", "map", "scalar", "resample"])
@pytest.mark.parametrize("keep", [False, True])
def test_values_are_those_of_the_network_run_by_hand(chain, kind, keep):
    model, stimuli, places, summary, maps, tested = chain
    value = {"map": "mean", "scalar": "mean"}.get(kind, kind)
    drawn = ablation.donors(stimuli, tested["stimulus"].values, ["b"], seed=3)
    settings = {"value": "keep", "background": value} if keep else {"value": value}
    settings["mean"] = kind if kind in ("map", "scalar") else "map"
    filling = ablation.filling(settings, summary, maps, ["b"], drawn)
    table = masked(summary, {f"m{i}": channels(summary, chosen) for i, chosen in enumerate(MASKS)})
    expected = values_by_hand(model, stimuli, tested, kind)
    for batch in (tested.sizes["stimulus"], 3 * tested.sizes["stimulus"]):
        result = ablation.ablate(model, places, LABELS, tested, table, filling, {}, batch, CPU)
        for row, chosen in enumerate(MASKS, start=1):
            by_hand = kl(model, tested, setting(chosen, expected, keep))
            np.testing.assert_allclose(result["kl"].values[row], by_hand, rtol=1e-3, atol=2e-6)
            assert by_hand.max() > 1e-5
    assert result["value"].values.tolist() == ["", *["keep" if keep else value] * len(MASKS)]
    assert ("donor" in result.coords) == (kind == "resample")


def test_position_units_are_replaced_alone(chain):
    model, stimuli, places, _, maps, tested = chain
    rng = np.random.default_rng(0)
    members = np.sort(rng.choice(maps.sizes["unit"], 40, replace=False))
    table = masked(maps, {"some": members})
    flat = {name: np.zeros(shape, bool) for name, shape in SHAPES.items()}
    names = units.layer_names(maps)
    for name, chosen in flat.items():
        chosen.reshape(-1)[members[names[members] == name] - np.flatnonzero(names == name)[0]] = True
    means = values_by_hand(model, stimuli, tested, "map")
    for keep in (False, True):
        filling = Filling("keep" if keep else "mean", moments=maps, others=("b",))
        result = ablation.ablate(model, places, LABELS, tested, table, filling, {}, 100, CPU)

        def change(name, output, keep=keep):
            return torch.where(torch.from_numpy(flat[name]) ^ keep, means[name].to(output.dtype), output)

        np.testing.assert_allclose(result["kl"].values[1], kl(model, tested, change), rtol=1e-3, atol=2e-6)


def test_mean_maps_are_the_means_of_stored_responses(chain):
    model, stimuli, places, _, maps, _ = chain
    stored, _ = recording.record(model, places, stimuli, ["position"], 8, CPU, keep=["position"])
    mine = ((stored["category"] == "b") & (stored["split"] == "localize")).values
    expected = stored["activation"].values[mine].astype(float).mean(0)
    np.testing.assert_allclose(ablation.replacements("mean", maps, ["b"]), expected, rtol=1e-5, atol=1e-7)
    assert maps["fold"].values.tolist() == [0] and maps["split"].values.tolist() == ["localize"]
    with pytest.raises(ValueError, match="category 'z' has no stimulus in the split 'localize'"):
        ablation.mean_maps(model, places, stimuli, ["z"], 8, CPU)


def test_to_keep_a_mask_is_to_replace_its_complement(chain):
    model, _, places, summary, maps, tested = chain
    chosen = np.random.default_rng(1).random(summary.sizes["unit"]) < 0.4
    kept = masked(summary, {"m": np.flatnonzero(chosen)})
    rest = masked(summary, {"m": np.flatnonzero(~chosen)})
    for background in ("zero", "mean"):
        one = ablation.filling({"value": "keep", "background": background}, summary, maps, ["b"])
        other = ablation.filling({"value": background}, summary, maps, ["b"])
        a, b = (
            ablation.ablate(model, places, LABELS, tested, table, filling, {}, 16, CPU)
            for table, filling in ((kept, one), (rest, other))
        )
        np.testing.assert_array_equal(a["kl"], b["kl"])
        assert a["value"].values.tolist() == ["", "keep"] and b["value"].values.tolist() == ["", background]


def test_a_series_keeps_some_masks_and_ablates_others(chain):
    model, _, places, summary, maps, tested = chain
    table = masked(summary, {"m": [0, 9], "m@keep": [0, 9]}).assign_coords(series=("mask", ["", "keep"]))
    filling = ablation.filling({"value": "zero", "background": "mean"}, summary, maps, ["b"])
    result = ablation.ablate(model, places, LABELS, tested, table, filling, {}, 100, CPU)
    assert result["value"].values.tolist() == ["", "zero", "keep"]
    assert result["series"].values.tolist() == ["", "", "keep"]
    alone = [
        ablation.ablate(model, places, LABELS, tested, table.isel(mask=[i]).drop_vars("series"), one, {}, 100, CPU)[
            "kl"
        ].values[1]
        for i, one in enumerate([filling, ablation.filling({"value": "keep"}, summary, maps, ["b"])])
    ]
    np.testing.assert_allclose(result["kl"].values[1:], alone, rtol=1e-3, atol=1e-6)


def test_a_stimulus_that_is_its_own_donor_is_intact(chain):
    model, _, places, summary, _, tested = chain
    table = masked(summary, {"all": np.arange(summary.sizes["unit"]), "some": [0, 5, 12]})
    for value in ("resample", "keep"):
        filling = Filling(value, background="resample", donors=tested)
        tasks, size = {"all": LABELS}, tested.sizes["stimulus"]
        result = ablation.ablate(model, places, LABELS, tested, table, filling, tasks, size, CPU)
        for name in ("margin", "log_likelihood", "decided"):
            values = result[name].values
            assert np.isfinite(values).all()
            np.testing.assert_array_equal(values, np.broadcast_to(values[0], values.shape))
        assert result["kl"].values.max() < 1e-12
    assert result["donor"].values.tolist() == tested["stimulus"].values.tolist()


def test_donors_are_drawn_from_the_others_of_the_localize_split_alone():
    stimuli = inputs(60, 4)
    tested = stimuli["stimulus"].values[(stimuli["split"] == "test").values]
    drawn = ablation.donors(stimuli, tested, ["b"], 0)
    assert set(drawn["category"].values) == {"b"} and set(drawn["split"].values) == {"localize"}
    again = ablation.donors(stimuli.isel(stimulus=np.arange(60)[::-1]), tested[::-1], ["b"], 0)
    assert again["stimulus"].values[::-1].tolist() == drawn["stimulus"].values.tolist()
    assert ablation.donors(stimuli, tested, ["b"], 1)["stimulus"].values.tolist() != drawn["stimulus"].values.tolist()
    many = [f"t{i}" for i in range(4000)]
    names, counts = np.unique(ablation.donors(stimuli, many, ["b"], 0)["stimulus"], return_counts=True)
    assert len(names) == 20
    assert min(binomtest(int(count), 4000, 1 / 20).pvalue for count in counts) > 1e-4
    with pytest.raises(ValueError, match="no stimulus of the categories z is in the split 'localize'"):
        ablation.donors(stimuli, tested, ["z"], 0)


def test_what_is_missing_is_named(chain):
    model, _, places, summary, maps, tested = chain
    table = masked(summary, {"m": channels(summary, {"second": [1]})})

    def ablate(filling):
        return ablation.ablate(model, places, LABELS, tested, table, filling, {}, 8, CPU)

    with pytest.raises(ValueError, match=r"layer 'second' \(call 0\) has no mean map, which mask 'm' needs"):
        ablate(Filling("mean", moments=summary, others=("b",)))
    with pytest.raises(ValueError, match="needs the moments of the units; none were given"):
        ablate(Filling("mean"))
    with pytest.raises(ValueError, match="0 were given for 10 stimuli"):
        ablate(Filling("resample"))
    with pytest.raises(ValueError, match="there are no stimuli of no category"):
        ablate(Filling("mean", moments=summary, maps=maps))
    with pytest.raises(ValueError, match="ablation background 'noise' is unknown; allowed are zero, mean, resample"):
        ablation.filling({"value": "zero", "background": "noise"})


def test_the_first_reduction_is_kept_and_no_other(chain):
    model, stimuli, places, *_, tested = chain
    _, both = recording.record(model, {"token": places["token"]}, stimuli, ["class_token", "mean"], 8, CPU)
    reduction = units.decode(both["reduction"])
    # sixteen tokens are a square: they have no class token
    assert set(reduction) == {"mean"}
    _, both = recording.record(model, {"first": places["first"]}, stimuli, ["max", "mean"], 8, CPU)
    wrong = masked(both, {"m": [5]})
    with pytest.raises(ValueError, match="layer 'first': a unit of the reduction 'mean' cannot be kept"):
        ablation.ablate(model, places, LABELS, tested, wrong, Filling("keep", "zero"), {}, 8, CPU)


class Tokens(nn.Module):
    """A class token before eight others."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.mix, self.head = nn.Linear(3, 4), nn.Linear(4, 10)

    def forward(self, x):
        tokens = self.mix(x.flatten(2)[:, :, :8].transpose(1, 2))
        return self.head(torch.tanh(tokens).mean(1) + tokens[:, 0])


def test_class_tokens_are_replaced_and_kept_alone():
    model, stimuli = Tokens().eval(), inputs(12, 4)
    places = hooks.places(model, ["mix"])
    _, summary = recording.record(model, places, stimuli, ["class_token"], 8, CPU)
    maps = ablation.mean_maps(model, places, stimuli, ["a"], 8, CPU)
    table = masked(summary, {"m": [1, 3]})
    x = images(stimuli)
    mean = moments.pool(summary, ["a"], ["localize"])["mean"].values
    question = outcomes.ask(stimuli["label"].values.astype(str), LABELS, {})
    for keep, chosen in ((False, [1, 3]), (True, [0, 2])):
        filling = Filling("keep" if keep else "mean", moments=summary, maps=maps, others=("a",))
        result = ablation.ablate(model, places, LABELS, stimuli, table, filling, {}, 12, CPU)
        with torch.no_grad():
            tokens = model.mix(x.flatten(2)[:, :, :8].transpose(1, 2))
            tokens[:, 0, chosen] = torch.from_numpy(mean[chosen]).float()
            outputs = model.head(torch.tanh(tokens).mean(1) + tokens[:, 0])
            expected = outcomes.score(outputs.numpy(), model(x).numpy(), question)
        np.testing.assert_allclose(result["kl"].values[1], expected["kl"], rtol=1e-3, atol=1e-6)


class Keeper(nn.Module):
    """Holds what its layers gave, and uses it once more."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.same, self.head = nn.Conv2d(3, 4, 3), nn.Identity(), nn.Linear(4, 10)
        self.held = []

    def forward(self, x):
        made = self.conv(x)
        self.held.append(made)
        self.held.append(made.clone())
        return self.head(self.same(made).mean((2, 3)) + made.amax((2, 3)))


def test_what_a_network_holds_is_not_changed():
    model, stimuli = Keeper().eval(), inputs(5, 6)
    _, places = layers(model, ["same"], 6)
    table = units.table([units.Layer("same", 0, (4, 4, 4))], ["mean"])
    model.held.clear()
    result = ablation.ablate(model, places, LABELS, stimuli, masked(table, {"m": [0, 1]}), np.zeros(4), {}, 5, CPU)
    assert len(model.held) >= 4
    assert all(torch.equal(held, copy) for held, copy in zip(model.held[::2], model.held[1::2], strict=True))
    assert result["kl"].values[1].max() > 0


def test_a_hook_of_someone_else_keeps_what_it_saw():
    model, stimuli = Chain(), inputs(5, SIDE)
    _, places = layers(model, ["second"], SIDE)
    table = units.table([units.Layer("second", 0, (5, 4, 4))], ["mean"])
    seen = []
    handle = model.second.register_forward_hook(lambda _, __, output: seen.append((output, output.clone())))
    ablation.ablate(model, places, LABELS, stimuli, masked(table, {"m": [0, 1]}), np.zeros(5), {}, 5, CPU)
    handle.remove()
    assert all(torch.equal(one, copy) for one, copy in seen)


def test_a_network_that_changes_its_input_in_place_is_given_a_copy():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10)
    )
    model.eval()
    stimuli = inputs(6, 6)
    table = units.table([units.Layer("1", 0, (4, 4, 4))], ["mean"])
    listed = masked(table, {"none": [0, 1, 2, 3], "some": [1], "again": [1]})
    listed = listed.assign_coords(series=("mask", ["keep", "fraction", "fraction"]))  # all are kept
    result = ablation.ablate(model, hooks.places(model, ["1"]), LABELS, stimuli, listed, np.zeros(4), {}, 6, CPU)
    np.testing.assert_array_equal(result["kl"].values[1], 0)
    np.testing.assert_array_equal(result["kl"].values[2], result["kl"].values[3])
    assert isinstance(result, xr.Dataset) and result["kl"].values[2].max() > 0
