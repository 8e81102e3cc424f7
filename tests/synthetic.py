"""Small studies with known effects, made by the library itself, without a network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
import yaml
from PIL import Image

from deeplocalizer import confounds, contrast, curves, effects, inputs, masks, moments, provenance, store, units
from deeplocalizer.configuration import load_schema, resolve
from deeplocalizer.inputs import Preprocessing
from deeplocalizer.models.specification import OWN, Specification, parse
from deeplocalizer.models.specification import write as write_specification
from deeplocalizer.outcomes import OUTCOMES
from deeplocalizer.stimuli import drawn as drawn_room
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Attribute, Drawn, Record, Refused
from deeplocalizer.stimuli.table import compose

ROOT = Path(__file__).parents[1]
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
            "matching": {"square": False, "grey": False, "luminance": "none"},
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
        "report": {"title": "A synthetic study", "authors": [], "identifiable": False, "published": []},
    }  # fmt: skip
    return config | changes


def drawn(config: dict, count: int = 40) -> dict[str, xr.Dataset]:
    """Make what the source of each category gives: small grey pictures, or coloured ones of a source on the network."""
    rng = np.random.default_rng(1)
    parts = {}
    for size, (name, settings) in enumerate(config["stimuli"]["categories"].items(), start=5):
        made = _photographs if settings["source"] in ("celeba", "coco") else _pictures
        found = made(rng, name, settings, count, size)
        title = f"Stimuli of the category {name}"
        parts[name] = _saved(provenance.stamp(drawn_room.table(found), "drawn", title, {"seed": 0}))
    return parts


def _pictures(rng: np.random.Generator, name: str, settings: dict, count: int, size: int) -> Drawn:
    """Draw noise."""
    labels = {"faces": ["face"], "objects": ["non-face"], "digits": ["0", "1"]}[name]
    pictures = rng.integers(0, 256, (count, size, size), dtype=np.uint8)
    return Drawn(
        tuple(
            Record(f"{name}-{i:02d}", encode_png(picture), f"{name}[{i}]", labels[i % len(labels)],
                   "same" if name == "objects" and i < 3 else "")
            for i, picture in enumerate(pictures)
        )
    )  # fmt: skip


def _photographs(rng: np.random.Generator, name: str, settings: dict, count: int, size: int) -> Drawn:
    """Draw coloured clouds: square ones of one size for faces, of many sizes and brighter for others."""
    faces = settings["source"] == "celeba"
    words = [f"{settings['source']} {i}" for i in range(40 if faces else 79)] + ([] if faces else ["person"])
    own = isinstance(settings["subset"], dict)
    licences = ["CelebA: non-commercial research only"] if faces else ["CC BY 2.0", "CC BY-NC-SA 2.0"]
    records = []
    for i in range(count):
        high, wide = (128, 128) if faces else rng.integers(130, 400, 2)
        cloud = rng.integers(0 if faces else 80, 256, (6, 6, 3), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(cloud).resize((int(wide), int(high)), Image.Resampling.BICUBIC))
        attributes = {word: int(rng.random() < 0.3) for word in words}
        if "person" in settings["exclude"]:
            attributes["person"] = 0
        split = ("localize", "select", "test")[int(np.searchsorted([0.5, 0.7], i / count, side="right"))] if own else ""
        records.append(Record(f"{name}-{i:04d}", encode_png(pixels), f"{name}[{i}]", split=split,
                              licence=licences[i % len(licences)], attributes=attributes))  # fmt: skip
    refused = () if faces else tuple(
        Refused(f"{i:012d}.jpg", "the server answered 404 (Not Found) four times") for i in range(3)
    )  # fmt: skip
    vocabulary = {word: Attribute(settings["source"]) for word in words}
    origin = {"repository": settings["repository"], "revision": "0123456789abcdef" * 2 + "01234567"}
    return Drawn(tuple(records), refused, vocabulary, origin)


def stimuli(config: dict, count: int = 40) -> xr.Dataset:
    """Compose the stimuli, so many of a category."""
    parts = drawn(config, count)
    return provenance.stamp(compose(parts, config["stimuli"], seed=0), "stimuli", "Stimuli", {"seed": 0}, parts)


def published(name: str, count: int = 60) -> dict:
    """Give a configuration of the project, resolved, with fewer controls and resamples."""
    schema = load_schema(ROOT / "workflow" / "schemas" / "config.schema.yaml")
    config = resolve(yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text()), schema)
    for category in config["stimuli"]["categories"].values():
        category["count"] = count
    config["ablation"]["controls"], config["inference"]["resamples"] = 39, 1000
    return config


def specification(settings: dict) -> Specification:
    """Describe the model that a configuration names, without asking its library."""
    library, name = parse(settings["architecture"])
    own = library == OWN
    labels = ("face", "non-face", "0", "1") if own else ("tench", *(f"thing {i}" for i in range(999)))
    plain = {"kind": "plain", "library": "deeplocalizer", "size": [8, 8], **PREPROCESSING, "mean": [0.5], "std": [0.3]}
    commit = "" if own else settings.get("revision", "")
    return Specification(library, name, commit, {}, labels, plain)


def preprocessing(settings: dict) -> Preprocessing:
    """Give the preprocessing of a model."""
    if parse(settings["architecture"])[0] == OWN:
        return Preprocessing(**PREPROCESSING, mean=(0.5,), std=(0.3,))
    return Preprocessing("RGB", 32, 28, "bicubic", (0.5,) * 3, (0.3,) * 3, "transformers")


def confounded(config: dict, made: xr.Dataset) -> xr.Dataset:
    """Measure what else tells the categories of some inputs apart."""
    measured = confounds.measure(made)
    both = xr.merge([measured, confounds.compare(measured, config["contrasts"])], compat="no_conflicts")
    return provenance.stamp(both, "confounds", "Luminance, contrast and frequencies", {"seed": 0})


def contrasts(config: dict, table: xr.Dataset, layers: list[units.Layer], dead: int = 0) -> xr.Dataset:
    """Contrast responses of which the first half of each layer prefers faces and the second half the last category."""
    where = units.table(layers, config["recording"]["reductions"])
    category, split = (table[name].values.astype(str) for name in ("category", "split"))
    names, parts = sorted(set(category)), sorted(set(split))
    rng = np.random.default_rng(2)
    channel = where["channel"].values
    widest = np.array([layer.channels for layer in layers])
    first = channel < np.maximum(1, widest[where["layer"].values] // 2)
    responses = rng.normal(size=(len(category), where.sizes["unit"]))
    last = list(config["stimuli"]["categories"])[-1]
    responses += 1.5 * np.where(first, (category == "faces")[:, None], (category == last)[:, None])
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
    values = scored((luck < chances + jitter).astype(np.int8), rng)
    kinds = {"intact": "", "target": "localizer", "control": "random"}
    return xr.Dataset(
        {name: (("intervention", "stimulus"), values[name]) for name in OUTCOMES},
        coords={
            "intervention": [name for name, *_ in runs],
            "localizer": ("intervention", [owner for _, owner, _ in runs]),
            "role": ("intervention", [role for *_, role in runs]),
            "kind": ("intervention", [kinds[role] for *_, role in runs]),
            **{name: tested[name] for name in ("stimulus", "category", "label", "group")},
        },
    )


def scored(correct: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Make up the outcomes that belong to right and wrong answers, the intact run first."""
    kept = (correct == correct[0]).astype(np.int8)
    kl = 1 - kept + 0.01 * rng.random(kept.shape)
    kl[0] = 0
    return {
        "correct": correct,
        # no task has more than five labels
        "top5": np.full_like(correct, -1),
        "margin": (2.0 * correct - 1 + rng.normal(scale=0.1, size=correct.shape)).astype(np.float32),
        "log_likelihood": (correct - 1.5).astype(np.float32),
        "kept": kept,
        "kl": kl.astype(np.float32),
    }


