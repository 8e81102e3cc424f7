"""A study that has everything: reliability, further controls, series, readouts and replicates."""

import json

import numpy as np
import xarray as xr

from deeplocalizer import nulls, provenance, store, summaries
from deeplocalizer.plots import changes as changes_figure
from deeplocalizer.plots import curves as curves_figure
from deeplocalizer.plots import dissociation, drawing
from deeplocalizer.plots import effects as effects_figure
from deeplocalizer.plots import extremes as extremes_figure
from deeplocalizer.plots import nulls as nulls_figure
from deeplocalizer.plots import reliability as reliability_figure
from deeplocalizer.plots import robustness as robustness_figure
from tests import changing, extremal, synthetic
from tests.masks import planted
from tests.plots import makers, robust
from tests.report.defaults import completed

READOUT = {"layer": "conv2", "reduction": "mean", "classes": "category", "categories": ["faces", "digits"], "folds": 5}
COMPARED = ["bottom", "opposite", "shuffled", "random_response"]


def configuration(**changes):
    """Configure everything."""
    config = completed(synthetic.configuration(**changes))
    config["ablation"] |= {
        "compare": COMPARED, "fractions": [0.01, 0.05, 0.2], "layers": True, "keep": True, "value": "mean",
    }  # fmt: skip
    config["readouts"] = {"face_or_digit": READOUT}
    config["replicates"] = {"seeds": ["network"]}
    return config


def with_readout(effects, readout="face_or_digit", like="digit_recognition"):
    """Give effects a readout, which suffers as a task does."""
    task = effects["task"].values.astype(str)
    kind = effects["kind"].values.astype(str)
    rows = np.flatnonzero((task == like) & (kind != "dissociation"))
    along = [name for name in effects.data_vars if "comparison" in effects[name].dims]
    mine = effects[along].drop_vars([name for name in effects[along].coords if "comparison" not in effects[name].dims])
    more = mine.isel(comparison=rows).assign_coords(
        comparison=[str(one).replace(like, readout) for one in effects["comparison"].values[rows]],
        task=("comparison", [readout] * len(rows)),
    )
    both = xr.concat([mine, more], "comparison").assign_coords(outcome=effects["outcome"])
    names = [*effects["task_name"].values.astype(str), readout]
    for name in ("chance", "p_able", "control_harm"):
        one = effects[name]
        last = one.sel(task_name=[like]).assign_coords(task_name=[readout])
        both[name] = xr.concat([one, last], "task_name")
    return both.assign_coords(task_name=names, localizer_name=effects["localizer_name"].values)


def with_controls(effects, kinds=COMPARED):
    """Compare masks with further controls: like the random ones, and like none of them that was so harmless."""
    rows = np.flatnonzero(effects["kind"].values.astype(str) == "advantage")
    parts = [effects]
    for kind in kinds:
        one = effects.isel(comparison=rows)
        names = [
            str(name).replace("advantage", "against").replace("/raw", f"/{kind}/raw")
            for name in one["comparison"].values
        ]
        given = {"kind": ["against"] * len(rows), "other": [kind] * len(rows)}
        one = one.assign_coords(comparison=names, **{key: ("comparison", value) for key, value in given.items()})
        one["p_family"] = xr.full_like(one["p_family"], np.nan)
        one["p"] = xr.full_like(one["p"], 0.4 if kind == "opposite" else 0.001)
        parts.append(one)
    return xr.concat(parts, "comparison", data_vars="minimal", coords="minimal", compat="override", join="override")


def with_masks(masks, kinds=COMPARED):
    """Give every localizer further control masks and a bound on what is true of its own."""
    role, owner = masks["role"].values.astype(str), masks["localizer"].values.astype(str)
    parts = [masks]
    for name in dict.fromkeys(owner):
        for number, kind in enumerate(kinds):
            row = np.flatnonzero((role == "control") & (owner == name))[[number]]
            parts.append(masks.isel(mask=row).assign_coords(mask=[f"{name}/{kind}"], kind=("mask", [kind])))
    made = xr.concat(parts, "mask", data_vars="minimal", coords="minimal", compat="override")
    share = np.where(made["role"].values.astype(str) == "target", 0.8, np.nan)
    return made.assign_coords(true_share=("mask", share)).assign_attrs(masks.attrs)


def readouts():
    """Give a readout that was fitted."""
    one = {"accuracy": 0.93, "chance": 0.5, "n": 20, "groups": 20, "folds": 5, "penalty": 0.1}
    return xr.Dataset(
        {name: ("readout", [value]) for name, value in one.items()}, coords={"readout": ["face_or_digit"]}
    )


def exchanged():
    """Give d beside shuffled labels."""
    sides = dict.fromkeys(["faces", "digits"], planted.SIDES["c"])
    return nulls.measure(planted.recorded(preferring=range(10), effect=1.0), sides, {"alpha": 0.05}, 0)


