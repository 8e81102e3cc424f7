"""What the best units respond to.

draw             the images that drive each unit most and least, with its responses
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from deeplocalizer import extremes as found
from deeplocalizer.plots import drawing
from deeplocalizer.stimuli.images import decode
from deeplocalizer.stimuli.table import encoded
from deeplocalizer.summaries import plain, unit_names

MOST_ROWS = 16  # units of all contrasts together; each contrast has one at least
LARGEST, SMALLEST = 96, 28  # pixels of an image's longer side; it is shown in the size of a stamp
BUDGET = 300_000  # pixels of all images together: less than 1 MB of photographs
FRAMES = {1: drawing.PALETTE[0], -1: drawing.PALETTE[4], 0: drawing.RANDOM}  # these differ in grey, too
WITHHELD = "not shown (CelebA\u2019s terms)"
NAMES = {1: "preferred categories", -1: "other categories", 0: "not compared"}
LABEL, GAP, TEXT, HEAD = 1.64, 0.24, 0.18, 0.2  # inches at the left of the images, between, below and above them
LINES = 0.17  # inches from one line of a label to the next
EDGE = 0.05  # of an image's side, on each side of it
LINE = 22  # characters of a unit's name that stand side by side
_NONE = "No unit prefers these categories."
_UNSTORED = "Responses of the units that prefer these categories were not stored."


class _Pictures(NamedTuple):
    """Where images come from, the categories of which none is shown, and the longer side of what is."""

    stimuli: xr.Dataset
    position: Mapping[str, int]
    hidden: Collection[str]
    pixels: int
    inches: float


def draw(extremes: xr.Dataset, stimuli: xr.Dataset, hidden: Collection[str] = ()) -> Figure:
    """Show the images that drive the best units most and least.

    Parameters
    ----------
    extremes : Dataset
        As `extremes.find` makes it.
    stimuli : Dataset
        As `stimuli.table.build` makes it, with these stimuli among others; images only.
    hidden : collection of str
        Categories of which no image is shown, but a tile with their name; see `stimuli.people.withheld`.

    Returns
    -------
    Figure
        A panel for each contrast, a row for each unit: the images that drive it most from the left, then those that
        drive it least, in frames that tell the side of the contrast. Of more than `MOST_ROWS` units, each contrast
        shows its first.

    Raises
    ------
    ValueError
        If a stimulus is not in the table, or not an image, naming it.
    """
    contrasts = extremes["contrast"].values.astype(str)
    most = max(1, MOST_ROWS // max(1, len(contrasts)))
    panels = [found.shown(extremes, name).isel(unit=slice(most)) for name in contrasts]
    ranks = extremes.sizes["rank"]
    inches = (drawing.WIDTH - LABEL - GAP) / (2 * max(ranks, found.RANKS))
    pictures = _pictures(stimuli, panels, hidden, inches)
    heights = [HEAD + max(TEXT, one.sizes["unit"] * (inches + TEXT)) for one in panels]
    with drawing.style():
        made = drawing.figure(0.3 + sum(heights) + 0.34 * len(panels))
        axes = made.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for panel, one, high in zip(axes, panels, heights, strict=True):
            panel.set(xlim=(0, drawing.WIDTH), ylim=(high, 0), xticks=[], yticks=[], aspect="equal", anchor="NW")
            panel.spines[:].set_visible(False)
            panel.set_title(plain(str(one["contrast"].values)))
            if not one.sizes["unit"]:
                drawing.note(panel, 0, HEAD, _UNSTORED if int(one["unstored"]) else _NONE, panel.transData)
            for row, label in enumerate(unit_names(one)):
                top = HEAD + row * (inches + TEXT)
                _label(panel, one.isel(unit=row), str(label), top)
                for side, left in (("highest", LABEL), ("lowest", LABEL + GAP + ranks * inches)):
                    _row(panel, one.isel(unit=row).sel(side=side), left, top, pictures)
                    if not row:
                        drawing.note(panel, left + EDGE * inches, HEAD / 2, f"{side} responses", panel.transData)
        kinds = np.concatenate([one["extreme_category"].values.ravel() for one in panels])
        _legend(made, extremes, bool(np.isin(kinds, list(hidden)).any()))
    return made


def _pictures(stimuli: xr.Dataset, panels: list[xr.Dataset], hidden: Collection[str], inches: float) -> _Pictures:
    """Find the images, and refuse what cannot be shown."""
    wanted = [str(name) for one in panels for name in one["extreme"].values.ravel()]
    position = {str(name): place for place, name in enumerate(stimuli["stimulus"].values)}
    modality = stimuli["modality"].values.astype(str).tolist()
    for name in wanted:
        if name not in position:
            raise ValueError(f"stimulus {name!r} is not in the table of stimuli; was it made anew?")
        if modality[position[name]] != "image":
            raise ValueError(f"stimulus {name!r} is of the modality {modality[position[name]]!r}; expected an image")
    kinds = [str(kind) for one in panels for kind in one["extreme_category"].values.ravel()]
    shown = sum(kind not in hidden for kind in kinds)
    pixels = int(np.clip(math.isqrt(BUDGET // max(1, shown)), SMALLEST, LARGEST))
    return _Pictures(stimuli, position, hidden, pixels, inches)


def _label(axes: Axes, unit: xr.Dataset, name: str, top: float) -> None:
    """Write what unit it is, and how much it prefers."""
    measured = [f"d = {float(unit['d']):.2f}"]
    if np.isfinite(unit["auroc"]):
        measured.append(f"AUROC {float(unit['auroc']):.2f}")
    lines = _lines(name)
    axes.text(0, top + 0.02, "\n".join(lines), va="top", fontsize=drawing.SMALL, color=drawing.INK)
    below = top + 0.03 + LINES * len(lines)
    axes.text(0, below, ", ".join(measured), va="top", fontsize=7.5, color=drawing.MUTED)


def _lines(name: str) -> list[str]:
    """Break a long name into two lines, and leave out the middle of a very long one."""
    if len(name) <= LINE:
        return [name]
    if len(name) > 2 * LINE:
        name = f"{name[: LINE - 1].rstrip('.')}…{name[-LINE:]}"
    # after the last separator of the first line that leaves no more than another line
    ends = [i for i in range(len(name) - LINE, LINE + 1) if name[i - 1] in "./_: "]
    cut = ends[-1] if ends else LINE
    return [name[:cut], name[cut:]]


def _row(axes: Axes, one: xr.Dataset, left: float, top: float, pictures: _Pictures) -> None:
    """Show the stimuli at one end of a unit's responses."""
    contrast, best, end = (str(one[name].values) for name in ("contrast", "best", "side"))
    responses = one["response"].values
    alike = len(responses) < int(one["tied"]) and (responses == responses[0]).all()
    size, below = pictures.inches, top + pictures.inches
    for rank, (name, kind) in enumerate(zip(one["extreme"].values, one["extreme_category"].values, strict=True)):
        gid, x, y = f"{contrast}/{best}/{end}/{rank + 1}", left + (rank + 0.5) * size, top + size / 2
        wide, high = _show(axes, str(name), str(kind), (x, y), pictures, gid)
        frame = Rectangle((x - wide, y - high), 2 * wide, 2 * high, fill=False, linewidth=1.6, zorder=3)
        frame.set(edgecolor=FRAMES[int(one["compared"].sel(category=kind))], gid=f"frame/{gid}")
        axes.add_patch(frame)
        if not alike:
            _below(axes, x, below, short(float(responses[rank])), size, f"response/{gid}")
    if alike:
        text = f"{short(float(responses[0]))} each; {int(one['tied']) - len(responses):,} more tie"
        _below(axes, left + len(responses) * size / 2, below, text, size, f"response/{contrast}/{best}/{end}")


