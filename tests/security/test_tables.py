"""Tables, lists and annotations of others: what is wrong is named, and nothing outside of their folder is read."""

import csv
import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from deeplocalizer.configuration import own, sources, unfolding
from deeplocalizer.downloads import archive
from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.downloads.manifest import Manifest, Target
from deeplocalizer.hub import HubError, layout
from deeplocalizer.hub.layout import describe
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Draw
from deeplocalizer.stimuli.sources import coco_annotations
from deeplocalizer.stimuli.sources.listed import listed
from tests.security import limited

SHARES = {"train": 0.0, "localize": 0.5, "select": 0.25, "test": 0.25}
FUZZ = settings(deadline=None, derandomize=True, max_examples=40, suppress_health_check=list(HealthCheck))
SHA = "a" * 40


def ask(path, **chosen):
    """Draw from a table, as a job does, after its files were looked at, as Snakemake does before any job."""
    (category,) = sources.complete({"faces": {"source": "table", "path": str(path), **chosen}}).values()
    assert isinstance(own.listing(category), str)
    return listed(Draw("faces", {"path": str(path), **chosen}, None, 0, SHARES, Path("unused")))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of a study with two pictures and a secret beside it."""
    study = tmp_path / "study"
    (study / "pictures").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (study / "pictures" / f"{name}.png").write_bytes(encode_png(rng.integers(0, 256, (6, 6), dtype=np.uint8)))
    (tmp_path / "secret.png").write_bytes(encode_png(rng.integers(0, 256, (6, 6), dtype=np.uint8)))
    monkeypatch.chdir(study)
    return study


def table(home, *cells, suffix=".csv"):
    path = home / f"table{suffix}"
    if suffix == ".parquet":
        parquet.write_table(pa.table({"path": list(cells)}), path)
    else:
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["path"], *([cell] for cell in cells)])
    return path


OUTSIDE = ["../secret.png", "pictures/../../secret.png", "/etc/passwd", "/proc/self/environ", "~/x.png", "~root/x.png"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("cell", OUTSIDE)
def test_a_table_names_nothing_outside(home, cell, suffix):
    path = table(home, "pictures/a.png", cell, suffix=suffix)
    with pytest.raises(ValueError, match=r"(line 3|row 2): '.*' leads out of .*`root` names another one"):
        ask(path, unreadable="skip")


def test_what_its_owner_allows_is_read(home):
    assert len(ask(table(home, "secret.png"), root=str(home / "..")).records) == 1
    assert len(ask(table(home, str(home.parent / "secret.png")), root=str(home.parent)).records) == 1
    (home / "pictures" / "link.png").symlink_to(home.parent / "secret.png")  # made by the owner of the folder
    assert len(ask(table(home, "pictures/link.png", str(home / "pictures" / "a.png"))).records) == 2
    (home / "tables").mkdir()
    inner = table(home / "tables", "../pictures/a.png")  # out of the table's folder, and in that of the study
    assert len(ask(inner).records) == 1


ODD = [
    "file:///etc/passwd",
    "http://169.254.169.254/x.png",
    "x" * 5000,
    "a/" * 3000,
    "con",
    "",
    "\\\\host\\share\\x.png",
    ".",
]


@pytest.mark.parametrize("cell", ODD)
def test_a_cell_that_is_no_file_is_left_out_with_a_reason(home, cell):
    drawn = ask(table(home, "pictures/a.png", cell, "pictures/b.png"), unreadable="skip")
    assert [one.id for one in drawn.records if "a.png" in one.id or "b.png" in one.id]
    assert len(drawn.records) + len(drawn.refused) == (2 if cell == "" else 3)
    if cell:
        with pytest.raises(ValueError, match="category 'faces': 1 file is not readable as an image: table.csv, line 3"):
            ask(table(home, "pictures/a.png", cell, "pictures/b.png"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 1000,
        b"path\n" + b"a\0b.png\n",
        b"\xff\xfep\0a\0",
        b"path\n\xff\xff\n",
        b'path\n"' + b"x" * 200_000 + b'"\n',
        b'path\n"never closed\n',
        b"path,path\na,b\n",
        b"path\na,b,c\n",
        b"other\nx\n",
        b"path\n",
        b"path\n" * 1000,
    ],
)
def test_a_table_that_is_none_is_named(home, content):
    (home / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match="category 'faces': table .*t.csv"):
        ask(home / "t.csv", columns={"image": "path"})


def bomb(path, length, rows):
    """One long text in very many rows: kilobytes on the disk."""
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array(["x" * length]))
    parquet.write_table(pa.table({"path": column}), path, compression="zstd")
    return path


READ = """
from deeplocalizer.stimuli.record import Draw
path = sys.argv[1]
try:
    listed(Draw("faces", {"path": path}, None, 0, {}, Path("unused")))
