"""From a Quarto document to a PDF."""

import json
import re
import sys
from pathlib import Path

import pytest
import typst
import yaml

from deeplocalizer.rendering import RenderError, completeness, htmltables, printed, render, typesetting
from tests.report import whole

HERE = Path(__file__).parent
REPORT = HERE.parents[1] / "report"
EXAMPLES = HERE.parent / "rendering"
LOOK = [REPORT / "tables.typ", REPORT / "print.typ"]
BARS = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 40" width="60" height="40">'
    '<rect x="5" y="5" width="20" height="30"/><rect x="35" y="20" width="20" height="15"/></svg>'
)
TABLE = (
    '<table data-by="Task"><thead><tr><th>Mask</th><th style="text-align: right">p</th></tr></thead>'
    '<tbody><tr><th colspan="2"><strong>Faces &amp; more</strong></th></tr>'
    '<tr><td><code>a_b*</code></td><td style="text-align: right">&lt; 0.001</td></tr></tbody>'
    '<tbody><tr><th colspan="2"><strong>Digits</strong></th></tr>'
    '<tr><td>b</td><td style="text-align: right">0.2</td></tr></tbody></table>'
)


@pytest.fixture
def folder(tmp_path):
    """Make a folder as the document has it."""
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "saved.svg").write_text(BARS)
    (tmp_path / "a.bib").write_text("@misc{known2000, author = {Known, A.}, title = {K}, year = {2000}}")
    for path in LOOK:
        (tmp_path / path.name).write_text(path.read_text())
    return tmp_path


