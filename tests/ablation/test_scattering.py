"""Masks that are scattered over jobs give what one job gives, bit by bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplocalizer import ablation, outcomes, units
from deeplocalizer.ablation import Filling
from tests.ablation.networks import CPU, LABELS, NETWORKS, inputs, layers, masked, network


@given(masks=st.integers(0, 400), size=st.integers(1, 20), jobs=st.integers(1, 30))
def test_parts_are_whole_groups_and_all_of_the_masks(masks, size, jobs):
    parts = [ablation.part(masks, size, job, jobs) for job in range(jobs)]
    assert [index for part in parts for index in range(masks)[part]] == list(range(masks))
    assert all(part.start % size == 0 or part.start == masks for part in parts)
    groups = [-(-len(range(masks)[part]) // size) for part in parts]
    assert max(groups) - min(groups) <= 1


@given(stimuli=st.integers(1, 500), batch=st.integers(1, 500))
def test_groups_fill_a_batch_and_no_more(stimuli, batch):
    size = ablation.group_size(stimuli, batch)
    assert size == 1 if stimuli >= batch else size * stimuli <= batch < (size + 1) * stimuli


def test_a_job_that_is_not_there_is_refused():
    with pytest.raises(IndexError, match="there is no job 3; there are 3"):
        ablation.part(10, 1, 3, 3)
    with pytest.raises(ValueError, match="the batch size is 0"):
        ablation.group_size(4, 0)


def run(name, batch, pieces, value="zero"):
    model, (_, side, patterns) = network(name), NETWORKS[name]
    found, places = layers(model, patterns, side)
    table = units.table(found, ["mean"])
    rng = np.random.default_rng(0)
    layer = table["layer"].values
    masks = {
        f"m{i}": np.union1d(
            rng.integers(len(layer)),
            np.flatnonzero((layer >= rng.integers(layer.max() + 1)) & (rng.random(len(layer)) < 0.1)),
        )
        for i in range(11)
    }
    masks["m3"] = np.array([0])
    tested, listed = inputs(5, side), masked(table, masks)
    listed = listed.assign_coords(role=("mask", ["control"] * 11), fraction=("mask", np.linspace(0, 1, 11)))
    filling = Filling(value, background="zero", donors=inputs(5, side, seed=1))

    def ablate(some):
        return ablation.ablate(model, places, LABELS, tested, some, filling, {"t": LABELS[:3]}, batch, CPU)

    size = ablation.group_size(5, batch)
    parts = [ablate(listed.isel(mask=ablation.part(11, size, job, pieces))) for job in range(pieces)]
    return ablate(listed), parts


@pytest.mark.parametrize("name", ["vit", "recurrent", "densenet"])
@pytest.mark.parametrize(("batch", "pieces"), [(3, 4), (5, 3), (12, 3), (16, 5)])
def test_scattered_is_whole_bit_by_bit(name, batch, pieces):
    whole, parts = run(name, batch, pieces)
    gathered = outcomes.gather(parts)
    assert gathered.identical(whole)
    assert gathered["role"].values.tolist() == ["intact", *["control"] * 11]


@pytest.mark.parametrize("value", ["resample", "keep"])
def test_scattered_is_whole_whatever_the_value(value):
    whole, parts = run("swin", 12, 4, value)
    assert outcomes.gather(parts).identical(whole)
    assert len(np.unique(whole["kl"].values)) > 20


def test_parts_that_do_not_belong_together_are_refused():
    whole, (first, second) = run("recurrent", 5, 2)
    with pytest.raises(ValueError, match="different stimuli"):
        outcomes.gather([first, second.assign_coords(stimulus=[f"t{i}" for i in range(5)])])
    other = second.copy(deep=True)
    other["log_likelihood"].values[0, 1] += 1
    with pytest.raises(ValueError, match="intact runs of the jobs differ in 'log_likelihood'"):
        outcomes.gather([first, other])
    with pytest.raises(ValueError, match="mask 'm0' is in the outcomes of two jobs"):
        outcomes.gather([first, second, first])
    with pytest.raises(ValueError, match="'kl' is not in all of them"):
        outcomes.gather([first, second.drop_vars("kl")])
    with pytest.raises(ValueError, match="no outcomes"):
        outcomes.gather([])
    assert outcomes.gather([whole]).identical(whole)
