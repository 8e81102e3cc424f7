"""Tables of pandoc's document tree, row by row (pandoc-types, ``Text.Pandoc.Definition``).

Row              the cells of a row, and whether it is a line above the rows that follow
Cell             what a cell holds, and how many columns it spans
rows             the rows of a table's head and of its body
flattened        the table with such lines as rows of its body
"""

from dataclasses import dataclass
from typing import Any

from deeplocalizer.rendering import pandoc
from deeplocalizer.rendering.pandoc import Element

SHADE = "luma(243)"
_LEFT: Element = {"t": "AlignLeft"}


@dataclass(frozen=True)
class Cell:
    """What a cell holds, as plain text, and how many columns it spans."""

    text: str
    span: int


@dataclass(frozen=True)
class Row:
    """The cells of a row."""

    cells: tuple[Cell, ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return sum(cell.span for cell in self.cells)

    @property
    def heads_a_group(self) -> bool:
        """Whether it is a line above the rows that follow."""
        return len(self.cells) == 1 and self.cells[0].span > 1


def rows(table: Element) -> tuple[list[Row], list[Row]]:
    """Return the rows of a table's head and those of its body and foot."""
    _, _, _, (_, head), bodies, (_, foot) = table["c"]
    below = [row for _, _, heads, plain in bodies for row in [*heads, *plain]]
    return [_row(row) for row in head], [_row(row) for row in [*below, *foot]]


def flattened(table: Element) -> Element:
    """Return a table whose body has no head of its own: a line above some rows is one of the rows, and shaded.

    Columns are flush left where the table does not say.
    """
    attributes, caption, columns, head, bodies, foot = table["c"]
    flush = [[_LEFT if align["t"] == "AlignDefault" else align, width] for align, width in columns]
    plain = [[given, stub, [], [_shaded(row) for row in [*heads, *rest]]] for given, stub, heads, rest in bodies]
    return {"t": "Table", "c": [attributes, caption, flush, head, plain, foot]}


def _shaded(row: Any) -> Any:
    """Shade a row that is a line above others, which pandoc's typst writer knows how to do."""
    if not _row(row).heads_a_group:
        return row
    given, [[(identifier, classes, pairs), *cell]] = row
    return [given, [[[identifier, classes, [*pairs, ["typst:fill", SHADE]]], *cell]]]


def _row(row: Any) -> Row:
    _, cells = row
    return Row(tuple(Cell(pandoc.text_of(content), span) for _, _, _, span, content in cells))
