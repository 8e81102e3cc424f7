"""Responses handed on to BrainIO: the layout by itself, and what their own reader makes of it."""

import json
import subprocess
import sys
import tracemalloc

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deeplocalizer import brainio, provenance, units
from deeplocalizer.brainio import writing
from deeplocalizer.brainio.__main__ import main

LAYERS = [
    units.Layer("conv1", 0, (3, 2, 4)),
    units.Layer("relu", 0, (3, 2, 4)),
    units.Layer("blocks.0", 0, (5, 6), True),
    units.Layer("relu", 1, (2, 1, 1)),
    units.Layer("fc", 0, (7,)),
]
REQUIREMENTS = ("brainscore-brainio==1.1.0", "numpy<2", "pandas<2")


def recorded(layers=LAYERS, reductions=("mean", "position"), stimuli=10):
    """Responses of which each tells its stimulus and its unit: ``1000 * stimulus + unit``."""
    where = units.table(layers, reductions)
    response = 1000.0 * np.arange(stimuli)[:, None] + where["unit"].values
    kind = np.where(np.arange(stimuli) % 2, "faces", "objects")
    known = {
        "stimulus": [f"s/{i:02d}" for i in range(stimuli)],
        "category": ("stimulus", kind),
        "label": ("stimulus", np.char.upper(kind)),
        "split": ("stimulus", np.full(stimuli, "test")),
        "fold": ("stimulus", np.arange(stimuli, dtype=np.int16) % 4),
        "group": ("stimulus", np.full(stimuli, "")),
    }
    made = xr.Dataset(
        {"activation": (("stimulus", "unit"), response.astype(np.float32), {"long_name": "response of the unit"})},
        coords={**known, **where.coords},
        attrs={**where.attrs, "model": "small net", "stimuli_digest": "0123456789abcdef", "content_digest": "ours"},
    )
    return provenance.stamp(made, "activations", "Responses", {"seed": 3})


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "activations.nc"
    recorded().to_netcdf(path, engine="h5netcdf", encoding={"activation": {"chunksizes": (4, 50), "_FillValue": None}})
    return path


@pytest.fixture(scope="module")
def exported(source):
    path = source.parent / "made" / "assembly.nc"
    main([str(source), str(path), "--stimuli", str(source.parent / "stimuli.csv")])
    return path


def brain_score(model, layers):
    """Name the units of whole responses as Brain-Score's ``_package_layer`` does, one unit after another."""
    rows = []
    for layer in layers:
        names = {1: ["channel"], 2: ["channel", "embedding"], 3: ["channel", "channel_x", "channel_y"]}[
            len(layer.shape)
        ]
        for number, index in enumerate(np.ndindex(*layer.shape)):
            found = dict.fromkeys(("channel", "channel_x", "channel_y", "embedding"), np.nan) | dict(
                zip(names, index, strict=True)
            )
            identity = f"{model}.{layer.name}.{number}"
            rows.append({"neuroid_id": identity, "neuroid_num": number, "model": model, "layer": layer.name, **found})
    return pd.DataFrame(rows)


def test_whole_responses_are_named_as_brain_score_names_them():
    layers = [layer for layer in LAYERS if layer.call == 0]
    made = brainio.assembly(recorded(layers, ["position"]), "stimuli")
    expected = brain_score("small net", layers)
    found = pd.DataFrame({name: made[name].values for name in expected})
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_names_stay_unique_over_calls_and_reductions():
    made = brainio.assembly(recorded(), "stimuli")
    assert len(np.unique(made["neuroid_id"])) == made.sizes["neuroid"] == recorded().sizes["unit"]
    joined = [
        f"small net.{layer}.{n}" for layer, n in zip(made["layer"].values, made["neuroid_num"].values, strict=True)
    ]
    assert made["neuroid_id"].values.tolist() == joined
    relu = made.isel(neuroid=made["layer"].values == "relu")
    assert relu["neuroid_num"].values.tolist() == list(range(3 + 3 * 2 * 4 + 2 + 2))
    assert relu["call"].values.tolist() == [0] * 27 + [1] * 4
    assert set(relu["reduction"].values) == {"mean", "position"}


def test_reduced_units_have_a_channel_and_no_place():
    made = brainio.assembly(recorded(reductions=["max"]), "stimuli")
    assert made["channel"].values.tolist() == [*range(3), *range(3), *range(6), *range(2), *range(7)]
    assert np.isnan(made["channel_x"]).all() and np.isnan(made["channel_y"]).all()
    assert "embedding" not in made.coords and "token" not in made.coords


def test_places_are_integers_where_every_unit_has_one():
    made = brainio.assembly(recorded(LAYERS[:2], ["position"]), "stimuli")
    assert made["channel_x"].dtype == made["channel_y"].dtype == np.int64


