"""The moments of a cell are the same bits however its blocks are scattered."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import moments
from deeplocalizer.moments import Node, Tree

WIDE = np.finfo(np.float64).max


@st.composite
def spans(draw, longest=40):
    first = draw(st.integers(0, 70))
    return first, first + draw(st.integers(1, longest))


def leaves(first, stop, seed=0, units=5):
    """Blocks of different sizes, whose sums depend on their order."""
    rng = np.random.default_rng(seed)
    blocks = {
        block: (rng.lognormal(3, 4, (int(rng.integers(1, 9)), units))).astype(np.float32)
        for block in range(first, stop)
    }
    return blocks, {block: moments.leaf(values) for block, values in blocks.items()}


def same(one, other):
    return one.count == other.count and np.array_equal(one.mean, other.mean) and np.array_equal(one.m2, other.m2)


@settings(max_examples=60, deadline=None)
@given(spans(), st.data())
def test_the_total_is_bitwise_the_same_for_any_shards_in_any_order(span, data):
    first, stop = span
    _, parts = leaves(first, stop)
    whole = Tree(first, stop)
    for block, node in parts.items():
        whole.add(block, node)
    shard = data.draw(st.lists(st.integers(0, 4), min_size=stop - first, max_size=stop - first), "shard of each block")
    gathered = Tree(first, stop)
    left = []
    for number in range(5):
        one = Tree(first, stop)
        mine = [block for block in range(first, stop) if shard[block - first] == number]
        for block in data.draw(st.permutations(mine)):
            one.add(block, parts[block])
        left += one.nodes.items()
    for (level, index), node in data.draw(st.permutations(left)):
        gathered.put(level, index, node)
    assert same(gathered.total(), whole.total())


@settings(max_examples=60, deadline=None)
@given(spans(), st.integers(0, 10_000))
def test_the_total_is_that_of_all_stimuli(span, seed):
    blocks, parts = leaves(*span, seed)
    tree = Tree(*span)
    for block, node in parts.items():
        tree.add(block, node)
    together = np.concatenate(list(blocks.values())).astype(np.float64)
    total = tree.total()
    assert total.count == len(together)
    np.testing.assert_allclose(total.mean, together.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(total.m2, together.var(axis=0) * len(together), rtol=1e-11)


@settings(max_examples=200, deadline=None)
@given(spans(), st.integers(0, 110), st.integers(0, 110))
def test_what_a_shard_leaves_is_known_beforehand(span, start, end):
    first, stop = span
    tree = Tree(first, stop)
    for block in range(max(first, start), min(stop, end)):
        tree.add(block, Node(1, np.zeros(1), np.zeros(1)))
    assert moments.pending(first, stop, start, end) == list(tree.nodes)


def test_a_whole_cell_is_one_node_and_a_part_a_few():
    assert len(moments.pending(3, 1000, 0, 2000)) == 1
    # 2 log2 of the number of blocks bounds the canonical cover of an interval
    assert max(len(moments.pending(0, 1024, start, 1024 - start)) for start in range(512)) <= 20
    assert moments.pending(3, 9, 9, 20) == []


def test_few_nodes_are_held_on_the_way():
    tree = Tree(5, 1005)
    held = []
    for block in range(5, 1005):
        tree.add(block, Node(1, np.zeros(1), np.zeros(1)))
        held.append(len(tree.nodes))
    assert max(held) <= 2 * np.log2(1024)
    assert held[-1] == 1


def test_the_tree_over_four_blocks_is_the_one_that_is_promised():
    _, parts = leaves(1, 5)
    tree = Tree(1, 5)
    for block, node in parts.items():
        tree.add(block, node)
    # 1 has no sibling 0 and rises; 2 and 3 are siblings; 4 rises three levels
    by_hand = moments.merged(moments.merged(parts[1], moments.merged(parts[2], parts[3])), parts[4])
    assert same(tree.total(), by_hand)
    assert list(tree.nodes) == [(3, 0)]


def awkward(rng, units):
    """Every sort of float64 a unit may have."""
    plain = rng.normal(size=units) * 10.0 ** rng.integers(-300, 150, units)
    plain[:6] = 0.0, -0.0, np.inf, -np.inf, np.nan, WIDE
    return rng.permutation(plain)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10_000), st.integers(1, 200))
def test_numpy_and_torch_merge_to_the_same_bits(first, second, seed, units):
    rng = np.random.default_rng(seed)
    arrays = [awkward(rng, units + 6) for _ in range(4)]
    tensors = [torch.from_numpy(array.copy()) for array in arrays]
    one = moments.merged(Node(first, *arrays[:2]), Node(second, *arrays[2:]))
    other = moments.merged(Node(first, *tensors[:2]), Node(second, *tensors[2:]))
    assert one.count == other.count
    np.testing.assert_array_equal(one.mean, other.mean.numpy())
    np.testing.assert_array_equal(one.m2, other.m2.numpy())


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_merging_leaves_the_nodes_as_they_were(kind):
    rng = np.random.default_rng(0)
    values = [rng.normal(size=7) for _ in range(4)]
    held = [kind(value.copy()) for value in values]
    result = moments.merged(Node(3, *held[:2]), Node(4, *held[2:]))
    result.mean[:] = 0.0
    result.m2[:] = 0.0
    for value, now in zip(values, held, strict=True):
        np.testing.assert_array_equal(value, np.asarray(now))


def test_a_constant_unit_stays_constant():
    constant = np.float32(0.1)
    tree = Tree(0, 13)
    for block in range(13):
        tree.add(block, moments.leaf(np.full((block + 1, 2), constant)))
    total = tree.total()
    np.testing.assert_array_equal(total.mean, np.float64(constant))
    assert not total.m2.any()


def test_missing_blocks_are_named():
    _, parts = leaves(3, 12)
    tree = Tree(3, 12)
    with pytest.raises(ValueError, match="^the moments of blocks 3 to 11 are missing$"):
        tree.total()
    for block in (4, 5, 8, 9, 10):
        tree.add(block, parts[block])
    with pytest.raises(ValueError, match="^the moments of block 3, blocks 6 to 7, block 11 are missing$"):
        tree.total()


def test_blocks_that_do_not_fit_are_refused():
    _, parts = leaves(3, 12)
    tree = Tree(3, 12)
    tree.add(3, parts[3])
    tree.add(4, parts[4])
    with pytest.raises(ValueError, match="block 4 were there already"):
        tree.add(4, parts[4])
    with pytest.raises(ValueError, match="the moments of block 3 were there already"):
        tree.put(4, 0, parts[5])
    for level, index in ((0, 2), (0, 12), (5, 0), (2, 3), (0, -1)):
        with pytest.raises(ValueError, match=f"node {index} of level {level} does not belong to the cell"):
            tree.put(level, index, parts[5])
    with pytest.raises(ValueError, match="block 5: the units are others than those before, of shapes \\(2,\\) and"):
        tree.add(5, Node(1, np.zeros(2), np.zeros(2)))
    with pytest.raises(ValueError, match="a cell cannot lie in the blocks from 4 up to 4"):
        Tree(4, 4)


def test_a_leaf_is_exact_where_single_precision_is_not():
    values = np.random.default_rng(0).normal(1e6, 1, (50, 3)).astype(np.float32)
    node = moments.leaf(values)
    np.testing.assert_allclose(node.m2, values.astype(np.longdouble).var(axis=0) * 50, rtol=1e-9)
    with pytest.raises(ValueError, match="the shape \\(0, 3\\); expected \\(stimulus, unit\\), one row or more"):
        moments.leaf(values[:0])
