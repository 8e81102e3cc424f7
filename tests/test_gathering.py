"""Shards of any recording, gathered, are the recording; what are no shards of one is refused."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeplocalizer import gathering, recording, store
from tests.recording.examples import CPU, images, small
from tests.recording.job import stamp


def record(folder, inputs, batch, shards, keep, weights=lambda index: "w"):
    """Record shards, each into a folder of its own; 0 is the whole."""
    made = recording.prepare(small(), ["head", "add()"], inputs, ["mean", "position"], batch, CPU, keep=keep)
    found = []
    for index in range(max(shards, 1)):
        part = folder / f"{shards}-{index}"
        part.mkdir(parents=True)
        which = (index, shards) if shards else None

        def stamped(dataset, kind, index=index):
            return stamp(dataset, kind, weights(index))

        recording.record_to(made, part / "activations.nc", part / "moments.nc", stamped, which)
        found.append(part)
    return found, made.course.blocks


def gather(parts, folder):
    paths = [[part / f"{kind}.nc" for part in parts] for kind in ("activations", "moments")]
    folder.mkdir()
    gathering.gather(*paths, (folder / "activations.nc", folder / "moments.nc"), stamp)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 40),
    st.integers(1, 4),
    st.integers(1, 9),
    st.sampled_from([[], ["mean"], ["mean", "position"]]),
    st.data(),
)
def test_any_shards_of_any_recording_are_the_whole(tmp_path_factory, count, cells, batch, keep, data):
    folder = tmp_path_factory.mktemp("shards")
    inputs = images(count, (1, 5, 5), cells=cells)
    (whole,), blocks = record(folder, inputs, batch, 0, keep)
    shards = data.draw(st.integers(1, min(blocks, 7)))
    parts, _ = record(folder, inputs, batch, shards, keep)
    gather(parts, folder / "gathered")
    for kind in ("activations", "moments"):
        one, other = (store.open(place / f"{kind}.nc", kind) for place in (whole, folder / "gathered"))
        assert one.attrs["content_digest"] == other.attrs["content_digest"]
        for name in one.variables:
            np.testing.assert_array_equal(one[name], other[name])


def test_shards_of_other_recordings_are_refused(tmp_path):
    inputs = images(20, (1, 5, 5), cells=2)
    mixed, _ = record(tmp_path / "mixed", inputs, 4, 2, ["mean"], weights=lambda index: f"w{index}")
    with pytest.raises(ValueError, match=r"its weights_digest is w1, that of .* is w0: not one recording"):
        gather(mixed, tmp_path / "a")
    (first, _), _ = record(tmp_path / "four", inputs, 4, 2, ["mean"])
    (_, second), _ = record(tmp_path / "five", inputs, 5, 2, ["mean"])
    with pytest.raises(ValueError, match="its batch_size is 5, that of .* is 4"):
        gather([first, second], tmp_path / "b")
    (_, other), _ = record(tmp_path / "units", inputs, 4, 2, ["position"])
    with pytest.raises(ValueError, match="units"):
        gather([first, other], tmp_path / "c")


def test_more_shards_than_blocks_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"10 stimuli in batches of 4 are 3 blocks, .* expected 1 to 3 shards"):
        record(tmp_path, images(10, (1, 5, 5)), 4, 4, ["mean"])
