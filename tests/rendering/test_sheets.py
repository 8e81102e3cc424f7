"""Tables of a document as CSV."""

import csv

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplocalizer.rendering import RenderError, render, sheets
from deeplocalizer.report import floats
from deeplocalizer.report.markup import html


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def written(body, folder):
    paths = sheets.write(body, folder, folder / "tables")
    return {path.stem: read(path) for path in paths}


def test_every_labelled_table_is_written_and_no_other(tmp_path):
    frame = pd.DataFrame({"Layer": ["a_b*", "c, d"], "Units": ["1,234", "−2"]})
    body = "\n".join(
        [
            floats.table(html(frame, code=["Layer"]), "tbl-layers", "Layers"),
            "| A | B |\n|---|--:|\n| *x* | 1 |\n\n: By hand {#tbl-hand}\n",
            "::: {.panel-tabset}\n## One\n",
            floats.table(html(frame[["Layer"]]), "tbl-tab", "In a tab"),
            ":::\n\n| C |\n|---|\n| unlabelled |\n",
            "````\n::: {#tbl-shown}\n| D |\n|---|\n| shown |\n:::\n````\n",
        ]
    )
    assert written(body, tmp_path) == {
        "tbl-layers": [["Layer", "Units"], ["a_b*", "1,234"], ["c, d", "−2"]],
        "tbl-hand": [["A", "B"], ["x", "1"]],
        "tbl-tab": [["Layer"], ["a_b*"], ["c, d"]],
    }


def test_lines_above_rows_become_a_column(tmp_path):
    frame = pd.DataFrame({"Task": ["one", "one", "two"], "Mask": ["a", "b", "a"], "p": ["0.1", "–", "< 0.001"]})
    body = floats.table(html(frame, by="Task"), "tbl-a", "By task")
    assert written(body, tmp_path)["tbl-a"] == [
        ["Task", "Mask", "p"],
        ["one", "a", "0.1"],
        ["one", "b", "–"],
        ["two", "a", "< 0.001"],
    ]


text = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@settings(max_examples=8, deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from("xy"), text, text), min_size=1, max_size=4))
def test_whatever_is_shown_is_written(rows, tmp_path_factory):
    frame = pd.DataFrame(sorted(rows, key=lambda row: row[0]), columns=["By", "One", "Two"])
    body = floats.table(html(frame, by="By", text=["Two"]), "tbl-a", "Any")
    found = written(body, tmp_path_factory.mktemp("sheets"))["tbl-a"]
    assert found == [list(frame.columns), *frame.to_numpy().tolist()]


def test_a_label_without_a_table_is_refused(tmp_path):
    with pytest.raises(RenderError, match="'tbl-a' is labelled as a table, but holds none"):
        written("::: {#tbl-a}\nNo table.\n\nCaption\n:::\n", tmp_path)


def test_a_document_without_tables_has_an_empty_folder(tmp_path):
    assert written("Text.", tmp_path) == {}
    assert (tmp_path / "tables").is_dir()


def test_rendering_writes_them(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    source = tmp_path / "paper.qmd"
    source.write_text("---\ntitle: T\n---\n\n| A |\n|---|\n| `{python} 6 * 7` |\n\n: By hand {#tbl-hand}\n")
    render(source, tmp_path / "paper.html", {}, tables=tmp_path / "tables")
    assert read(tmp_path / "tables" / "tbl-hand.csv") == [["A"], ["42"]]
