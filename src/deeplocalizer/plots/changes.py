"""Which images change their label.

draw             for each localizer the images whose label its mask changes, with the label before and after
short            a label in the width of an image
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from deeplocalizer.plots import drawing
from deeplocalizer.stimuli.images import decode
from deeplocalizer.stimuli.table import encoded
from deeplocalizer.summaries import plain

COLUMNS = 6  # images side by side
FEW = 4  # localizers with two rows of images each; of more, each has one
LETTERS = 18  # of a label beneath an image
TEXT = 0.5  # height of the words beneath an image, in sides of the image's cell
GAP = 0.05  # of a cell's side
LARGEST = 128  # pixels of an image's longer side; it is shown in the size of a stamp
SMALLEST = 48  # pixels, however many images there are
BUDGET = 800_000  # pixels of all images together: some 2.5 MB, as photographs hardly shrink in an SVG file
SIZE = 7.6  # points of the words beneath an image
WITHHELD = "faces of CelebA are not shown"  # its terms allow research and no redistribution
HEAD = 0.55  # inches above the images of a localizer
EMPTY = 0.3  # inches for a localizer without any
EDGE = 0.03  # inches


def draw(changes: xr.Dataset, stimuli: xr.Dataset, hidden: Collection[str] = ()) -> Figure:
    """Show for each localizer images whose label its mask changes, most specific first.

    Parameters
    ----------
    changes : Dataset
        As `changes.measure` makes it.
    stimuli : Dataset
        As `stimuli.table.build` makes it, of images.
    hidden : collection of str
        Categories of which no image is shown; see `stimuli.people.withheld`.

    Returns
    -------
    Figure
        A panel for each localizer. Of images that must not be shown there are no more than of others, as long as
        there are enough of these. Beneath each image stand the label that the intact network chooses, the one that it
        chooses under the mask, and under which share of the random masks the label changes, too.

    Raises
    ------
    ValueError
        If an image that changes is not among the stimuli, naming it.
    """
    localizers = changes["localizer_name"].values.astype(str).tolist()
    owner = changes["change_localizer"].values.astype(str)
    deepest = 2 if len(localizers) <= FEW else 1
    secret = np.isin(changes["change_category"].values.astype(str), list(hidden))
    shown = {name: _chosen(np.flatnonzero(owner == name), secret, deepest * COLUMNS) for name in localizers}
    rows = [math.ceil(len(places) / COLUMNS) for places in shown.values()]
    side = (drawing.WIDTH - 2 * EDGE) / COLUMNS
    heights = [side * (1 + TEXT) * deep if deep else EMPTY for deep in rows]
    largest = _side(sum(len(places) for places in shown.values()))
    with drawing.style():
        made = drawing.figure(sum(heights) + HEAD * len(heights))
        tall = float(made.get_figheight())
        # of the very size of its images: there is nothing to arrange
        made.set_layout_engine("none")
        top = tall
        for name, deep, height in zip(localizers, rows, heights, strict=True):
            top -= HEAD + height
            axes = made.add_axes((EDGE / drawing.WIDTH, top / tall, 1 - 2 * EDGE / drawing.WIDTH, height / tall))
            axes.set(xlim=(0, COLUMNS), ylim=((deep or 1) * (1 + TEXT), 0), xticks=[], yticks=[], gid=f"changes/{name}")
            axes.spines[:].set_visible(False)
            _head(axes, changes, name, hidden)
            for place, one in enumerate(shown[name]):
                row, column = divmod(place, COLUMNS)
                x, y, change = column + 0.5, row * (1 + TEXT), changes.isel(change=one)
                _image(axes, change, stimuli, hidden, (x, y + 0.5), largest)
                _words(axes, change, int(changes["controls"].sel(localizer_name=name)), (x, y + 1))
            # showing an image makes the axes its own
            axes.set(xlim=(0, COLUMNS), ylim=((deep or 1) * (1 + TEXT), 0), aspect="auto")
            if not deep:
                drawing.note(axes, 0, 0.5, "no image changes its label", axes.transAxes)
    return made


def short(label: str, letters: int = LETTERS) -> str:
    """Write a label in the width of an image: the first of several names for it, cut where it is still too long."""
    told = plain(label)
    if len(told) > letters:
        told = told.split(",")[0]
    return told if len(told) <= letters else f"{told[: letters - 1].rstrip()}…"


def _chosen(places: np.ndarray, secret: np.ndarray, most: int) -> np.ndarray:
    """Choose the first of some images, of those that must not be shown only half where there are others."""
    visible, withheld = places[~secret[places]], places[secret[places]]
    grey = withheld[: max(most // 2, most - len(visible))]
    return np.sort(np.concatenate([grey, visible[: most - len(grey)]]))


def _head(axes: Axes, changes: xr.Dataset, localizer: str, hidden: Collection[str]) -> None:
    """Say whose mask it is, and how many images change."""
    mine = changes.sel(localizer_name=localizer)
    keeps = str(mine["replaced_by"].values) == "keep"
    number, every = int(mine["changed"]), int(changes["n"].sel(category=""))
    random = 100 * float(mine["control"].sel(category="", outcome="kept"))
    axes.set_title(
        f"nothing but {plain(localizer)} units kept" if keeps else f"{plain(localizer)} units", pad=drawing.SUBTITLE
    )
    share = f"{100 * number / every:.1f} %; random masks: {random:.1f} %"
    told = f"{number:,} of {every:,} images change their label ({share})"
    owner = changes["change_localizer"].values.astype(str)
    withheld = set(changes["change_category"].values.astype(str)[owner == localizer]) & set(hidden)
    drawing.subtitle(axes, f"{told}; {WITHHELD}" if withheld else told)


def _image(
    axes: Axes,
    change: xr.Dataset,
    stimuli: xr.Dataset,
    hidden: Collection[str],
    centre: tuple[float, float],
    largest: int,
) -> None:
    """Show an image, or a grey square where it must not be shown."""
    name, (x, y) = str(change["change_stimulus"].values), centre
    gid = f"change/{change['change_localizer'].values}/{name}"
    if str(change["change_category"].values) in hidden:
        side = 1 - 2 * GAP
        axes.add_patch(
            Rectangle((x - side / 2, y - side / 2), side, side, facecolor=drawing.FAINT, alpha=0.35, gid=gid)
        )
        drawing.note(axes, x, y, "not shown", axes.transData, align="center")
        return
    found = np.flatnonzero(stimuli["stimulus"].values.astype(str) == name)
    if not len(found):
        raise ValueError(f"image {name!r} changes its label and is not among the stimuli")
    image = decode(encoded(stimuli, int(found[0])), name, "RGB")
    image.thumbnail((largest, largest), Image.Resampling.LANCZOS)
    wide, high = (side / max(image.size) * (1 - 2 * GAP) / 2 for side in image.size)
    # without interpolation the pixels go into the file as they are
    shown = axes.imshow(np.asarray(image), extent=(x - wide, x + wide, y + high, y - high), interpolation="none")
    shown.set_gid(gid)


def _words(axes: Axes, change: xr.Dataset, masks: int, top: tuple[float, float]) -> None:
    """Write beneath an image its label before and after, and how many random masks change it, too."""
    before, after = (short(str(change[f"change_{when}"].values)) for when in ("before", "after"))
    share = 100 * int(change["change_controls"]) / masks
    x, y = top
    step = (TEXT - 0.09) / 3
    for line, (text, tint) in enumerate(
        [(before, drawing.INK), (f"→ {after}", drawing.INK), (f"random {share:.3g} %", drawing.MUTED)]
    ):
        axes.text(x, y + step * line, text, va="top", ha="center", fontsize=SIZE, color=tint)


def _side(images: int) -> int:
    """Give the longer side of images, in pixels: the more there are, the smaller."""
    return int(np.clip(math.isqrt(BUDGET // max(images, 1)), SMALLEST, LARGEST))
