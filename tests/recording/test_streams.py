"""Moments, kinds of numbers, batch sizes and errors, through the whole recording.

Networks here look their responses up in a table, so that what is recorded is known beforehand.
"""

import logging

import numpy as np
import pytest
import torch
from torch import nn

from deeplocalizer import moments, recording
from tests.recording.examples import CPU, images

COUNT = 230


class Lookup(nn.Module):
    """Gives the responses (stimulus, unit) that a table has; the first two pixels say which row."""

    def __init__(self, table):
        super().__init__()
        self.table, self.out, self.head = torch.as_tensor(table), nn.Identity(), nn.Identity()

    def forward(self, x):
        high, low = (x.flatten(1)[:, :2] * 255).round().long().T
        return self.head(self.out(self.table[256 * high + low]))


def numbered(count=COUNT, cells=3):
    """Make stimuli whose first two pixels are their number."""
    inputs = images(count, (1, 2, 2), cells=cells).assign(mean=("channel", [0.0]), std=("channel", [1.0]))
    inputs["pixel_values"][:, 0, 0, 0], inputs["pixel_values"][:, 0, 0, 1] = np.divmod(np.arange(count), 256)
    return inputs


def hard():
    """Make responses that break careless sums, one unit each."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(COUNT)
    index = np.arange(COUNT)
    columns = {
        "mean over sd 1e4": 1e4 + noise,
        "mean over sd 1e4, small": (1e4 + noise) * 1e-6,
        "negative": -1e4 - noise,
        "silent in the first half": np.where(index < COUNT // 2, 0, 1e3 + noise),
        "silent but for the last": np.where(index < COUNT - 1, 0, 1.0),
        "constant": np.full(COUNT, 0.1),
        "nothing": np.zeros(COUNT),
        "denormals": noise * 1e-41,
        "1e30": noise * 1e30,
        "largest": np.sign(noise) * np.finfo(np.float32).max,
        "an outlier": np.where(index == 7, 1e8, noise),
        "two far groups": np.where(index % 2, 1e7, -1e7) + noise,
        "growing": np.exp(index / 3),
        "rectified": noise.clip(1),
    }
    return np.stack([column.astype(np.float32) for column in columns.values()], 1), list(columns)


@pytest.mark.parametrize("reduction", ["position", "mean", "max"])
@pytest.mark.parametrize("batch", [1, 7, 32, COUNT])
def test_moments_of_hard_numbers(reduction, batch):
    table, names = hard()
    inputs = numbered()
    _, summary = recording.record(Lookup(table), ["out"], inputs, [reduction], batch, CPU)
    exact = table.astype(np.longdouble)
    seen = 0
    for place in np.ndindex(summary["count"].shape):
        labels = {axis: summary[axis].values[at] for axis, at in zip(("category", "split", "fold"), place, strict=True)}
        chosen = exact[np.logical_and.reduce([inputs[axis].values == label for axis, label in labels.items()])]
        cell = summary.isel(dict(zip(labels, place, strict=True)))
        assert int(cell["count"]) == len(chosen)
        seen += len(chosen)
        if not len(chosen):
            continue
        close(cell, chosen, names)
    assert seen == COUNT
    pooled = moments.pool(summary, ["a", "b", "c"], ["localize", "select", "test"])
    close(pooled, exact, names)


def close(cell, values, names):
    """Means agree to the precision of the responses' spread, sums of squares to nine digits."""
    mean = values.mean(0)
    m2 = np.square(values - mean).sum(0)
    tolerance = 1e-9 * np.sqrt(m2 / len(values)) + 1e-15 * np.abs(mean)
    wrong = np.abs(cell["mean"].values - mean) > tolerance
    assert not wrong.any(), np.array(names)[wrong]
    # a constant that float64 holds exactly has no spread at all
    wrong = np.abs(cell["m2"].values - m2) > 1e-9 * m2 + 1e-24 * len(values) * np.square(mean)
    assert not wrong.any(), np.array(names)[wrong]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("reduction", ["position", "mean", "max", "class_token"])
