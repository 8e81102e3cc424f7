"""How often something happened, and how far such a share may be off.

Row              a line of a table
error            Monte-Carlo standard error of a share
seeds            numbered generators
text             rows as a table
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from deeplocalizer import seeding

Row = dict[str, Any]


def error(share: float, runs: int) -> float:
    """Give the standard error of a share of so many runs; never 0, as if one more run had gone the other way."""
    inside = min(max(share, 1 / (runs + 2)), 1 - 1 / (runs + 2))
    return float(np.sqrt(inside * (1 - inside) / runs))


def seeds(purpose: str, count: int, seed: int = 0) -> Iterator[np.random.Generator]:
    """Give so many independent generators."""
    return (seeding.generator(seed, "calibration", purpose, number) for number in range(count))


def text(rows: Sequence[Row]) -> str:
    """Lay rows out as text; the columns stand in the order in which rows bring them."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *([_shown(row.get(key, "")) for key in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
