"""A broken file in the place of an artefact ends in a message that names it and says what to do; never in a crash."""

import contextlib
import json
import os
import random
import subprocess
import sys

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr
from safetensors.numpy import save_file

from deeplocalizer import provenance, store
from deeplocalizer.models import catalogue, network, specification
from deeplocalizer.report import lineage
from deeplocalizer.store import footer

KINDS = (
    "drawn", "stimuli", "inputs", "architecture", "activations", "moments", "parts", "contrast", "masks", "outcomes",
    "effects", "curves", "changes", "nulls", "extremes", "robustness", "reliability", "replicates", "confounds",
    "readouts", "maps", "validation", "series",
)  # fmt: skip
VALUES = np.random.default_rng(0).random((40, 60), dtype="float32")
AGAIN = "delete it and run again"


def made(kind):
    """Give what every artefact has: words, numbers, flags, text and what is compressed."""
    data = xr.Dataset(
        {"value": (("stimulus", "unit"), VALUES), "known": ("stimulus", np.arange(40) % 2 == 0)},
        coords={"stimulus": np.array([f"s-{i:03d}" for i in range(40)], dtype=object), "unit": np.arange(60)},
    )
    return provenance.stamp(data, kind, f"test data of the kind {kind}", {"seed": 0})


@pytest.fixture(params=KINDS)
def artefact(request, tmp_path):
    path = tmp_path / f"{request.param}.nc"
    store.save(made(request.param), path)
    return request.param, path


def refused(path, kind, *words):
    """Every way to read it ends in a message that names the file and says what to do."""
    for read in (
        store.open,
        lambda *a: store.lazy(*a).__enter__(),
        lambda *a: store.lazy(*a, verify=False).__enter__(),
    ):
        with pytest.raises(store.ArtefactError) as caught:
            read(path, kind)
        message = str(caught.value)
        assert message.startswith(f"{path}: ") and AGAIN in message, message
        assert any(word in message for word in words), message


def test_an_empty_and_a_truncated_one_is_refused(artefact):
    kind, path = artefact
    content = path.read_bytes()
    for length in (0, 1, 7, *sorted(random.Random(kind).sample(range(8, len(content) - 1), 6)), len(content) - 1):
        path.write_bytes(content[:length])
        if length < len(content) - 300:  # before the footer
            refused(
                path, kind, f"not a readable NetCDF-4 file ({length} bytes; truncated or damaged?)", "ends in zeros"
            )
    path.write_bytes(content[: -len(content) // 2] + bytes(len(content) // 2))
    refused(path, kind, "ends in zeros")


def test_what_another_program_wrote_is_refused(artefact):
    kind, path = artefact
    path.write_text("a table, perhaps\n" * 50)
    refused(path, kind, "of another program?")
    path.unlink()
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("x", 3)
        file.createVariable("x", "i4", ("x",))[:] = -1
    refused(path, kind, "NetCDF-3", "not of DeepLocalizer")
    path.unlink()
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3)
    refused(path, kind, "not of DeepLocalizer", "not a readable NetCDF-4 file")
    path.unlink()
    xr.Dataset({"x": ("n", np.arange(3))}).to_netcdf(path)
    refused(path, kind, "a NetCDF file, but not of DeepLocalizer")


def test_one_of_another_kind_is_refused(artefact):
    kind, path = artefact
    other = KINDS[KINDS.index(kind) - 1]
    store.save(made(other), path)
    refused(path, kind, f"holds {other!r}, expected {kind!r}")


def test_a_bit_that_turned_anywhere_is_noticed(artefact):
    kind, path = artefact
    content, chosen = path.read_bytes(), random.Random(kind)
    for _ in range(8):
        damaged = bytearray(content)
        damaged[chosen.randrange(len(content) - 300)] ^= 1 << chosen.randrange(8)
        path.write_bytes(damaged)
        refused(path, kind, "not the bytes that were written")


def test_values_that_lie_in_the_file_as_they_are_are_left_to_the_content_digest(tmp_path):
    """What HDF5 interprets is checked before it is opened; the values, which may take terabytes, where asked for."""
    path = tmp_path / "a.nc"
    for chunks in (None, (16, 25)):
        large = {"more": store.Large({"stimulus": 40, "unit": 60}, "float32", {}, chunks)}
        with store.stream(path, made("activations"), large) as pieces:
            pieces.write("more", 0, VALUES)
        with h5py.File(path) as file:
            variable = file["more"].id
            place = variable.get_offset() if chunks is None else variable.get_chunk_info(4).byte_offset
        content = path.read_bytes()
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with store.lazy(path, verify=False) as dataset:
            assert np.sum(dataset["more"].values != VALUES) == 1
        for read in (store.open, lambda path: store.lazy(path).__enter__()):
            with pytest.raises(store.ArtefactError, match=f"does not match its content_digest.*{AGAIN}"):
                read(path)
        assert footer.MAGIC not in content[:-8] and content.endswith(footer.MAGIC)


def test_a_file_without_a_footer_is_one_of_an_earlier_version(tmp_path):
    path = tmp_path / "a.nc"
    store.save(made("masks"), path)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b'{"left_out"')])
    assert store.open(path, "masks").attrs["artefact"] == "masks"
    for tail in (
        b"x" * 8 + footer.MAGIC,
        b"\1" + bytes(7) + footer.MAGIC,
        (10**18).to_bytes(8, "little") + footer.MAGIC,
    ):
        path.write_bytes(content[:-16] + tail)
        with contextlib.suppress(store.ArtefactError):  # or as one of an earlier version
            assert store.open(path, "masks").attrs["artefact"] == "masks"


