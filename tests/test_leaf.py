"""The moments of a block are those of float64, wherever a unit lies."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import leaf as room
from deeplocalizer import moments
from deeplocalizer.leaf import _fused, leaf

KINDS = ("zero", "large mean", "first row is far away", "relu", "huge", "tiny", "one ulp")


def column(kind, rows, rng):
    """Adversarial responses of one unit."""
    plain = rng.normal(size=rows)
    match kind:
        case "zero":
            made = plain
        case "large mean":
            made = plain + 1e4
        case "first row is far away":
            made = plain + 1e3 * (np.arange(rows) > 0)
        case "relu":
            made = np.maximum(plain, 0)
        case "huge":
            made = plain * 5e37
        case "tiny":
            made = plain * 1e-38
        case "one ulp":
            made = np.float32(3e7) + 2 * rng.integers(0, 2, rows)
    return made.astype(np.float32)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 70), st.integers(0, 10_000), st.lists(st.sampled_from(KINDS), min_size=1, max_size=12))
def test_moments_are_those_of_longer_arithmetic(rows, seed, kinds):
    rng = np.random.default_rng(seed)
    values = np.stack([column(kind, rows, rng) for kind in kinds], axis=1)
    mean, m2 = leaf(torch.from_numpy(values))
    exact = values.astype(np.longdouble)
    expected = np.square(exact - exact.mean(axis=0)).sum(axis=0)
    scale = np.sqrt(expected / rows) + np.abs(exact.mean(axis=0))
    assert (np.abs(mean.numpy() - exact.mean(axis=0)) <= 1e-14 * rows * scale).all()
    assert (np.abs(m2.numpy() - expected) <= 1e-13 * rows * expected).all()
    reference = moments.leaf(values)
    np.testing.assert_allclose(m2, reference.m2, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.sampled_from([torch.float32, torch.float16, torch.bfloat16]),
)
def test_a_constant_unit_has_no_variance_at_all(rows, value, dtype):
    values = torch.full((rows, 3), value, dtype=torch.float32).to(dtype)
    if not values.isfinite().all():  # 16 bits hold less
        values = torch.zeros_like(values)
    mean, m2 = leaf(values)
    assert torch.equal(mean, values[0].double())
    assert torch.equal(m2, torch.zeros(3, dtype=torch.float64))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 400), st.integers(0, 10_000), st.integers(0, 17), st.integers(64, 100))
def test_a_unit_has_the_same_bits_wherever_it_lies(rows, units, seed, offset, width):
    rng = np.random.default_rng(seed)
    values = torch.from_numpy(rng.lognormal(0, 3, (rows, units)).astype(np.float32))
    expected = torch.stack(leaf(values))
    order = torch.from_numpy(rng.permutation(units))
    assert torch.equal(torch.stack(leaf(values[:, order])), expected[:, order])
    # the same columns at another address, with others beside them
    wide = torch.zeros(rows, units + 17)
    wide[:, offset : offset + units] = values
    assert torch.equal(torch.stack(leaf(wide[:, offset : offset + units])), expected)
    # alone
    assert torch.equal(torch.stack(leaf(values[:, -1:].contiguous())), expected[:, -1:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(room.SLAB, "cpu", 16 * rows * width)
        assert torch.equal(torch.stack(leaf(values)), expected)


def test_threads_do_not_change_a_bit():
    values = torch.from_numpy(np.random.default_rng(0).lognormal(0, 3, (33, 70_001)).astype(np.float32))
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(torch.stack(leaf(values)))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("row", [0, 1, 4])
def test_what_is_not_finite_comes_through_to_its_own_unit_only(bad, row):
    values = torch.ones(5, 100)
    values[row, 7] = bad
    mean, _ = leaf(values)
    assert (~mean.isfinite()).nonzero().flatten().tolist() == [7]


def test_results_are_written_where_they_are_wanted():
    values = torch.from_numpy(np.random.default_rng(1).normal(size=(9, 30)).astype(np.float32))
    kept = values.clone()
    places = torch.full((2, 50), -1.0, dtype=torch.float64)
    into = places[0, 10:40], places[1, 10:40]
    assert leaf(values, into)[0] is into[0]
    assert torch.equal(places[:, 10:40], torch.stack(leaf(values)))
    assert (places[:, :10] == -1).all() and (places[:, 40:] == -1).all()
    assert torch.equal(values, kept)


def test_gradients_are_left_alone():
    values = torch.ones(3, 4, requires_grad=True) * 2
    mean, m2 = leaf(values)
    assert not mean.requires_grad and not m2.requires_grad


def test_no_units_have_no_moments():
    assert [len(part) for part in leaf(torch.ones(3, 0))] == [0, 0]


def test_what_does_not_fit_is_refused():
    for shape in ((3,), (0, 3), (2, 3, 4)):
        with pytest.raises(ValueError, match="expected \\(stimulus, unit\\), one row or more"):
            leaf(torch.ones(shape))
    right = torch.empty(3, dtype=torch.float64)
    with pytest.raises(ValueError, match="the place for mean is \\(4,\\) of torch.float64 on cpu; expected \\(3,\\)"):
        leaf(torch.ones(2, 3), (torch.empty(4, dtype=torch.float64), right))
    with pytest.raises(ValueError, match="the place for m2 is \\(3,\\) of torch.float32 on cpu; expected"):
        leaf(torch.ones(2, 3), (right, torch.empty(3)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_numbers():
    values = torch.from_numpy(np.random.default_rng(0).lognormal(0, 3, (33, 70_001)).astype(np.float32))
    torch.testing.assert_close(torch.stack(leaf(values.cuda())).cpu(), torch.stack(leaf(values)), rtol=1e-12, atol=0)


@pytest.mark.parametrize("ratio", [0.0, 1e2, 1e4])
def test_the_few_kernels_of_an_accelerator_are_exact_too(ratio):
    values = np.random.default_rng(1).normal(ratio, 1, (37, 500)).astype(np.float32)
    values[:, 0], values[:, 1] = 0.1, values[:, 1] * 1e30
    mean, m2 = torch.empty((2, 500), dtype=torch.float64)
    _fused(torch.from_numpy(values), mean, m2)
    exact = values.astype(np.longdouble)
    np.testing.assert_allclose(mean.numpy(), exact.mean(axis=0).astype(float), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(m2[1:].numpy(), (exact.var(axis=0) * 37).astype(float)[1:], rtol=1e-10)
    assert mean[0] == np.float32(0.1) and m2[0] == 0


def test_blocks_in_torch_make_the_tree_of_all_stimuli():
    values = np.random.default_rng(3).normal(1e4, 1, (100, 20)).astype(np.float32)
    values[:32, :5] = 0.0  # silent in the first block, then mean/sd of 1e4
    tree = moments.Tree(0, 4)
    for block in range(4):
        part = torch.from_numpy(values[32 * block : 32 * (block + 1)])
        tree.add(block, moments.Node(len(part), *leaf(part)))
    total = tree.total()
    exact = values.astype(np.longdouble)
    np.testing.assert_allclose(total.mean.numpy(), exact.mean(axis=0).astype(float), rtol=1e-14)
    np.testing.assert_allclose(total.m2.numpy() / 100, exact.var(axis=0).astype(float), rtol=1e-9)
