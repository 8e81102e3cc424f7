"""Names as they fit into boxes.

common           what most long names begin with
shortened        a name without that
wrapped          a long name on several lines
cut              a name without its middle where it is long
width            how wide words are
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

FONT = 8.0  # points
LONGEST = 1.45  # inches of a name on one line


def common(names: Sequence[str]) -> str:
    """Find what most long names begin with, up to a dot: what would save the most letters, if any name is long."""
    if max(map(width, names)) <= LONGEST:
        return ""
    found = Counter(name[: index + 1] for name in names for index, letter in enumerate(name[:-1]) if letter == ".")
    often = [prefix for prefix, number in found.items() if 2 * number > len(names)]
    return max(often, key=lambda prefix: (len(prefix) * found[prefix], prefix), default="")


def shortened(name: str, prefix: str) -> str:
    """Replace what most names begin with by three dots."""
    return f"…{name.removeprefix(prefix)}" if prefix and name.startswith(prefix) else name


def wrapped(name: str) -> list[str]:
    """Break a long name at dots and underscores, and where there are none, anywhere."""
    parts = [""]
    for before, letter in pairwise(f" {name}"):
        if before in "._/" and letter not in "._/":
            parts.append("")
        parts[-1] += letter
    lines = [""]
    for part in parts:
        if lines[-1] and width(lines[-1] + part) > LONGEST:
            lines.append("")
        for letter in part:
            if width(lines[-1] + letter) > LONGEST:
                lines.append("")
            lines[-1] += letter
    return lines


def cut(name: str, letters: int) -> str:
    """Leave out the middle of a name that has more than some letters."""
    if len(name) <= letters:
        return name
    end = (letters - 1) // 2
    return f"{name[: letters - 1 - end].rstrip()}…{name[-end:].lstrip()}"


def width(text: str) -> float:
    """Measure words, in inches."""
    measured, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(family="DejaVu Sans", size=FONT), False
    )
    return float(measured) / 72