def test_values_and_stimuli_stay_where_they_were():
    given = recorded()
    made = brainio.assembly(given, "stimuli", "lab.Someone2026")
    np.testing.assert_array_equal(made["data"].values, given["activation"].values)
    assert made["data"].dims == ("presentation", "neuroid") and list(made.data_vars) == ["data"]
    assert made["stimulus_id"].values.tolist() == [f"s/{i:02d}" for i in range(10)]
    for name in ("category", "label", "split", "fold", "group"):
        assert made[name].dims == ("presentation",)
        np.testing.assert_array_equal(made[name].values, given[name].values)
    assert made.attrs["identifier"] == "lab.Someone2026" and made.attrs["stimulus_set_identifier"] == "stimuli"
    assert not {"artefact", "content_digest"} & set(made.attrs)  # it is another file now
    xr.testing.assert_identical(given, recorded())


def test_the_file_is_flat_netcdf_that_another_reader_understands(exported):
    with netCDF4.Dataset(exported) as file:
        assert not file.groups and set(file.dimensions) == {"presentation", "neuroid"}
        matrices = [name for name, variable in file.variables.items() if variable.ndim != 1]
        assert matrices == ["data"] and file["data"].dtype == np.float32
        assert set(file["data"].coordinates.split()) == set(file.variables) - {"data"}
        assert file["data"].chunking() == [4, 50]  # as in the source
        assert file.identifier == "small net.stimuli-0123456789ab"
        assert all(variable.long_name for variable in file.variables.values())
    with xr.open_dataarray(exported, engine="h5netcdf") as array:
        unit, stimulus = array["unit"].values, np.arange(10)[:, None]
        np.testing.assert_array_equal(array.values, 1000 * stimulus + unit)
        assert not array.indexes


def test_nothing_is_left_beside_the_file_and_a_failure_leaves_what_was_there(source, tmp_path, monkeypatch):
    path = tmp_path / "assembly.nc"
    path.write_text("before")
    made = brainio.assembly(recorded(), "stimuli")
    monkeypatch.setattr(writing, "_slabs", lambda shape, chunks: [(slice(0, 4), slice(0, 4)), (1 / 0, 1)])
    with pytest.raises(ZeroDivisionError):
        brainio.write(made, path)
    assert path.read_text() == "before" and [one.name for one in tmp_path.iterdir()] == ["assembly.nc"]


@pytest.mark.parametrize(
    ("shape", "chunks"), [((10, 81), (4, 50)), ((1, 1), (1, 1)), ((9, 30), (9, 7)), ((7, 5), (2, 5))]
)
def test_slabs_cover_every_value_once_and_never_cut_a_chunk(shape, chunks, monkeypatch):
    monkeypatch.setattr(writing, "SLAB", 500)
    seen = np.zeros(shape, dtype=int)
    for rows, columns in writing._slabs(shape, chunks):
        seen[rows, columns] += 1
        assert rows.start % chunks[0] == 0 and columns.start % chunks[1] == 0
        assert rows.stop % chunks[0] == 0 and columns.stop % chunks[1] == 0
    assert (seen == 1).all()


def test_a_large_file_is_copied_in_slabs(tmp_path, monkeypatch):
    """64 MB of responses must pass through 4 MB at a time; twice that may be held, with the names of the units."""
    given = recorded([units.Layer("fc", 0, (8000,))], ["mean"], stimuli=2000)
    path = tmp_path / "activations.nc"
    given.to_netcdf(path, engine="h5netcdf", encoding={"activation": {"chunksizes": (100, 1000)}})
    del given
    monkeypatch.setattr(writing, "SLAB", 4 * 2**20)
    with xr.open_dataset(path, engine="h5netcdf", cache=False) as opened:
        tracemalloc.start()
        brainio.write(brainio.assembly(opened, "stimuli"), tmp_path / "assembly.nc")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 16 * 2**20
    with xr.open_dataarray(tmp_path / "assembly.nc", engine="h5netcdf") as array:
        np.testing.assert_array_equal(array[1999, :].values, 1999e3 + np.arange(8000))
        np.testing.assert_array_equal(array[:, 7999].values, 1e3 * np.arange(2000) + 7999)


def test_the_table_of_stimuli(exported):
    table = pd.read_csv(exported.parents[1] / "stimuli.csv", keep_default_na=False)
    assert table["stimulus_id"].tolist() == [f"s/{i:02d}" for i in range(10)]
    assert table["filename"].is_unique and not table["filename"].str.contains("/").any()
    assert all(name == name.lower() for name in table.columns)
    assert set(table.columns) == {"stimulus_id", "filename", "category", "label", "split", "fold", "group"}