def _show(
    axes: Axes, name: str, kind: str, at: tuple[float, float], pictures: _Pictures, gid: str
) -> tuple[float, float]:
    """Show a stimulus, or a tile with its category's name; give half its width and half its height."""
    half = (0.5 - EDGE) * pictures.inches
    x, y = at
    if kind in pictures.hidden:
        tile = Rectangle((x - half, y - half), 2 * half, 2 * half, color=drawing.FAINT, alpha=0.35, linewidth=0)
        tile.set_gid(f"withheld/{gid}")
        axes.add_patch(tile)
        words = plain(kind).split()
        size = min(6.5, 90 * pictures.inches / max(map(len, words)))  # long words would run into the neighbours
        axes.text(x, y, "\n".join(words[:4]), ha="center", va="center", fontsize=size, color=drawing.INK)
        return half, half
    image = decode(encoded(pictures.stimuli, pictures.position[name]), name, "RGB")
    image.thumbnail((pictures.pixels, pictures.pixels), Image.Resampling.LANCZOS)
    wide, high = (side / max(image.size) * half for side in image.size)
    # without interpolation the pixels go into the file as they are
    shown = axes.imshow(np.asarray(image), extent=(x - wide, x + wide, y + high, y - high), interpolation="none")
    shown.set_gid(f"image/{gid}")
    return wide, high


def _below(axes: Axes, x: float, y: float, text: str, size: float, gid: str) -> None:
    """Write below images of a size; small ones have little room."""
    axes.text(x, y, text, ha="center", va="top", fontsize=min(7.0, 16 * size), color=drawing.MUTED, gid=gid)


def short(value: float) -> str:
    """Write a response in about three digits."""
    size = abs(value)
    if size and not 0.005 <= size < 99_999.5:
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    digits = 2 if size < 10 else 1 if size < 100 else 0
    return f"{value:.{digits}f}".replace("-", "−")


def _legend(made: Figure, extremes: xr.Dataset, withheld: bool) -> None:
    """Say what frames and tiles mean, of those that there are."""
    sides = [side for side in NAMES if side or (extremes["compared"].values == 0).any()]
    handles = [Rectangle((0, 0), 1, 1, fill=False, edgecolor=FRAMES[side], linewidth=1.6) for side in sides]
    names = [NAMES[side] for side in sides]
    if withheld:
        handles.append(Rectangle((0, 0), 1, 1, color=drawing.FAINT, alpha=0.35, linewidth=0))
        names.append(WITHHELD)
    made.legend(handles, names, loc="outside upper right", ncols=4, handlelength=1, fontsize=drawing.SMALL)
