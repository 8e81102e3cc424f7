"""What ablation does to performance.

draw             each task intact, without the units of each localizer, and without random units
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deeplocalizer import summaries
from deeplocalizer.plots import drawing
from deeplocalizer.summaries import plain

ROW = 0.68  # inches for a localizer
LABEL, TITLE = 22, {1: 60, 2: 24}  # letters in a line: of a row's label, and of a title by the number of columns
NARROW = 3.0  # %; a narrower axis would make much of nothing
FAR = 1.5  # times the range of what is drawn: chance that is further away is not on the axis
LABELS = {"correct": "Balanced accuracy (%)", "kept": "Decisions kept (%)"}


def draw(effects: xr.Dataset, outcome: str, own: Mapping[str, Collection[str]]) -> Figure:
    """Show each task intact, under every target mask and under every random control.

    Parameters
    ----------
    effects : Dataset
        As `effects.measure` makes it.
    outcome : str
        ``correct``, or ``kept`` where the study has no tasks; of readouts, ``correct`` is shown whatever leads.
    own : mapping of collections of str
        What each localizer is expected to change, as `summaries.expected` says; it is drawn with a filled mark.

    Returns
    -------
    Figure
        A panel for each task and readout (category, if there are no tasks) and a row for each localizer.
    """
    tasks = effects["task_name"].values.astype(str)
    localizers = effects["localizer_name"].values.astype(str)
    columns = min(2, len(tasks))
    rows = -(-len(tasks) // columns)
    with drawing.style():
        titles = drawing.deepest(drawing.wrapped(plain(str(task)), TITLE[columns]) for task in tasks)
        made = drawing.figure(0.6 + rows * (0.9 + drawing.LINE * titles + ROW * len(localizers)))
        panels = drawing.grid(made, len(tasks), columns)
        for index, (axes, task) in enumerate(zip(panels, tasks, strict=True)):
            _panel(axes, effects, summaries.leads(effects, str(task), outcome), str(task), own)
            axes.set_title(drawing.wrapped(plain(str(task)), TITLE[columns]), pad=drawing.SUBTITLE)
            axes.tick_params(axis="y", labelleft=index % columns == 0)
        shown = {summaries.leads(effects, str(task), outcome) for task in tasks}
        _legend(made, effects, "correct" if "correct" in shown else outcome, own)
    return made


def levels(effects: xr.Dataset, outcome: str, localizer: str, task: str) -> np.ndarray:
    """Give the performance under every random control of a localizer: intact minus harm, (control,)."""
    intact = summaries.find(effects, "intact", outcome, task=task)
    if intact is None:
        return np.array([])
    harm = effects["control_harm"].sel(localizer_name=localizer, task_name=task, outcome=outcome).values
    found: np.ndarray = intact.estimate - harm[np.isfinite(harm)]
    return found


def _panel(axes: Axes, effects: xr.Dataset, outcome: str, task: str, own: Mapping[str, Collection[str]]) -> None:
    localizers = effects["localizer_name"].values.astype(str)
    intact = summaries.find(effects, "intact", outcome, task=task)
    numbers = f", {intact.n:,} stimuli" if intact else ""
    drawing.subtitle(axes, f"test split{numbers}")
    chance = float(effects["chance"].sel(task_name=task)) if outcome == "correct" else float("nan")
    limits = _limits(effects, outcome, task, chance)
    axes.set(xlim=limits, ylim=(len(localizers) - 0.4, -0.72), xlabel=LABELS[outcome])
    axes.set_yticks(
        range(len(localizers)), [drawing.wrapped(f"without {plain(name)} units", LABEL) for name in localizers]
    )
    axes.spines["left"].set_visible(False)
    _chance(axes, chance * 100, limits, task)
    if intact is None:
        drawing.note(axes, 0.5, 0.5, "not available", axes.transAxes, align="center")
        return
    if outcome == "correct":
        band = axes.axvspan(intact.low * 100, intact.high * 100, color=drawing.FAINT, alpha=0.45)
        band.set(linewidth=0, zorder=0, gid=f"intact-interval/{task}")
    axes.axvline(intact.estimate * 100, color=drawing.INK, linewidth=1.1, zorder=1).set_gid(f"intact/{task}")
    for row, name in enumerate(localizers):
        _controls(axes, levels(effects, outcome, str(name), task) * 100, row, limits, f"{name}/{task}")
        _target(axes, effects, outcome, str(name), task, row, task in own.get(str(name), ()))


def _limits(effects: xr.Dataset, outcome: str, task: str, chance: float) -> tuple[float, float]:
    """Find ends of an axis, in %, that hold everything that is drawn, and chance unless that is far away."""
    shown: list[float] = []
    for name in effects["localizer_name"].values.astype(str):
        shown += levels(effects, outcome, str(name), task).tolist()
        ablated = summaries.find(effects, "ablated", outcome, localizer=str(name), task=task)
        shown += [ablated.low, ablated.high] if ablated else []
    intact = summaries.find(effects, "intact", outcome, task=task)
    if intact is not None:
        # every decision is kept by definition where nothing is silenced
        shown += [intact.low, intact.high] if outcome == "correct" else [intact.estimate]
    if not shown:
        return 0.0, 100.0
    low, high = min(shown) * 100, max(shown) * 100
    if np.isfinite(chance) and low - chance * 100 < FAR * (high - low):
        low, high = min(low, chance * 100), max(high, chance * 100)
    margin = max(0.06 * (high - low), (NARROW - high + low) / 2)
    return low - margin, high + margin


def _chance(axes: Axes, chance: float, limits: tuple[float, float], task: str) -> None:
    """Draw chance; where it lies beyond the axis, say so."""
    if not np.isfinite(chance):
        return
    if limits[0] <= chance <= limits[1]:
        line = axes.axvline(chance, color=drawing.MUTED, linewidth=0.9, linestyle=(0, (3, 2)))
        line.set_gid(f"chance/{task}")
        return
    text = drawing.note(axes, 0.012, 0.012, f"\u2190 chance {chance:.3g} %", axes.transAxes)
    text.set(va="bottom", gid=f"chance/{task}")


def _controls(axes: Axes, values: np.ndarray, row: int, limits: tuple[float, float], name: str) -> None:
    """Draw every random control as a dot above the line of its localizer; very many, as a histogram."""
    if len(values) > drawing.MOST_DOTS:
        heights, edges = np.histogram(values, bins=60, range=limits)
        level = row - 0.04 - 0.5 * heights / heights.max()
        outline = axes.stairs(level, edges, baseline=row - 0.04, fill=True, color=drawing.RANDOM)
        outline.set_gid(f"controls/{name}")
        return
    level = row - 0.06 - drawing.swarm(values, limits, 0.5, bins=75)
    dots = axes.scatter(values, level, s=4.5, color=drawing.RANDOM, linewidth=0, zorder=2)
    dots.set_gid(f"controls/{name}")


def _target(axes: Axes, effects: xr.Dataset, outcome: str, localizer: str, task: str, row: int, expected: bool) -> None:
    """Draw the performance without the units of a localizer, with its interval and the p of its advantage."""
    across = axes.get_yaxis_transform()
    found = summaries.find(effects, "ablated", outcome, localizer=localizer, task=task)
    if found is None:
        drawing.note(axes, 0.5, row + 0.1, "not available", across, align="center")
        return
    tint = drawing.color(list(effects["localizer_name"].values.astype(str)).index(localizer))
    drawing.estimate(axes, found, row + 0.14, tint, expected, f"ablated/{localizer}/{task}")
    advantage = summaries.find(effects, "advantage", outcome, localizer=localizer, task=task)
    if advantage is not None and np.isfinite(advantage.p):
        p = advantage.p_family if np.isfinite(advantage.p_family) else advantage.p
        shade = drawing.INK if expected else drawing.MUTED
        text = drawing.note(axes, 1.01, row + 0.14, f"p {summaries.p_text(p)}", across, color=shade)
        text.set_gid(f"p/{localizer}/{task}")


def _legend(made: Figure, effects: xr.Dataset, outcome: str, own: Mapping[str, Collection[str]]) -> None:
    tints = [drawing.color(index) for index in range(min(3, effects.sizes["localizer_name"]))]

    def marks(filled: bool) -> tuple[Line2D, ...]:
        faces = tints if filled else ["white"] * len(tints)
        return tuple(Line2D([], [], color=c, mfc=f, marker="o") for c, f in zip(tints, faces, strict=True))

    what = "task" if outcome == "correct" else "category"
    entries: list[tuple[object, str]] = []
    if own:
        entries.append((marks(True), f"units silenced, own {what}"))
    if len(own) < effects.sizes["localizer_name"] or effects.sizes["task_name"] > 1:
        entries.append((marks(False), f"units silenced, another {what}" if own else "units silenced"))
    dot = Line2D([], [], linestyle="", marker="o", markersize=3, color=drawing.RANDOM)
    entries.append((dot, "as many random units"))
    line = Line2D([], [], color=drawing.INK)
    entries.append(((Patch(color=drawing.FAINT, alpha=0.45), line) if outcome == "correct" else line, "intact"))
    if outcome == "correct" and np.isfinite(effects["chance"].values).any():
        entries.append((Line2D([], [], color=drawing.MUTED, linestyle=(0, (3, 2)), linewidth=0.9), "chance"))
    handles, labels = zip(*entries, strict=True)
    made.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(3, len(entries)),
        handler_map={tuple: HandlerTuple(ndivide=None)},
        handletextpad=0.5,
        columnspacing=1.2,
    )
