"""The stimuli at a glance.

draw             samples of every category in every split, with their numbers
"""

from __future__ import annotations

from collections.abc import Sequence

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
LARGEST = 96  # pixels; larger images are made smaller, as they are shown in the size of a stamp
GAP = 0.04  # of a sample's side


def draw(stimuli: xr.Dataset, categories: Sequence[str]) -> Figure:
    """Show samples of every category in every split.

    Parameters
    ----------
    stimuli : Dataset
        As `stimuli.table.build` makes it, of images.
    categories : sequence of str
        In the order of the rows.

    Returns
    -------
    Figure
        A row for each category, a column for each split; the samples are spread evenly over the ids.
    """
    category, split = (stimuli[name].values.astype(str) for name in ("category", "split"))
    rows = list(categories)
    columns = [name for name in SPLITS if name in split]
    deep = 2 if len(rows) <= 6 else 1
    with drawing.style():
        made = drawing.figure(0.35 + len(rows) * (0.2 + deep * drawing.WIDTH / (len(columns) * COLUMNS + 1)))
        axes = made.subplots(len(rows), len(columns), squeeze=False)
        for row, name in enumerate(rows):
            for column, part in enumerate(columns):
                members = np.flatnonzero((category == name) & (split == part))
                _samples(axes[row, column], stimuli, members, deep)
                axes[row, column].set_gid(f"samples/{name}/{part}")
                axes[row, column].set_xlabel(
                    f"n = {len(members):,}", labelpad=2, fontsize=drawing.SMALL, color=drawing.MUTED
                )
            axes[row, 0].set_ylabel(plain(name), fontsize=10.5, fontweight="bold", color=drawing.INK)
        for column, part in enumerate(columns):
            axes[0, column].set_title(plain(part))
    return made


def _samples(axes: Axes, stimuli: xr.Dataset, members: np.ndarray, deep: int) -> None:
    """Show some stimuli side by side in the panel of one category and split."""
    axes.set(xlim=(0, COLUMNS), ylim=(deep, 0), xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(False)
    shown = min(len(members), deep * COLUMNS)
    places = np.linspace(0, len(members) - 1, shown).round().astype(int) if shown else np.array([], dtype=int)
    for place, index in enumerate(members[places]):
        image = decode(encoded(stimuli, int(index)), str(stimuli["stimulus"].values[index]), "RGB")
        image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
        row, column = divmod(place, COLUMNS)
        wide, high = (side / max(image.size) * (1 - 2 * GAP) / 2 for side in image.size)
        x, y = column + 0.5, row + 0.5
        # without interpolation the pixels go into the file as they are
        axes.imshow(np.asarray(image), extent=(x - wide, x + wide, y + high, y - high), interpolation="none")
    axes.set(xlim=(0, COLUMNS), ylim=(deep, 0))
