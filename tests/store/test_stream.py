"""What is written in pieces is what both readers read, whatever the pieces, their order and the interruptions."""

import itertools
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer import provenance, store, unwritable

ENGINES = ("netcdf4", "h5netcdf")
STIMULI, UNITS = 70, 90


def template(stimuli=STIMULI, units=UNITS, **attributes):
    data = xr.Dataset(
        {"known": ("stimulus", np.arange(stimuli) % 2 == 0, {"long_name": "every other"})},
        coords={
            "stimulus": np.array([f"é-{i}" for i in range(stimuli)], dtype=object),
            "unit": np.arange(units),
            "category": ("stimulus", np.array(["faces", "objects"] * stimuli, dtype=object)[:stimuli]),
            "layer": (
                "unit",
                (np.arange(units) * 2 // units).astype("int16"),
                {"flag_values": np.array([0, 1], dtype="int16"), "flag_meanings": "layer1.0 fc"},
            ),
        },
        attrs=attributes,
    )
    return provenance.stamp(data, "activations", "test data", {"seed": 0})


def activation(**changed):
    settings = {"dims": {"stimulus": STIMULI, "unit": UNITS}, "dtype": "float32", "chunks": (16, 32)}
    return {"activation": store.Large(**settings | {"attributes": {"long_name": "response of the unit"}} | changed)}


def values(stimuli=STIMULI, units=UNITS):
    return np.random.default_rng(0).normal(size=(stimuli, units)).astype("float32")


def fill(pieces, rows, order=range(0, STIMULI, 10)):
    for start in order:
        pieces.write("activation", start, rows[start : start + 10])


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_reader_reads_what_was_written(data):
    """Random shapes, types, chunks, pieces and orders."""
    shape = tuple(data.draw(st.lists(st.integers(0, 20), min_size=1, max_size=4), label="shape"))
    dtype = data.draw(st.sampled_from(["float32", "float64", "int8", "uint8", "int64", "bool", ">f4"]), label="dtype")
    chunked = len(shape) == 2 and data.draw(st.booleans(), label="chunked")
    chunks = data.draw(st.tuples(st.integers(1, 25), st.integers(1, 25)), label="chunks") if chunked else None
    cuts = data.draw(st.lists(st.integers(0, shape[0]), max_size=5), label="cuts")
    edges = sorted({0, *cuts, shape[0]})
    pieces = data.draw(st.permutations(list(itertools.pairwise(edges))), label="pieces")
    expected = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    dims = {f"d{axis}": size for axis, size in enumerate(shape)}
    stamped = provenance.stamp(xr.Dataset(coords={"d0": np.arange(shape[0])}), "test", "t", {})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nc"
        with store.stream(path, stamped, {"value": store.Large(dims, dtype, {}, chunks)}) as stream:
            for start, stop in pieces:
                stream.write("value", start, expected[start:stop])
            for start, stop in pieces:
                np.testing.assert_array_equal(stream.read("value", start, stop), expected[start:stop])
        for engine in ENGINES:
            found = xr.load_dataset(path, engine=engine)["value"]
            np.testing.assert_array_equal(found.values, expected)
            assert found.dtype == np.dtype(dtype).newbyteorder("=") and found.dims == tuple(dims)
        in_memory = stamped.assign(value=(tuple(dims), expected.astype(np.dtype(dtype).newbyteorder("<"))))
        assert store.open(path).attrs["content_digest"] == provenance.digest_content(in_memory)


def test_a_streamed_artefact_is_a_saved_one(tmp_path):
    rows = values()
    with store.stream(tmp_path / "streamed.nc", template(), activation()) as pieces:
        fill(pieces, rows, reversed(range(0, STIMULI, 10)))
    whole = template().assign(activation=(("stimulus", "unit"), rows, {"long_name": "response of the unit"}))
    store.save(whole, tmp_path / "saved.nc")
    streamed, saved = (store.open(tmp_path / name, "activations") for name in ("streamed.nc", "saved.nc"))
    xr.testing.assert_identical(streamed, saved)
    assert set(streamed.coords) == {"stimulus", "unit", "category", "layer"}
    assert left(tmp_path) == ["saved.nc", "streamed.nc"]


def test_plain_readers_need_nothing_of_ours(tmp_path):
    path, rows = tmp_path / "a.nc", values()
    with store.stream(path, template(), activation()) as pieces:
        fill(pieces, rows)
    with netCDF4.Dataset(path) as file:
        np.testing.assert_array_equal(file["activation"][:], rows)
        assert file["activation"].chunking() == [16, 32]
        assert file["layer"].flag_meanings == "layer1.0 fc"
        assert file["stimulus"][3] == "é-3"
        assert set(file["activation"].coordinates.split()) == {"category", "layer"}
    with xr.open_dataset(path, chunks={}, engine="h5netcdf") as dataset:
        assert dataset["activation"].chunks == ((16, 16, 16, 16, 6), (32, 32, 26))
        faces = dataset["activation"].isel(stimulus=(dataset["category"] == "faces").values).mean("stimulus")
        np.testing.assert_allclose(faces.values, rows[::2].mean(axis=0), rtol=1e-5, atol=1e-6)


def test_equal_work_gives_equal_bytes(tmp_path):
    for name, order in (("a.nc", range(0, STIMULI, 10)), ("b.nc", reversed(range(0, STIMULI, 10)))):
        with store.stream(tmp_path / name, template(), activation(), key="k" * len(name)) as pieces:
            fill(pieces, values(), order)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_threads_may_write_at_once(tmp_path):
    rows = values()
    with store.stream(tmp_path / "a.nc", template(), activation()) as pieces, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: pieces.write("activation", i, rows[i : i + 1]), range(STIMULI)))
    np.testing.assert_array_equal(store.open(tmp_path / "a.nc")["activation"], rows)