def written(body, folder, **front_matter):
    return printed.write({"title": "T", "number-sections": True, **front_matter}, body, folder)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Render the document that uses everything, twice."""
    resources = tmp_path_factory.mktemp("resources") / "figures"
    resources.mkdir()
    (resources / "saved.svg").write_text(BARS)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
        for number in range(2):
            output = tmp_path_factory.mktemp("printed") / f"{number}.pdf"
            given = [resources, EXAMPLES / "example.bib", REPORT / "style.css", *LOOK]
            render(EXAMPLES / "example.qmd", output, {"REPORT_MODEL": "resnet_34*"}, given)
            found.append(output.read_bytes())
    return found


def test_a_document_that_uses_everything_is_printed_and_equal_work_gives_equal_bytes(pages):
    first, again = pages
    assert first.startswith(b"%PDF-")
    assert b"(Functionally specialised units: resnet_34*)" in first
    assert first == again


def test_figures_tables_equations_and_sections_are_numbered_and_referred_to(folder):
    markup = written(
        "# One {#sec-one}\n\nSee @fig-a, @tbl-a, @tbl-b, @eq-a and @sec-one.\n\n"
        '![Bars](figures/saved.svg){#fig-a fig-alt="Bars"}\n\n'
        f"::: {{#tbl-a}}\n\n``` {{=html}}\n{TABLE}\n```\n\nOf tasks\n:::\n\n"
        "| A | B |\n|---|--:|\n| x | 1 |\n\n: By hand {#tbl-b}\n\n$$ d = 1 $$ {#eq-a}\n",
        folder,
    )
    links = re.findall(r"#link\(<([\w-]+)>\)\[([^]]*)\]", markup)
    assert links == [
        ("fig-a", "Figure~1"),
        ("tbl-a", "Table~1"),
        ("tbl-b", "Table~2"),
        ("eq-a", "Equation~1"),
        ("sec-one", "Section~1"),
    ]
    for label in ("fig-a", "tbl-a", "tbl-b", "eq-a", "sec-one"):
        assert f"<{label}>\n" in markup.replace("> \n", ">\n")
    assert "#strong[Table~1:] Of tasks" in markup
    assert "#strong[Table~2:] By hand" in markup
    assert "#strong[Figure~1:] Bars" in markup


def test_images_say_in_words_what_they_show(folder):
    markup = written(
        '![A](figures/saved.svg){#fig-a fig-alt="Bars, \\"faces\\" above" width=64}\n\n![In text](figures/saved.svg)',
        folder,
    )
    assert r'#image("figures/saved.svg", alt: "Bars, \"faces\" above", width: 48pt)' in markup
    assert '#image("figures/saved.svg", alt: "In text")' in markup
    path = folder / "a.typ"
    path.write_text(printed.preamble(folder) + markup)
    kinds = json.loads(typst.query(str(path), "figure", field="kind", root=str(folder)))
    assert len(kinds) == 2


def test_tables_of_html_are_tables_on_paper(folder):
    (markup,) = typesetting.typeset(htmltables.read(f"``` {{=html}}\n{TABLE}\n```", folder), folder)
    assert markup.startswith("#report-table(8.5pt)[")
    assert "columns: (auto, auto,)" in markup
    assert "table.header([Mask], table.cell(align: right)[p],)" in markup
    cells = re.findall(r"report-group\(2\)\[#strong\[(.*?)\]\]", markup)
    assert cells == [r"Faces & more", "Digits"]
    assert "[`a_b*`], table.cell(align: right)[\\< 0.001]" in markup


def test_wide_tables_get_smaller_type_and_words_break_into_lines(folder):
    def table(columns, text):
        cells = "".join(f"<td>{text}</td>" for _ in range(columns))
        heads = "".join("<th>h</th>" for _ in range(columns))
        return f"``` {{=html}}\n<table><thead><tr>{heads}</tr></thead><tbody><tr>{cells}</tr></tbody></table>\n```"

    sizes = []
    for columns in (3, 9, 12, 30):
        (markup,) = typesetting.typeset(htmltables.read(table(columns, "0.12 [0.1]"), folder), folder)
        sizes.append(float(re.match(r"#report-table\(([\d.]+)pt\)", markup)[1]))
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (8.5, 6)
    (markup,) = typesetting.typeset(htmltables.read(table(2, "a longer sentence of words"), folder), folder)
    assert "columns: (1fr, 1fr,)" in markup


def test_a_fence_in_a_fence_is_no_table():
    shown = f"````\n```{{=html}}\n{TABLE}\n```\n````"
    assert htmltables.find(shown) == []
    assert htmltables.find(f"{shown}\n\n~~~ {{=html}}\n{TABLE}\n~~~\n") == [TABLE]


def test_two_tables_in_one_block_are_refused(folder):
    with pytest.raises(RenderError, match="holds 2 tables"):
        htmltables.read(f"```{{=html}}\n{TABLE}{TABLE}\n```", folder)


def test_callouts_are_boxes_and_tabs_are_sections(folder):
    markup = written(
        "::: {.callout-warning}\n## How *not*\n\nBody.\n:::\n\n"
        "::: {.panel-tabset}\n## Faces\n\n| A |\n|---|\n| x |\n\n## Objects\n\nWords.\n:::\n",
        folder,
    )
    assert '#report-callout("warning")[\n' in markup
    assert "Warning: How #emph[not]" in " ".join(markup.split())
    assert "#heading(level: 2, outlined: false, numbering: none)[Faces]" in markup
    assert "table.header([A],)" in markup


def test_title_authors_and_abstract_come_first(folder):
    markup = written(
        "Text.",
        folder,
        title='A "title"',
        author=["Ada", {"name": "Grace", "affiliation": "Institute"}],
        abstract="First.\n\nSecond.\n",
    )
    assert '#set document(title: "A “title”", author: ("Ada", "Grace, Institute",), date: none)' in markup
    assert re.search(r'#report-title\[\s*A "title"\s*\]\[\s*Ada \\\s*Grace, Institute\s*\]\[', markup)
    assert markup.index("First.") < markup.index("Second.") < markup.index("Text.")


def test_citations_are_resolved_and_listed(folder):
    markup = written("As said [@known2000].", folder, bibliography="a.bib")
    assert "(#link(<ref-known2000>)[Known 2000])" in markup.replace("\\(", "(")
    assert "<ref-known2000>\n" in markup
    with pytest.raises(RenderError, match="nobody"):
        written("See @nobody.", folder, bibliography="a.bib")
    with pytest.raises(RenderError, match="names no bibliography"):
        written("See @nobody.", folder)


def test_html_in_a_sentence_is_kept(folder):
    assert "Enter" in written("Press `<kbd>Enter</kbd>`{=html}.", folder)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("![C](absent.svg){#fig-a}", "the image 'absent.svg' is not among the files"),
        ("![C](https://example.org/a.svg)", "is remote"),
        ("See @fig-a.", "unknown reference '@fig-a'"),
        ("Formula $$ x $$ and then {#eq-a}.", None),
        ("Words {#eq-a}", "the label 'eq-a' follows no displayed formula"),
    ],
)
def test_what_leads_nowhere_is_an_error_that_names_it(folder, body, said):
    if said is None:
        assert "{#eq-a}" not in written("$$ x $$ {#eq-a}", folder)
        return
    with pytest.raises(RenderError) as error:
        printed.convert({"title": "T"}, body, folder)
    assert said in str(error.value)


def test_a_pdf_needs_its_look(folder):
    (folder / "print.typ").unlink()
    with pytest.raises(RenderError, match=r"needs 'print\.typ'"):
        printed.convert({"title": "T"}, "Text.", folder)


def test_what_typst_complains_of_is_an_error(folder):
    (folder / "print.typ").write_text("#absent()")
    with pytest.raises(RenderError, match="typst: unknown variable: absent"):
        printed.convert({"title": "T"}, "Text.", folder)


@pytest.mark.parametrize(
    "shown", ["a mean of nan", "`x` and NaN", "from -inf to 2", r"\<NA\>", "None", "::: x", "?fig-a"]
)
def test_left_overs_on_paper_are_refused(shown):
    with pytest.raises(RenderError, match="the printed pages are not complete"):
        completeness.check_typst(shown)


@pytest.mark.parametrize(
    "shown",
    [
        "```yaml\nlimit: .inf\nnone: None\n```",
        "`nan`",
        "$inf$",
        '#image("figures/nan.svg")',
        "None of them; inform nanny",
    ],
)
def test_code_and_words_on_paper_may_hold_them(shown):
    completeness.check_typst(shown)


@pytest.mark.slow
def test_the_report_of_a_study_is_printed_with_every_table_as_csv_and_without_torch(tmp_path, monkeypatch):
    written = whole.write(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    source = tmp_path / "report.qmd"
    check = "\n```{python}\n#| include: false\nimport sys\n\nassert 'torch' not in sys.modules\n```\n"
    source.write_text((REPORT / "report.qmd").read_text() + check)
    beside = [path for path in REPORT.iterdir() if path.suffix != ".qmd"]
    environment = {"DEEPLOCALIZER_REPORT": str(written.description), "PYTHONPATH": str(REPORT.parent / "src")}
    for suffix in (".html", ".pdf"):
        given = [*beside, written.figures]
        render(source, tmp_path / f"report{suffix}", environment, given, tmp_path / suffix[1:])
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    labels = re.findall(r'<figure[^>]* id="(tbl-[\w-]+)"', (tmp_path / "report.html").read_text())
    assert len(labels) > 10
    for folder in ("html", "pdf"):
        assert {path.stem for path in (tmp_path / folder).iterdir()} == set(labels)


# Quarto


@pytest.fixture
def fake_quarto(tmp_path, monkeypatch):
    """Put a program called quarto on the path that writes a PDF and keeps some markup."""

    def install(markup: str) -> Path:
        record = tmp_path / "call.json"
        program = tmp_path / "bin" / "quarto"
        program.parent.mkdir()
        program.write_text(
            f"#!{sys.executable}\n"
            "import json, pathlib, sys\n"
            "if sys.argv[1:] == ['--version']:\n"
            "    print('1.7.31')\n"
            "    raise SystemExit\n"
            "source = pathlib.Path(sys.argv[2])\n"
            f"pathlib.Path({str(record)!r}).write_text(json.dumps([sys.argv[1:], source.read_text()]))\n"
            "pathlib.Path(sys.argv[-1]).write_bytes(b'%PDF-by-quarto')\n"
            f"source.with_suffix('.typ').write_text({markup!r})\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))
        return record

    return install


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "paper.qmd"
    path.write_text(
        "---\ntitle: T\nnumber-sections: true\ncss: a.css\ninclude-after-body: a.html\n"
        "format:\n  typst:\n    papersize: a5\n---\n"
        f'````{{python}}\n#| output: asis\n#| echo: false\nprint("""::: {{#tbl-a}}\n\n``` {{=html}}\n{TABLE}\n```\n\n'
        'Caption\n:::""")\n````\n\nSee @tbl-a.\n'
    )
    return path


def test_quarto_prints_through_typst_with_tables_of_typst(fake_quarto, source, tmp_path):
    record = fake_quarto("= Title\n")
    output = tmp_path / "paper.pdf"
    assert render(source, output, {}, LOOK) == "quarto 1.7.31"
    assert output.read_bytes() == b"%PDF-by-quarto"
    argv, text = json.loads(record.read_text())
    assert argv == ["render", "paper.qmd", "--to", "typst", "--output", "paper.pdf"]
    _, header, body = text.split("---\n", 2)
    assert not {"css", "include-after-body"} & set(yaml.safe_load(header))
    options = yaml.safe_load(header)["format"]["typst"]
    assert (options["papersize"], options["keep-typ"], options["section-numbering"]) == ("a5", True, "1.1")
    assert "#let report-table(" in body
    assert "{=html}" not in body
    assert re.search(r"::: \{#tbl-a\}\n\n``` \{=typst\}\n#report-table\(8.5pt\)\[", body)
    assert "See @tbl-a." in body


def test_what_quarto_leaves_in_its_markup_is_refused(fake_quarto, source, tmp_path):
    fake_quarto("The mean is nan.\n")
    with pytest.raises(RenderError, match="paper.qmd: the printed pages are not complete") as error:
        render(source, tmp_path / "paper.pdf", {}, LOOK)
    assert "'nan'" in str(error.value)
    assert not (tmp_path / "paper.pdf").exists()
