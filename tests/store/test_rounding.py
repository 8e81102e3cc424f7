"""Reduced precision is netCDF's own, bit by bit, and the file says how large its error is."""

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deeplocalizer import store

from .test_stream import ENGINES, STIMULI, UNITS, activation, fill, left, template, values

BITS = (1, 2, 7, 10, 16, 22, 23)


def adversarial(bits):
    """Halves, neighbours of powers of two, zeros, subnormal, infinite and the largest values, and netCDF's fill."""
    step = np.float32(2.0) ** -np.float32(min(bits + 1, 23))
    ties = (1 + np.arange(200, dtype="float32") * step) * np.float32(2) ** np.arange(-100, 100, dtype="float32")
    special = [0, -0.0, np.inf, -np.inf, np.nan, 3.4028235e38, -3.4028235e38, 1e-45, 1e-40, 9.969209968386869e36]
    random = np.random.default_rng(bits).integers(0, 2**32, 5000, dtype=np.uint32).view("float32")
    return np.concatenate([ties, -ties, np.array(special, dtype="float32"), random[~np.isnan(random)]])


@pytest.mark.parametrize("bits", BITS)
def test_rounding_is_netcdfs_bit_by_bit(bits, tmp_path):
    given = adversarial(bits)
    with netCDF4.Dataset(tmp_path / "q.nc", "w") as file:
        file.createDimension("x", len(given))
        variable = file.createVariable(
            "v", "f4", "x", zlib=True, significant_digits=bits, quantize_mode="BitRound", fill_value=False
        )
        variable[:] = given
    with netCDF4.Dataset(tmp_path / "q.nc") as file:
        file.set_auto_mask(False)
        expected = file["v"][:]
    np.testing.assert_array_equal(store.bit_round(given, bits).view("uint32"), expected.view("uint32"))


@given(
    values=hnp.arrays(np.float32, 20, elements=st.floats(-(2.0**126), 2.0**126, width=32)),
    bits=st.integers(1, 23),
)
def test_the_error_is_the_stated_one(values, bits):
    normal = values[np.abs(values) >= np.finfo("float32").tiny]
    rounded = store.bit_round(normal, bits)
    error = np.abs(rounded.astype(float) - normal) / np.abs(normal.astype(float))
    assert (error <= 2.0 ** -(bits + 1)).all()
    np.testing.assert_array_equal(store.bit_round(rounded, bits), rounded)
    shortened = rounded[rounded != np.float32(9.969209968386869e36)]  # netCDF's fill value is never rounded
    assert not (shortened.view("uint32") & np.uint32(2 ** (23 - bits) - 1)).any()


def test_no_nan_becomes_a_number():
    every = np.array([0x7FC00000, 0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001, 0xFF800001], dtype="uint32").view("float32")
    for bits in BITS:
        assert np.isnan(store.bit_round(every, bits)).all()


@pytest.mark.parametrize("chunks", [(16, 32), None])
def test_a_quantised_file_says_so_and_is_read_by_all(tmp_path, chunks):
    path, rows = tmp_path / "a.nc", values()
    large = {
        **activation(significant_bits=7, chunks=chunks, attributes={"long_name": "response", "comment": "mean"}),
        "exact": store.Large({"stimulus": STIMULI, "unit": UNITS}, "float32", {"long_name": "not rounded"}, (16, 32)),
    }
    with store.stream(path, template(), large) as pieces:
        fill(pieces, rows)
        pieces.write("exact", 0, rows)
    for engine in ENGINES:
        dataset = xr.load_dataset(path, engine=engine)
        np.testing.assert_array_equal(dataset["activation"], store.bit_round(rows, 7))
        np.testing.assert_array_equal(dataset["exact"], rows)
        found = dataset["activation"].attrs
        assert found["largest_relative_error"] == 2.0**-8
        assert found["comment"] == (
            "mean; rounded to 7 significant bits after the first (BitRound), so each value is wrong by at most "
            "0.0039 of itself"
        )
        error = np.abs(dataset["activation"].values - rows) / np.abs(rows)
        assert 2.0**-10 < error.max() <= 2.0**-8
    with netCDF4.Dataset(path) as file:
        assert file["activation"].quantization() == (7, "BitRound")
        assert file["activation"].filters()["zlib"] and file["activation"].filters()["shuffle"]
        assert file["exact"].quantization() is None and not file["exact"].filters()["zlib"]
    with store.lazy(path, "activations") as dataset:
        np.testing.assert_array_equal(dataset["activation"][:, 3:9], store.bit_round(rows[:, 3:9], 7))
    assert left(tmp_path) == ["a.nc"]


def test_what_was_rounded_can_be_saved_again(tmp_path):
    with store.stream(tmp_path / "a.nc", template(), activation(significant_bits=7)) as pieces:
        fill(pieces, values())
    first = store.open(tmp_path / "a.nc")
    store.save(first, tmp_path / "b.nc")
    xr.testing.assert_identical(store.open(tmp_path / "b.nc"), first)


def test_a_failed_job_with_rounding_is_taken_up(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with store.stream(tmp_path / "a.nc", template(), activation(significant_bits=7), "k") as pieces:
            fill(pieces, values(), range(0, 20, 10))
            raise KeyboardInterrupt
    with store.stream(tmp_path / "a.nc", template(), activation(significant_bits=7), "k") as pieces:
        assert pieces.resumed
        np.testing.assert_array_equal(pieces.read("activation", 0, 20), values()[:20])
        fill(pieces, values(), range(20, STIMULI, 10))
    np.testing.assert_array_equal(store.open(tmp_path / "a.nc")["activation"], store.bit_round(values(), 7))
    assert left(tmp_path) == ["a.nc"]