def test_any_real_type_is_recorded_in_single_precision(dtype, reduction):
    rng = np.random.default_rng(0)
    table = torch.from_numpy(rng.standard_normal((COUNT, 5, 3)) * 100).to(dtype)  # 5 tokens are no square of patches
    keep = [reduction]
    given, summary = recording.record(Lookup(table), ["out"], numbered(cells=1), [reduction], 32, CPU, keep=keep)
    exact = table.double()
    expected = {
        "position": exact.flatten(1),
        "mean": exact.mean(1),
        "max": exact.amax(1),
        "class_token": exact[:, 0],
    }[reduction].numpy()
    assert given["activation"].dtype == np.float32
    np.testing.assert_allclose(given["activation"], expected, rtol=1e-6, atol=1e-4 if reduction == "mean" else 0)
    np.testing.assert_allclose(summary["mean"].squeeze(), expected.mean(0), rtol=1e-6, atol=1e-5)


def test_whole_numbers_and_outputs_of_nothing_are_no_layers():
    whole = Lookup(torch.arange(COUNT * 2).reshape(COUNT, 2))
    with pytest.raises(ValueError, match=r"layer 'out' gives no tensor of real numbers but a Tensor of torch\.int64"):
        recording.record(whole, ["out"], numbered(), ["mean"], 32, CPU)
    for shape in ((0,), (0, 3), (3, 0), (2, 0, 4), (0, 2, 2)):
        nothing = Lookup(torch.zeros(COUNT, *shape))
        for reduction in ("mean", "max", "position"):
            with pytest.raises(ValueError, match="layer 'out'"):
                recording.record(nothing, ["out"], numbered(), [reduction], 32, CPU)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("reduction", ["position", "mean", "max"])
@pytest.mark.parametrize("row", [0, 100, COUNT - 1])
def test_a_response_that_is_not_finite_is_named(value, reduction, row):
    table = torch.ones(COUNT, 4, 3)
    table[row, 2, 1] = value
    inputs = numbered()
    model = Lookup(table)
    expected = rf"layer 'out' gives (nan|-?inf) for stimulus 's{row:05d}'"
    if value == float("-inf") and reduction == "max":
        table[row, :, 1] = value
    with pytest.raises(ValueError, match=expected):
        recording.record(model, ["out"], inputs, [reduction], 16, CPU)


def test_what_single_precision_cannot_hold_is_named():
    table = torch.ones(COUNT, 3, dtype=torch.float64)
    table[50, 1] = 1e200
    with pytest.raises(ValueError, match="layer 'out' gives inf for stimulus 's00050'"):
        recording.record(Lookup(table), ["out"], numbered(), ["mean"], 16, CPU)


class Narrow(Lookup):
    """Has memory for some stimuli only."""

    def __init__(self, table, most):
        super().__init__(table)
        self.most, self.tried = most, []

    def forward(self, x):
        self.tried.append(len(x))
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().forward(x)


@pytest.mark.parametrize(("most", "size"), [(5, 4), (32, 32), (2, 2), (31, 16)])
def test_the_batch_is_halved_until_it_fits_and_the_user_is_told(caplog, most, size):
    table = np.random.default_rng(0).standard_normal((COUNT, 3)).astype(np.float32)
    model, inputs = Narrow(table, most), numbered()

    def attempt(batch):
        return batch, recording.record(model, ["out"], inputs, ["mean"], batch, CPU)

    with caplog.at_level(logging.WARNING, "deeplocalizer"):
        batch, (activations, summary) = recording.fitting(attempt, 32, CPU)
    assert batch == size
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == np.log2(32 / size)
    assert all("does not fit into memory" in message for message in told)
    expected = recording.record(Lookup(table), ["out"], inputs, ["mean"], size, CPU)
    assert activations.identical(expected[0]) and summary.identical(expected[1])


def test_a_single_stimulus_that_does_not_fit_and_other_failures_are_raised():
    def attempt(batch):
        raise torch.OutOfMemoryError("out")

    with pytest.raises(torch.OutOfMemoryError):
        recording.fitting(attempt, 8, CPU)

    tried = []

    def fail(batch):
        tried.append(batch)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        recording.fitting(fail, "auto", CPU)
    assert tried == [recording.AUTOMATIC["cpu"]]