def test_rows_may_run_over_the_leading_axes(tmp_path):
    """Moments come by cell and by range of units, not as whole tables."""
    expected = np.arange(2 * 3 * 5.0).reshape(2, 3, 5)
    large = {"mean": store.Large({"cell": 2, "part": 3, "unit": 5}, "float64")}
    with store.stream(tmp_path / "a.nc", template(4, 5), large) as pieces:
        pieces.write("mean", 1, expected.reshape(6, 5)[1:6])
        pieces.write("mean", 0, expected.ravel()[:3])
        pieces.write("mean", 3, expected.ravel()[3:5])
        np.testing.assert_array_equal(pieces.read("mean", 0, 2), expected)
    np.testing.assert_array_equal(store.open(tmp_path / "a.nc")["mean"], expected)


def test_a_failure_without_a_key_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.nc"
    store.save(template(), path)
    before = path.read_bytes()
    with pytest.raises(OSError, match="No space left"):
        with store.stream(path, template(), activation()) as pieces:
            fill(pieces, values())
            raise OSError(28, "No space left on device")
    assert path.read_bytes() == before and left(tmp_path) == ["a.nc"]


def interrupted(path, key="k", stamped=None, large=None):
    """Write the first 20 stimuli, and fail."""
    with pytest.raises(KeyboardInterrupt):
        with store.stream(path, template() if stamped is None else stamped, large or activation(), key) as pieces:
            fill(pieces, values(), range(0, 20, 10))
            raise KeyboardInterrupt


def test_what_a_failed_job_wrote_is_taken_up(tmp_path):
    interrupted(tmp_path / "a.nc")
    assert left(tmp_path) == [".a.nc.partial"]
    with store.stream(tmp_path / "a.nc", template(), activation(), key="k") as pieces:
        assert pieces.resumed
        np.testing.assert_array_equal(pieces.read("activation", 0, 20), values()[:20])
        assert not pieces.read("activation", 20, STIMULI).any()
        fill(pieces, values(), range(20, STIMULI, 10))
    with store.stream(tmp_path / "b.nc", template(), activation(), key="k") as pieces:
        assert not pieces.resumed
        fill(pieces, values())
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    assert left(tmp_path) == ["a.nc", "b.nc"]


@pytest.mark.parametrize(
    ("key", "stamped", "large"),
    [
        ("other", template(), activation()),
        ("", template(), activation()),
        ("k", template(seed=1), activation()),
        ("k", template().assign_attrs(software="another"), activation()),
        ("k", template(), activation(chunks=(8, 32))),
        ("k", template(), activation(attributes={"long_name": "something else"})),
        ("k", template(), activation(significant_bits=3)),
    ],
)
def test_what_another_job_wrote_is_made_anew(tmp_path, key, stamped, large):
    interrupted(tmp_path / "a.nc")
    with store.stream(tmp_path / "a.nc", stamped, large, key) as pieces:
        assert not pieces.resumed
        assert not pieces.read("activation", 0, STIMULI).any()


