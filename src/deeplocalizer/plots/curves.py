"""Harm by series of masks.

draw             harm by share of units silenced, by layer, and where nothing but the mask is kept
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from deeplocalizer import summaries
from deeplocalizer.plots import drawing
from deeplocalizer.summaries import Curve, plain

LABEL, TITLE = 22, {1: 60, 2: 26}  # letters in a line: of a label, and of a title by the number of columns
PANEL = 2.3  # inches for a panel of doses
ROW = 0.2  # inches for a mark in a panel of rows
WIDE = 8.0  # times the smallest dose: beyond, the axis of doses is logarithmic
LABELS = {"correct": "Harm (percentage points)", "kept": "Decisions changed (%)"}
TITLES = {
    "fraction": "by the share of units silenced",
    "layer": "the mask's units of one layer silenced",
    "keep": "all units but the mask replaced",
}


def draw(curves: xr.Dataset, outcome: str, own: Mapping[str, Collection[str]]) -> Figure:
    """Show the harm of every series of masks that was run, beside random masks.

    Parameters
    ----------
    curves : Dataset
        On (point, outcome): ``estimate``, ``low``, ``high``, ``control``, ``control_low``, ``control_high``; on
        ``point``: ``localizer``, ``series``, ``level``, ``dose`` and ``task``.
    outcome : str
        ``correct``, or ``kept`` where the study has no tasks; of readouts, ``correct`` is shown whatever leads.
    own : mapping of collections of str
        What each localizer is expected to change, as `summaries.expected` says; it is drawn with filled marks.

    Returns
    -------
    Figure
        For each series a panel for each task. Grey bands span the middle of the random masks' harms, with a broken line
        at their mean.

    Raises
    ------
    ValueError
        If no series was run.
    """
    names = summaries.series(curves)
    if not names:
        raise ValueError("curves: there is no series to draw; expected one of fraction, layer and keep")
    tasks = list(dict.fromkeys(curves["task"].values.astype(str).tolist()))
    localizers = list(dict.fromkeys(curves["localizer"].values.astype(str).tolist()))
    tints = {name: drawing.color(index) for index, name in enumerate(localizers)}
    led = {task: _leads(curves, task, outcome) for task in tasks}
    found = {name: {task: summaries.curves(curves, led[task], name, task) for task in tasks} for name in names}
    columns = min(2, len(tasks))
    rows = -(-len(tasks) // columns)
    more = drawing.LINE * drawing.deepest(drawing.wrapped(plain(task), TITLE[columns]) for task in tasks)
    heights = [height for name in names for height in [_height(name, found[name]) + more] * rows]
    labels = {task: LABELS[led[task]] for task in tasks}
    with drawing.style():
        made = drawing.figure(0.35 + sum(heights))
        panels = drawing.grid(made, len(heights) * columns, columns, shared=False, heights=heights)
        for number, name in enumerate(names):
            here = panels[number * rows * columns :][: rows * columns]
            _section(here, name, found[name], columns, labels, own, tints)
        _legend(made, tints, own)
    return made


def _leads(curves: xr.Dataset, task: str, outcome: str) -> str:
    """Give the outcome that is shown of one task: ``correct`` of what has right answers, such as a readout."""
    if "correct" not in curves["outcome"].values:
        return outcome
    here = curves["estimate"].sel(outcome="correct").values[curves["task"].values.astype(str) == task]
    return "correct" if np.isfinite(here).any() else outcome


def _height(series: str, found: Mapping[str, Sequence[Curve]]) -> float:
    """Give the height of a panel of a series, in inches."""
    if series == "fraction":
        return PANEL
    rows = _labels(series, found)
    marks = len(rows) * max(_marks(series, curves) for curves in found.values())
    words = (1 + drawing.deepest(_only(rows))) * len(rows) if series == "keep" else 0
    return 1.0 + max(ROW * max(3, marks), drawing.LINE * words)


def _marks(series: str, curves: Sequence[Curve]) -> int:
    """Count the marks in one row: in a panel of layers, one for each localizer."""
    return max(1, len(curves)) if series == "layer" else 2


def _labels(series: str, found: Mapping[str, Sequence[Curve]]) -> list[str]:
    """Name the rows of all panels of a series: layers in the order of measurement, or localizers."""
    every = [curve for curves in found.values() for curve in curves]
    if series == "keep":
        return list(dict.fromkeys(curve.localizer for curve in every))
    return merged([curve.level for curve in every])


def _only(localizers: Sequence[str]) -> list[str]:
    """Name the rows of masks that are kept."""
    return [drawing.wrapped(f"only {plain(name)} units", LABEL) for name in localizers]


def merged(rows: Sequence[Sequence[str]]) -> list[str]:
    """Merge several lists of names into one that keeps the order of each, where they agree on one."""
    result: list[str] = []
    for row in rows:
        place = 0
        for name in row:
            if name in result:
                place = result.index(name) + 1
            else:
                result.insert(place, name)
                place += 1
    return result


def _section(
    panels: Sequence[Axes],
    series: str,
    found: Mapping[str, Sequence[Curve]],
    columns: int,
    wording: Mapping[str, str],
    own: Mapping[str, Collection[str]],
    tints: Mapping[str, str],
) -> None:
    """Draw the panels of one series."""
    labels = _labels(series, found)
    for spare in panels[len(found) :]:
        spare.set_axis_off()
    for index, (axes, (task, curves)) in enumerate(zip(panels, found.items(), strict=False)):
        axes.set_title(drawing.wrapped(plain(task), TITLE[columns]), pad=drawing.SUBTITLE)
        drawing.subtitle(axes, TITLES[series])
        if not curves:
            axes.set(xticks=[], yticks=[])
            drawing.note(axes, 0.5, 0.5, "not available", axes.transAxes, align="center")
        elif series == "fraction":
            _doses(axes, curves, task, own, tints)
            axes.set_ylabel(wording[task])
        else:
            _rows(axes, series, curves, labels, task, own, tints)
            axes.set_xlabel(wording[task])
            axes.tick_params(axis="y", labelleft=index % columns == 0)


def _doses(
    axes: Axes, curves: Sequence[Curve], task: str, own: Mapping[str, Collection[str]], tints: Mapping[str, str]
) -> None:
    """Draw harm by the share of units that is silenced, a line for each localizer."""
    axes.axhline(0, color=drawing.MUTED, linewidth=0.7, zorder=0)
    for curve in curves:
        tint, name = tints[curve.localizer], f"{curve.localizer}/{task}"
        dose = 100 * curve.dose
        band = axes.fill_between(dose, 100 * curve.control_low, 100 * curve.control_high, color=drawing.FAINT)
        band.set(alpha=0.55, linewidth=0, zorder=1, gid=f"band/fraction/{name}")
        (mean,) = axes.plot(dose, 100 * curve.control, color=tint, linewidth=1, linestyle=(0, (3, 2)))
        mean.set(zorder=2, gid=f"control/fraction/{name}")
        ends = axes.vlines(dose, 100 * curve.low, 100 * curve.high, color=tint, linewidth=1.4)
        ends.set(zorder=3, gid=f"interval/fraction/{name}")
        (line,) = axes.plot(dose, 100 * curve.estimate, color=tint, marker="o", markersize=5)
        line.set(zorder=4, gid=f"harm/fraction/{name}")
        line.set_markerfacecolor(tint if task in own.get(curve.localizer, ()) else "white")
    _axis(axes, curves)


def _axis(axes: Axes, curves: Sequence[Curve]) -> None:
    """Mark the doses; where they span much, on a logarithmic axis."""
    dose = 100 * np.concatenate([curve.dose for curve in curves])
    if dose.min() > 0 and dose.max() > WIDE * dose.min():
        axes.set_xscale("log")
    wanted = sorted({100 * float(level) for curve in curves for level in curve.level})
    axes.xaxis.set_major_locator(FixedLocator(wanted))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axes.set_xlabel("Units silenced (%)")


def _rows(
    axes: Axes,
    series: str,
    curves: Sequence[Curve],
    labels: Sequence[str],
    task: str,
    own: Mapping[str, Collection[str]],
    tints: Mapping[str, str],
) -> None:
    """Draw harm in rows, one for each layer or for each localizer."""
    axes.axvline(0, color=drawing.MUTED, linewidth=0.7, zorder=0)
    axes.set(ylim=(len(labels) - 0.4, -0.6))
    axes.set_yticks(range(len(labels)), labels if series == "layer" else _only(labels))
    axes.spines["left"].set_visible(False)
    step = 0.8 / len(curves) if series == "layer" else 0.0
    for index, curve in enumerate(curves):
        for point, level in enumerate(curve.level):
            row = labels.index(level if series == "layer" else curve.localizer)
            height = row + step * (index - (len(curves) - 1) / 2)
            name = "/".join(part for part in (series, curve.localizer, level, task) if part)
            _band(axes, curve, point, height, step * 0.9 if series == "layer" else 0.6, name)
            filled = task in own.get(curve.localizer, ())
            drawing.estimate(axes, curve.effect(point), height, tints[curve.localizer], filled, f"harm/{name}")


def _band(axes: Axes, curve: Curve, point: int, height: float, thick: float, name: str) -> None:
    """Draw the random masks of one point as a band with a line at their mean."""
    low, middle, high = (
        100 * float(values[point]) for values in (curve.control_low, curve.control, curve.control_high)
    )
    if not np.isfinite(middle):
        return
    (band,) = axes.barh([height], [high - low], left=[low], height=thick, color=drawing.FAINT, alpha=0.7)
    band.set(linewidth=0, gid=f"band/{name}")
    axes.plot([middle] * 2, [height - thick / 2, height + thick / 2], color=drawing.RANDOM, linewidth=1)


def _legend(made: Figure, tints: Mapping[str, str], own: Mapping[str, Collection[str]]) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=tint, marker="o", markersize=5, mfc=tint if own else "white", label=name)
        for name, tint in ((drawing.wrapped(f"{plain(name)} units", LABEL), tint) for name, tint in tints.items())
    ]
    handles.append(Patch(color=drawing.FAINT, alpha=0.7, label="random masks"))
    made.legend(
        handles=handles, loc="outside lower center", ncols=min(4, len(handles)), handletextpad=0.5, columnspacing=1.4
    )
