"""Title, authors and abstract that a cell prints."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deeplocalizer.rendering import page, pandoc, printed
from deeplocalizer.report import opening
from tests.rendering.test_render import parsed

AWKWARD = 'A: *b* "c" \\alpha_1 <x> # `q` --- @fig-z [1] & {python}'
# what would be a command of Quarto's is parted by a joiner that takes no room
SHOWN = AWKWARD.replace("@fig", "@\N{WORD JOINER}fig").replace("{python", "{\N{WORD JOINER}python")
FRONT = {"title": "A study", "bibliography": "a.bib"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.bib").write_text("@misc{known2000, author = {Known, A.}, title = {K}, year = {2000}}")
    return tmp_path


def document():
    abstract = 'First: **bold**, "so", $\\alpha$.\n\nSecond, as @known2000 says; see @sec-a.'
    return "Before.\n" + opening.write(AWKWARD, ['X: "y"', "Ö. *N* & Z"], abstract) + "\n# A {#sec-a}\n"


def test_what_a_cell_prints_is_what_the_page_is_called(folder):
    made = parsed(page.convert(FRONT, document(), folder))
    assert made.all("title")[0].line == SHOWN
    assert made.all("h1")[0].line == SHOWN
    assert [author.line for author in made.all("p", "author")] == ['X: "y"', "Ö. *N* & Z"]
    first, second = made.all("div", "abstract")[0].all("p")
    assert first.line.startswith("First: bold, “so”, ")
    assert [strong.line for strong in first.all("strong")] == ["bold"]
    assert second.line == "Second, as Known (2000) says; see A."
    assert "---" not in made.all("main")[0].line


def test_so_are_the_printed_pages(folder):
    markup = printed.write(FRONT, document(), folder)
    known = pandoc.read(opening.write(AWKWARD, [], ""), folder)["meta"]["title"]
    assert pandoc.text_of(known["c"]) == SHOWN
    assert '"Ö. *N* & Z"' in markup
    assert "#strong[bold]" in markup[: markup.index("= A")]


@given(title=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])), paragraphs=st.text())
def test_any_text_is_one_block_of_yaml(title, paragraphs):
    written = opening.write(title, [title], paragraphs)
    first, *lines, last = written.strip("\n").split("\n")
    assert (first, last) == ("---", "---")
    assert not {"---", "...", ""} & set(lines)
    values = yaml.safe_load("\n".join(lines))
    assert set(values) == {"title", "author", "abstract"}
    assert values["abstract"] == f"{paragraphs}\n"
