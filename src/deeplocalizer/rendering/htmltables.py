"""The HTML tables in executed Markdown: other formats than HTML need them in another form.

find             the HTML of every table that a document writes as HTML
read             the same, as tables of pandoc's document tree
replace          put something else in their place
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from deeplocalizer.rendering import pandoc
from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.pandoc import Element

_FENCE = re.compile(r"^(?P<mark>`{3,}|~{3,})(?P<info>.*)$")


def find(body: str) -> list[str]:
    """Return the HTML of every raw block that holds a table, in order.

    Parameters
    ----------
    body : str
        Markdown without code to execute.
    """
    lines = body.split("\n")
    return [_content(lines, start, end) for start, end in _places(lines)]


def read(body: str, folder: Path) -> list[Element]:
    """Return every such table as an element of pandoc's document tree, in order.

    Raises
    ------
    RenderError
        If a raw block holds more than one table.
    """
    tables = find(body)
    read: list[list[Element]] = [[] for _ in tables]
    number = 0

    def visit(element: Element) -> list[Element] | None:
        nonlocal number
        number += element["t"] == "HorizontalRule"
        if element["t"] == "Table":
            read[number].append(element)
            return []
        return None

    pandoc.rewrite(pandoc.read_html("\n<hr>\n".join(tables), folder) if tables else [], visit)
    for found, html in zip(read, tables, strict=True):
        if len(found) != 1:
            raise RenderError(f"a block of HTML holds {len(found)} tables instead of one: {html[:80]!r}")
    return [found for (found,) in read]


def replace(body: str, replacements: Iterable[str]) -> str:
    """Put Markdown in the place of every raw block that holds a table.

    Parameters
    ----------
    body : str
        Markdown without code to execute.
    replacements : iterable of str
        One for each of `find`.
    """
    lines = body.split("\n")
    done, position = [], 0
    for (start, end), replacement in zip(_places(lines), replacements, strict=True):
        done += [*lines[position:start], replacement]
        position = end + 1
    return "\n".join([*done, *lines[position:]])


def _places(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the lines at which the fences of such blocks open and close; a fence inside a fence is text."""
    position = 0
    while position < len(lines):
        fence = _FENCE.match(lines[position])
        if fence is None:
            position += 1
            continue
        end = _closing(lines, position, fence["mark"])
        if fence["info"].strip() == "{=html}" and "<table" in _content(lines, position, end):
            yield position, end
        position = end + 1


def _closing(lines: list[str], start: int, mark: str) -> int:
    closing = re.compile(rf"^[ \t]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
    return next((i for i in range(start + 1, len(lines)) if closing.match(lines[i])), len(lines))


def _content(lines: list[str], start: int, end: int) -> str:
    return "\n".join(lines[start + 1 : end])