@pytest.mark.parametrize(
    "known",
    [
        b"[]",
        b'{"left_out":[[Infinity,1]],"sha256":""}',
        b'{"left_out":[[-9,9]],"sha256":""}',
        b'{"left_out":[[NaN,NaN]],"sha256":""}',
        b'{"left_out":7}',
        b"[" * 10**6,
    ],
)
def test_a_footer_that_says_nonsense_is_refused(tmp_path, known):
    path = tmp_path / "a.nc"
    store.save(made("masks"), path)
    content = path.read_bytes()
    content = content[: content.rindex(b'{"left_out"')]
    path.write_bytes(content + known + len(known).to_bytes(8, "little") + footer.MAGIC)
    refused(path, "masks", "not the bytes that were written")


def test_others_read_a_file_with_a_footer(tmp_path):
    path = tmp_path / "a.nc"
    store.save(made("masks"), path)
    for engine in ("netcdf4", "h5netcdf"):
        np.testing.assert_array_equal(xr.load_dataset(path, engine=engine)["value"].values, VALUES)


FUZZ = """
import os, random, signal, sys
from deeplocalizer import store
from deeplocalizer.report import lineage
folder, seed, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chosen = random.Random(seed)
content = open(f"{folder}/whole.nc", "rb").read()
path = f"{folder}/damaged.nc"
for trial in range(number):
    data = bytearray(content)
    kind = chosen.choice(["flip", "head", "cut", "zero", "splice", "grow"])
    if kind in ("flip", "head"):
        for _ in range(chosen.randint(1, 20)):
            data[chosen.randrange(len(data) if kind == "flip" else 4096)] ^= 1 << chosen.randrange(8)
    elif kind == "cut":
        del data[chosen.randrange(len(data)) :]
    elif kind == "grow":
        data += data[: chosen.randrange(1, 5000)]
    else:
        start, other = (chosen.randrange(len(data) - 512) for _ in range(2))
        data[start : start + 512] = bytes(512) if kind == "zero" else data[other : other + 512]
    if data == content:
        continue
    open(path, "wb").write(data)
    for read in (store.open, lambda path: store.lazy(path).__enter__(), lineage.attributes):
        print(trial, kind, flush=True)
        try:
            read(path)
        except store.ArtefactError as error:
            assert str(error).startswith(path), error
        else:
            assert kind == "grow" or data[:-300] == content[:-300], "damage was not noticed"
print("done")
"""


