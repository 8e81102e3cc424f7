"""Every comparison of the effects, as tables.

NAMES            what the kinds of control masks are called
table            every comparison of the leading outcome, task by task
named            what was silenced in a comparison
divergence       how far outputs move, where there are no tasks
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from deeplocalizer import summaries
from deeplocalizer.report import wording
from deeplocalizer.report.study import Model, Study
from deeplocalizer.report.tables import html
from deeplocalizer.summaries import plain

NAMES = {
    "random": "random, by layer",
    "random_response": "random, by response",
    "bottom": "bottom of the ranking",
    "opposite": "opposite preference",
    "shuffled": "shuffled labels",
    "untrained": "untrained network",
}
PERFORMANCE = ("intact", "ablated", "harm", "control", "advantage", "against", "dissociation", "double_dissociation")
CHANGES = ("ablated", "control", "advantage", "against")  # that any units change something needs no test
COLUMNS = ["Task", "Comparison", "Silenced", "Estimate", "Interval", "p", "p, family", "Method"]


def table(study: Study, model: Model, tasks: Collection[str] | None = None) -> str:
    """List every comparison of the leading outcome, task by task.

    Parameters
    ----------
    study : Study
    model : Model
    tasks : collection of str, optional
        Tasks or readouts; without it, the tasks or categories and what is about two tasks at once.
    """
    readouts = study.config["readouts"]
    wanted = [
        task
        for task in [*model.effects["task_name"].values.astype(str), ""]
        if (task in tasks if tasks is not None else task not in readouts)
    ]
    if all(study.measure(task) == "kept" for task in wanted):
        shown = _ordered(model, "kept", CHANGES, wanted)
        return _html(study, pd.DataFrame([_change(effect) for _, effect in shown.iterrows()]), by="Category")
    ordered = _ordered(model, "correct", PERFORMANCE, wanted)
    frame = pd.DataFrame([_comparison(effect) for _, effect in ordered.iterrows()], columns=COLUMNS)
    if (frame["p, family"] == wording.ABSENT).all():
        frame = frame.drop(columns="p, family")
    return _html(study, frame, by="Task")


def divergence(study: Study, model: Model) -> str:
    """List how far silencing moves the outputs, category by category."""
    categories = [task for task in model.effects["task_name"].values.astype(str) if study.measure(task) == "kept"]
    ordered = _ordered(model, "kl", CHANGES, categories)
    return _html(study, pd.DataFrame([_moved(effect) for _, effect in ordered.iterrows()]), by="Category")


def _html(study: Study, frame: pd.DataFrame, by: str) -> str:
    """Write a table; where a mask is kept, its units are not silenced."""
    named = "Kept" if study.config["ablation"]["value"] == "keep" else "Silenced"
    return html(frame.rename(columns={"Silenced": named}), text=(named, "Method"), by=by)


def _ordered(model: Model, outcome: str, kinds: Sequence[str], tasks: Sequence[str]) -> pd.DataFrame:
    """Take the comparisons of some kinds and tasks by one outcome, in the order of the tasks and of the kinds."""
    table = summaries.effect_table(model.effects)
    table = table[(table["outcome"] == outcome) & table["kind"].isin(list(kinds)) & table["task"].isin(list(tasks))]
    order = pd.DataFrame({"task": table["task"].map(list(tasks).index), "kind": table["kind"].map(list(kinds).index)})
    ordered: pd.DataFrame = table.loc[order.sort_values(["task", "kind"], kind="stable").index]
    return ordered


def _change(effect: pd.Series) -> dict[str, str]:
    """Write how many decisions a mask changes as it stands in the table."""
    ends = [effect[name] for name in ("estimate", "low", "high")]
    # what an interval of the share that is kept leaves to the share that changes
    estimate, low, high = ends if effect["kind"] != "ablated" else (1 - ends[0], 1 - ends[2], 1 - ends[1])
    low, high = (wording.decimal(100 * end) for end in (low, high))
    return {
        **_category(effect),
        "Changed": wording.decimal(100 * estimate),
        "Interval": f"[{low},{wording.NO_BREAK}{high}]",
        "p": wording.p_cell(effect["p"]) if effect["kind"] in ("advantage", "against") else wording.ABSENT,
        "Method": effect["method"],
    }


def _moved(effect: pd.Series) -> dict[str, str]:
    """Write how far a mask moves the outputs as it stands in the table."""
    low, high = (wording.decimal(effect[name], 3) for name in ("low", "high"))
    return {
        **_category(effect),
        "Divergence": wording.decimal(effect["estimate"], 3),
        "Interval": f"[{low},{wording.NO_BREAK}{high}]",
        "p": wording.p_cell(effect["p"]),
        "Method": effect["method"],
    }


def _category(effect: pd.Series) -> dict[str, str]:
    """Name the category and what was silenced, where there are no tasks."""
    size = wording.sample(effect["n"], effect["groups"])
    return {
        "Category": wording.capitalized(f"{plain(effect['task'])} ({size})"),
        "Silenced": named(effect),
    }


def named(effect: Mapping[str, str] | pd.Series) -> str:
    """Name what was silenced in a comparison."""
    one, other = (plain(effect[key]).replace(" ", wording.NO_BREAK) for key in ("localizer", "other"))
    random = f"random,{wording.NO_BREAK}as{wording.NO_BREAK}{one}"
    told = {
        "dissociation": f"{one} − {other}",
        "double_dissociation": f"{one}, {other}",
        "intact": "none",
        "control": random,
        "advantage": f"{one} − random",
        "against": f"{one} − {NAMES.get(effect['other'], other)}",
    }.get(effect["kind"], one)
    return told.replace(" −", f"{wording.NO_BREAK}−")


def _comparison(effect: pd.Series) -> dict[str, str]:
    """Write one comparison as it stands in the table."""
    low, high = (wording.decimal(100 * effect[name]) for name in ("low", "high"))
    size = wording.sample(effect["n"], effect["groups"])
    return {
        "Task": wording.capitalized(f"{plain(effect['task']) or 'both tasks of a pair'} ({size})"),
        "Comparison": effect["kind"].replace("_", " ") + (", scaled" if effect["scale"] == "scaled" else ""),
        "Silenced": named(effect),
        "Estimate": wording.decimal(100 * effect["estimate"]),
        "Interval": f"[{low},{wording.NO_BREAK}{high}]",
        "p": wording.p_cell(effect["p"]),
        "p, family": wording.p_cell(effect["p_family"]),
        "Method": effect["method"],
    }