def test_a_stimulus_that_is_there_twice_is_refused():
    twice = recorded().isel(stimulus=[0, 1, 1])
    with pytest.raises(brainio.ExportError, match="stimulus 's/01' is there twice"):
        brainio.stimulus_set(twice)


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (lambda one: one.drop_vars("group"), "no coordinate 'group'; expected stimulus, category"),
        (lambda one: one.drop_vars("reduction"), "no coordinate 'reduction'"),
        (lambda one: one.rename(activation="other"), "no variable 'activation' .stimulus, unit.; found .'other'."),
        (lambda one: one.transpose(), "no variable 'activation' .stimulus, unit."),
        (lambda one: one.drop_attrs(), "no attribute 'model'"),
        (lambda one: one.isel(unit=slice(0)), "nothing to hand on"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(spoilt, message):
    given = recorded()
    changed = spoilt(given)
    changed["layer"].attrs = given["layer"].attrs
    with pytest.raises(brainio.ExportError, match=message):
        brainio.assembly(changed, "stimuli")


def test_the_command_names_the_file_that_it_refuses(tmp_path, source):
    with pytest.raises(SystemExit, match="moments.nc: holds 'moments', expected 'activations'"):
        recorded().assign_attrs(artefact="moments").to_netcdf(tmp_path / "moments.nc")
        main([str(tmp_path / "moments.nc"), str(tmp_path / "assembly.nc")])
    with pytest.raises(SystemExit, match="would replace the responses"):
        main([str(source), str(source)])
    with pytest.raises(SystemExit, match="none.nc"):
        main([str(tmp_path / "none.nc"), str(tmp_path / "assembly.nc")])
    (tmp_path / "torn.nc").write_bytes(source.read_bytes()[:5000])
    with pytest.raises(SystemExit, match="torn.nc"):
        main([str(tmp_path / "torn.nc"), str(tmp_path / "assembly.nc")])
    assert not (tmp_path / "assembly.nc").exists()


THEIR_READER = """
import json, sys
import numpy as np
from brainio.assemblies import ModelFeaturesAssembly, NeuroidAssembly
from brainio.stimuli import StimulusSet

path, table, images = sys.argv[1:]
found = {}
for kind in (NeuroidAssembly, ModelFeaturesAssembly):
    assembly = kind.from_files(path, stimulus_set_identifier="stimuli", stimulus_set=None)
    assembly.validate()
    found[kind.__name__] = {dim: list(assembly.indexes[dim].names) for dim in assembly.dims}
stimuli = StimulusSet.from_files(table, images)
merged = NeuroidAssembly.from_files(path, stimulus_set_identifier="stimuli", stimulus_set=stimuli)
merged.validate()
found["merged"] = list(merged.indexes["presentation"].names)
found["filename"] = merged["filename"].values.tolist()
found["type"] = type(assembly).__name__
found["values"] = assembly.values.tolist()
found["identifier"] = assembly.attrs["identifier"]
for name in ("neuroid_id", "layer", "channel", "unit", "reduction", "stimulus_id", "category", "fold"):
    found[name] = assembly[name].values.tolist()
found["x"] = np.nan_to_num(assembly["channel_x"].values, nan=-1).tolist()
found["y"] = np.nan_to_num(assembly["channel_y"].values, nan=-1).tolist()
found["fc"] = assembly.sel(layer="fc").values.tolist()
found["one"] = assembly.sel(neuroid_id="small net.conv1.5").values.ravel().tolist()
of = (assembly["layer"] == "conv1") & (assembly["channel_x"] == 1) & (assembly["channel_y"] == 2)
found["pixel"] = assembly["unit"].values[of.values].tolist()
found["means"] = assembly.multi_groupby(["category"]).mean(dim="presentation").shape
print(json.dumps(found))
"""


@pytest.mark.slow
def test_their_own_reader_opens_it(exported, source, tmp_path):
    """BrainIO needs NumPy 1, pandas 1 and an xarray of 2022, so it works in an environment of its own."""
    python = tmp_path / "environment" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--only-binary", "numpy,pandas,netcdf4", *REQUIREMENTS]
    installed = subprocess.run(command, check=False, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"pip cannot install {' '.join(REQUIREMENTS)}: {installed.stderr.strip().splitlines()[-1]}")
    table, images = exported.parents[1] / "stimuli.csv", tmp_path / "images"
    images.mkdir()
    names = pd.read_csv(table)["filename"].tolist()
    for name in names:
        (images / name).write_bytes(b"an image")
    script = [str(python), "-c", THEIR_READER, str(exported), str(table), str(images)]
    ran = subprocess.run(script, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    found, given = json.loads(ran.stdout), recorded()
    expected = brainio.assembly(given, "stimuli")
    for kind in ("NeuroidAssembly", "ModelFeaturesAssembly"):
        for dim in ("presentation", "neuroid"):
            assert set(found[kind][dim]) == {name for name in expected.coords if expected[name].dims == (dim,)}
    assert found["type"] == "ModelFeaturesAssembly" and found["identifier"] == "small net.stimuli-0123456789ab"
    np.testing.assert_array_equal(found["values"], given["activation"].values)
    for name in ("neuroid_id", "layer", "channel", "unit", "reduction", "stimulus_id", "category", "fold"):
        assert found[name] == expected[name].values.tolist()
    assert found["x"] == given["y"].values.tolist() and found["y"] == given["x"].values.tolist()
    layer = units.layer_names(given)
    np.testing.assert_array_equal(found["fc"], given["activation"].values[:, layer == "fc"])
    # conv1 has 3 means, then its elements: unit 5 is channel 0, row 0, column 2
    np.testing.assert_array_equal(found["one"], given["activation"].values[:, 5])
    assert found["pixel"] == [3 + np.ravel_multi_index((channel, 1, 2), (3, 2, 4)) for channel in range(3)]
    assert found["means"][1] == given.sizes["unit"] and "filename" in found["merged"] and found["filename"] == names
