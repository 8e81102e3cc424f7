"""A course runs every stimulus once, cell by cell, in blocks at absolute positions."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer.course import Course


def inputs(category, split, fold):
    return xr.Dataset(
        coords={
            "category": ("stimulus", np.asarray(category, dtype=str)),
            "split": ("stimulus", np.asarray(split, dtype=str)),
            "fold": ("stimulus", np.asarray(fold, dtype=np.int8)),
        }
    )


@st.composite
def studies(draw):
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from("cab"), st.sampled_from(["test", "localize", "select"]), st.integers(0, 3)),
            min_size=1,
            max_size=80,
        )
    )
    return inputs(*zip(*rows, strict=True)), draw(st.integers(1, 12))


@settings(max_examples=100, deadline=None)
@given(studies())
def test_every_stimulus_is_run_once_with_its_own_cell(study):
    made, batch_size = study
    course = Course.of(made, batch_size)
    assert sorted(course.order.tolist()) == list(range(made.sizes["stimulus"]))
    assert course.order.dtype == np.int64
    seen = []
    for number in range(course.blocks):
        rows = course.block(number)
        assert rows.start == number * batch_size
        for cell, part in course.runs(number):
            # the cell's name by another way than its code: through the labels of its stimuli
            labels = {
                (str(made["category"].values[at]), str(made["split"].values[at]), int(made["fold"].values[at]))
                for at in course.order[rows][part]
            }
            place = np.unravel_index(cell, course.shape)
            assert labels == {(course.categories[place[0]], course.splits[place[1]], int(place[2]))}
            seen += course.order[rows][part].tolist()
    assert seen == course.order.tolist()


@settings(max_examples=100, deadline=None)
@given(studies())
def test_a_span_holds_exactly_the_blocks_that_have_the_cell(study):
    made, batch_size = study
    course = Course.of(made, batch_size)
    blocks = {}
    for number in range(course.blocks):
        for cell, rows in course.runs(number):
            blocks.setdefault(cell, []).append((number, rows.stop - rows.start))
    for cell, found in blocks.items():
        assert course.span(cell) == (found[0][0], found[-1][0] + 1)
        assert [number for number, _ in found] == list(range(*course.span(cell)))
        assert course.counts[cell] == sum(count for _, count in found)
    assert course.counts.sum() == made.sizes["stimulus"]
    assert len(course.counts) == np.prod(course.shape)


@settings(max_examples=100, deadline=None)
@given(studies(), st.data())
def test_shards_cover_the_blocks_evenly(study, data):
    course = Course.of(*study)
    shards = data.draw(st.integers(1, course.blocks))
    parts = [course.shard(index, shards) for index in range(shards)]
    assert [block for part in parts for block in part] == list(range(course.blocks))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_stimuli_of_one_cell_keep_their_order():
    course = Course.of(inputs(list("babab"), ["t"] * 5, [0] * 5), 2)
    assert course.order.tolist() == [1, 3, 0, 2, 4]
    assert course.cell.tolist() == [0, 0, 1, 1, 1]
    assert [course.runs(number) for number in range(3)] == [
        [(0, slice(0, 2))],
        [(1, slice(0, 2))],
        [(1, slice(0, 1))],
    ]


def test_only_some_splits():
    made = inputs(list("zabab"), ["test", "localize", "test", "select", "test"], [5, 0, 1, 7, 0])
    course = Course.of(made, 8, ["test"])
    # positions are those among all inputs; category a has no stimulus there
    assert course.order.tolist() == [4, 2, 0]
    assert (course.categories, course.splits, course.folds) == (("b", "z"), ("test",), 6)
    assert course.name(int(course.cell[-1])) == "category 'z', split 'test', fold 5"
    with pytest.raises(ValueError, match="^category 'b', split 'test', fold 3 has no stimuli$"):
        course.span(3)
    with pytest.raises(
        ValueError,
        match="no stimulus is in the splits train that are to be recorded; there are localize, select, test",
    ):
        Course.of(made, 8, ["train"])


def test_mistakes_are_named():
    made = inputs(["a"] * 7, ["t"] * 7, [0] * 7)
    course = Course.of(made, 3)
    with pytest.raises(ValueError, match="7 stimuli in batches of 3 are 3 blocks, which cannot be scattered over 4"):
        course.shard(0, 4)
    with pytest.raises(ValueError, match="expected 1 to 3 shards, or a smaller batch_size"):
        course.shard(0, 0)
    for index in (-1, 2):
        with pytest.raises(IndexError, match=f"there is no shard {index}; there are 2"):
            course.shard(index, 2)
    for index in (-1, 3):
        with pytest.raises(IndexError, match=f"there is no block {index}; there are 3"):
            course.block(index)
    for cell in (-1, 1):
        with pytest.raises(IndexError, match=f"there is no cell {cell}; there are 1"):
            course.name(cell)
    with pytest.raises(ValueError, match="the batch size is 0; expected 1 or more"):
        Course.of(made, 0)
    with pytest.raises(ValueError, match="there are no stimuli to record"):
        Course.of(inputs([], [], []), 3)
    with pytest.raises(ValueError, match="the stimulus at 1 is of fold -1; expected 0 or more"):
        Course.of(inputs(["a", "a"], ["t", "t"], [0, -1]), 3)
