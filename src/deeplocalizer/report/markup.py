"""A frame as an HTML table that a browser can sort.

html             a frame as an HTML table
sort_value       the number that a cell is sorted by

The table says all it has to say without a script. What a script cannot read off a cell, such as ``1.2 × 10⁻¹²`` or
an interval, it finds in the attribute ``data-sort`` of the cell.
"""

from __future__ import annotations

import html as escaping
import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby

import pandas as pd

from deeplocalizer.rendering.escaping import inert
from deeplocalizer.report import wording

RIGHT = ' style="text-align: right"'
_PLAIN = re.compile(r"\d+(\.\d+)?")  # what a script reads by itself
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_FACTOR = r"\d[\d,]*(?:\.\d+)?(?:[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+|[eE][-+]?\d+)?"
_NUMBER = re.compile(rf"([<>≤≥=±~]?)\s*\[?\s*([-−+]?)({_FACTOR}(?:\s*×\s*{_FACTOR})*)")
_NUDGE = {"<": Decimal("-1e-9"), ">": Decimal("1e-9")}


def html(frame: pd.DataFrame, code: Sequence[str] = (), text: Sequence[str] = (), by: str = "", totals: int = 0) -> str:
    """Write a frame as an HTML table.

    Parameters
    ----------
    frame : DataFrame
        Of what is shown, as it is shown; the index is not.
    code : sequence of str
        Columns that hold text as it is written in a file.
    text : sequence of str
        Columns of words, set flush left with the first and those of ``code``; all others are numbers, flush right.
    by : str, optional
        A column that is shown as a line of its own above the rows that have it in common: they stay together when a
        reader sorts the table.
    totals : int, optional
        How many of the last rows sum up the others: they stay last.
    """
    columns = [name for name in frame.columns if name != by]
    left = {columns[0], *code, *text}
    style = {name: "" if name in left else RIGHT for name in columns}
    head = "".join(f'<th scope="col"{style[name]}>{escaping.escape(str(name))}</th>' for name in columns)
    rows = [
        (str(row[by]) if by else "", "".join(_cell(str(row[name]), style[name], name in code) for name in columns))
        for _, row in frame.iterrows()
    ]
    listed, last = rows[: len(rows) - totals], rows[len(rows) - totals :]
    bodies = [
        _body(title, [cells for _, cells in members], len(columns) if by else 0)
        for title, members in groupby(listed, lambda row: row[0])
    ]
    body = "\n".join(bodies) or "<tbody></tbody>"
    foot = "\n".join(["\n<tfoot>", *(f"<tr>{cells}</tr>" for _, cells in last), "</tfoot>"]) if last else ""
    named = f' data-by="{escaping.escape(by)}"' if by else ""
    return f"<table{named}>\n<thead>\n<tr>{head}</tr>\n</thead>\n{body}{foot}\n</table>"


def sort_value(shown: str) -> str:
    """Give the number that a cell is sorted by.

    Parameters
    ----------
    shown : str
        A cell as it is shown: ``1,234``, ``−0.6 %``, ``< 0.001``, ``1.2 × 10⁻¹²``, ``8 × 4 × 4``, ``[−1, 3]``.

    Returns
    -------
    str
        The first number in the cell, a product as its value, such as ``1.2e-12``; a bound lies just beyond its number.
        Powers of ten are never taken for zero. Empty if the cell does not begin with a number.
    """
    found = _NUMBER.match(shown.replace(wording.NO_BREAK, " "))
    if found is None:
        return ""
    relation, sign, product = found.groups()
    value = Decimal(1)
    for factor in product.split("×"):
        value *= _value(factor.strip())
    value *= 1 + _NUDGE.get(relation, Decimal(0))
    return f"{-value if sign in ('-', wording.MINUS) and value else value:.12g}"


def _value(factor: str) -> Decimal:
    """Read a number without a sign, or a power of it."""
    base = factor.rstrip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    number = Decimal(base.replace(",", ""))
    raised = factor[len(base) :].translate(_LOWERED)
    return number ** int(raised) if raised else number


def _body(title: str, rows: Sequence[str], columns: int) -> str:
    """Write rows that belong together, below a line across all columns if there is a number of these."""
    group = f'<th colspan="{columns}" scope="rowgroup"><strong>{escaping.escape(inert(title))}</strong></th>'
    lines = [f'<tr class="group">{group}</tr>'] if columns else []
    return "\n".join(["<tbody>", *lines, *(f"<tr>{cells}</tr>" for cells in rows), "</tbody>"])


def _cell(shown: str, style: str, code: bool) -> str:
    text = escaping.escape(inert(shown))
    value = sort_value(shown) if style and not _PLAIN.fullmatch(shown) else ""
    key = f' data-sort="{value}"' if value else ""
    return f"<td{style}{key}>{f'<code>{text}</code>' if code and shown != wording.ABSENT else text}</td>"
