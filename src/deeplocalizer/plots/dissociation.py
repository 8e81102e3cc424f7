"""What each mask does to each task.

draw             harm to each task by each mask, with random controls and the differences between masks
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deeplocalizer import summaries
from deeplocalizer.plots import drawing
from deeplocalizer.summaries import Effect, plain

ROW = 0.3  # inches for a mask
LABEL, AXIS, TITLE = 22, 26, 60  # letters in a line: of the label of a row, of an axis and of a title
LABELS = {
    ("correct", "raw"): "Harm (percentage points)",
    ("correct", "scaled"): "Harm (% of the way from chance to intact)",
    ("kept", "raw"): "Decisions changed (%)",
}


@dataclass(frozen=True)
class Bar:
    """One line of a panel: what is drawn, how, and the spread of random controls behind it."""

    name: str
    label: str
    effect: Effect | None
    tint: str
    filled: bool
    marker: str = "o"
    control: tuple[float, float, float] | None = None


def draw(effects: xr.Dataset, outcome: str, own: Mapping[str, Collection[str]]) -> Figure:
    """Show the harm to each task by each mask.

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
        A row of panels for each task: raw harm and, where the network does the task, harm as a share of what
        it has above chance. Grey bands span the random controls of a mask; squares are differences of masks.
    """
    tasks = effects["task_name"].values.astype(str)
    led = {str(task): summaries.leads(effects, str(task), outcome) for task in tasks}
    scales = [scale for scale in ("raw", "scaled") if any(_any(effects, one, scale) for one in set(led.values()))]
    scales = scales or ["raw"]
    panels = [(task, scale) for task in tasks for scale in scales]
    lines = {(task, scale): _bars(effects, led[str(task)], str(task), scale, own) for task, scale in panels}
    rows = [len(lines[task, scales[0]]) for task in tasks]
    high = max(ROW, 0.04 + drawing.LINE * (1 + drawing.deepest(bar.label for bars in lines.values() for bar in bars)))
    with drawing.style():
        made = drawing.figure(1.05 + sum(0.45 + high * count for count in rows))
        axes = made.subplots(
            len(tasks), len(scales), squeeze=False, sharex="col", height_ratios=[count + 1 for count in rows]
        )
        for row, task in enumerate(tasks):
            for column, scale in enumerate(scales):
                _panel(axes[row, column], lines[task, scale], f"{task}/{scale}")
                axes[row, column].tick_params(axis="y", labelleft=column == 0)
            axes[row, 0].set_title(drawing.wrapped(plain(str(task)), TITLE))
        for row, task in enumerate(tasks):
            # below the last of the tasks that are told by one outcome
            if row == len(tasks) - 1 or led[str(tasks[row + 1])] != led[str(task)]:
                for column, scale in enumerate(scales):
                    label = LABELS.get((led[str(task)], scale), "")
                    axes[row, column].set_xlabel(drawing.wrapped(label, AXIS))
        _legend(made, [bar for bars in lines.values() for bar in bars], bool(own))
    return made


def _any(effects: xr.Dataset, outcome: str, scale: str) -> bool:
    rows = (effects["kind"].values.astype(str) == "harm") & (effects["scale"].values.astype(str) == scale)
    return bool(effects["estimate"].sel(outcome=outcome).values[rows].size)


def _bars(effects: xr.Dataset, outcome: str, task: str, scale: str, own: Mapping[str, Collection[str]]) -> list[Bar]:
    """List what is drawn about one task: each mask, then each difference between two masks."""
    localizers = [str(name) for name in effects["localizer_name"].values]
    gain = _gain(effects, outcome, task) if scale == "scaled" else 1.0
    bars = []
    for index, name in enumerate(localizers):
        harm = summaries.find(effects, "harm", outcome, localizer=name, task=task, scale=scale)
        if outcome == "kept":
            harm = summaries.changed(effects, name, task)
        spread = summaries.find(effects, "control", outcome, localizer=name, task=task)
        # controls are measured raw; what the network has above chance scales them like the target
        band = (spread.low / gain, spread.estimate / gain, spread.high / gain) if spread and harm else None
        filled = task in own.get(name, ())
        tint = drawing.color(index)
        bars.append(
            Bar(f"harm/{name}", drawing.wrapped(f"{plain(name)} units", LABEL), harm, tint, filled, control=band)
        )
    for one, other in _pairs(effects, task, scale):
        difference = summaries.find(
            effects, "dissociation", outcome, localizer=one, other=other, task=task, scale=scale
        )
        label = drawing.wrapped(f"{plain(one)} \u2212 {plain(other)}", LABEL)
        bars.append(Bar(f"difference/{one}/{other}", label, difference, drawing.INK, True, marker="s"))
    return bars


def _gain(effects: xr.Dataset, outcome: str, task: str) -> float:
    """Give what the intact network has above chance; 1 where it is not known."""
    intact = summaries.find(effects, "intact", outcome, task=task)
    return intact.estimate - float(effects["chance"].sel(task_name=task)) if intact else 1.0


def _pairs(effects: xr.Dataset, task: str, scale: str) -> list[tuple[str, str]]:
    columns = [effects[name].values.astype(str) for name in ("kind", "localizer", "other", "task")]
    # every line of the raw panel has one in the scaled panel, be it empty
    found = [
        (str(one), str(other))
        for kind, one, other, where in zip(*columns, strict=True)
        if kind == "dissociation" and where == task
    ]
    return list(dict.fromkeys(found))


def _panel(axes: Axes, bars: Sequence[Bar], name: str) -> None:
    axes.axvline(0, color=drawing.MUTED, linewidth=0.7, zorder=0)
    axes.set(ylim=(len(bars) - 0.4, -0.6))
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
    axes.spines["left"].set_visible(False)
    for row, bar in enumerate(bars):
        if bar.control is not None:
            low, middle, high = (100 * value for value in bar.control)
            (band,) = axes.barh([row], [high - low], left=[low], height=0.6, color=drawing.FAINT, alpha=0.7)
            band.set(linewidth=0, gid=f"control/{bar.name}/{name}")
            axes.plot([middle] * 2, [row - 0.3, row + 0.3], color=drawing.RANDOM, linewidth=1)
        if bar.effect is None:
            drawing.note(axes, 0.5, row, "not available", axes.get_yaxis_transform(), align="center")
        else:
            drawing.estimate(axes, bar.effect, row, bar.tint, bar.filled, f"{bar.name}/{name}", bar.marker)


def _legend(made: Figure, bars: Sequence[Bar], tasks: bool) -> None:
    def mark(marker: str, face: str, label: str) -> Line2D:
        return Line2D([], [], color=drawing.INK, marker=marker, markersize=5, mfc=face, label=label)

    handles: list[Line2D | Patch] = []
    masks = [bar for bar in bars if bar.marker == "o"]
    if any(bar.filled for bar in masks):
        handles.append(mark("o", drawing.INK, "on the mask's own task"))
    if not all(bar.filled for bar in masks):
        handles.append(mark("o", "white", "on another task" if tasks else "units silenced"))
    handles.append(Patch(color=drawing.FAINT, alpha=0.7, label="random controls"))
    if any(bar.marker == "s" for bar in bars):
        handles.append(mark("s", drawing.INK, "difference of two masks"))
    made.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.5, columnspacing=1.4)