except ValueError as error:
    print(error)
from deeplocalizer.configuration import own, sources
print(own.listing(sources.complete({"x": {"source": "table", "path": path}})["x"]) and "looked at")
"""


def test_a_parquet_of_one_long_text_a_million_times_needs_no_memory(home):
    path = bomb(home / "t.parquet", 100_000, 1_000_000)
    assert path.stat().st_size < 200_000
    imports = "from deeplocalizer.stimuli.sources.listed import listed\nfrom pyarrow import parquet, compute"
    told = limited.run(imports, READ, path, memory=600)
    assert "the text of its column 'path' comes to 100,000,000,000 bytes" in told and "looked at" in told


def test_a_parquet_of_one_list_of_very_many_texts_needs_no_memory(home):
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(3_000_000, dtype=np.int32)), pa.array(["x" * 1000]))
    lists = pa.ListArray.from_arrays(pa.array([0, len(texts)], type=pa.int32()), texts)
    parquet.write_table(pa.table({"path": lists}), home / "t.parquet", compression="zstd")
    assert (home / "t.parquet").stat().st_size < 200_000
    imports = "from deeplocalizer.stimuli.sources.listed import listed\nfrom pyarrow import parquet, compute"
    told = limited.run(imports, READ, home / "t.parquet", memory=600)
    assert "column 'path' holds list<" in told and "looked at" in told


def test_columns_of_numbers_dates_and_categories_are_read(home):
    columns = {
        "path": pa.array(["pictures/a.png", "pictures/b.png"]).dictionary_encode(),
        "kind": pa.array([1, 2]).dictionary_encode(),
        "on": pa.array([0, 1], type=pa.timestamp("us")),
        "price": pa.array([1, 2], type=pa.decimal128(5, 2)),
        "none": pa.nulls(2),
        "good": pa.array([True, False]),
        "long": pa.array(["x", "y"], type=pa.large_string()),
    }
    parquet.write_table(pa.table(columns), home / "t.parquet")
    assert unfolding.read(home / "t.parquet", list(columns)).num_columns == len(columns)
    assert len(ask(home / "t.parquet", where={"kind": 1, "price": 1, "long": "x"}).records) == 1


def test_more_rows_than_a_table_has_are_refused(home, monkeypatch):
    monkeypatch.setattr(unfolding, "MOST_ROWS", 1)
    with pytest.raises(ValueError, match="it says that it has 2 rows; at most 1 are read"):
        ask(table(home, "pictures/a.png", "pictures/b.png", suffix=".parquet"))


class Evil:
    """What a pickled extension type would run: it makes a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


@pytest.mark.parametrize("name", ["arrow.py_extension_type", "pandas.categorical", "x"])
def test_a_pickled_extension_type_is_not_unpickled(home, name):
    owned = home / "owned"
    marks = {"ARROW:extension:name": name, "ARROW:extension:metadata": pickle.dumps(Evil(owned), protocol=0)}
    fields = pa.schema([pa.field("path", pa.string(), metadata=marks)])
    parquet.write_table(pa.table({"path": ["pictures/a.png"]}, schema=fields), home / "t.parquet")
    assert len(ask(home / "t.parquet").records) == 1
    assert not owned.exists()


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.large_binary(), pa.binary(9), pa.list_(pa.string()), pa.struct([("a", pa.int64())])]
)
def test_columns_of_other_kinds_are_named(home, kind):
    parquet.write_table(pa.table({"path": pa.array([None], type=kind)}), home / "t.parquet")
    with pytest.raises(ValueError, match="category 'faces': table .*column 'path' holds"):
        ask(home / "t.parquet")


@FUZZ
@given(seed=st.integers(0, 10**6))
def test_a_parquet_with_some_bytes_changed_is_read_or_named(tmp_path_factory, seed):
    folder = tmp_path_factory.getbasetemp() / "parquet"
    folder.mkdir(exist_ok=True)
    parquet.write_table(pa.table({"path": ["a.png", "b.png"] * 20, "kind": list(range(40))}), folder / "t.parquet")
    content = bytearray((folder / "t.parquet").read_bytes())
    rng = np.random.default_rng(seed)
    for _ in range(rng.integers(1, 9)):
        content[rng.integers(len(content))] = rng.integers(256)
    (folder / "t.parquet").write_bytes(content)
    with pytest.raises(ValueError, match="category 'faces': "):  # even undamaged it names no picture
        ask(folder / "t.parquet", unreadable="skip" if seed % 2 else "refuse", where={"kind": 3})


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["pictures/a.png", *OUTSIDE, *ODD]
)


