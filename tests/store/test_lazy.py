"""Lazy reading refuses what opening refuses, and takes no more memory than is asked for."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
import xarray as xr

from deeplocalizer import provenance, store

from .test_stream import STIMULI, activation, fill, template, values


@pytest.fixture
def path(tmp_path):
    with store.stream(tmp_path / "a.nc", template(), activation()) as pieces:
        fill(pieces, values())
    return tmp_path / "a.nc"


def test_parts_are_read(path):
    with store.lazy(path, "activations") as dataset:
        np.testing.assert_array_equal(dataset["activation"][5:9, 30:70].values, values()[5:9, 30:70])
        assert dataset["category"].values[1] == "objects"
    store.save(template(), path)
    with store.lazy(path) as dataset:
        assert dataset.sizes["stimulus"] == STIMULI


def test_several_threads_may_read(path):
    with store.lazy(path) as dataset, ThreadPoolExecutor(4) as pool:
        columns = list(pool.map(lambda unit: dataset["activation"][:, unit].values, range(90)))
    np.testing.assert_array_equal(np.stack(columns, axis=1), values())


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_named(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for verify in (True, False):
        with pytest.raises(store.ArtefactError, match=r"a\.nc: not a readable NetCDF-4 file .*truncated"):
            with store.lazy(path, verify=verify):
                pass


def test_other_artefacts_are_refused(path, tmp_path):
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "foreign.nc")
    for wrong, kind, message in (
        (tmp_path / "foreign.nc", None, "not of DeepLocalizer"),
        (path, "masks", "holds 'activations', expected 'masks'"),
    ):
        with pytest.raises(store.ArtefactError, match=message):
            with store.lazy(wrong, kind):
                pass
    with pytest.raises(FileNotFoundError, match=r"none\.nc"):
        with store.lazy(tmp_path / "none.nc"):
            pass


@pytest.mark.parametrize("bits", [None, 10])
def test_one_damaged_bit_is_noticed(tmp_path, bits):
    path = tmp_path / "a.nc"
    with store.stream(path, template(), activation(significant_bits=bits)) as pieces:
        fill(pieces, values())
    with h5py.File(path) as file:
        chunk = file["activation"].id.get_chunk_info(7)
    damaged = bytearray(path.read_bytes())
    damaged[chunk.byte_offset + chunk.size // 2] ^= 16
    path.write_bytes(damaged)
    with pytest.raises(store.ArtefactError, match=r"a\.nc"):
        store.open(path)
    with pytest.raises(store.ArtefactError, match=r"a\.nc"):
        with store.lazy(path):
            pass


def test_an_error_of_the_caller_is_left_alone(path):
    with pytest.raises(ValueError, match="of the caller") as caught:
        with store.lazy(path):
            raise ValueError("of the caller")
    assert not isinstance(caught.value, store.ArtefactError)


def test_slabs_do_not_change_a_digest(path, monkeypatch):
    """A digest of a file by slabs is that of its content in memory, wherever they are cut."""
    whole = store.open(path)
    for slab in (8, 400, 7 * 360, 16 * 360, 20 * 360):
        monkeypatch.setattr(provenance, "SLAB", slab)
        assert provenance.digest_content(whole) == whole.attrs["content_digest"]
        with store.lazy(path):
            pass


MEMORY = """
import sys
import numpy as np, xarray as xr
from deeplocalizer import provenance, store
stimuli, units = int(sys.argv[1]), 25000
template = provenance.stamp(xr.Dataset(coords={"unit": np.arange(units)}), "activations", "t", {})
large = {"activation": store.Large({"stimulus": stimuli, "unit": units}, "float32", {}, store.chunks(stimuli, units))}
batch = np.random.default_rng(0).random((50, units), dtype="float32")
with store.stream(sys.argv[2], template, large) as pieces:
    for start in range(0, stimuli, 50):
        pieces.write("activation", start, batch)
with store.lazy(sys.argv[2]) as dataset:
    for first in range(0, units, 5000):
        dataset["activation"][:1000, first : first + 1000].values
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):  # of this program alone: ru_maxrss begins with that of the parent
        print(int(line.split()[1]) / 1024)
"""


def peak(stimuli, path):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(stimuli), str(path)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
def test_memory_is_flat_in_the_number_of_stimuli(tmp_path):
    """100 MB and 400 MB of values; the difference in peak memory is below a tenth of that in values."""
    few, many = (peak(stimuli, tmp_path / "a.nc") for stimuli in (1000, 4000))
    assert many - few < 30
