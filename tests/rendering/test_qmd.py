"""Reading a Quarto document."""

import pytest

from deeplocalizer.rendering import RenderError, qmd

HEADER = "---\ntitle: A title\n---\n"


def parse(body: str, header: str = HEADER) -> qmd.Document:
    return qmd.parse(header + body, "paper.qmd")


def cells(document: qmd.Document) -> list[qmd.Cell]:
    return [block for block in document.blocks if isinstance(block, qmd.Cell)]


def only_cell(body: str, header: str = HEADER) -> qmd.Cell:
    (cell,) = cells(parse(body, header))
    return cell


def test_front_matter_text_and_cells_are_told_apart():
    document = parse("Before.\n\n```{python}\nx = 1\n```\n\nAfter.\n")
    assert document.front_matter == {"title": "A title"}
    before, cell, after = document.blocks
    assert isinstance(before, qmd.Text) and before.source.strip() == "Before."
    assert isinstance(cell, qmd.Cell) and cell.source == "x = 1"
    assert isinstance(after, qmd.Text) and after.source.strip() == "After."


def test_lines_are_those_of_the_file():
    document = parse("One.\n\n```{python}\nx = 1\n```\nTwo.\n")
    assert [block.line for block in document.blocks] == [4, 6, 9]


def test_options_of_every_kind():
    cell = only_cell(
        "```{python}\n"
        "#| label: fig-a\n"
        "#| echo: false\n"
        "#| output: asis\n"
        "#| fig-alt: 'said \"so\"'\n"
        "#| fig-cap: >-\n"
        "#|   A caption: over\n"
        "#|   two lines\n"
        "# a comment\n"
        "draw()\n"
        "```\n"
    )
    assert cell.label == "fig-a"
    assert cell.kind == "fig"
    assert cell.options["echo"] is False
    assert cell.options["output"] == "asis"
    assert cell.options["fig-alt"] == 'said "so"'
    assert cell.options["fig-cap"] == "A caption: over two lines"
    assert cell.source == "# a comment\ndraw()"


def test_options_of_the_document_hold_for_every_cell_but_not_over_its_own():
    header = "---\ntitle: T\nexecute:\n  echo: false\n  warning: false\n---\n"
    first, second = cells(parse("```{python}\n1\n```\n```{python}\n#| echo: true\n2\n```\n", header))
    assert (first.options["echo"], first.options["warning"]) == (False, False)
    assert (second.options["echo"], second.options["warning"]) == (True, False)


def test_what_stands_in_another_fence_is_no_cell():
    shown = "````markdown\n```{python}\nnever_run()\n```\n````\n"
    document = parse(f"Before.\n\n{shown}\n~~~python\nalso_shown()\n~~~\n")
    assert not cells(document)
    assert shown.strip() in [block.source for block in document.blocks]


def test_a_diagram_is_shown_as_code():
    document = parse("```{mermaid}\ngraph LR\n```\n")
    (block,) = document.blocks
    assert block == qmd.Verbatim("``` {.mermaid}\ngraph LR\n```", 4)


@pytest.mark.parametrize(
    ("text", "expressions"),
    [
        ("`{python} n`", ["n"]),
        ("a `{python} f(x)` b `{python} x[0] ` c", ["f(x)", "x[0]"]),
        ("over `{python} a\n+ b` lines", ["a\n+ b"]),
        ("code `python` and ``{python}``", []),
    ],
)
def test_inline_code(text, expressions):
    assert [match[1] for match in qmd.INLINE.finditer(text)] == expressions


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no front matter"),
        ("# Title\n", "no front matter"),
        ("---\ntitle: T\n", "never closed"),
        ("---\ntitle: T\nabstract: a: b\n---\n", "line 3: malformed YAML in the front matter"),
        ("---\n- a\n---\n", "not a list of 'key: value'"),
        ("---\nauthor: A\n---\n", "has no title"),
        ("---\ntitle: T\nexecute:\n  ecko: false\n---\n", "unknown option 'ecko'"),
        ("---\ntitle: T\nexecute: fast\n---\n", "must hold options"),
    ],
)
def test_a_wrong_front_matter_is_named(text, said):
    with pytest.raises(RenderError, match="paper.qmd") as error:
        qmd.parse(text, "paper.qmd")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("```{python}\nx = 1\n", "line 4: the block opened by '```{python}' is never closed"),
        ("```{python}\n#| ecko: false\n```\n", "cell 1 (line 4): unknown option 'ecko'"),
        ("```{python}\n#| echo: maybe\n```\n", "must be true or false, not 'maybe'"),
        ("```{python}\n#| output: raw\n```\n", "must be true, false or asis, not 'raw'"),
        ("```{python}\n#| label: 3\n```\n", "'label' must be text, not 3"),
        ("```{python}\n#| label: a\n#| fig-cap: x: y\n```\n", "line 6: malformed YAML"),
        ("```{python}\n#| just words\n```\n", "not 'key: value' options"),
        ("```{python}\n#| fig-cap: A caption\n```\n", "fig-cap needs a label that starts with 'fig-'"),
        ("```{python}\n#| label: fig-a\n#| tbl-cap: C\n```\n", "'fig-a' needs fig-cap"),
        ("```{python}\n#| label: tbl-a\n```\n", "label 'tbl-a' needs tbl-cap"),
        ("```{python echo=FALSE}\n1\n```\n", "'#| key: value'"),
        ("```{r}\n1\n```\n", "cells must be {python}, not {r}"),
        ("- item\n\n  ```{python}\n  1\n  ```\n", "line 6: a cell must start at the left margin"),
        (
            "```{python}\n#| label: a\n```\n```{python}\n#| label: a\n```\n",
            "label 'a' is used twice, on lines 4 and 7",
        ),
    ],
)
def test_a_wrong_cell_is_named_with_its_line(body, said):
    with pytest.raises(RenderError, match="paper.qmd") as error:
        parse(body)
    assert said in str(error.value)
