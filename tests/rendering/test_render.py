"""From a Quarto document to one self-contained page."""

import base64
import json
import logging
import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from deeplocalizer.rendering import RenderError, completeness, page, pandoc, render

HERE = Path(__file__).parent
STYLE = HERE.parents[1] / "report" / "style.css"
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta"}
BARS = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 40" width="60" height="40">'
    '<rect x="5" y="5" width="20" height="30"/><rect x="35" y="20" width="20" height="15"/></svg>'
)


@dataclass
class Node:
    """An element of a page."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What a reader sees of it."""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return "".join(parts)

    @property
    def line(self) -> str:
        """Its text on one line."""
        return re.sub(r"[ \n]+", " ", self.text).strip()

    def walk(self):
        """Every element in it, in order."""
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child.walk()

    def all(self, tag: str = "", kind: str = "") -> list["Node"]:
        """The elements with a name and a class."""
        return [
            node
            for node in self.walk()
            if (not tag or node.tag == tag) and (not kind or kind in node.attributes.get("class", "").split())
        ]

    def one(self, identifier: str) -> "Node":
        """The element with an identifier."""
        (found,) = [node for node in self.walk() if node.attributes.get("id") == identifier]
        return found


class Builder(HTMLParser):
    """Build a tree of nodes."""

    def __init__(self):
        super().__init__()
        self.root = Node("")
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        node = Node(tag, {key: value or "" for key, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].children.append(data)


def parsed(html: str) -> Node:
    builder = Builder()
    builder.feed(html)
    builder.close()
    return builder.root


@pytest.fixture(scope="module")
def resources(tmp_path_factory) -> list[Path]:
    figures = tmp_path_factory.mktemp("resources") / "figures"
    figures.mkdir()
    (figures / "saved.svg").write_text(BARS)
    return [figures, STYLE, HERE / "example.bib"]


@pytest.fixture(scope="module")
def without_quarto(tmp_path_factory):
    """Make sure that no Quarto is found, whatever the machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
        yield


@pytest.fixture(scope="module")
def html(tmp_path_factory, resources, without_quarto) -> str:
    output = tmp_path_factory.mktemp("rendered") / "new folder" / "example.html"
    renderer = render(HERE / "example.qmd", output, {"REPORT_MODEL": "resnet_34*"}, resources)
    assert re.fullmatch(r"nbclient and pandoc \d+(\.\d+)+", renderer)
    return output.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example(html) -> Node:
    return parsed(html)


@pytest.fixture
def write(tmp_path):
    """Write a document; return its path and where its page goes."""

    def write(body: str, header: str = "title: T") -> tuple[Path, Path]:
        source = tmp_path / "paper.qmd"
        source.write_text(f"---\n{header}\n---\n{textwrap.dedent(body)}", encoding="utf-8")
        return source, tmp_path / "paper.html"

    return write


# The page without Quarto


def test_figures_are_numbered_in_order(example):
    captions = {
        figure.attributes["id"]: figure.all("figcaption")[0].line
        for figure in example.all("figure")
        if "table" not in figure.attributes.get("class", "")
    }
    assert list(captions) == ["fig-saved", "fig-drawn", "fig-pixels", "fig-div"]
    assert captions["fig-saved"].startswith(
        "Figure\N{NO-BREAK SPACE}1: Responses of 1200 units, with a citation (Benjamini and Hochberg 1995)"
    )
    assert captions["fig-drawn"] == (
        "Figure\N{NO-BREAK SPACE}2: Drawn by a cell: an effect of 0.8125, as in Section\N{NO-BREAK SPACE}1.1."
    )
    assert captions["fig-div"] == "Figure\N{NO-BREAK SPACE}4: A figure written as a division"


def test_tables_are_numbered_in_order_and_keep_their_cells(example):
    tables = example.all("figure", "table")
    assert [table.all("figcaption")[0].line for table in tables] == [
        "Table\N{NO-BREAK SPACE}1: Written by hand, with 12 units",
        "Table\N{NO-BREAK SPACE}2: Computed: the columns are wide on purpose",
        "Table\N{NO-BREAK SPACE}3: Printed as Markdown",
    ]
    rows = [[cell.line for cell in row.all("td")] for row in tables[0].all("tr")]
    assert rows[1:] == [["conv1", "64", "0.12", "none"], ["layer2", "128", "-1.05", "target"]]
    assert [cell.line for cell in tables[1].all("td")[:3]] == ["0.000", "0.143", "0.286"]
    assert [cell.line for cell in tables[2].all("td")] == ["target", "12", "control", "988"]


def test_every_table_scrolls_by_itself_and_has_a_name(example):
    for table in example.all("figure", "table"):
        (scrolling,) = table.all("div", "table-scroll")
        assert scrolling.all("table")
        assert scrolling.attributes["tabindex"] == "0"
        assert example.one(scrolling.attributes["aria-labelledby"]).tag == "figcaption"


def test_sections_are_numbered_but_titles_of_notes_and_tabs_are_not(example):
    headings = [node.line for node in example.all("main")[0].walk() if re.fullmatch("h[1-6]", node.tag)]
    assert headings == [
        "1 Introduction",
        "1.1 Contrast",
        "2 Outputs",
        "3 Notes",
        "Faces",
        "Objects",
        "Appendix",
        "References",
    ]
    assert [link.line for link in example.one("TOC").all("a")] == [
        "1 Introduction",
        "1.1 Contrast",
        "2 Outputs",
        "3 Notes",
        "Appendix",
        "References",
    ]


def test_references_are_links_to_what_they_name(example):
    first = example.all("main")[0].all("p")[0]
    links = [(link.text, link.attributes["href"]) for link in first.all("a", "quarto-xref")]
    assert links == [
        ("Section\N{NO-BREAK SPACE}1.1", "#sec-contrast"),
        ("Figure\N{NO-BREAK SPACE}1", "#fig-saved"),
        ("Figure\N{NO-BREAK SPACE}2", "#fig-drawn"),
        ("Table\N{NO-BREAK SPACE}1", "#tbl-written"),
        ("Table\N{NO-BREAK SPACE}2", "#tbl-computed"),
        ("Figure\N{NO-BREAK SPACE}1", "#fig-saved"),
        ("Table\N{NO-BREAK SPACE}1", "#tbl-written"),
        ("2", "#fig-drawn"),
        ("Panel\N{NO-BREAK SPACE}2", "#fig-drawn"),
    ]


def test_references_outside_the_text_are_resolved_too(example):
    abstract, notes, callout = (
        example.all("div", "abstract")[0],
        example.one("footnotes"),
        example.all("div", "callout-note")[0],
    )
    assert [link.text for link in abstract.all("a", "quarto-xref")] == ["Figure\N{NO-BREAK SPACE}1"]
    assert [link.text for link in notes.all("a", "quarto-xref")] == ["Section\N{NO-BREAK SPACE}1"]
    assert [link.text for link in callout.all("a", "quarto-xref")] == ["Table\N{NO-BREAK SPACE}2"]


def test_every_link_inside_the_page_leads_somewhere_and_no_name_is_taken_twice(example):
    names = [node.attributes["id"] for node in example.walk() if "id" in node.attributes]
    assert len(names) == len(set(names))
    inside = [node.attributes["href"] for node in example.all("a") if node.attributes["href"][0] == "#"]
    assert len(inside) > 20
    assert {address[1:] for address in inside} <= set(names)


def test_citations_lead_to_a_reference_list(example):
    first = example.all("main")[0].all("p")[0].line
    assert "stimulus (Kanwisher et al. 1997)" in first
    assert "(Benjamini and Hochberg 1995; see also Kanwisher et al. 1997, 2–3)" in first
    entries = example.all("div", "csl-entry")
    assert [entry.attributes["id"] for entry in entries] == ["ref-benjamini1995", "ref-kanwisher1997"]
    assert "Journal of Neuroscience 17 (11): 4302–11" in entries[1].line


def test_title_authors_and_abstract(example):
    assert [node.line for node in example.all("h1")] == ["Functionally specialised units: resnet_34*"]
    assert example.all("title")[0].line == "Functionally specialised units: resnet_34*"
    assert example.all("p", "subtitle")[0].line == "A document that uses every feature a report may use"
    authors = [node.line for node in example.all("p", "author")]
    assert authors == ["Ada Example", "Grace Example, Institute of Examples"]
    first, second = example.all("div", "abstract")[0].all("p")
    assert first.line.startswith("Of 1200 units, 12 prefer faces, as Figure\N{NO-BREAK SPACE}1 shows.")
    assert second.line == "A second paragraph cites Kanwisher et al. (1997)."
    assert example.all("html")[0].attributes["lang"] == "en"


def test_inline_values(example):
    paragraph = example.all("main")[0].all("p")[1]
    assert paragraph.line.startswith(
        "The model is resnet_34*; a text with marks stays as it is: faces > objects, p < 0.001, a_b*c*."
    )
    assert [node.text for node in paragraph.all("strong")] == ["bold"]
    assert [node.text for node in paragraph.all("kbd")] == ["Enter"]
    assert "holds 42." in example.one("footnotes").line


def test_images_are_in_the_page_and_described(example):
    assert [(image.attributes["src"][:22], image.attributes["alt"]) for image in example.all("img")] == [
        ("data:image/svg+xml;bas", 'Bars of 1200 units: "faces" above objects'),
        ("data:image/svg+xml;bas", 'A "rising" line'),
        ("data:image/png;base64,", "One grey pixel"),
        ("data:image/svg+xml;bas", "The same bars"),
    ]
    assert example.all("img")[2].attributes["width"] == "64"


def test_outputs_of_cells(example):
    items = [item.line for item in example.all("main")[0].all("li")]
    assert items[:2] == [f"{role} units, see Figure\N{NO-BREAK SPACE}2" for role in ("target", "control")]
    printed = [node.text.strip() for node in example.all("div", "cell-output")]
    assert printed == ["plain <output> with ::: and `ticks`", "{'units': 12}"]
    assert "A value shown as Markdown." in [node.line for node in example.all("p")]


def test_code_is_shown_only_where_asked_for(example):
    shown = [node.text for node in example.all("pre", "cell-code")]
    assert shown == [
        (
            "# A cell that is shown, with what it prints.\n"
            'print("plain <output> with ::: and `ticks`")\n'
            '{"units": len(selected)}'
        ),
        "undefined_name  # shown, never run",
    ]
    text = example.text
    for hidden in ("never shown", "hidden output", "hidden warning", "REPORT_MODEL"):
        assert hidden not in text


def test_callouts_say_in_words_what_they_are(example):
    titles = [node.line for node in example.all("div", "callout-title")]
    assert titles == [
        "Note",
        "Warning: How not to read it",
        "Tip: A title with 1200 units",
        "Important",
        "Caution",
    ]
    assert {node.attributes["role"] for node in example.all("div", "callout")} == {"note"}
    assert example.all("div", "callout-body")[1].line == "The heading is the title."


def test_tabs_stand_below_each_other(example):
    (tabs,) = example.all("div", "panel-tabset")
    assert [node.line for node in tabs.walk()] == ["Faces", "What faces do.", "Objects", "What objects do."]


def test_other_divisions_and_diagrams_pass_through(example):
    (other,) = example.all("div", "aside-of-its-own")
    assert other.line == "Any other division passes through."
    assert [node.text for node in example.all("pre", "mermaid")] == ["graph LR"]


def test_mathematics_is_markup(example):
    display = [node for node in example.all("math") if node.attributes.get("display") == "block"]
    assert len(display) == 1
    assert display[0].all("mfrac")


def test_no_markup_is_left(example):
    quoted = {"pre", "style", "annotation"}

    def visible(node: Node) -> str:
        parts = [child if isinstance(child, str) else visible(child) for child in node.children]
        return "" if node.tag in quoted else "".join(parts)

    text = visible(example)
    assert "Introduction" in text
    for left_over in ("@fig-", "@tbl-", "@sec-", "?fig", "?@", ":::", "{python}", "#|", "{#", "`"):
        assert left_over not in text


def test_the_page_loads_nothing_from_elsewhere(html, example):
    for node in example.walk():
        assert node.tag not in {"script", "link", "iframe", "object", "embed"}
        for key in ("src", "srcset", "data", "poster"):
            assert node.attributes.get(key, "data:").startswith("data:")
        assert "url(" not in node.attributes.get("style", "")
    styles = " ".join("".join(node.text for node in example.all("style")).split())
    assert " ".join(STYLE.read_text(encoding="utf-8").split()) in styles
    assert not re.search(r"@import|url\(", styles)


def test_equal_work_gives_equal_bytes(html, tmp_path, resources, without_quarto):
    output = tmp_path / "again.html"
    render(HERE / "example.qmd", output, {"REPORT_MODEL": "resnet_34*"}, resources)
    assert output.read_text(encoding="utf-8") == html
    assert [path.name for path in tmp_path.iterdir()] == ["again.html"]


# Cells and their environment


def test_environment_reaches_cells_and_nothing_else(write, without_quarto, monkeypatch):
    monkeypatch.setenv("REPORT_OUTER", "outer")
    source, output = write("""
        ```{python}
        #| include: false
        import os
        import numpy as np
        ```

        `{python} os.environ["REPORT_INNER"]`, `{python} os.environ["REPORT_OUTER"]`,
        `{python} np.float64(0.5)`, `{python} np.int64(3)`, `{python} "it's \\"so\\""`
    """)
    render(source, output, {"REPORT_INNER": "inner"})
    assert parsed(output.read_text()).all("main")[0].line == 'inner, outer, 0.5, 3, it\'s "so"'
    assert "REPORT_INNER" not in os.environ


def test_cells_run_in_this_interpreter_even_if_another_goes_by_its_name(write, without_quarto, monkeypatch, tmp_path):
    other = tmp_path / "jupyter" / "kernels" / "python3"
    other.mkdir(parents=True)
    specification = {"argv": ["/nowhere/python"], "display_name": "Other", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(specification))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    source, output = write("```{python}\nimport sys\nprint(sys.executable)\n```\n")
    render(source, output, {})
    assert parsed(output.read_text()).all("div", "cell-output")[0].text.strip() == sys.executable


def test_a_failing_cell_is_named_and_leaves_the_old_page_alone(write, without_quarto):
    source, output = write("""
        Text.

        ```{python}
        #| label: fig-broken
        #| fig-cap: Never drawn
        height = {"layer1": 3}
        height["layer9"]
        ```
    """)
    output.write_text("the old page")
    with pytest.raises(RenderError) as error:
        render(source, output, {})
    first, *rest = str(error.value).splitlines()
    assert first == "paper.qmd, cell 'fig-broken' (line 7): KeyError: 'layer9'"
    assert any('height["layer9"]' in line for line in rest)
    assert "\x1b" not in str(error.value)
    assert output.read_text() == "the old page"
    assert sorted(path.name for path in output.parent.iterdir()) == ["paper.html", "paper.qmd"]


def test_a_failing_cell_leaves_no_page(write, without_quarto):
    source, output = write("```{python}\n1 / 0\n```\n")
    with pytest.raises(RenderError, match=r"paper.qmd, cell 1 \(line 4\): ZeroDivisionError"):
        render(source, output, {})
    assert not output.exists()


def test_a_cell_that_kills_the_kernel_is_named(write, without_quarto):
    source, output = write("```{python}\n#| label: fatal\nimport os\nos._exit(3)\n```\n")
    with pytest.raises(RenderError, match=r"cell 'fatal' \(line 4\): the kernel died"):
        render(source, output, {})


@pytest.mark.parametrize(
    ("body", "header", "said"),
    [
        (
            "One.\n\nTwo `{python} missing`.\n",
            "title: T",
            "paper.qmd, line 6, inline code 'missing': NameError",
        ),
        (
            "Text.\n",
            'title: "`{python} missing`"',
            "paper.qmd, front matter, inline code 'missing': NameError",
        ),
        (
            "```{python}\n#| label: tbl-a\n#| tbl-cap: 'n = `{python} 1 / 0`'\nprint(1)\n```\n",
            "title: T",
            "paper.qmd, cell 'tbl-a' (line 4), inline code '1 / 0': ZeroDivisionError",
        ),
        (
            "`{python} __import__('os')._exit(3)`\n",
            "title: T",
            "paper.qmd, line 4: the kernel died in inline code",
        ),
        (
            "```{python}\n#| label: fig-a\n#| fig-cap: C\nx = 1\n```\n",
            "title: T",
            "paper.qmd, cell 'fig-a' (line 4): the cell has a caption but shows nothing",
        ),
    ],
)
def test_other_failures_of_code_are_named(write, without_quarto, body, header, said):
    source, output = write(body, header)
    with pytest.raises(RenderError) as error:
        render(source, output, {})
    assert str(error.value).startswith(said)
    assert not output.exists()


def test_resources_that_cannot_be_used_are_named(write, without_quarto, tmp_path):
    source, output = write("Text.\n")
    with pytest.raises(RenderError, match=r"absent\.css' of the report does not exist"):
        render(source, output, {}, [tmp_path / "absent.css"])
    twin = tmp_path / "twin"
    twin.mkdir()
    (twin / "style.css").touch()
    with pytest.raises(RenderError, match=r"both called 'style\.css'"):
        render(source, output, {}, [STYLE, twin / "style.css"])


# What conversion refuses


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("$x$ {#eq-one}\n", "the label 'eq-one' follows no displayed formula"),
        ("See @fig-absent.", "unknown reference '@fig-absent'; the document defines none"),
        (
            "# A {#sec-a}\n\nSee [@tbl-absent].",
            "unknown reference '@tbl-absent'; the document defines @sec-a",
        ),
        ("See @eq-one.", "unknown reference '@eq-one'"),
        ("See @nobody2000.", "cites '@nobody2000' but names no bibliography"),
        ("![C](absent.svg){#fig-a}", "the image 'absent.svg' is not among the files"),
        ("![C](https://example.org/a.svg)", "the image 'https://example.org/a.svg' is remote"),
        ("::: {#fig-a}\n![](a.svg)\n:::", "'fig-a' has no caption"),
        ("# A {#sec-a}\n\n# B {#sec-a}", "sec-a"),
        ("::: {.callout-note}\nNever closed.", "unclosed"),
        ("$\\frac{1$", "TeX math"),
        (
            "::: {#fig-a}\n::: {#fig-b}\n![](a.svg)\n\nB\n:::\n\nA\n:::",
            "'fig-b' is inside 'fig-a'",
        ),
    ],
)
def test_what_leads_nowhere_is_an_error_that_names_it(tmp_path, body, said):
    with pytest.raises(RenderError) as error:
        page.convert({"title": "T", "number-sections": True}, body, tmp_path)
    assert said in str(error.value)


def test_an_unknown_citation_is_an_error_that_names_it(tmp_path):
    (tmp_path / "a.bib").write_text("@misc{known, title = {K}}")
    with pytest.raises(RenderError, match="nobody2000"):
        page.convert({"title": "T", "bibliography": "a.bib"}, "See @nobody2000.", tmp_path)
    with pytest.raises(RenderError, match=r"cannot share brackets: \[@known, @fig-a\]"):
        page.convert({"title": "T", "bibliography": "a.bib"}, "See [@known; @fig-a].", tmp_path)


def test_formulas_are_numbered_and_referred_to(tmp_path):
    body = (
        "$$ x = 1 $$ {#eq-one}\n\nWords, then\n$$\ny = 2\n$$ {#eq-two}\nAs @eq-two says, not @eq-one; $$z$$ has none.\n"
    )
    converted = parsed(page.convert({"title": "T"}, body, tmp_path))
    links = [(link.attributes["href"], link.text) for link in converted.all("a", "quarto-xref")]
    assert links == [("#eq-two", "Equation\N{NO-BREAK SPACE}2"), ("#eq-one", "Equation\N{NO-BREAK SPACE}1")]
    for name, number in (("eq-one", "1"), ("eq-two", "2")):
        math = converted.one(name).all("math")[0]
        assert math.attributes["display"] == "block"
        assert math.all("semantics")[0].children[0].line.replace(" ", "").endswith(f"({number})")
    assert "{#eq" not in converted.all("main")[0].line


def test_tabs_keep_tables_formulas_code_and_references(tmp_path):
    body = (
        ":::: {.panel-tabset}\n## One\n\n| A |\n|---|\n| x |\n\n: In a tab {#tbl-tab}\n\n## Two\n\n"
        "````markdown\n```{python}\n::: {.callout-note}\n@fig-shown {#sec-shown}\n```\n````\n\n"
        "::: {.callout-tip}\n## Inside\n\nSee @tbl-tab and @sec-after.\n:::\n::::\n\n# After {#sec-after}\n"
    )
    converted = parsed(page.convert({"title": "T", "number-sections": True}, body, tmp_path))
    (tabs,) = converted.all("div", "panel-tabset")
    titles = [node.line for node in tabs.walk() if re.fullmatch("h[1-6]", node.tag)]
    assert titles == ["One", "Two"]
    assert tabs.all("figcaption")[0].line == "Table\N{NO-BREAK SPACE}1: In a tab"
    assert [cell.line for cell in tabs.all("td")] == ["x"]
    assert tabs.all("pre")[0].text.strip() == "```{python}\n::: {.callout-note}\n@fig-shown {#sec-shown}\n```"
    assert tabs.all("div", "callout-title")[0].line == "Tip: Inside"
    (body_of_callout,) = tabs.all("div", "callout-body")
    assert body_of_callout.line == "See Table\N{NO-BREAK SPACE}1 and Section\N{NO-BREAK SPACE}1."
    completeness.check(page.convert({"title": "T", "number-sections": True}, body, tmp_path))


def test_sections_without_numbers_are_referred_to_by_title(tmp_path):
    converted = parsed(page.convert({"title": "T"}, "## The *end* {#sec-end}\n\nSee @sec-end.", tmp_path))
    assert converted.all("a")[0].line == "The end"
    assert [node.line for node in converted.all("h2")] == ["The end"]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (
            '<script src="https://cdn.example.org/a.js"></script>',
            "<script src> loads 'https://cdn.example.org",
        ),
        (
            '<link rel="stylesheet" href="//fonts.example.org/a.css"/>',
            "<link href> loads '//fonts.example.org",
        ),
        ('<img src="figures/a.png"/>', "<img src> loads 'figures/a.png'"),
        ("<style>@import 'https://fonts.example.org/a.css';</style>", "a style loads 'https://fonts"),
        ("<style>a { background: url(https://example.org/a.png) }</style>", "a style loads 'https://example"),
        ('<p style="background: url(a.png)">x</p>', "a style loads 'a.png'"),
        (
            '<link rel="stylesheet" href="data:text/css,%40import%20url(https%3A%2F%2Fa.example.org)"/>',
            "a style loads 'https://a.example.org'",
        ),
        ('<svg><image href="https://example.org/a.png"/></svg>', "<image href> loads 'https://example"),
        ("<p>See <strong>?@fig-a</strong>.</p>", "shows '?@f'"),
        ("<p>::: callout</p>", "shows ':::'"),
        ("<p>Value <code>{python} n</code></p>", "shows '{python}'"),
        ("<p>#| echo: false</p>", "shows '#|'"),
        ("<p>{{&lt; include a.qmd &gt;}}</p>", "shows '{{<'"),
        ("<p>Caption {#fig-a}</p>", "shows '{#f'"),
        ("<p>See @eq-a</p>", "shows '@eq-a'"),
        ("<p>Figure ?fig</p>", "shows '?fig'"),
        ("<td>nan</td>", "shows 'nan'"),
        ("<td>NaN %</td>", "shows 'NaN'"),
        ("<p>from [-inf, 0.2]</p>", "shows '-inf'"),
        ("<p>p = None.</p>", "shows 'None'"),
        ("<td>&lt;NA&gt;</td>", "shows '<NA>'"),
        ("<td>NaT</td>", "shows 'NaT'"),
        ("<td><code>None</code></td>", "shows 'None'"),
        ('<img src="data:," alt="a mean of nan"/>', "shows 'nan'"),
        ("<title>A study of nan</title>", "shows 'nan'"),
        ('<span class="citation">(<strong>nobody2000?</strong>)</span>', "the citation 'nobody2000'"),
    ],
)
def test_an_incomplete_page_is_refused(shown, said):
    with pytest.raises(RenderError, match="the rendered page is not complete") as error:
        completeness.check(f"<html><body>{shown}</body></html>")
    assert said in str(error.value)


@pytest.mark.parametrize(
    "shown",
    [
        '<a href="https://example.org">a link waits for a click</a>',
        "<pre><code>#| echo: false\n::: {python} @fig-a</code></pre>",
        '<img src="data:image/png;base64,AAAA"/><use href="#a"></use>',
        '<script>let a = "https://example.org"; // ::: {python}</script>',
        '<link rel="canonical" href="https://example.org"/>',
        "<p>a@fig.org, 1:2, C#|D</p>",
        "<p>Is it <strong>so?</strong></p>",
        "<pre><code>limit: .inf\nvalue: nan\nother: None</code></pre>",
        "<p>None of them has information; nanometres; <code>layer.None.nan</code>; none</p>",
        "<math><mi>inf</mi></math>",
    ],
)
def test_a_complete_page_is_accepted(shown):
    completeness.check(f"<html><body>{shown}</body></html>")


# Quarto


@pytest.fixture
def fake_quarto(tmp_path, monkeypatch):
    """Put a program called quarto on the path; it records how it was called and does as told."""

    def install(behaviour: str) -> Path:
        record = tmp_path / "calls.jsonl"
        program = tmp_path / "bin" / "quarto"
        program.parent.mkdir()
        program.write_text(
            f"#!{sys.executable}\n"
            "import json, os, pathlib, sys\n"
            "if sys.argv[1:] == ['--version']:\n"
            "    print('1.7.31')\n"
            "    raise SystemExit\n"
            "source = pathlib.Path(sys.argv[2]).read_text()\n"
            "beside = sorted(os.listdir())\n"
            "call = {'argv': sys.argv[1:], 'source': source, 'beside': beside, 'inner': os.getenv('INNER')}\n"
            f"pathlib.Path({str(record)!r}).write_text(json.dumps(call))\n"
            f"{behaviour}\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))
        return record

    return install


def test_quarto_is_called_if_it_is_there(write, fake_quarto, resources, caplog):
    record = fake_quarto("pathlib.Path(sys.argv[-1]).write_text('<html><body>by quarto</body></html>')")
    source, output = write(
        """
        ```{python}
        #| label: fig-a
        #| fig-cap: "n = `{python} n`"
        #| fig-alt: Bars
        #| echo: false
        from IPython.display import SVG
        n = 3
        SVG("<svg xmlns='http://www.w3.org/2000/svg'/>")
        ```

        See @fig-a, where n is `{python} n`.
        """,
        'title: T\nabstract: "`{python} n` units"\nformat:\n  html:\n    theme: default\n    toc: true',
    )
    with caplog.at_level(logging.INFO):
        assert render(source, output, {"INNER": "inner"}, resources) == "quarto 1.7.31"
    assert "Rendering paper.qmd with quarto 1.7.31" in caplog.text
    assert output.read_text() == "<html><body>by quarto</body></html>"

    call = json.loads(record.read_text())
    assert call["argv"] == ["render", "paper.qmd", "--to", "html", "--output", "paper.html"]
    assert call["inner"] == "inner"
    assert {"figures", "style.css", "example.bib"} <= set(call["beside"])
    _, header, body = call["source"].split("---\n", 2)
    assert yaml.safe_load(header) == {
        "lang": "en",
        "title": "T",
        "abstract": "3 units",
        "engine": "markdown",
        "format": {
            "html": {
                "theme": "default",
                "toc": True,
                "embed-resources": True,
                "html-math-method": "mathml",
            }
        },
    }
    assert [line for line in body.splitlines() if line] == [
        "::: {#fig-a}",
        '![](cell-figures/fig-a-1.svg){fig-alt="Bars"}',
        "n = 3",
        ":::",
        "See @fig-a, where n is 3.",
    ]


def test_a_failing_quarto_is_an_error_with_what_it_said_and_no_reason_to_try_another(write, fake_quarto):
    fake_quarto("sys.exit('ERROR: the theme is missing')")
    source, output = write("Text.\n")
    output.write_text("the old page")
    with pytest.raises(RenderError, match="paper.qmd: quarto failed with exit status 1:\nERROR: the theme is"):
        render(source, output, {})
    assert output.read_text() == "the old page"


def test_a_quarto_that_writes_nothing_is_an_error(write, fake_quarto):
    fake_quarto("pass")
    source, output = write("Text.\n")
    with pytest.raises(RenderError, match=r"wrote no paper\.html"):
        render(source, output, {})
    assert not output.exists()


def test_an_incomplete_page_of_quarto_is_refused(write, fake_quarto):
    fake_quarto(
        "pathlib.Path(sys.argv[-1]).write_text('<p><strong>?@fig-a</strong><img src=\"https://e.org/a.png\"></p>')"
    )
    source, output = write("Text.\n")
    with pytest.raises(RenderError, match="not complete") as error:
        render(source, output, {})
    assert "?@f" in str(error.value)
    assert "https://e.org/a.png" in str(error.value)
    assert not output.exists()


# The room and its look


def test_vector_images_can_be_dressed(tmp_path):
    (tmp_path / "a.svg").write_text(BARS)
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    tree = pandoc.read("![](a.svg) ![](a.png)", tmp_path)
    images = pandoc.embed_images(tree, tmp_path, lambda svg: svg.replace("<rect", "<circle"))["blocks"][0]["c"]
    drawn, pixels = (base64.b64decode(images[i]["c"][2][0].partition(",")[2]) for i in (0, 2))
    assert drawn.decode() == BARS.replace("<rect", "<circle")
    assert pixels == b"\x89PNG"


def test_the_report_starts_without_torch():
    check = "import sys, deeplocalizer.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, WCAG 2.2."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_text_is_readable_in_light_and_in_dark():
    palettes = re.findall(r"\{([^{}]*--paper:[^{}]*)\}", STYLE.read_text(encoding="utf-8"))
    assert len(palettes) == 2
    for palette in palettes:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", palette))
        grounds = [colours.pop(name) for name in ("paper", "surface")]
        for decoration in ("rule", "strong-rule", "figure"):
            colours.pop(decoration, None)
        assert len(colours) == 13
        assert min(contrast(ink, ground) for ink in colours.values() for ground in grounds) >= 4.5