def test_no_damage_crashes_or_hangs_a_reader(tmp_path):
    """HDF5 alone crashes on about one of ten such files, or never comes back."""
    store.save(made("outcomes"), tmp_path / "whole.nc")
    words = [sys.executable, "-c", FUZZ, str(tmp_path), "0", "150"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0 and done.stdout.endswith("done\n"), (done.returncode, done.stdout[-50:], done.stderr)


def test_an_artefact_that_was_replaced_is_found_out_whatever_its_time_says(tmp_path):
    for part in ("net/outcomes", "net/series/masks", "net/masks", "net/contrasts", "drawn"):
        (tmp_path / part).mkdir(parents=True)
    paths: dict[str, str] = {}

    def write(place, kind, value, **sources):
        path = tmp_path / place
        opened = {name.replace("__", "/"): store.open(tmp_path / source) for name, source in sources.items()}
        data = made(kind).assign(value=made(kind)["value"] + value)
        store.save(provenance.stamp(data, kind, "t", {}, opened), path)
        paths[place] = str(path)

    write("drawn/faces.nc", "drawn", 0)
    write("stimuli.nc", "stimuli", 0, faces="drawn/faces.nc")
    write("net/moments.nc", "moments", 0)
    write("net/contrasts/faces.nc", "contrast", 0, moments="net/moments.nc")
    for place, kind in (("masks", "masks"), ("series/masks", "series")):
        write(f"net/{place}/faces.nc", kind, 0, contrasts__faces="net/contrasts/faces.nc")
    write("net/masks.nc", "masks", 0, masks__faces="net/masks/faces.nc")
    write("net/outcomes/faces.nc", "outcomes", 0, masks__faces="net/masks/faces.nc")
    write("net/series/faces.nc", "outcomes", 0, series__masks__faces="net/series/masks/faces.nc")
    write("net/effects.nc", "effects", 0, faces="net/outcomes/faces.nc")
    write("net/curves.nc", "curves", 0, faces="net/series/faces.nc")
    lineage.related(paths.values())
    sources = {
        "drawn/faces.nc": "stimuli.nc", "net/moments.nc": "net/contrasts/faces.nc",
        "net/contrasts/faces.nc": "net/masks/faces.nc", "net/masks/faces.nc": "net/masks.nc",
        "net/series/masks/faces.nc": "net/series/faces.nc", "net/outcomes/faces.nc": "net/effects.nc",
        "net/series/faces.nc": "net/curves.nc",
    }  # fmt: skip
    for place, child in sources.items():
        path = tmp_path / place
        before, times = path.read_bytes(), path.stat()
        old = store.open(path)
        store.save(old.assign(value=old["value"] + 1), path)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(
            store.ArtefactError, match=f"{child}: was made of another .*{place} .*delete both"
        ) as caught:
            lineage.related(paths.values())
        assert "run again" in str(caught.value)
        path.write_bytes(before)


def test_a_contrast_may_have_the_name_of_an_artefact(tmp_path):
    for part in ("net/contrasts", "net/masks", "twin/contrasts"):
        (tmp_path / part).mkdir(parents=True)
    places = {"net/moments.nc": ("moments", {})}
    places |= {f"net/contrasts/{name}.nc": ("contrast", {"moments": "net/moments.nc"}) for name in ("faces", "moments")}
    places |= {"twin/contrasts/faces.nc": ("contrast", {})}
    of_masks = {name: f"{name}.nc" for name in ("twin/contrasts/faces",)} | {
        "contrasts/faces": "net/contrasts/faces.nc"
    }
    places |= {f"net/masks/{name}.nc": ("masks", of_masks) for name in ("faces", "moments")}
    for number, (place, (kind, sources)) in enumerate(places.items()):
        opened = {name: store.open(tmp_path / source) for name, source in sources.items()}
        data = made(kind).assign(value=made(kind)["value"] + number)
        store.save(provenance.stamp(data, kind, "t", {}, opened), tmp_path / place)
    paths = [tmp_path / place for place in places]
    lineage.related(paths)
    twin = store.open(tmp_path / "twin/contrasts/faces.nc")
    store.save(twin.assign(value=twin["value"] + 1), tmp_path / "twin/contrasts/faces.nc")
    with pytest.raises(store.ArtefactError, match=r"net/masks/faces.nc: was made of another .*twin/contrasts/faces.nc"):
        lineage.related(paths)


def test_a_broken_description_of_a_model_is_named(tmp_path):
    path = tmp_path / "model.json"
    specification.write(catalogue.describe("small_cnn", ["a", "b"]), path)
    content = path.read_text()
    lacking = json.dumps({key: value for key, value in json.loads(content).items() if key != "labels"})
    for broken in ("", content[:100], "[]", "{}", "null", '"x"', lacking, "\0" * 50, b"\xff\xfe\x00".decode("latin-1")):
        path.write_text(broken)
        with pytest.raises(ValueError, match=rf"model\.json: .*{AGAIN}"):
            specification.read(path)
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match=rf"model\.json: .*{AGAIN}"):
        specification.read(path)


def test_broken_weights_are_named(tmp_path):
    path = tmp_path / "weights.safetensors"
    network.save(network.build("small_cnn", ["a", "b"], 0), path, {})
    content = path.read_bytes()
    chosen = random.Random(0)
    for length in (0, 5, 8, 100, *chosen.sample(range(len(content)), 10)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=rf"weights\.safetensors: .*{AGAIN}"):
            network.load(path)
    for broken in (
        b"text",
        bytes(4000),
        content[:8] + b"[" + content[9:],
        (10**15).to_bytes(8, "little") + content[8:],
    ):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=rf"weights\.safetensors: .*{AGAIN}"):
            network.load(path)
    save_file({"x": np.zeros(3, dtype="float32")}, path)
    with pytest.raises(ValueError, match=rf"weights\.safetensors: holds weights, but not of DeepLocalizer.*{AGAIN}"):
        network.load(path)


def test_a_file_without_a_footer_may_end_in_zeros_where_it_says_that_it_ends(tmp_path):
    path = tmp_path / "earlier.nc"
    for version in (("earliest", "v108"), ("v108", "v108"), ("v110", "v110")):
        with h5py.File(path, "w", libver=version) as file:
            file.create_dataset("x", data=np.zeros(1000))
        content = path.read_bytes()
        assert content.endswith(bytes(16)), "this file is no example"
        footer.check(path, AGAIN)
        path.write_bytes(content + bytes(100))
        with pytest.raises(store.ArtefactError, match="ends in zeros"):
            footer.check(path, AGAIN)
