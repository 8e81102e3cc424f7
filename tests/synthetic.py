"""Small studies with known effects, made by the library itself, without a network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from deeplocalizer import contrast, effects, masks, moments, provenance, store, units
from deeplocalizer.outcomes import OUTCOMES
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Record
from deeplocalizer.stimuli.table import build

SPLITS = {"train": 0.25, "localize": 0.25, "select": 0.25, "test": 0.25}
LOCALIZERS = {
    "faces": {"contrast": "faces", "task": "face_detection"},
    "digits": {"contrast": "digits", "task": "digit_recognition"},
}
TASKS = {"face_detection": ["face", "non-face"], "digit_recognition": ["0", "1"]}


def configuration(**changes) -> dict:
    """Give a configuration as the workflow resolves it."""
    rule = {"fraction": 0.25, "statistic": "t", "sign": "positive", "scope": "network"}
    config = {
        "study": "synthetic",
        "seed": 0,
        "stimuli": {
            "categories": {
                "faces": {"source": "lfw_faces", "label": "face"},
                "objects": {"source": "photograph_patches", "label": "non-face", "count": 40},
                "digits": {"source": "digits"},
            },
            "splits": SPLITS,
            "folds": 4,
        },
        "tasks": TASKS,
        "models": {"network": {"architecture": "small_cnn", "weights": "trained", "layers": ["conv*"], "training": {
            "epochs": 3, "batch_size": 8, "learning_rate": 0.003, "weight_decay": 0.01, "mirror": ["face"]}}},
        "recording": {"batch_size": 64, "reductions": ["mean"]},
        "contrasts": {
            "faces": {"preferred": ["faces"], "other": ["objects", "digits"]},
            "digits": {"preferred": ["digits"], "other": ["faces", "objects"]},
        },
        "localizers": {name: {**rule, **localizer} for name, localizer in LOCALIZERS.items()},
        "ablation": {"value": "zero", "controls": 39, "batch_size": 256},
        "inference": {"alpha": 0.05, "confidence": 0.95, "resamples": 1000, "least_performance": 0.1},
        "dissociations": [["faces", "digits"]],
        "report": {"title": "A synthetic study", "authors": []},
    }  # fmt: skip
    return config | changes


def stimuli(config: dict) -> xr.Dataset:
    """Make pictures of noise, 40 of a category."""
    rng = np.random.default_rng(1)
    records = {}
    for size, name in enumerate(config["stimuli"]["categories"], start=5):
        labels = {"faces": ["face"], "objects": ["non-face"], "digits": ["0", "1"]}[name]
        pictures = rng.integers(0, 256, (40, size, size), dtype=np.uint8)
        records[name] = [
            Record(f"{name}-{i:02d}", encode_png(picture), f"{name}[{i}]", labels[i % len(labels)],
                   "same" if name == "objects" and i < 3 else None)
            for i, picture in enumerate(pictures)
        ]  # fmt: skip
    table = build(records, config["stimuli"]["splits"], config["stimuli"]["folds"], seed=0)
    return provenance.stamp(table, "stimuli", "Stimuli", {"seed": 0})


def contrasts(config: dict, table: xr.Dataset, layers: list[units.Layer], dead: int = 0) -> xr.Dataset:
    """Contrast responses of which the first half of each layer prefers faces and the second half digits."""
    where = units.table(layers, config["recording"]["reductions"])
    category, split = (table[name].values.astype(str) for name in ("category", "split"))
    names, parts = sorted(set(category)), sorted(set(split))
    rng = np.random.default_rng(2)
    channel = where["channel"].values
    first = channel < np.maximum(1, np.bincount(where["layer"].values)[where["layer"].values] // 2)
    responses = rng.normal(size=(len(category), where.sizes["unit"]))
    responses += 1.5 * np.where(first, (category == "faces")[:, None], (category == "digits")[:, None])
    if dead:
        responses[:, -dead:] = 0
    folds = config["stimuli"]["folds"]
    cell = (np.searchsorted(names, category) * len(parts) + np.searchsorted(parts, split)) * folds
    cell = cell + table["fold"].values
    found = moments.of(responses, cell, len(names) * len(parts) * folds)
    result = contrast.welch(moments.table(found, where, names, parts, folds), config["contrasts"])
    return provenance.stamp(result, "contrast", "Contrasts", {"seed": 0})


def selected(config: dict, contrasted: xr.Dataset) -> xr.Dataset:
    """Select units and draw controls."""
    table = masks.table(contrasted, config["localizers"], config["ablation"]["controls"], seed=0)
    return provenance.stamp(table, "masks", "Masks", {"seed": 0}, {"contrast": _saved(contrasted)})


def outcomes(config: dict, table: xr.Dataset, harm: dict[tuple[str, str], float], intact: float) -> xr.Dataset:
    """Make up outcomes on the test split.

    ``intact`` is the share of right answers; ``harm[localizer, category]`` is what a target takes away from it.
    """
    tested = table.isel(stimulus=np.flatnonzero(table["split"].values == "test"))
    category = tested["category"].values.astype(str)
    rng = np.random.default_rng(3)
    luck = rng.random(len(category))
    runs = [("intact", "", "intact")]
    for name in config["localizers"]:
        runs.append((name, name, "target"))
        runs += [(f"{name}/random-{i:05d}", name, "control") for i in range(config["ablation"]["controls"])]
    loss = {"intact": lambda owner, kind: 0.0, "control": lambda owner, kind: 0.02}
    loss["target"] = lambda owner, kind: harm.get((owner, kind), 0.0)
    chances = intact - np.array([[loss[role](owner, kind) for kind in category] for _, owner, role in runs])
    jitter = rng.normal(scale=0.03, size=chances.shape) * (np.array([role for *_, role in runs]) == "control")[:, None]
    correct = (luck < chances + jitter).astype(np.int8)
    kept = (correct == correct[0]).astype(np.int8)
    values = {
        "correct": correct,
        "margin": (2.0 * correct - 1 + rng.normal(scale=0.1, size=correct.shape)).astype(np.float32),
        "log_likelihood": (correct - 1.5).astype(np.float32),
        "kept": kept,
        "kl": (1 - kept + 0.01 * rng.random(kept.shape)).astype(np.float32),
    }
    return xr.Dataset(
        {name: (("intervention", "stimulus"), values[name]) for name in OUTCOMES},
        coords={
            "intervention": [name for name, *_ in runs],
            "localizer": ("intervention", [owner for _, owner, _ in runs]),
            "role": ("intervention", [role for *_, role in runs]),
            **{name: tested[name] for name in ("stimulus", "category", "label", "group")},
        },
    )


def measured(config: dict, table: xr.Dataset, harm: dict[tuple[str, str], float], intact: float = 0.95) -> xr.Dataset:
    """Measure the effects of made-up outcomes."""
    result = effects.measure(
        outcomes(config, table, harm, intact),
        config["tasks"],
        config["localizers"],
        config["dissociations"],
        config["inference"],
        seed=0,
    )
    return provenance.stamp(result, "effects", "Effects", {"seed": 0})


def architecture(layers: list[units.Layer]) -> xr.Dataset:
    """Describe layers."""
    columns = {
        "module": ["Conv2d"] * len(layers),
        "output_shape": [" x ".join(map(str, layer.shape)) for layer in layers],
        "channels": [layer.channels for layer in layers],
        "parameters": [9 * layer.channels for layer in layers],
    }
    table = xr.Dataset(
        {name: ("layer", column) for name, column in columns.items()}, coords={"layer": [one.name for one in layers]}
    )
    return provenance.stamp(table, "architecture", "Layers", {"seed": 0})


DOUBLE = {("faces", "faces"): 0.7, ("faces", "objects"): 0.7, ("digits", "digits"): 0.8}
LAYERS = [units.Layer("conv1", 0, (8, 4, 4)), units.Layer("conv2", 0, (12, 2, 2))]


@dataclass(frozen=True)
class Written:
    """A study in a folder."""

    description: Path
    figures: Path
    config: dict
    models: dict[str, dict[str, xr.Dataset]]


def write(folder: Path, config: dict, harm: dict | None = None, intact: float = 0.95, draw: bool = False) -> Written:
    """Write a study as the workflow would, with its figures if wanted."""
    table = stimuli(config)
    store.save(table, folder / "results/stimuli.nc")
    models, described = {}, {}
    for name in config["models"]:
        contrasted = contrasts(config, table, LAYERS, dead=2)
        made = {
            "inputs": provenance.stamp(
                xr.Dataset(attrs={f"preprocessing_{key}": value for key, value in PREPROCESSING.items()}),
                "inputs", "Inputs", {},
            ),
            "architecture": architecture(LAYERS),
            "contrast": contrasted,
            "masks": selected(config, contrasted),
            "effects": measured(config, table, DOUBLE if harm is None else harm, intact),
        }  # fmt: skip
        for kind, dataset in made.items():
            store.save(dataset, folder / f"results/{name}/{kind}.nc")
        models[name] = made
        described[name] = {kind: f"results/{name}/{kind}.nc" for kind in made} | {"outcomes": []}
    benchmarks = folder / "benchmarks"
    benchmarks.mkdir()
    (benchmarks / "stimuli.jsonl").write_text('{"s": 1.25, "max_rss": 99.5}\n')
    (benchmarks / "quick.jsonl").write_text('{"s": 0.1, "max_rss": "NA"}\n')
    description = folder / "study.json"
    known = {"config": config, "root": str(folder), "stimuli": "results/stimuli.nc", "models": described}
    description.write_text(json.dumps(known | {"benchmarks": "benchmarks"}))
    figures = folder / "figures"
    if draw:
        _draw(figures, config, table, models)
    return Written(description, figures, config, models)


PREPROCESSING = {"mode": "L", "resize": 8, "crop": 8, "resample": "bicubic"}


def _draw(folder: Path, config: dict, table: xr.Dataset, models: dict[str, dict[str, xr.Dataset]]) -> None:
    from deeplocalizer import summaries
    from deeplocalizer.plots import dissociation, drawing, masks, selectivity
    from deeplocalizer.plots import effects as effect_figure
    from deeplocalizer.plots import stimuli as stimuli_figure

    outcome, own = summaries.expectations(config["tasks"], config["localizers"])
    drawing.save(stimuli_figure.draw(table, list(config["stimuli"]["categories"])), folder / "stimuli.svg", "Stimuli")
    for name, made in models.items():
        drawn = {
            "selectivity": selectivity.draw(made["contrast"], config["inference"]["alpha"]),
            "masks": masks.draw(made["masks"]),
            "effects": effect_figure.draw(made["effects"], outcome, own),
            "dissociation": dissociation.draw(made["effects"], outcome, own),
        }
        for kind, figure in drawn.items():
            drawing.save(figure, folder / name / f"{kind}.svg", kind)


def _saved(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.assign_attrs(content_digest=provenance.digest_content(dataset))
