"""Effects: how outcomes change under ablation, of targets, against controls and between targets.

measure          all effects of a study, from its outcomes
KINDS            what the comparisons are
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import inference, seeding
from deeplocalizer.inference import Bootstrap, Design, Interval
from deeplocalizer.outcomes import OUTCOMES

KINDS = {
    "intact": "the network as it is",
    "ablated": "the network without the units of the mask",
    "harm": "intact minus ablated (for kl: ablated minus intact); p: paired permutation test",
    "control": "mean harm of the random control masks; low and high: the spread over the masks",
    "advantage": "harm of the mask minus mean harm of its random controls; p: rank among the controls",
    "dissociation": "harm of the mask minus harm of the other mask; p: paired permutation test",
    "double_dissociation": "the smaller of two dissociations; p: the larger of the two",
}
PERFORMANCE = (
    "correct",
    "margin",
    "log_likelihood",
)  # what needs a true label, and a network that can do the task
BOUNDED = {"correct": (0.0, 1.0), "kept": (0.0, 1.0)}


@dataclass(frozen=True)
class Sample:
    """The stimuli of one task, ready for inference.

    Parameters
    ----------
    task : str
        A task, or a category where the study has no tasks.
    plan : Design
    boot : Bootstrap
    outcomes : Dataset
        Of these stimuli, on (intervention, stimulus).
    chance : float
        Balanced accuracy of guessing; NaN without true labels.
    p_able : float
        p of the intact network's doing the task to a meaningful degree; 1 without true labels.
    scalable : bool
        Whether every bootstrap sample of the intact network does so, too.
    """

    task: str
    plan: Design
    boot: Bootstrap
    outcomes: xr.Dataset
    chance: float
    p_able: float
    scalable: bool


def measure(
    outcomes: xr.Dataset,
    tasks: Mapping[str, Sequence[str]],
    localizers: Mapping[str, Mapping[str, Any]],
    dissociations: Sequence[Sequence[str]],
    settings: Mapping[str, Any],
    seed: int,
) -> xr.Dataset:
    """Measure all effects of a study.

    Parameters
    ----------
    outcomes : Dataset
        As `ablation.ablate` makes it: the intact run, and targets and controls of every localizer.
    tasks : mapping of sequences of str
        The labels of each task; where there are none, each category is looked at by itself.
    localizers : mapping
        By name; ``task`` is the one that the localizer is expected to harm.
    dissociations : sequence of pairs of str
        Localizers to be told apart.
    settings : mapping
        ``confidence``, ``alpha``, ``resamples`` and ``least_performance``: the share of the way from chance to perfect
        that counts as doing a task at all.
    seed : int

    Returns
    -------
    Dataset
        On (comparison, outcome): ``estimate``, ``low``, ``high``, ``p`` (one-sided, for harm), ``p_family`` (Holm's
        adjustment over the localizers, each on its own task), ``n``, ``groups`` and ``method``; on ``comparison``:
        ``kind``, ``localizer``, ``other``, ``task`` and ``scale`` (raw, or scaled: of what the intact network has above
        chance). ``control_harm`` (localizer, task, control, outcome) holds every single control.

    Notes
    -----
    A network that cannot do a task cannot lose it, yet a random network is often a little above chance by accident. For
    performance outcomes the p of an advantage or a dissociation is therefore that of an intersection-union test (Berger
    1982, Technometrics 24:295-300): the larger of the test's own p and ``p_able``, that of the intact network's doing
    the task to a meaningful degree.
    """
    rows: list[xr.Dataset] = []
    controls: dict[tuple[str, str], np.ndarray] = {}
    samples = [_sample(task, members, outcomes, tasks, settings, seed) for task, members in _subsets(outcomes, tasks)]
    for sample in samples:
        rows.append(_row("intact", sample, _levels(sample, "intact", settings)))
        for name in localizers:
            rng = seeding.generator(seed, "effects", sample.task, name)
            rows += _of_localizer(sample, name, settings, rng)
            controls[name, sample.task] = _control_harms(sample, name)
    by_task = {sample.task: sample for sample in samples}
    for first, second in dissociations:
        rows += _dissociate(by_task, first, second, localizers, settings, seed)
    result = xr.concat(rows, "comparison", coords="minimal", compat="override")
    result["p_family"] = _family(result, localizers)
    result["control_harm"] = (
        ("localizer_name", "task_name", "control", "outcome"),
        np.array([[controls[name, sample.task] for sample in samples] for name in localizers]),
        {"long_name": "harm by each random control mask"},
    )
    result = result.assign_coords(localizer_name=list(localizers), task_name=[sample.task for sample in samples])
    chance = [sample.chance for sample in samples]
    result["chance"] = ("task_name", chance, {"long_name": "balanced accuracy of guessing"})
    result["p_able"] = (
        "task_name",
        [s.p_able for s in samples],
        {"long_name": "p of doing the task to a meaningful degree"},
    )
    return _described(result)


def harms(outcomes: xr.Dataset, name: str) -> np.ndarray:
    """Give the harm of every intervention to every stimulus by one outcome, as float (intervention, stimulus)."""
    values = outcomes[name].values.astype(float)
    intact = values[outcomes["role"].values.astype(str) == "intact"]
    return values - intact if name == "kl" else intact - values


def _subsets(outcomes: xr.Dataset, tasks: Mapping[str, Sequence[str]]) -> list[tuple[str, np.ndarray]]:
    if tasks:
        label = outcomes["label"].values.astype(str)
        return [(task, np.isin(label, list(names))) for task, names in tasks.items()]
    category = outcomes["category"].values.astype(str)
    return [(name, category == name) for name in np.unique(category)]


def _sample(
    task: str,
    members: np.ndarray,
    outcomes: xr.Dataset,
    tasks: Mapping[str, Sequence[str]],
    settings: Mapping[str, Any],
    seed: int,
) -> Sample:
    if not members.any():
        raise ValueError(f"task {task!r}: no stimulus of the test split has one of its labels")
    here = outcomes.isel(stimulus=np.flatnonzero(members))
    label = here["label"].values.astype(str) if tasks else np.full(here.sizes["stimulus"], task)
    plan = inference.design(here["category"].values, label, here["group"].values)
    rng = seeding.generator(seed, "bootstrap", task)
    boot = inference.bootstrap(plan, settings["resamples"], rng)
    if not tasks:
        return Sample(task, plan, boot, here, float("nan"), 1.0, False)
    absent = sorted(set(tasks[task]) - set(label))
    if absent:
        raise ValueError(f"task {task!r}: no stimulus of the test split has the label {absent[0]!r}")
    chance = 1 / len(tasks[task])
    correct = here["correct"].values[_index(here, "intact")[0]].astype(float)
    able = chance + settings["least_performance"] * (1 - chance)
    p_able = inference.exceeds_p(plan, correct, able, settings["resamples"], rng)
    # a ratio to what is above chance means nothing where a resample has hardly anything above chance
    scalable = p_able <= settings["alpha"] and bool((boot.resampled @ correct > able).all())
    return Sample(task, plan, boot, here, chance, p_able, scalable)


def _index(outcomes: xr.Dataset, role: str, localizer: str = "") -> np.ndarray:
    roles, names = outcomes["role"].values.astype(str), outcomes["localizer"].values.astype(str)
    return np.flatnonzero((roles == role) & (names == localizer))


def _levels(sample: Sample, role: str, settings: Mapping[str, Any], localizer: str = "") -> dict[str, Interval]:
    where = _index(sample.outcomes, role, localizer)[0]
    columns = {name: sample.outcomes[name].values[where].astype(float) for name in OUTCOMES}
    return {name: _mean(sample, name, column, BOUNDED.get(name), settings) for name, column in columns.items()}


def _of_localizer(
    sample: Sample, localizer: str, settings: Mapping[str, Any], rng: np.random.Generator
) -> list[xr.Dataset]:
    target = _index(sample.outcomes, "target", localizer)[0]
    controls = _index(sample.outcomes, "control", localizer)
    harm, harm_p, spread, advantage, advantage_p = {}, {}, {}, {}, {}
    weights = sample.boot.observed
    for name in OUTCOMES:
        every = harms(sample.outcomes, name)
        bounds = (-1.0, 1.0) if name in BOUNDED else None
        harm[name] = _mean(sample, name, every[target], bounds, settings)
        harm_p[name] = inference.sign_flip_p(sample.plan, every[target], settings["resamples"], rng)
        drawn = every[controls] @ weights
        low, high = np.quantile(drawn, [(1 - settings["confidence"]) / 2, (1 + settings["confidence"]) / 2])
        spread[name] = Interval(float(drawn.mean()), float(low), float(high), "quantiles of the control masks")
        advantage[name] = _mean(sample, name, every[target] - every[controls].mean(axis=0), bounds, settings)
        advantage_p[name] = _gated(name, inference.rank_p(float(every[target] @ weights), drawn), sample.p_able)
    rows = [
        _row("ablated", sample, _levels(sample, "target", settings, localizer), localizer=localizer),
        _row("harm", sample, harm, harm_p, localizer=localizer),
        _row("control", sample, spread, localizer=localizer),
        _row("advantage", sample, advantage, advantage_p, localizer=localizer),
    ]
    if sample.scalable:
        correct = sample.outcomes["correct"].values.astype(float)
        intact = correct[_index(sample.outcomes, "intact")[0]]
        scaled = _scaled(sample, intact, intact - correct[target], settings)
        rows.append(_row("harm", sample, {"correct": scaled}, harm_p, localizer=localizer, scale="scaled"))
    return rows


def _dissociate(
    samples: Mapping[str, Sample],
    first: str,
    second: str,
    localizers: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
    seed: int,
) -> list[xr.Dataset]:
    """Compare two masks on the task of each; a double dissociation holds only if both comparisons do."""
    rows = []
    for scale in ("raw", "scaled"):
        pair = []
        for one, other in ((first, second), (second, first)):
            sample = samples[localizers[one]["task"]]
            if scale == "scaled" and not sample.scalable:
                continue
            rng = seeding.generator(seed, "dissociation", one, other)
            pair.append(_dissociation(sample, one, other, scale, settings, rng))
        rows += pair
        if len(pair) == 2:
            rows.append(_double(pair, first, second, scale))
    return rows


def _dissociation(
    sample: Sample, one: str, other: str, scale: str, settings: Mapping[str, Any], rng: np.random.Generator
) -> xr.Dataset:
    mine, yours = (_index(sample.outcomes, "target", name)[0] for name in (one, other))
    found, p = {}, {}
    for name in OUTCOMES if scale == "raw" else ("correct",):
        every = harms(sample.outcomes, name)
        difference = every[mine] - every[yours]
        p[name] = _gated(
            name, inference.sign_flip_p(sample.plan, difference, settings["resamples"], rng), sample.p_able
        )
        if scale == "raw":
            found[name] = _mean(sample, name, difference, (-1.0, 1.0) if name in BOUNDED else None, settings)
        else:
            intact = sample.outcomes["correct"].values[_index(sample.outcomes, "intact")[0]].astype(float)
            found[name] = _scaled(sample, intact, difference, settings)
    return _row("dissociation", sample, found, p, localizer=one, other=other, scale=scale)


def _double(pair: Sequence[xr.Dataset], first: str, second: str, scale: str) -> xr.Dataset:
    both = xr.concat(pair, "comparison", coords="minimal", compat="override")
    # the lower of two bounds bounds the smaller of two effects
    result = both[["estimate", "low", "high"]].min("comparison", skipna=False)
    result["p"] = both["p"].max("comparison", skipna=False)
    result["n"], result["groups"] = both["n"].sum("comparison"), both["groups"].sum("comparison")
    result["method"] = xr.where(both["estimate"].isnull().any("comparison"), "", "intersection-union")
    return _placed(result, "double_dissociation", "", first, second, scale)


def _mean(
    sample: Sample,
    name: str,
    column: np.ndarray,
    bounds: tuple[float, float] | None,
    settings: Mapping[str, Any],
) -> Interval:
    """Give the balanced mean of one column with its interval."""
    if not np.isfinite(column).all() or (name == "correct" and np.isnan(sample.chance)):
        return Interval(np.nan, np.nan, np.nan, "")
    if bounds is not None and inference.constant_within_labels(sample.plan, column):
        return inference.exact_interval(sample.plan, column, bounds, settings["confidence"])
    return inference.interval(sample.boot, column[:, None], lambda means: means[..., 0], settings["confidence"])


def _scaled(sample: Sample, intact: np.ndarray, difference: np.ndarray, settings: Mapping[str, Any]) -> Interval:
    """Give a difference as a share of what the intact network has above chance."""
    columns = np.stack([difference, intact - sample.chance], axis=1)
    if inference.constant_within_labels(sample.plan, difference):
        exact = inference.exact_interval(sample.plan, difference, (-1.0, 1.0), settings["confidence"])
        gain = float(sample.boot.observed @ columns[:, 1])
        return Interval(exact.estimate / gain, exact.low / gain, exact.high / gain, exact.method)
    return inference.interval(sample.boot, columns, lambda means: means[..., 0] / means[..., 1], settings["confidence"])


def _gated(name: str, p: float, p_able: float) -> float:
    return max(p, p_able) if name in PERFORMANCE else p


def _control_harms(sample: Sample, localizer: str) -> np.ndarray:
    """Give the balanced harm of each control by each outcome, (control, outcome)."""
    controls = _index(sample.outcomes, "control", localizer)
    return np.stack([harms(sample.outcomes, name)[controls] @ sample.boot.observed for name in OUTCOMES], axis=1)


def _row(
    kind: str,
    sample: Sample,
    found: Mapping[str, Interval],
    p: Mapping[str, float] | None = None,
    localizer: str = "",
    other: str = "",
    scale: str = "raw",
) -> xr.Dataset:
    absent = Interval(np.nan, np.nan, np.nan, "")
    cells = [found.get(name, absent) for name in OUTCOMES]
    shown = [(p or {}).get(name, np.nan) if found.get(name, absent).method else np.nan for name in OUTCOMES]
    present = np.array([bool(cell.method) for cell in cells])
    row = xr.Dataset(
        {
            "estimate": ("outcome", [cell.estimate for cell in cells]),
            "low": ("outcome", [cell.low for cell in cells]),
            "high": ("outcome", [cell.high for cell in cells]),
            "p": ("outcome", np.array(shown, dtype=float)),
            "n": ("outcome", np.where(present, len(sample.plan.stratum), 0).astype(np.int32)),
            "groups": ("outcome", np.where(present, sample.plan.groups, 0).astype(np.int32)),
            "method": ("outcome", np.array([cell.method for cell in cells], dtype=object)),
        },
        coords={"outcome": list(OUTCOMES)},
    )
    return _placed(row, kind, sample.task, localizer, other, scale)


def _placed(row: xr.Dataset, kind: str, task: str, localizer: str, other: str, scale: str) -> xr.Dataset:
    name = "/".join(part for part in (kind, localizer, other, task, scale) if part)
    where = {"kind": kind, "localizer": localizer, "other": other, "task": task, "scale": scale}
    row = row.expand_dims(comparison=[name])
    return row.assign_coords({key: ("comparison", [value]) for key, value in where.items()})


def _family(effects: xr.Dataset, localizers: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[str, str], np.ndarray]:
    """Adjust the advantages of the localizers, each on its own task, as one family for each outcome."""
    rows = {name: effects[name].values.astype(str) for name in ("kind", "localizer", "task", "scale")}
    own = np.array([localizers.get(name, {}).get("task", "") for name in rows["localizer"]])
    members = (rows["kind"] == "advantage") & (rows["scale"] == "raw") & (rows["task"] == own)
    adjusted = np.full(effects["p"].shape, np.nan)
    for column in range(effects.sizes["outcome"]):
        tested = members & np.isfinite(effects["p"].values[:, column])
        adjusted[tested, column] = inference.holm(effects["p"].values[tested, column])
    return ("comparison", "outcome"), adjusted


def _described(effects: xr.Dataset) -> xr.Dataset:
    meanings = {
        "estimate": "balanced mean over the labels of the task",
        "low": "lower end of the interval",
        "high": "upper end of the interval",
        "p": "one-sided p",
        "p_family": "p adjusted over the localizers, each on its own task (Holm)",
        "n": "number of stimuli",
        "groups": "number of groups that were resampled as one",
        "method": "what gave the interval",
    }
    for name, meaning in meanings.items():
        effects[name].attrs["long_name"] = meaning
    effects["kind"].attrs["comment"] = "; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items())
    effects["outcome"].attrs["comment"] = "; ".join(f"{name}: {meaning}" for name, meaning in OUTCOMES.items())
    return effects
