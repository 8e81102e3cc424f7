"""Artefacts are written whole or not at all, and read only if they are ours and intact."""

import netCDF4
import numpy as np
import pytest
import xarray as xr

from deeplocalizer import provenance, store


@pytest.fixture
def dataset():
    data = xr.Dataset(
        {
            "value": (("stimulus", "unit"), np.random.default_rng(0).normal(size=(50, 40)).astype("float32")),
            "known": ("stimulus", np.arange(50) % 2 == 0),
            "empty": (("stimulus", "nothing"), np.zeros((50, 0), dtype="int8")),
        },
        coords={
            "stimulus": np.array([f"s-{i:03d}" for i in range(50)], dtype=object),
            "nothing": np.array([], dtype=str),
        },
    )
    data["known"].attrs = {"flag_values": np.array([1], dtype="int8"), "flag_meanings": "one"}
    return provenance.stamp(data, "activations", "test data", {"fraction": 0.1, "names": ["a"]})


def test_what_is_saved_is_what_is_opened(dataset, tmp_path):
    store.save(dataset, tmp_path / "deep" / "a.nc")
    read = store.open(tmp_path / "deep" / "a.nc", "activations")
    xr.testing.assert_equal(read, dataset)
    assert read["known"].dtype == bool
    assert read.attrs["parameters"] == '{"fraction": 0.1, "names": ["a"]}'


def test_equal_work_gives_equal_bytes(dataset, tmp_path):
    for name in ("a.nc", "b.nc"):
        store.save(dataset.copy(deep=True), tmp_path / name)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_a_failed_save_leaves_the_old_file_and_no_other(dataset, tmp_path, monkeypatch):
    path = tmp_path / "a.nc"
    store.save(dataset, path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.disk, "flush", full)
    with pytest.raises(OSError, match="No space left"):
        store.save(dataset * 2, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"]


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_a_truncated_file_is_named(dataset, tmp_path, share):
    path = tmp_path / "a.nc"
    store.save(dataset, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(store.ArtefactError, match=r"a\.nc: not a readable NetCDF-4 file .*truncated"):
        store.open(path)


def test_an_altered_file_is_refused(dataset, tmp_path):
    path = tmp_path / "a.nc"
    store.save(dataset, path)
    with netCDF4.Dataset(path, "a") as file:
        file["value"][3, 4] += 1
    with pytest.raises(store.ArtefactError, match="content_digest"):
        store.open(path)


def test_foreign_and_other_artefacts_are_refused(dataset, tmp_path):
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "foreign.nc")
    with pytest.raises(store.ArtefactError, match="not of DeepLocalizer"):
        store.open(tmp_path / "foreign.nc")
    store.save(dataset, tmp_path / "a.nc")
    with pytest.raises(store.ArtefactError, match="holds 'activations', expected 'masks'"):
        store.open(tmp_path / "a.nc", "masks")
    with pytest.raises(FileNotFoundError, match=r"none\.nc"):
        store.open(tmp_path / "none.nc")


def test_what_netcdf_cannot_hold_is_refused_before_writing(dataset, tmp_path):
    with pytest.raises(store.ArtefactError, match="'value' is float16"):
        store.save(dataset.assign(value=dataset["value"].astype("float16")), tmp_path / "a.nc")
    with pytest.raises(store.ArtefactError, match="stamp"):
        store.save(xr.Dataset({"a": 1}), tmp_path / "a.nc")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_job_left_behind_is_removed(dataset, tmp_path):
    (tmp_path / ".a.nc.x1y2.partial").write_bytes(b"half")
    store.save(dataset, tmp_path / "a.nc")
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"]