def changed():
    """Give decisions that change without the units for faces, and do not without those for digits."""
    parts = {
        "faces": changing.outcomes("faces", changing.PLANTED, changing.RANDOM),
        "digits": changing.outcomes("digits"),
    }
    return changing.measured(parts)


def write(folder, config=None):
    """Write such a study with its figures."""
    config = configuration() if config is None else config
    written = synthetic.write(folder, config, draw=True)
    known = json.loads(written.description.read_text())
    outcome, _ = summaries.expectations(config["tasks"], config["localizers"])
    own = summaries.expected(config["tasks"], config["localizers"], config["contrasts"])
    for name, made in written.models.items():
        made["masks"] = stamped(with_masks(made["masks"]), "masks", folder, name, made["masks"].attrs)
        made["effects"] = stamped(with_controls(with_readout(made["effects"])), "effects", folder, name)
        tasks = made["effects"]["task_name"].values.astype(str).tolist()
        made["reliability"] = stamped(makers.reliability(), "reliability", folder, name)
        made["curves"] = stamped(makers.curves(makers.points(tasks=tasks)), "curves", folder, name)
        made["readouts"] = stamped(readouts(), "readouts", folder, name)
        made["robustness"] = stamped(robust.table(), "robustness", folder, name)
        made["nulls"] = stamped(exchanged(), "nulls", folder, name)
        made["extremes"] = stamped(extremal.found(), "extremes", folder, name)
        made["changes"] = stamped(changed(), "changes", folder, name)
        known["models"][name] |= {kind: f"results/{name}/{kind}.nc" for kind in made}
        figures = {
            "reliability": reliability_figure.draw(made["reliability"]),
            "curves": curves_figure.draw(made["curves"], outcome, own),
            "effects": effects_figure.draw(made["effects"], outcome, own),
            "dissociation": dissociation.draw(made["effects"], outcome, own),
            "robustness": robustness_figure.draw(made["robustness"]),
            "nulls": nulls_figure.draw(made["nulls"]),
            "extremes": extremes_figure.draw(made["extremes"], extremal.pictured(extremal.noise())),
            "changes": changes_figure.draw(made["changes"], changing.pictures()),
        }
        for kind, figure in figures.items():
            drawing.save(figure, written.figures / name / f"{kind}.svg", kind)
    stamped(makers.replicates(), "replicates", folder, "replicates")
    known["replicates"] = {"seeds": "results/replicates/replicates.nc"}
    written.description.write_text(json.dumps(known))
    return written


def configuration_without_tasks():
    """Configure a study whose tasks are readouts: the network itself knows none of them."""
    config = configuration()
    readouts = {task: READOUT for task in config["tasks"]}
    return config | {"tasks": {}, "readouts": readouts, "replicates": {}}


def write_without_tasks(folder):
    """Write a study that looks at decisions by category, and at performance by readouts."""
    config = configuration_without_tasks()
    plain = {name: {k: v for k, v in one.items() if k != "task"} for name, one in config["localizers"].items()}
    free = config | {"localizers": plain, "dissociations": []}
    written = synthetic.write(folder, free, draw=True)
    table = synthetic.stimuli(config)
    asked = synthetic.measured(config | {"tasks": synthetic.TASKS}, table, synthetic.DOUBLE)
    known = json.loads(written.description.read_text()) | {"config": config}
    for name, made in written.models.items():
        both = xr.merge([joined(made["effects"], asked, along) for along in ("comparison", "task_name")])
        made["effects"] = stamped(both, "effects", folder, name)
        tasks = [str(task) for task in both["task_name"].values]
        series = xr.concat(
            [
                makers.curves(makers.points(tasks=[task]), "correct" if task in synthetic.TASKS else "kept")
                for task in tasks
            ],
            "point", join="outer",
        )  # fmt: skip
        made["curves"] = stamped(series, "curves", folder, name)
        known["models"][name]["curves"] = f"results/{name}/curves.nc"
        own = summaries.expected(config["tasks"], config["localizers"], config["contrasts"])
        figures = {
            "curves": curves_figure.draw(made["curves"], "kept", own),
            "effects": effects_figure.draw(made["effects"], "kept", own),
            "dissociation": dissociation.draw(made["effects"], "kept", own),
        }
        for kind, figure in figures.items():
            drawing.save(figure, written.figures / name / f"{kind}.svg", kind)
    written.description.write_text(json.dumps(known))
    return written


def joined(one, other, along):
    """Put two artefacts of effects together along one dimension."""
    names = [name for name in one.data_vars if along in one[name].dims]
    return xr.concat([part[names] for part in (one, other)], along)


def stamped(dataset, kind, folder, model, attrs=None):
    """Write an artefact as the workflow would."""
    made = provenance.stamp(dataset.assign_attrs(attrs or {}), kind, kind.capitalize(), {"seed": 0})
    path = folder / f"results/{model}/{kind}.nc"
    path.unlink(missing_ok=True)
    store.save(made, path)
    return made
