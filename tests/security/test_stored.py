"""A file that is none of ours is refused before it reads another file, runs a plugin or fills the memory."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from deeplocalizer import provenance, store
from deeplocalizer.store import ArtefactError
from tests.security import limited

HUGE = 2**40


def artefact(path, **sizes):
    rng = np.random.default_rng(0)
    made = xr.Dataset(
        {
            "values": (("stimulus", "unit"), rng.normal(size=(20, 300))),
            "zeros": (("stimulus", "unit"), np.zeros((20, 300))),
            "selected": ("unit", rng.random(300) < 0.5),
        },
        coords={"stimulus": [f"s{number}" for number in range(20)], "unit": np.arange(300)},
    )
    store.save(provenance.stamp(made, "example", "An example", {}), path)
    return path


@pytest.fixture
def path(tmp_path):
    return artefact(tmp_path / "a.nc")


def opened_both_ways(path, words):
    with pytest.raises(ArtefactError, match=words):
        store.open(path)
    with pytest.raises(ArtefactError, match=words), store.lazy(path):
        pass


def test_a_good_file_is_read(path):
    assert store.open(path).sizes == {"stimulus": 20, "unit": 300}


def test_a_long_dimension_without_a_variable_is_fine(tmp_path):
    made = xr.Dataset({"bytes": ("encoded", np.zeros(3_000_000, dtype=np.uint8))})
    store.save(provenance.stamp(made, "example", "An example", {}), tmp_path / "a.nc")
    assert store.open(tmp_path / "a.nc").sizes["encoded"] == 3_000_000


@pytest.mark.parametrize("how", [{}, {"chunks": (1024, 1024)}, {"chunks": (1024, 1024), "compression": "gzip"}])
def test_a_small_file_of_huge_variables_is_refused(path, how):
    with h5py.File(path, "a") as file:
        file.create_dataset("bomb", shape=(2**20, 2**20), dtype="f8", **how)
    assert path.stat().st_size < 2**20
    opened_both_ways(path, "'bomb' says that it has 8,796,093,022,208 bytes")


def test_values_in_other_files_are_refused(path, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(800))
    with h5py.File(path, "a") as file:
        file.create_dataset("external", shape=(100,), dtype="f8", external=[(str(secret), 0, 800)])
    opened_both_ways(path, "the values of 'external' lie in another file")


def test_virtual_values_and_links_are_refused(path, tmp_path):
    other = artefact(tmp_path / "other.nc")
    whole = path.read_bytes()
    layout = h5py.VirtualLayout(shape=(20, 300), dtype="f8")
    layout[:] = h5py.VirtualSource(str(other), "values", shape=(20, 300))
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("virtual", layout)
    opened_both_ways(path, "the values of 'virtual' lie in another file")
    for name, link in {
        "outside": h5py.ExternalLink(str(other), "/values"),
        "soft": h5py.SoftLink("/values"),
        "dangling": h5py.SoftLink("/nowhere"),
    }.items():
        path.write_bytes(whole)
        with h5py.File(path, "a") as file:
            file[name] = link
        opened_both_ways(path, f"'{name}' is a link to another place")


def test_groups_that_hold_themselves_are_refused(path):
    with h5py.File(path, "a") as file:
        file.create_group("circle")["again"] = file["/"]
    opened_both_ways(path, "holds a group 'circle'")


def test_filters_that_are_plugins_are_refused(path):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((10,))
    plist.set_filter(32_015, h5py.h5z.FLAG_OPTIONAL, (3,))  # zstd; a plugin's number, whatever is behind it
    with h5py.File(path, "a") as file:
        h5py.h5d.create(file.id, b"odd", h5py.h5t.NATIVE_INT64, h5py.h5s.create_simple((100,)), plist)
    opened_both_ways(path, "'odd' needs the filter 32015, a plugin")


def test_objects_do_not_become_code(path):
    with h5py.File(path, "a") as file:
        file.create_dataset("words", data=["x", "cos\nsystem\n(S'touch owned'\ntR."], dtype=h5py.string_dtype())
        file.create_dataset("references", data=[file["values"].ref], dtype=h5py.ref_dtype)
        file.create_dataset("ragged", (2,), dtype=h5py.vlen_dtype(np.int64))
    with pytest.raises(ArtefactError):
        store.open(path)


def test_an_attribute_of_many_megabytes_is_an_alteration(path):
    with h5py.File(path, "a", libver="latest") as file:
        file["values"].attrs.create("comment", np.zeros(30 * 2**20, dtype=np.uint8))
    with pytest.raises(ArtefactError):
        store.open(path)


LOAD = """
from deeplocalizer import store
for path in sys.argv[1:]:
    try:
        store.open(path)
        print("opened", path)
    except store.ArtefactError as error:
        assert path in str(error)
"""


def test_little_memory_is_enough_to_refuse(path, tmp_path):
    files = [path.with_name(f"{number}.nc") for number in range(3)]
    for number, one in enumerate(files):
        one.write_bytes(path.read_bytes())
        with h5py.File(one, "a") as file:
            how = {} if number == 0 else {"chunks": (2**16,), "compression": "gzip"}
            bomb = file.create_dataset("bomb", shape=(2**33,), dtype="f8", **how)
            if number == 2:
                bomb[: 2**16] = 0
    before = limited.listing(tmp_path)
    assert not limited.run("from deeplocalizer import store", LOAD, *files, memory=500)
    assert limited.listing(tmp_path) == before


MUTATE = """
import random, json
import numpy as np
from deeplocalizer import store
folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
good = (folder / "a.nc").read_bytes()
copy = folder / "copy.nc"
strange = []
known = store.open(folder / "a.nc")
for number in range(first, last):
    rng = random.Random(number)
    content = bytearray(good)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        place = rng.randrange(len(content)) if rng.random() < 0.3 else rng.randrange(min(len(content), 6000))
        wide = rng.choice([1, 1, 4, 8])
        value = rng.choice([rng.randrange(256**wide), 0, 256**wide - 1, 2 ** (8 * wide - 1)])
        content[place : place + wide] = value.to_bytes(wide, "little")
    if rng.random() < 0.1:
        del content[rng.randrange(len(content)) :]
    copy.write_bytes(content)
    print(number, flush=True)
    try:
        found = store.open(copy)
        if not found.identical(known):
            strange.append([number, "opened, and is another"])
    except store.ArtefactError:
        pass
    except Exception as error:
        strange.append([number, f"{type(error).__name__}: {error}"])
    try:
        with store.lazy(copy) as found:
            found.load()
    except store.ArtefactError:
        pass
    except Exception as error:
        strange.append([number, f"lazy: {type(error).__name__}: {error}"])
print(json.dumps(strange))
"""


@pytest.mark.slow
def test_a_file_with_some_bytes_changed_is_refused_or_the_same(path, tmp_path):
    first, deaths = 0, []
    while first < 150:  # HDF5 itself may crash, or read for ever, on what is damaged so; nobody else may
        given = (tmp_path, first, 150)
        told = limited.run("from deeplocalizer import store", MUTATE, *given, memory=1500, seconds=20, dies=True)
        end = told.split("\n")[-2]
        if end.startswith("["):
            assert json.loads(end) == []
            break
        first = int(end) + 1
        deaths.append(int(end))
    assert len(deaths) <= 2, deaths
    assert {one.name for one in Path(tmp_path).iterdir()} == {"a.nc", "copy.nc"}