def series(config: dict, table: xr.Dataset, harm: dict[tuple[str, str], float], intact: float = 0.95) -> xr.Dataset:
    """Make up outcomes of series: harm grows with the fraction, lies in the first layer, and is small where kept."""
    points = [("fraction", f"{dose:g}", dose, dose / 0.25) for dose in (0.05, 0.1, 0.25)]
    points += [("layer", "conv1", 0.125, 1.0), ("layer", "conv2", 0.125, 0.1), ("keep", "", 0.25, 0.3)]
    parts = []
    for name, level, dose, share in points:
        part = outcomes(config, table, {key: share * value for key, value in harm.items()}, intact)
        mark = f"@{name}={level}" if level else f"@{name}"
        owners, runs = (part[key].values.astype(str) for key in ("localizer", "intervention"))
        named = [
            owner + mark + run.removeprefix(owner) if owner else run for run, owner in zip(runs, owners, strict=True)
        ]
        along = {"series": name, "level": level, "dose": dose}
        part = part.assign_coords({key: ("intervention", np.full(len(runs), value)) for key, value in along.items()})
        parts.append(part.assign_coords(intervention=named).isel(intervention=slice(bool(parts), None)))
    return xr.concat(parts, "intervention", coords="minimal", compat="override", data_vars="minimal")