@pytest.mark.parametrize("share", [0, 0.05, 0.5, 0.99])
def test_a_damaged_partial_file_is_made_anew(tmp_path, share):
    interrupted(tmp_path / "a.nc")
    partial = tmp_path / ".a.nc.partial"
    content = partial.read_bytes()
    partial.write_bytes(content[: int(share * len(content))])
    with store.stream(tmp_path / "a.nc", template(), activation(), key="k") as pieces:
        assert not pieces.resumed
        fill(pieces, values())
    np.testing.assert_array_equal(store.open(tmp_path / "a.nc")["activation"], values())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dtype": "float16"}, "float16, which NetCDF cannot hold"),
        ({"dtype": "complex64"}, "complex64; only booleans, integers and floats"),
        ({"dtype": "U3"}, "only booleans, integers and floats"),
        ({"dims": {}, "chunks": None}, "no dimension"),
        ({"chunks": (4,)}, r"chunks \(4,\) .*expected two sizes"),
        ({"chunks": (0, 4)}, "expected two sizes"),
        ({"significant_bits": 24}, "24 significant bits of float32; expected 1 to 23"),
        ({"dtype": "float64", "significant_bits": 4}, "4 significant bits of float64"),
        ({"dims": {"stimulus": 71, "unit": UNITS}}, "has 71 along 'stimulus', the template 70"),
        ({"dims": {"category": 2, "unit": UNITS}}, "has a dimension 'category', a label on another"),
    ],
)
def test_what_cannot_be_streamed_is_refused_before_writing(tmp_path, changed, message):
    with pytest.raises(store.ArtefactError, match=f"a.nc: variable 'activation'.*{message}"):
        with store.stream(tmp_path / "a.nc", template(), activation(**changed)):
            pass
    assert not left(tmp_path)


def test_a_template_must_be_stamped_and_apart(tmp_path):
    with pytest.raises(store.ArtefactError, match="stamp it"):
        with store.stream(tmp_path / "a.nc", xr.Dataset(), {}):
            pass
    with pytest.raises(store.ArtefactError, match="'known' is in the template and among the large ones"):
        with store.stream(tmp_path / "a.nc", template(), {"known": store.Large({"stimulus": STIMULI}, bool)}):
            pass


@pytest.mark.parametrize(
    ("name", "start", "rows", "message"),
    [
        ("activity", 0, np.zeros((1, UNITS), "float32"), "no large variable 'activity'; declared are 'activation'"),
        ("activation", 0, np.zeros((1, UNITS)), "values are float64, expected float32"),
        ("activation", 0, np.zeros((1, 3), "float32"), r"values \(1, 3\) do not fit rows"),
        ("activation", 0, np.zeros(UNITS, "float32"), "do not fit rows"),
        ("activation", 0, np.zeros((), "float32"), "do not fit rows"),
        ("activation", 60, np.zeros((11, UNITS), "float32"), "rows 60 to 71 are outside; it has 70"),
        ("activation", -1, np.zeros((1, UNITS), "float32"), "rows -1 to 0 are outside"),
    ],
)
def test_pieces_that_do_not_fit_are_refused(tmp_path, name, start, rows, message):
    with pytest.raises(store.ArtefactError, match=message):
        with store.stream(tmp_path / "a.nc", template(), activation()) as pieces:
            pieces.write(name, start, rows)
    assert not left(tmp_path)


@settings(max_examples=200, deadline=None)
@given(stimuli=st.integers(1, 10**6), units=st.integers(1, 10**7))
def test_chunks_are_of_moderate_size_and_fit_their_variable(stimuli, units):
    tall, wide = store.chunks(stimuli, units)
    assert 1 <= tall <= min(stimuli, 256) and 1 <= wide <= min(units, 512)
    assert min(stimuli, 128) <= tall and min(units, 256) <= wide
    padded = -(-stimuli // tall) * tall * -(-units // wide) * wide
    assert padded <= 1.2 * stimuli * units or padded <= 2**20


def test_single_values_go_into_a_contiguous_table_without_touching_their_neighbours(tmp_path):
    made = provenance.stamp(xr.Dataset(), "moments", "Made up", {})
    large = {"mean": store.Large({"node": 3, "unit": 5}, "float64")}
    expected = np.arange(15.0).reshape(3, 5)
    with store.stream(tmp_path / "m.nc", made, large) as stream:
        stream.write("mean", 0, expected)
        stream.write("mean", 7, np.array([-1.0, -2.0]))  # a flat index: node 1, units 2 and 3
    expected[1, 2:4] = -1.0, -2.0
    np.testing.assert_array_equal(store.open(tmp_path / "m.nc")["mean"], expected)


def test_a_file_system_that_knows_nothing_of_its_size_is_not_taken_for_a_full_one(tmp_path, monkeypatch):
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 0))
    unwritable.require(tmp_path / "a.nc", 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6, 0))
    with pytest.raises(unwritable.UnwritableError, match="the disk is full"):
        unwritable.require(tmp_path / "a.nc", 10**6)