@FUZZ
@given(rows=st.lists(st.lists(CELLS, max_size=3), max_size=5), mark=st.sampled_from(["", "\ufeff"]), text=st.text())
def test_any_text_is_a_table_or_named(tmp_path_factory, rows, mark, text):
    folder = tmp_path_factory.getbasetemp() / "tables"
    folder.mkdir(exist_ok=True)
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["path", "label"], *rows])
    for content in (mark + buffer.getvalue(), mark + "path,label\n" + text, text):
        (folder / "t.csv").write_bytes(content.encode("utf-8", "surrogatepass"))
        try:
            drawn = ask(folder / "t.csv", unreadable="skip", columns={"image": "path", "label": "label"})
            told = "category 'faces': " if not drawn.records else "a record of nothing"
        except ValueError as error:
            told = str(error)
        assert told.startswith("category 'faces': ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
KEYS = [
    "licenses",
    "categories",
    "images",
    "annotations",
    "id",
    "name",
    "url",
    "supercategory",
    "image_id",
    "category_id",
]
INSTANCES = {
    "licenses": [{"id": 1, "name": "x", "url": "u"}],
    "categories": [{"id": 1, "name": "person", "supercategory": "person"}],
    "images": [{"id": 7}],
    "annotations": [{"image_id": 7, "category_id": 1}],
}


def placed(inner):
    return st.fixed_dictionaries({}, optional={key: inner for key in KEYS})


@FUZZ
@given(st.one_of(JSON, placed(JSON | st.lists(placed(JSON | st.integers(0, 8)), max_size=3))))
def test_annotations_are_coco_s_or_named(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "instances.json"
    if isinstance(value, dict):
        value = {**INSTANCES, **value}
    path.write_text(json.dumps(value), encoding="utf-8")
    try:
        found = coco_annotations.summarise(path, "0")
    except (msgspec.DecodeError, ValueError):
        return
    assert all(isinstance(number, int) for number in found.images)


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"\0",
            b"[" * 100_000,
            b"{" * 5000,
            b'{"images": NaN}',
            b'{"images": [{"id": 1e999}]}',
            b"\xef\xbb\xbf{}",
        ),
        json.dumps({**INSTANCES, "images": [{"id": 10**30}]}).encode(),
    ],
)
def test_annotations_that_are_none_are_named(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises((msgspec.DecodeError, ValueError, RecursionError)):
        coco_annotations.summarise(tmp_path / "x.json", "0")


@FUZZ
@given(value=JSON, text=st.binary(max_size=60))
def test_the_manifest_of_a_folder_passes_over_what_is_no_entry(tmp_path_factory, value, text):
    folder = tmp_path_factory.getbasetemp() / "manifest"
    folder.mkdir(exist_ok=True)
    entries = [
        value,
        {"name": "a", "url": "u", "size": value, "sha256": value},
        {"name": "a", "url": "u", "reason": value},
    ]
    for entry in entries:
        (folder / "manifest.jsonl").write_bytes(json.dumps(entry).encode() + b"\n" + text + b"\n")
        found = Manifest(folder)
        assert found.held(Target("a", "u")) is None
        found.failure(Target("a", "u"))


@FUZZ
@given(JSON | st.fixed_dictionaries({"format": st.just(2), "files": JSON, "shards": JSON, "columns": JSON}))
def test_a_kept_layout_that_is_none_is_named(tmp_path_factory, value):
    place = tmp_path_factory.getbasetemp() / "hub"
    path = layout.folder(place, "lab/x") / SHA / "default" / "train" / "layout.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    try:
        told = "delete" if describe("lab/x", SHA, "train", place).name else ""
    except HubError as error:
        told = str(error)
    assert "delete" in told


def test_what_a_zip_says_of_a_member_is_believed_only_within_reason():
    info = zipfile.ZipInfo("x.json")
    for held, said in ((1000, 2**40), (1000, 2 * 2**20), (2**30, 5 * 2**30)):
        info.compress_size, info.file_size = held, said
        with pytest.raises(DownloadError, match=r"member 'x\.json' would grow from"):
            archive._refuse_bomb(info, "u")
    info.compress_size, info.file_size = 20_000_000, 450_000_000
    archive._refuse_bomb(info, "u")