def measured_curves(config: dict, table: xr.Dataset, harm: dict[tuple[str, str], float]) -> xr.Dataset:
    """Measure the harm of made-up series."""
    made = series(config, table, harm)
    result = curves.measure(made, config["tasks"], config["localizers"], _settings(config), seed=0)
    return provenance.stamp(result, "curves", "Series of masks", {"seed": 0})


def measured(config: dict, table: xr.Dataset, harm: dict[tuple[str, str], float], intact: float = 0.95) -> xr.Dataset:
    """Measure the effects of made-up outcomes."""
    result = effects.measure(
        outcomes(config, table, harm, intact),
        config["tasks"],
        config["localizers"],
        config["dissociations"],
        _settings(config),
        seed=0,
    )
    return provenance.stamp(result, "effects", "Effects", {"seed": 0})


def _settings(config: dict) -> dict:
    return config["inference"] | {"matching": config["ablation"].get("matching", "layer")}


def architecture(layers: list[units.Layer]) -> xr.Dataset:
    """Describe layers."""
    columns = {
        "module": ["Conv2d"] * len(layers),
        "call": [0] * len(layers),
        "output_shape": [" x ".join(map(str, layer.shape)) for layer in layers],
        "channels": [layer.channels for layer in layers],
        "parameters": [9 * layer.channels for layer in layers],
    }
    table = xr.Dataset(
        {
            **{name: ("layer", column) for name, column in columns.items()},
            "source": ("edge", np.arange(len(layers) - 1)),
            "target": ("edge", np.arange(1, len(layers))),
        },
        coords={"layer": [one.name for one in layers]},
    )
    return provenance.stamp(table, "architecture", "Layers", {"seed": 0})


DOUBLE = {("faces", "faces"): 0.7, ("faces", "objects"): 0.7, ("digits", "digits"): 0.8}
RULES = {
    "snakemake": "9.27.1",
    "rules": [{"name": "draw", "stage": "stimuli"}, {"name": "record", "stage": "record"}],
    "edges": [["draw", "record"]],
}
LAYERS = [units.Layer("conv1", 0, (8, 4, 4)), units.Layer("conv2", 0, (12, 2, 2))]


@dataclass(frozen=True)
class Written:
    """A study in a folder."""

    description: Path
    figures: Path
    config: dict
    models: dict[str, dict[str, xr.Dataset]]


