"""The common look of all figures, and how they are written.

STYLE            the look, as Matplotlib takes it
style            apply the look for as long as a context lasts
figure           an empty figure of the common width
grid             panels in rows, as many as are needed
swarm            heights that stack points where they crowd
color            the colour of the n-th localizer or contrast
wrapped          a long name on several lines
deepest          how many lines more than one names have
note             small words in a panel
subtitle         small words under a panel's title
estimate         an effect with its interval
save             write a figure as SVG or PDF; equal figures give equal bytes
"""

from __future__ import annotations

import contextlib
import math
import os
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Transform

from deeplocalizer import whole
from deeplocalizer.summaries import Effect

WIDTH = 7.4  # inches; a column of text on a screen
INK = "#1d242c"
MUTED = "#5b6672"
FAINT = "#c9d0d7"
RANDOM = "#8d99a6"  # random controls
# Okabe & Ito's palette, which readers with any colour vision tell apart, darkest first
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SMALL = 8.5  # points
LINE = 0.16  # inches from one line of a label or title to the next
SUBTITLE = 16.5  # points between a panel and its title
MOST_DOTS = 600  # above, a file of single dots is large and the dots are not told apart

# what would tell when and by which version a file was written
_TIMELESS: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None, "Producer": None}}

_LOOK: dict[str, object] = {
    # the one family that comes with Matplotlib, drawn as outlines: the same on every machine
    "font.family": "DejaVu Sans",
    "svg.fonttype": "path",
    "svg.hashsalt": "deeplocalizer",
    # letters stay letters in a PDF, and editors of journals can change them
    "pdf.fonttype": 42,
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.major.width": 0.7,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,  # a label may hold dollars
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.unicode_minus": True,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
}
#: The look of all figures, as Matplotlib takes styles: what draws a figure, such as a notebook, may add ticks late.
STYLE: tuple[str, dict[str, object]] = ("seaborn-v0_8-ticks", _LOOK)


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Apply the look of all figures; settings are as before afterwards."""
    with matplotlib.style.context(list(STYLE)):
        yield


def figure(height: float, width: float = WIDTH) -> Figure:
    """Make an empty figure that arranges its panels by itself, in inches."""
    made = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(made)
    return made


def grid(
    made: Figure, panels: int, columns: int, shared: bool = True, heights: Sequence[float] | None = None
) -> list[Axes]:
    """Put panels into rows of at most some columns; their vertical axis is shared unless told otherwise."""
    columns = max(1, min(panels, columns))
    rows = math.ceil(panels / columns)
    axes = made.subplots(rows, columns, squeeze=False, sharey=shared, height_ratios=heights)
    flat: list[Axes] = list(axes.ravel())
    for spare in flat[panels:]:
        spare.set_axis_off()
    return flat[:panels]


def color(index: int) -> str:
    """Give the colour of the n-th localizer or contrast; names stand beside it, so colours may recur."""
    return PALETTE[index % len(PALETTE)]


def swarm(values: np.ndarray, limits: tuple[float, float], height: float, bins: int = 90) -> np.ndarray:
    """Stack points where they crowd.

    Parameters
    ----------
    values : ndarray (point,)
    limits : tuple of float
        Ends of the axis that shows the values.
    height : float
        Of the highest stack, at most.
    bins : int
        Points that fit side by side along the axis.

    Returns
    -------
    ndarray (point,)
        From 0 upwards, less than ``height``. Values themselves are not moved, nothing is drawn at random.
    """
    width = (limits[1] - limits[0]) / bins
    column = np.floor((values - limits[0]) / width).astype(int)
    level = np.zeros(len(values))
    for place in np.unique(column):
        members = np.flatnonzero(column == place)
        level[members[np.argsort(values[members], kind="stable")]] = np.arange(len(members))
    stacked: np.ndarray = level * min(height / 8, height / (1 + level.max(initial=0)))
    return stacked


def wrapped(text: str, letters: int) -> str:
    """Break a long name into lines of at most some letters, within a word only where that is longer."""
    return "\n".join(textwrap.wrap(text, letters)) or text


def deepest(texts: Iterable[str]) -> int:
    """Count the lines of the text with the most, less the first, which every text has."""
    return max((text.count("\n") for text in texts), default=0)


def note(
    axes: Axes, x: float, y: float, text: str, transform: Transform, align: str = "left", color: str = MUTED
) -> Text:
    """Write small words into a panel, centred on their height."""
    return axes.text(
        x,
        y,
        text,
        transform=transform,
        va="center",
        ha=align,
        fontsize=SMALL,
        color=color,
    )


def subtitle(axes: Axes, text: str) -> None:
    """Write small words between a panel and its title, which needs a ``pad`` of `SUBTITLE`."""
    axes.text(0, 1, text, transform=axes.transAxes, va="bottom", fontsize=SMALL, color=MUTED)


def estimate(axes: Axes, effect: Effect, height: float, tint: str, filled: bool, name: str, marker: str = "o") -> None:
    """Draw an effect in %: a mark at the estimate, a line from end to end of its interval."""
    (line,) = axes.plot([100 * effect.low, 100 * effect.high], [height] * 2, color=tint, linewidth=1.6)
    line.set(zorder=3, gid=f"interval/{name}")
    (mark,) = axes.plot([100 * effect.estimate], [height], marker=marker, color=tint)
    mark.set(markersize=6.5 if marker == "o" else 5, markeredgewidth=1.4, zorder=4, gid=name)
    mark.set_markerfacecolor(tint if filled else "white")


def save(made: Figure, paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], title: str) -> None:
    """Write a figure without times or versions, beside its destination and then under its name.

    Parameters
    ----------
    made : Figure
    paths : path or iterable of path
        Where to; the suffix says the format, ``.svg`` or ``.pdf``.
    title : str
        What the figure shows, for those who do not see it.

    Raises
    ------
    ValueError
        If a suffix is neither.
    """
    destinations = [Path(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    unknown = [path for path in destinations if path.suffix not in _TIMELESS]
    if unknown:
        raise ValueError(f"a figure is written as {' or '.join(_TIMELESS)}, not as '{unknown[0].name}'")
    with style():
        _settle(made)
        for destination in destinations:
            _write(made, destination, title)


def _write(made: Figure, destination: Path, title: str) -> None:
    known = {**_TIMELESS[destination.suffix], "Creator": "DeepLocalizer", "Title": title}
    with whole.writing(destination) as partial:
        made.savefig(partial, format=destination.suffix[1:], metadata=known)


def _settle(made: Figure) -> None:
    """Arrange the panels for good: with many of them the solver's last bits differ from time to time."""
    made.draw_without_rendering()
    made.set_layout_engine("none")
    for axes in made.axes:
        box = axes.get_position(original=True)
        left, bottom, width, height = (round(float(value), 6) for value in box.bounds)
        axes.set_position((left, bottom, width, height))
