"""The stimuli at a glance.

draw             samples of every category in every split, with their numbers
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from deeplocalizer.plots import drawing
from deeplocalizer.stimuli.images import decode
from deeplocalizer.stimuli.splits import SPLITS
from deeplocalizer.stimuli.table import encoded
from deeplocalizer.summaries import plain

COLUMNS = 3  # samples side by side
LARGEST = 128  # pixels of a sample's longer side; it is shown in the size of a stamp
SMALLEST = 48  # pixels, however many samples there are
BUDGET = 1_200_000  # pixels of all samples together: some 4 MB, as photographs hardly shrink in an SVG file
GAP = 0.04  # of a sample's side
NOT_SHOWN = "not shown:\nfaces of real people\n(CelebA\u2019s terms)"


def draw(stimuli: xr.Dataset, categories: Sequence[str], hidden: Collection[str] = ()) -> Figure:
    """Show samples of every category in every split.

    Parameters
    ----------
    stimuli : Dataset
        As `stimuli.table.build` makes it, of images.
    categories : sequence of str
        In the order of the rows.
    hidden : collection of str
        Categories of which no image is shown; see `stimuli.people.withheld`.

    Returns
    -------
    Figure
        A row for each category, a column for each split; the samples are spread evenly over the ids.
    """
    category, split = (stimuli[name].values.astype(str) for name in ("category", "split"))
    rows = list(categories)
    columns = [name for name in SPLITS if name in split]
    deep = 2 if len(rows) <= 6 else 1
    largest = _side(max(1, deep * COLUMNS * len(columns) * (len(rows) - len(hidden))))
    with drawing.style():
        made = drawing.figure(0.35 + len(rows) * (0.2 + deep * drawing.WIDTH / (len(columns) * COLUMNS + 1)))
        axes = made.subplots(len(rows), len(columns), squeeze=False)
        for row, name in enumerate(rows):
            for column, part in enumerate(columns):
                members = np.flatnonzero((category == name) & (split == part))
                _empty(axes[row, column], deep)
                if name in hidden:
                    _withheld(axes[row, column], deep)
                else:
                    _samples(axes[row, column], stimuli, members, deep, largest)
                axes[row, column].set_gid(f"samples/{name}/{part}")
                axes[row, column].set_xlabel(
                    f"n = {len(members):,}", labelpad=2, fontsize=drawing.SMALL, color=drawing.MUTED
                )
            name = plain(name)
            axes[row, 0].set_ylabel(
                name, fontsize=min(10.5, 105 / len(name)), fontweight="bold", color=drawing.INK
            )  # long names would run into their neighbours
        for column, part in enumerate(columns):
            axes[0, column].set_title(plain(part))
    return made


def _side(samples: int) -> int:
    """Give the longer side of samples, in pixels: the more there are, the smaller."""
    return int(np.clip(math.isqrt(BUDGET // samples), SMALLEST, LARGEST))


def _empty(axes: Axes, deep: int) -> None:
    axes.set(xlim=(0, COLUMNS), ylim=(deep, 0), xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(False)


def _withheld(axes: Axes, deep: int) -> None:
    """Say in place of samples why there are none."""
    axes.patch.set_facecolor(drawing.FAINT)
    axes.patch.set_alpha(0.35)
    drawing.note(axes, COLUMNS / 2, deep / 2, NOT_SHOWN, axes.transData, align="center")


def _samples(axes: Axes, stimuli: xr.Dataset, members: np.ndarray, deep: int, largest: int) -> None:
    """Show some stimuli side by side in the panel of one category and split."""
    shown = min(len(members), deep * COLUMNS)
    places = np.linspace(0, len(members) - 1, shown).round().astype(int) if shown else np.array([], dtype=int)
    for place, index in enumerate(members[places]):
        image = decode(encoded(stimuli, int(index)), str(stimuli["stimulus"].values[index]), "RGB")
        image.thumbnail((largest, largest), Image.Resampling.LANCZOS)
        row, column = divmod(place, COLUMNS)
        wide, high = (side / max(image.size) * (1 - 2 * GAP) / 2 for side in image.size)
        x, y = column + 0.5, row + 0.5
        # without interpolation the pixels go into the file as they are
        axes.imshow(np.asarray(image), extent=(x - wide, x + wide, y + high, y - high), interpolation="none")
    axes.set(xlim=(0, COLUMNS), ylim=(deep, 0))
