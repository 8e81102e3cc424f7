"""Tables for paper, as typst markup.

typeset          the typst markup of tables, each in a type size at which it fits
styled           the same, of a table that stays an element of the document
body_for_print   executed Markdown whose HTML tables are typst tables
LAYOUT           how numbered tables are laid out
"""

import re
from collections.abc import Sequence
from pathlib import Path

from deeplocalizer.rendering import cells, htmltables, outputs, pandoc
from deeplocalizer.rendering.crossref import Layout
from deeplocalizer.rendering.pandoc import Element

WIDTH = 470  # points between the margins of an A4 page
SIZES = (8.5, 8, 7.5, 7, 6.5, 6)  # points of type, best first
EM = 0.5  # width of a character at a size of one, on average
INSET = 8  # points left and right of a cell together
PROSE = 24  # characters in a cell above which its column may break into lines
_MARK = "// table"
_GROUP = re.compile(rf"table\.cell\(colspan: (\d+), fill: {re.escape(cells.SHADE)}\)\[")


def typeset(tables: Sequence[Element], folder: Path) -> list[str]:
    """Return the typst markup of tables.

    Parameters
    ----------
    tables : sequence of Element
        Tables of pandoc's document tree.
    folder : Path
        Where pandoc works.

    Returns
    -------
    list of str
        Each a call of ``report-table``, which the preamble defines.
    """
    blocks: list[Element] = []
    for table in tables:
        blocks += [raw(_MARK), cells.flattened(table)]
    _, *written = pandoc.write_typst({**pandoc.read("", folder), "blocks": blocks}, folder).split(_MARK)
    return [_sized(table, markup.strip()) for table, markup in zip(tables, written, strict=True)]


def body_for_print(body: str, folder: Path) -> str:
    """Return executed Markdown whose HTML tables are typst tables, in raw blocks that every writer of typst copies."""
    markup = typeset(htmltables.read(body, folder), folder)
    return htmltables.replace(body, [outputs.fenced(one, "{=typst}") for one in markup])


def raw(markup: str) -> Element:
    """Return typst markup as a block that pandoc copies."""
    return {"t": "RawBlock", "c": ["typst", markup]}


def _labelled(identifier: str, caption: list[Element], blocks: list[Element]) -> list[Element]:
    opening, middle, end = raw("#report-float["), raw("]["), raw(f"] <{identifier}>")
    return [opening, pandoc.plain(caption), middle, *blocks, end]


LAYOUT = Layout(_labelled, lambda table: [table])


def styled(table: Element) -> list[Element]:
    """Return a table that stays one of the document, with what gives it its type size."""
    size, _ = _fit(table)
    return [raw(f"#report-table({size}pt)["), cells.flattened(table), raw("]")]


def _sized(table: Element, markup: str) -> str:
    """Wrap the markup of a table into what gives it its type size and the widths of its columns."""
    size, widths = _fit(table)
    sized = re.sub(r"columns: [^\n]*,\n", f"columns: ({', '.join(widths)},),\n", markup, count=1)
    grouped = _GROUP.sub(r"report-group(\1)[", sized)
    return f"#report-table({size}pt)[\n{grouped}\n]"


def _fit(table: Element) -> tuple[float, list[str]]:
    """Return the type size in which a table fits, and the width of each of its columns."""
    heads, body = cells.rows(table)
    columns = len(table["c"][2])
    above, below = _longest(heads, columns), _longest(body, columns)
    # a long heading over short cells breaks into lines; it makes no column wide
    widths = ["1fr" if length > PROSE else "auto" for length in below]
    lengths = [min(max(pair), PROSE) for pair in zip(above, below, strict=True)]
    return next((size for size in SIZES if _width(lengths, size) <= WIDTH), SIZES[-1]), widths


def _longest(rows: Sequence[cells.Row], columns: int) -> list[int]:
    """Count the characters of the longest cell in each column."""
    found = [1] * columns
    for row in rows:
        if len(row.cells) == columns:
            found = [max(length, len(cell.text)) for length, cell in zip(found, row.cells, strict=True)]
    return found


def _width(lengths: Sequence[int], size: float) -> float:
    return sum(EM * size * length + INSET for length in lengths)
