"""The two functions for notebooks keep what they promise, and refuse by name."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from torch import nn

import deeplocalizer as dl


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    positive = np.arange(60) % 3 == 0
    values = rng.normal(size=(60, 4, 5)).astype(np.float32)
    values[positive, 2, 3] += 4
    values[positive, 1, 1] -= 4
    values[:, 0, 0] = 7.5
    return pd.DataFrame({"id": [f"s{i}" for i in range(60)], "positive": positive, "activations": list(values)})


def test_the_planted_unit_comes_first_and_the_dead_one_last(frame):
    ranked = dl.localize(frame)
    assert ranked.loc[0, ["axis_0", "axis_1", "unit"]].tolist() == [2, 3, 13]
    assert ranked.loc[len(ranked) - 2, ["axis_0", "axis_1"]].tolist() == [1, 1]
    assert ranked.iloc[-1]["dead"]
    assert ranked.iloc[-1]["unit"] == 0
    assert sorted(ranked["unit"]) == list(range(20))


def test_statistics_are_scipys(frame):
    ranked = dl.localize(frame).set_index("unit").drop(0)
    stacked = np.stack(frame["activations"].to_list()).reshape(60, -1)[:, 1:].astype(float)
    one, two = stacked[frame["positive"]], stacked[~frame["positive"]]
    expected = scipy.stats.ttest_ind(one, two, equal_var=False)
    np.testing.assert_allclose(ranked.sort_index()["t"], expected.statistic, rtol=1e-9)
    np.testing.assert_allclose(ranked.sort_index()["log10_p"], np.log10(expected.pvalue), rtol=1e-7)
    np.testing.assert_allclose(ranked.sort_index()["difference"], one.mean(0) - two.mean(0), rtol=1e-6)


@pytest.mark.parametrize("statistic", ["t", "d", "difference"])
def test_the_ranking_follows_the_statistic(frame, statistic):
    ranked = dl.localize(frame, statistic=statistic)
    assert ranked[~ranked["dead"]][statistic].is_monotonic_decreasing


def test_the_order_of_rows_does_not_matter(frame):
    shuffled = frame.sample(frac=1, random_state=1)
    np.testing.assert_allclose(dl.localize(frame)["t"], dl.localize(shuffled)["t"], rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="positive"), "no column 'positive'; it has id, activations"),
        (lambda f: f.assign(id="same"), "id 'same' occurs more than once"),
        (lambda f: f.assign(positive="yes"), "'positive' holds 'yes'; expected True or False"),
        (lambda f: f.assign(positive=False), "0 rows have positive == True"),
        (
            lambda f: f.assign(activations=[np.zeros(3)] * 59 + [np.zeros(4)]),
            r"row 's59': activations of shape \(4,\)",
        ),
        (
            lambda f: f.assign(activations=[np.full(3, np.nan)] * 60),
            "row 's0': activations are not all finite",
        ),
        (lambda f: f.assign(activations=["text"] * 60), "row 's0': activations of type <U4"),
        (lambda f: f.assign(activations=[np.zeros(0)] * 60), "row 's0': activations are empty"),
    ],
)
def test_bad_frames_are_named(frame, change, message):
    with pytest.raises(ValueError, match=message):
        dl.localize(change(frame))


def test_an_unknown_statistic_is_named(frame):
    with pytest.raises(ValueError, match="'z' is unknown; allowed are t, d, difference"):
        dl.localize(frame, statistic="z")


class Reused(nn.Module):
    """One in-place ReLU that is called twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.relu(self.norm(self.conv(x))) - 0.1)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Reused().eval()


@pytest.fixture
def task():
    torch.manual_seed(1)
    return pd.DataFrame(
        {"id": range(50), "positive": [i % 2 == 0 for i in range(50)], "data": list(torch.randn(50, 1, 6, 6))}
    )


def run(task, model, modules, **more):
    return dl.torch_activations(task, lambda batch: model(torch.stack(batch)), modules, **more)


def test_activations_are_those_of_the_modules(task, model):
    added = run(task, model, [model.norm, model.relu], batch_size=16)
    x = torch.stack(task["data"].to_list())
    with torch.inference_mode():
        norm = model.norm(model.conv(x))
        first = norm.clamp(min=0)
        second = (first - 0.1).clamp(min=0)
    expected = torch.cat([v.flatten(1) for v in (norm, first, second)], dim=1).numpy()
    np.testing.assert_allclose(np.stack(added["activations"].to_list()), expected, atol=1e-6)
    assert "activations" not in task.columns
    assert not model.norm._forward_hooks


def test_localize_says_where_units_are(task, model):
    ranked = dl.localize(run(task, model, {"norm": model.norm, "relu": model.relu}, device="cpu"))
    assert set(ranked["layer"]) == {"norm", "relu"}
    best = ranked.iloc[0]
    flat = np.stack(run(task, model, {best["layer"]: getattr(model, best["layer"])})["activations"].to_list())
    index = (best["call"] * 3 + best["channel"]) * 16 + best["y"] * 4 + best["x"]
    one, two = flat[task["positive"], index], flat[~task["positive"], index]
    assert best["difference"] == pytest.approx(one.mean() - two.mean(), rel=1e-5)


