"""How tables, code and captions look on paper."""

import json
import sys
from pathlib import Path

import pytest
import typst

from deeplocalizer.rendering import printed, quarto, render, typesetting

REPORT = Path(__file__).parents[2] / "report"
PLACE = "#context [#metadata(here().page()) <place>]"


@pytest.fixture
def folder(tmp_path):
    """Make a folder with the look of paper."""
    for name in printed.PREAMBLE:
        (tmp_path / name).write_text((REPORT / name).read_text())
    return tmp_path


def asked(markup, label, folder):
    """Compile markup and read what it says of itself under a label."""
    path = folder / "asked.typ"
    path.write_text(printed.preamble(folder) + markup)
    return json.loads(typst.query(str(path), f"<{label}>", field="value", root=str(folder), ignore_system_fonts=True))


@pytest.mark.parametrize("space", range(600, 700, 10))
def test_a_line_above_a_group_stays_with_the_group(folder, space):
    rows = "".join(f"[row {number} {PLACE if number == 0 else ''}], [1], " for number in range(3))
    table = f"#table(columns: 2, table.header([Head], [n]), [before], [1], report-group(2)[Group {PLACE}], {rows})"
    line, *first = asked(f"#v({space}pt)\n#report-table(8.5pt)[{table}]", "place", folder)
    assert line == first[0]


def test_a_group_that_goes_on_says_so_on_the_next_page(folder):
    rows = "".join(f"[row {number}], [1], " for number in range(60))
    table = f"#table(columns: 2, table.header([Head], [n]), report-group(2)[Group {PLACE}], {rows})"
    assert asked(f"#v(400pt)\n#report-table(8.5pt)[{table}]", "place", folder) == [1, 2]


@pytest.mark.parametrize(("opening", "size"), [("[", 10.5), ("#report-table(8.5pt)[", 8.5)])
def test_code_is_about_as_large_as_the_words_around_it(folder, opening, size):
    (width,) = asked(f'{opening}#context [#metadata(measure(raw("xxxxxxxxxx")).width.pt()) <wide>]]', "wide", folder)
    letter = width / 10 / 0.602  # the width of a letter of DejaVu Sans Mono, of its size
    assert 0.8 * size <= letter <= size


def test_a_long_heading_makes_no_column_wide(folder):
    head = "<th>Unit</th><th>Preferred among the highest responses</th><th>Why</th>"
    row = f"<td>a</td><td>5 %</td><td>{'many words ' * 9}</td>"
    body = f"``` {{=html}}\n<table><thead><tr>{head}</tr></thead><tbody><tr>{row}</tr></tbody></table>\n```\n"
    assert "columns: (auto, auto, 1fr,)" in typesetting.body_for_print(body, folder)


def test_lines_above_groups_are_those_of_the_look(folder):
    rows = '<tr><th colspan="2">Faces</th></tr><tr><td>a</td><td>1</td></tr>'
    body = f"``` {{=html}}\n<table><thead><tr><th>A</th><th>n</th></tr></thead><tbody>{rows}</tbody></table>\n```\n"
    shown = typesetting.body_for_print(body, folder)
    assert "report-group(2)[Faces]" in shown and "colspan" not in shown


def test_the_number_of_a_figure_stands_out(folder):
    (folder / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    markup = printed.write({"title": "T"}, '![Bars.](a.svg){#fig-a fig-alt="Bars"}\n\nSee @fig-a.\n', folder)
    assert "#strong[Figure~1:] Bars." in markup


@pytest.mark.parametrize(("version", "able"), [("1.4.553", False), ("1.5.57", True), ("1.10.18", True), ("2.0", True)])
def test_an_old_quarto_does_not_print(version, able):
    assert quarto.prints(version) == able


def test_a_pdf_is_made_without_a_quarto_that_is_too_old(tmp_path, folder, monkeypatch):
    program = tmp_path / "bin" / "quarto"
    program.parent.mkdir()
    said = "print('1.4.553') if sys.argv[1:] == ['--version'] else sys.exit('asked to print')"
    program.write_text(f"#!{sys.executable}\nimport sys\n{said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    source, output = tmp_path / "paper.qmd", tmp_path / "paper.pdf"
    source.write_text("---\ntitle: T\n---\n\nText.\n")
    assert render(source, output, {}, [folder / name for name in printed.PREAMBLE]).startswith("nbclient and pandoc")
    assert output.read_bytes().startswith(b"%PDF-")