def write(
    folder: Path,
    config: dict,
    harm: dict | None = None,
    intact: float = 0.95,
    draw: bool = False,
    layers: list[units.Layer] | None = None,
    count: int = 40,
) -> Written:
    """Write a study as the workflow would, with its figures if wanted."""
    layers = layers or LAYERS
    parts, table = drawn(config, count), stimuli(config, count)
    for name, part in parts.items():
        store.save(part, folder / f"results/drawn/{name}.nc")
    store.save(table, folder / "results/stimuli.nc")
    models, described = {}, {}
    for name, settings in config["models"].items():
        contrasted = contrasts(config, table, layers, dead=2)
        prepared = inputs.prepare(table, preprocessing(settings))
        made = {
            "inputs": provenance.stamp(prepared, "inputs", "Inputs", {}),
            "confounds": confounded(config, prepared),
            "architecture": architecture(layers),
            "contrast": contrasted,
            "masks": selected(config, contrasted),
            "effects": measured(config, table, DOUBLE if harm is None else harm, intact),
        }
        for kind, dataset in made.items():
            store.save(dataset, folder / f"results/{name}/{kind}.nc")
        write_specification(specification(settings), folder / f"results/{name}/model.json")
        models[name] = made
        paths = {kind: f"results/{name}/{kind}.nc" for kind in made}
        described[name] = {"model": f"results/{name}/model.json"} | paths | {"outcomes": []}
    benchmarks = folder / "benchmarks"
    benchmarks.mkdir()
    (benchmarks / "stimuli.jsonl").write_text('{"s": 1.25, "max_rss": 99.5}\n')
    (benchmarks / "quick.jsonl").write_text('{"s": 0.1, "max_rss": "NA"}\n')
    description = folder / "study.json"
    places = {"drawn": {name: f"results/drawn/{name}.nc" for name in parts}, "stimuli": "results/stimuli.nc"}
    known = {"config": config, "root": str(folder), **places, "models": described}
    (folder / "logs").mkdir()
    (folder / "logs" / "stimuli.log").write_text("machine: a laptop; 2 logical cores; Linux\n")
    (folder / "rulegraph.json").write_text(json.dumps(RULES))
    known |= {"benchmarks": "benchmarks", "logs": "logs", "rules": "rulegraph.json"}
    description.write_text(json.dumps(known))
    figures = folder / "figures"
    if draw:
        _draw(figures, config, table, models)
    return Written(description, figures, config, models)


PREPROCESSING = {"mode": "L", "resize": 8, "crop": 8, "resample": "bicubic"}


def _draw(folder: Path, config: dict, table: xr.Dataset, models: dict[str, dict[str, xr.Dataset]]) -> None:
    from deeplocalizer import summaries
    from deeplocalizer.plots import confounds as confound_figure
    from deeplocalizer.plots import dissociation, drawing, graph, masks, selectivity
    from deeplocalizer.plots import effects as effect_figure
    from deeplocalizer.plots import stimuli as stimuli_figure
    from deeplocalizer.stimuli import people

    outcome, _ = summaries.expectations(config["tasks"], config["localizers"])
    own = summaries.expected(config["tasks"], config["localizers"], config["contrasts"])
    categories = config["stimuli"]["categories"]
    hidden = people.withheld(categories, config["report"]["identifiable"])
    drawing.save(stimuli_figure.draw(table, list(categories), hidden), folder / "stimuli.svg", "Stimuli")
    drawing.save(graph.rules(RULES), folder / "rules.svg", "Rules")
    for name, made in models.items():
        figures = {
            "layers": graph.layers(made["architecture"]),
            "confounds": confound_figure.draw(made["confounds"], made["confounds"]),
            "selectivity": selectivity.draw(made["contrast"], config["inference"]["alpha"]),
            "masks": masks.draw(made["masks"]),
            "effects": effect_figure.draw(made["effects"], outcome, own),
            "dissociation": dissociation.draw(made["effects"], outcome, own),
        }
        for kind, figure in figures.items():
            drawing.save(figure, folder / name / f"{kind}.svg", kind)


def _saved(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.assign_attrs(content_digest=provenance.digest_content(dataset))
