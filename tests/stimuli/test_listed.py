"""A table of images, as spreadsheets and scripts write them, becomes records; what is wrong with it is named."""

import csv
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from deeplocalizer.provenance import digest_bytes
from deeplocalizer.stimuli.cells import separated
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Attribute, Draw
from deeplocalizer.stimuli.sources.listed import listed

SHARES = {"train": 0.0, "localize": 0.5, "select": 0.25, "test": 0.25}


def ask(path, count=None, seed=0, shares=SHARES, category="faces", **chosen):
    return listed(Draw(category, {"path": str(path), **chosen}, count, seed, shares, Path("unused")))


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def home(tmp_path):
    """A folder of forty images, and a table of them."""
    rng = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for number in range(40):
        encoded = encode_png(rng.integers(0, 256, (6, 6), dtype=np.uint8))
        (tmp_path / "pictures" / f"{number:02d}.png").write_bytes(encoded)
    with (tmp_path / "stimuli.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "kind", "code", "who", "part", "smiling", "terms"])
        for n in range(40):
            kind, part = ("face", "object")[n % 2], ("localize", "select", "test", "train")[n // 2 % 4]
            writer.writerow(
                [f"pictures/{n:02d}.png", kind, f"{n:03d}", f"p{n // 4}", part, ("1", "0", "")[n % 3], "CC0"]
            )
    return tmp_path


def test_rows_become_records(home):
    columns = {"image": "path", "label": "code", "group": "who", "id": "code", "licence": "terms"}
    drawn = ask(home / "stimuli.csv", columns={**columns, "attributes": ["smiling"]}, where={"kind": "face"})
    assert len(drawn.records) == 20
    record = next(one for one in drawn.records if one.id == "faces/006")
    assert record.encoded == (home / "pictures" / "06.png").read_bytes()
    assert (record.label, record.group, record.licence, record.split) == ("006", "p1", "CC0", "")
    assert record.source == f"{home / 'stimuli.csv'}, line 8: pictures/06.png"
    known = {one.id: dict(one.attributes) for one in drawn.records}
    assert known["faces/006"] == {"smiling": 1} and known["faces/004"] == {"smiling": 0} and known["faces/002"] == {}
    assert drawn.vocabulary == {"smiling": Attribute("stimuli")}
    assert drawn.origin["digest"] == digest_bytes((home / "stimuli.csv").read_bytes())


def test_numbers_are_chosen_by_their_value(home):
    """As text, as doubles, as floats of single precision and as decimals."""
    paths = [f"pictures/{n:02d}.png" for n in range(4)]
    table = write(
        home / "t.csv",
        "path,score\n" + "".join(f"{p},{s}\n" for p, s in zip(paths, ["1.0", "1", "2.5", "x"], strict=True)),
    )
    assert len(ask(table, where={"score": 1}).records) == 2
    assert len(ask(table, where={"score": 2.5}).records) == 1
    values = {
        "double": pa.array([1.0, 2.5, 1.0, 0.5]),
        "decimal": pa.array([Decimal("1.50"), Decimal("1.00"), Decimal("2.00"), Decimal("1.50")]),
        "single": pa.array(np.array([0.1, 0.2, 0.1, 0.5], dtype=np.float32)),
    }
    parquet.write_table(pa.table({"path": paths, **values}), home / "t.parquet")
    for column, wanted, number in (("double", 1.0, 2), ("double", 1, 2), ("decimal", 1.5, 2), ("single", 0.1, 2)):
        assert len(ask(home / "t.parquet", where={column: wanted}).records) == number, column


def test_paths_that_another_system_wrote_are_explained(home):
    spaces = write(home / "t.csv", "path\n" + "".join(f" pictures/{n:02d}.png\n" for n in range(4)))
    with pytest.raises(ValueError, match="without the spaces around it, it would"):
        ask(spaces)
    slashes = write(home / "u.csv", "path\n" + "".join(f"pictures\\{n:02d}.png\n" for n in range(4)))
    with pytest.raises(ValueError, match="with / in place of each backslash"):
        ask(slashes)


def test_without_columns_the_path_is_the_id(home):
    drawn = ask(home / "stimuli.csv")
    assert sorted(one.id for one in drawn.records) == [f"faces/pictures/{n:02d}.png" for n in range(40)]
    assert {(one.label, one.group, one.split, one.licence) for one in drawn.records} == {("", "", "", "")}
    assert not drawn.vocabulary and not drawn.refused


def test_rows_are_chosen_by_value_or_by_one_of_several(home):
    def numbers(**where):
        return {int(one.id[-6:-4]) for one in ask(home / "stimuli.csv", where=where).records}

    assert numbers(kind="face") == set(range(0, 40, 2))
    assert numbers(kind="face", part=["select", "test"]) == {n for n in range(0, 40, 2) if n // 2 % 4 in (1, 2)}
    assert numbers(smiling=1) == numbers(smiling=True) == set(range(0, 40, 3))
    assert numbers(smiling=False) == set(range(1, 40, 3))
    assert numbers(code=["007", "008"]) == {7, 8}
    with pytest.raises(ValueError, match=r"where: no row has '7' in column 'code'; 007 is text: write it in quotes"):
        numbers(code=7)  # 007 is text
    with pytest.raises(ValueError, match=r"no row has 'faces' in column 'kind'; did you mean 'face'\?"):
        numbers(kind=["object", "faces"])
    with pytest.raises(ValueError, match="there is no column 'knd'; did you mean 'kind'"):
        numbers(knd="face")
    with pytest.raises(ValueError, match="no row fits all of `where`"):
        numbers(kind="face", code="001")


def test_asking_for_more_keeps_what_was_there_and_new_rows_reorder_nothing(home):
    order = [one.id for one in ask(home / "stimuli.csv").records]
    for count in (1, 7, 40):
        assert [one.id for one in ask(home / "stimuli.csv", count).records] == order[:count]
    assert [one.id for one in ask(home / "stimuli.csv", seed=1).records] != order
    header, *rows = (home / "stimuli.csv").read_text().splitlines()
    fewer = write(home / "fewer.csv", "\n".join([header, *reversed(rows[:20])]))
    kept = {one.id for one in ask(fewer).records}
    assert [one.id for one in ask(fewer).records] == [one for one in order if one in kept]


def test_a_table_may_set_the_splits(home):
    columns = {"split": "part"}
    everything = ask(home / "stimuli.csv", columns=columns)
    assert Counter(one.split for one in everything.records) == {"localize": 10, "select": 10, "test": 10}  # no train
    few, more = (ask(home / "stimuli.csv", count, columns=columns) for count in (8, 16))
    assert Counter(one.split for one in few.records) == {"localize": 4, "select": 2, "test": 2}
    for split in ("localize", "select", "test"):
        first, then = ([one.id for one in drawn.records if one.split == split] for drawn in (few, more))
        assert then[: len(first)] == first
    with pytest.raises(ValueError, match="split 'localize' .* has 10 images; its share of a count of 40 is 20"):
        ask(home / "stimuli.csv", 40, columns=columns)
    with pytest.raises(
        ValueError, match="column 'kind' must be one of train, localize, select, test; line 2 has 'face'"
    ):
        ask(home / "stimuli.csv", columns={"split": "kind"})


def test_paths_start_from_the_table_or_from_a_root(home, monkeypatch):
    (home / "tables").mkdir()
    moved = write(home / "tables" / "t.csv", "path\n01.png\n")
    with pytest.raises(ValueError, match="none of its 1 files exists, such as .*01.png.*`root`"):
        ask(moved)
    assert len(ask(moved, root=str(home / "pictures")).records) == 1
    monkeypatch.chdir(home)
    assert len(ask("tables/t.csv", root="pictures").records) == 1
    with pytest.raises(ValueError, match="root 'nowhere' is no folder"):
        ask(moved, root="nowhere")
    absolute = write(home / "tables" / "a.csv", f"path\n{home / 'pictures' / '01.png'}\n")
    assert len(ask(absolute).records) == 1


@pytest.mark.parametrize(("name", "separator"), [("t.csv", ","), ("t.csv", ";"), ("t.csv", "\t"), ("t.tsv", "\t")])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_marks_and_line_ends(home, name, separator, bom, end):
    lines = [["caption", "path"], ["a; b, c", "pictures/01.png"], ['two\nlines "x"', "pictures/02.png"], ["", ""]]
    quoted = [separator.join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    text = bom + end.join([*quoted, separator, ""])
    drawn = ask(write(home / name, text), columns={"label": "caption"})
    assert {one.label for one in drawn.records} == {"a; b, c", 'two\nlines "x"'}
    assert {one.source.split(": ")[0].rsplit(", ", 1)[1] for one in drawn.records} == {"line 2", "line 3"}


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=3, max_size=3), max_size=8
    ),
    st.sampled_from(",;\t"),
)
@settings(max_examples=80, deadline=None)
def test_every_cell_comes_as_it_was_written(rows, separator):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerows([["path", "b", "c"], *rows])
    table = separated(stream.getvalue(), ",;\t", ["path", "c"])
    assert [list(row.values()) for row in table.rows] == [row for row in rows if any(row)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'path'; columns are none"),
        ("file\nx.png\n", "no column 'path'; columns are file"),
        ("Path\nx.png\n", "no column 'path'; did you mean 'Path'"),
        ("path,path\na,b\n", "column 'path' stands 2 times"),
        ("path\n", "it has no rows"),
        ("path,b\npictures/01.png\n", "line 2 has 1 cells; the header has 2"),
        ('path\npictures/01.png\n"pictures/02.png\n', "line 3: unexpected end of data"),
        ("path\npictures/01.png\nmissing.png\n", r"1 file is not .* line 3 \(missing.png\): the file cannot be read"),
        ("path,b\npictures/01.png,\n,x\n", "line 3: the cell of column 'path' is empty"),
        ("path\npictures/01.png\nhttps://a.b/c.png\n", "line 3 .*: it is an address"),
    ],
)
def test_mistakes_are_named_with_their_line(home, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        ask(write(home / "t.csv", text))
    assert "category 'faces'" in str(caught.value)


def test_unreadable_rows_can_be_skipped(home):
    (home / "bad.png").write_bytes(b"bad")
    table = write(home / "t.csv", "path,b\npictures/01.png,\n,x\nbad.png,\nmissing.png,\n")
    drawn = ask(table, unreadable="skip")
    assert [one.id for one in drawn.records] == ["faces/pictures/01.png"]
    assert {one.id for one in drawn.refused} == {"faces/line 3", "faces/bad.png", "faces/missing.png"}


def test_other_encodings_are_refused_with_the_remedy(home):
    with pytest.raises(ValueError, match="line 3 is not UTF-8 .*; save it as UTF-8"):
        ask(write(home / "t.csv", "path\npictures/01.png\npictures/é.png\n", "latin-1"))
    with pytest.raises(ValueError, match="UTF-16"):
        ask(write(home / "t.csv", "path\npictures/01.png\n", "utf-16"))


def test_ids_must_differ_and_be_there(home):
    table = write(home / "t.csv", "path,id\npictures/01.png,x\npictures/02.png,y\npictures/03.png,x\n")
    with pytest.raises(
        ValueError, match=r"ids in column 'id' recur: 'x' at t.csv, line 2 .*01.png\) and t.csv, line 4"
    ):
        ask(table, columns={"id": "id"})
    with pytest.raises(ValueError, match="line 3 has no id in column 'id'"):
        ask(write(table, "path,id\npictures/01.png,x\npictures/02.png,\n"), columns={"id": "id"})


def test_the_same_file_or_picture_counts_once(home):
    (home / "copy.png").write_bytes((home / "pictures" / "01.png").read_bytes())
    table = write(home / "t.csv", "path\npictures/01.png\n./pictures/01.png\ncopy.png\npictures/02.png\n")
    drawn = ask(table)
    assert len(drawn.records) == 2
    reasons = sorted(one.reason for one in drawn.refused)
    assert reasons[0] == "listed at t.csv, line 2 (pictures/01.png)" and reasons[1].startswith(
        "the same picture as faces/"
    )


def test_attributes_are_yes_no_or_unknown(home):
    cells = ["1", "0", "-1", "", "true", "False", "TRUE"]
    rows = [f"pictures/{n:02d}.png,{cell}" for n, cell in enumerate(cells)]
    drawn = ask(write(home / "t.csv", "\n".join(["path,hat", *rows])), columns={"attributes": ["hat"]})
    values = [dict(one.attributes).get("hat") for one in sorted(drawn.records, key=lambda one: one.id)]
    assert values == [1, 0, None, None, 1, 0, 1]
    with pytest.raises(ValueError, match="attribute 'hat' must be 1 or true.*line 2 has 'yes'"):
        ask(write(home / "t.csv", "path,hat\npictures/01.png,yes\n"), columns={"attributes": ["hat"]})
    with pytest.raises(ValueError, match="attribute 'hat' is 1 or -1 and never 0.*CelebA"):
        ask(write(home / "t.csv", "path,hat\npictures/01.png,1\npictures/02.png,-1\n"), columns={"attributes": ["hat"]})


def test_parquet_is_read_with_its_types(home):
    frame = pd.DataFrame(
        {
            "path": [f"pictures/{n:02d}.png" for n in range(4)],
            "number": [7, 8, 9, 10],
            "gap": [1.0, np.nan, 3.5, 2.0],
            "kind": pd.Categorical(["face", "object", "face", None]),
            "hat": [True, False, None, True],
        }
    )
    frame.to_parquet(home / "t.parquet")
    columns = {"label": "number", "group": "gap", "attributes": ["hat"]}
    records = sorted(ask(home / "t.parquet", columns=columns).records, key=lambda one: one.id)
    assert [one.label for one in records] == ["7", "8", "9", "10"]
    assert [one.group for one in records] == ["1", "", "3.5", "2"]
    assert [dict(one.attributes).get("hat") for one in records] == [1, 0, None, 1]
    assert records[0].source.endswith("row 1: pictures/00.png")
    assert len(ask(home / "t.parquet", where={"kind": "face", "hat": True}).records) == 1
    assert len(ask(home / "t.parquet", where={"number": [7, 8]}).records) == 2


def test_parquet_of_another_kind_is_refused(home):
    parquet.write_table(pa.table({"path": [{"bytes": b"x", "path": "a"}], "b": ["x"]}), home / "t.parquet")
    with pytest.raises(ValueError, match="column 'path' holds struct<.*; expected text"):
        ask(home / "t.parquet")
    with pytest.raises(ValueError, match="no column 'label'"):
        ask(home / "t.parquet", columns={"image": "b", "label": "label"})
    (home / "t.parquet").write_bytes((home / "t.parquet").read_bytes()[:-30])
    with pytest.raises(ValueError, match="no whole Parquet file"):
        ask(home / "t.parquet")


def test_a_missing_or_foreign_table_is_explained(home):
    with pytest.raises(
        ValueError, match=r"table '.*stimulus.csv': there is no such file; .*did you mean stimuli.csv\?"
    ):
        ask(home / "stimulus.csv")
    with pytest.raises(ValueError, match="it is a folder; `source: folder`"):
        ask(home / "pictures")
    with pytest.raises(ValueError, match=r"kind '.xlsx' are not read; save it as .csv"):
        ask(write(home / "t.xlsx", "x"))


def test_images_in_it_that_repeat_a_name_in_another_category_have_ids_of_their_own(home):
    faces, objects = (ask(home / "stimuli.csv", 3, category=name) for name in ("faces", "objects"))
    assert not {one.id for one in faces.records} & {one.id for one in objects.records}