def test_any_shape_and_structure_of_output_is_taken(task):
    class Five(nn.Module):
        def forward(self, x):
            return {"video": x[:, :, None, None], "score": x.mean(dim=(1, 2, 3)), "loss": x.mean()}

    five = Five()
    added = run(task, five, [five])
    assert added["activations"].iloc[0].shape == (37,)
    assert set(dl.localize(added)["layer"]) == {"Five-0[video]", "Five-0[score]"}


def test_a_new_batch_size_changes_nothing(task, model):
    one, two = (np.stack(run(task, model, [model.norm], batch_size=b)["activations"].to_list()) for b in (50, 7))
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_mistakes_are_named(task, model):
    with pytest.raises(ValueError, match="layer 'Conv2d-0' takes no part in the forward pass"):
        run(task, model, [nn.Conv2d(1, 1, 1)])
    with pytest.raises(ValueError, match="no column 'image'"):
        run(task, model, [model.norm], data="image")
    with pytest.raises(ValueError, match="layer 'BatchNorm2d-0' .* none of its axes follows the rows"):
        dl.torch_activations(task, lambda batch: model(torch.zeros(32, 1, 6, 6)), [model.norm])
    with pytest.raises(ValueError, match="a single module; put it in a list"):
        run(task, model, model.norm)
    with pytest.raises(ValueError, match="names no module"):
        run(task, model, [])
    with pytest.raises(ValueError, match="batch_size is 0; expected 1 or more"):
        run(task, model, [model.norm], batch_size=0)
    with pytest.raises(ValueError, match="the frame has no rows"):
        run(task.iloc[:0], model, [model.norm])


def test_hooks_are_gone_when_forward_fails(task, model):
    with pytest.raises(RuntimeError):
        dl.torch_activations(task, lambda batch: model(torch.zeros(1, 9, 9, 9)), [model.norm])
    assert not model.norm._forward_hooks


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("batch_size", [2, 3, 6, 32])
def test_rows_are_stimuli_wherever_the_batch_stands(batch_first, batch_size):
    """An LSTM leads with time or with its layers; with as many rows as those, a guess would mix stimuli."""
    torch.manual_seed(2)
    lstm = nn.LSTM(5, 4, num_layers=2, batch_first=batch_first).eval()
    data = list(torch.randn(12, 6, 5))
    task = pd.DataFrame({"id": range(12), "positive": [True, False] * 6, "data": data})

    def forward(batch):
        return lstm(torch.stack(batch, dim=0 if batch_first else 1))

    added = dl.torch_activations(task, forward, {"lstm": lstm}, batch_size=batch_size)
    for index, one in enumerate(data):
        with torch.inference_mode():
            output, (h, c) = lstm(one[None] if batch_first else one[:, None])
        expected = torch.cat([output.flatten(), h.flatten(), c.flatten()]).numpy()
        np.testing.assert_allclose(added["activations"].iloc[index], expected, atol=1e-6)


def test_places_are_not_given_to_other_activations(task, model):
    added = run(task, model, {"norm": model.norm})
    assert "layer" in dl.localize(added.sample(frac=0.5, random_state=0))
    other = added.assign(activations=list(np.random.default_rng(0).normal(size=(50, 48)).astype(np.float32)))
    assert "layer" not in dl.localize(other)


def test_a_perfect_unit_comes_first():
    frame = pd.DataFrame(
        {
            "id": range(12),
            "positive": [i % 2 == 0 for i in range(12)],
            "activations": [np.array([i % 3, i % 2 == 0]) for i in range(12)],
        }
    )
    ranked = dl.localize(frame)
    assert ranked.loc[0, "unit"] == 1
    assert not ranked.loc[0, "dead"]


def test_flipped_images_and_missing_answers():
    flatten = nn.Flatten()
    images = [np.arange(6.0).reshape(2, 3)[:, ::-1] for _ in range(4)]
    task = pd.DataFrame({"id": range(4), "positive": [True, False, True, False], "data": images})
    added = dl.torch_activations(task, lambda b: flatten(torch.stack(b)), [flatten], device="cpu")
    assert added["activations"].iloc[0].tolist() == [2, 1, 0, 5, 4, 3]
    task["positive"] = pd.array([True, None, True, False], dtype="boolean")
    with pytest.raises(ValueError, match="'positive' holds <NA>; expected True or False"):
        dl.localize(task.assign(activations=images))


def test_channels_last_are_put_upright():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.act = nn.LayerNorm(5), nn.GELU()

        def forward(self, x):
            return self.act(self.norm(x.permute(0, 2, 3, 1)))

    images = torch.randn(4, 5, 3, 3)
    task = pd.DataFrame({"id": range(4), "positive": [True, False, True, False], "data": list(images)})
    last = Last()
    added = dl.torch_activations(task, lambda b: last(torch.stack(b)), {"act": last.act, "last": last.norm})
    ranked = dl.localize(added).sort_values("unit")
    assert ranked[["channel", "y", "x"]].max().tolist() == [4, 2, 2]
    norm = last.norm(images.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).detach()
    expected = torch.cat([norm.flatten(1), last.act(norm).flatten(1)], dim=1).numpy()
    np.testing.assert_allclose(np.stack(added["activations"]), expected, rtol=1e-5, atol=1e-6)
