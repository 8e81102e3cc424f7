"""Tables of a document as CSV.

write            every labelled table of a document as a file
lines            the lines of one table
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from deeplocalizer import whole
from deeplocalizer.rendering import cells, htmltables, pandoc
from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.pandoc import Element

GROUP = "Group"  # what the column of group lines is called, where the table does not say


def write(body: str, folder: Path, destination: Path) -> list[Path]:
    """Write every labelled table of a document as a CSV file: what is shown is what is written.

    Parameters
    ----------
    body : str
        Markdown without code to execute.
    folder : Path
        Where pandoc works.
    destination : Path
        A folder, which is made; each table is called as its label, such as ``tbl-layers.csv``.

    Returns
    -------
    list of Path
        The files, in the order of the tables.

    Raises
    ------
    RenderError
        If what a label of a table names holds no table.
    """
    destination.mkdir(parents=True, exist_ok=True)
    written = []
    for label, table in _tables(body, folder):
        path = destination / f"{label}.csv"
        whole.write(_text(lines(table)), path)
        written.append(path)
    return written


def lines(table: Element) -> list[list[str]]:
    """Return the lines of a table: its head, then its rows.

    A line that heads a group of rows becomes a column before the others, called as the attribute ``by`` of the table
    says.
    """
    heads, body = cells.rows(table)
    grouped = any(row.heads_a_group for row in body)
    names = [[cell.text for cell in row.cells for _ in range(cell.span)] for row in heads]
    group, listed = "", []
    for row in body:
        if row.heads_a_group:
            group = row.cells[0].text
        else:
            listed.append([group] * grouped + [cell.text for cell in row.cells for _ in range(cell.span)])
    by = dict(table["c"][0][2]).get("by", GROUP)
    return [[by] * grouped + names[-1] if names else [], *listed]


def _tables(body: str, folder: Path) -> Iterator[tuple[str, Element]]:
    """Yield label and table of whatever is labelled as a table, in order."""
    marked = htmltables.replace(body, ["``` {=html}\n<!-- table -->\n```" for _ in htmltables.find(body)])
    written_as_html = iter(htmltables.read(body, folder))
    found: list[tuple[str, Element]] = []

    def collect(part: Element, label: str) -> None:
        def visit(element: Element) -> list[Element] | None:
            kind = element["t"]
            if kind == "RawBlock" and element["c"] == ["html", "<!-- table -->"]:
                found.append((label, next(written_as_html)))
            elif kind == "Table":
                found.append((element["c"][0][0] or label, element))
            elif kind == "Div" and element["c"][0][0].startswith("tbl-"):
                before = len(found)
                collect(element["c"][1], element["c"][0][0])
                if len(found) == before:
                    raise RenderError(f"'{element['c'][0][0]}' is labelled as a table, but holds none")
                return []
            return None

        pandoc.rewrite(part, visit)

    collect(pandoc.read(marked, folder)["blocks"], "")
    seen: dict[str, int] = {}
    for label, table in found:
        if label.startswith("tbl-"):
            seen[label] = seen.get(label, 0) + 1
            yield label if seen[label] == 1 else f"{label}-{seen[label]}", table


def _text(rows: list[list[str]]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(rows)
    return made.getvalue()
