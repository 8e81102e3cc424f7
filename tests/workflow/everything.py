"""A study in which every key of the configuration has something to decide, and another value for each.

everything       the study; its own files are written into its folder
CHANGES          for every key of the schema, the keys of this study at which it is tried and what is put there
changed          the study with such a change
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

# it is looked at, and never run: nothing of this study is
NETWORK = "from torch import nn\n\n\ndef build():\n    return nn.Sequential(nn.Conv2d(3, 4, 3))\n"

CATEGORIES = {
    "faces": {"source": "celeba", "label": "face", "count": 400},
    "things": {"source": "coco", "label": "thing", "count": 400},
    "mine": {"source": "folder", "path": "pictures", "label": "thing"},
    "listed": {"source": "table", "path": "listed.csv", "columns": {"image": "file", "label": "kind"}},
    "remote": {"source": "hub", "repository": "some/images", "columns": {"label": "kind"}},
}
MODELS = {
    "cnn": {
        "architecture": "small_cnn",
        "weights": "trained",
        "layers": ["conv*"],
        "untrained": "twin",
        "training": {"mirror": ["face"]},
    },
    "twin": {"architecture": "small_cnn", "weights": "untrained", "layers": ["conv*"]},
    "resnet": {
        "architecture": "transformers:microsoft/resnet-34",
        "revision": "4d180fbdc81b4d5d4eaa86ab89bdd669200dd477",
        "layers": ["resnet.encoder.stages.*.layers.*"],
    },
    "own": {
        "architecture": "python:nets:build",
        "weights": "none",
        "layers": ["conv1"],
        "labels": "labels.txt",
        "preprocessing": {"resize": 64, "crop": 64, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
    },
}
CONTRASTS = {
    "faces": {"preferred": ["faces"], "other": ["things", "mine"]},
    "things": {"preferred": ["things"], "other": ["faces"]},
}
LOCALIZERS = {
    "faces": {"contrast": "faces", "fraction": 0.1, "task": "detection"},
    "things": {"contrast": "things", "count": 20, "task": "kind"},
    "sure": {"contrast": "faces", "q": 0.01},
    "middle": {"contrast": "things", "percentile": [40, 60]},
}
ABLATION = {
    "value": "mean",
    "values": ["zero"],
    "controls": 120,
    "compare": ["bottom", "shuffled", "untrained"],
    "fractions": [0.1, 0.2],
    "keep": True,
    "layers": True,
}
PUBLISHED = {"localizer": "faces", "sample": "detection", "outcome": "correct", "value": 0.5, "source": "elsewhere"}


def everything(folder: Path) -> dict[str, Any]:
    """Give the study, and write its own files into its folder."""
    (folder / "pictures").mkdir(parents=True)
    for number in range(3):
        (folder / "pictures" / f"{number}.png").write_bytes(bytes([number]))
    (folder / "listed.csv").write_text("file,kind\npictures/0.png,face\n")
    (folder / "nets.py").write_text(NETWORK)
    for name in ("labels.txt", "names.txt"):
        (folder / name).write_text("face\nthing\n")
    return copy.deepcopy(
        {
            "study": "everything",
            "stimuli": {"categories": CATEGORIES},
            "tasks": {"detection": ["face", "thing"]},
            "models": MODELS,
            "contrasts": CONTRASTS,
            "localizers": LOCALIZERS,
            "recording": {"reductions": ["mean", "max"]},
            "readouts": {"kind": {"layer": "conv1", "classes": "category", "categories": ["faces", "things"]}},
            "replicates": {"pair": ["cnn", "twin"]},
            "dissociations": [["faces", "things"]],
            "ablation": ABLATION,
        }
    )


def _category(name: str, key: str, value: Any) -> dict[str, Any]:
    return {f"stimuli.categories.{name}.{key}": value}


CHANGES: dict[str, dict[str, Any]] = {
    "study": {"study": "another"},
    "seed": {"seed": 1},
    "downloads": {"downloads": "elsewhere"},
    "stimuli.categories": {"stimuli.categories.more": {"source": "digits", "label": "thing"}},
    "stimuli.categories.<name>.source": _category("faces", "source", "lfw_faces") | _category("faces", "count", 90),
    "stimuli.categories.<name>.label": _category("faces", "label", "thing"),
    "stimuli.categories.<name>.count": _category("faces", "count", 500),
    "stimuli.categories.<name>.resave": _category("faces", "resave", 80),
    "stimuli.categories.<name>.path": _category("mine", "path", ["pictures", "more"]),
    "stimuli.categories.<name>.group_by": _category("mine", "group_by", "folder"),
    "stimuli.categories.<name>.unreadable": _category("mine", "unreadable", "skip"),
    "stimuli.categories.<name>.columns.image": _category("listed", "columns.image", "picture"),
    "stimuli.categories.<name>.columns.label": _category("listed", "columns.label", "name"),
    "stimuli.categories.<name>.columns.group": _category("listed", "columns.group", "person"),
    "stimuli.categories.<name>.columns.split": _category("listed", "columns.split", "split"),
    "stimuli.categories.<name>.columns.id": _category("listed", "columns.id", "id"),
    "stimuli.categories.<name>.columns.licence": _category("listed", "columns.licence", "terms"),
    "stimuli.categories.<name>.columns.attributes": _category("listed", "columns.attributes", ["glasses"]),
    "stimuli.categories.<name>.where": _category("listed", "where", {"kind": "face"}),
    "stimuli.categories.<name>.root": _category("listed", "root", "pictures"),
    "stimuli.categories.<name>.repository": _category("remote", "repository", "other/images"),
    "stimuli.categories.<name>.revision": _category("remote", "revision", "v2"),
    "stimuli.categories.<name>.configuration": _category("remote", "configuration", "large"),
    "stimuli.categories.<name>.subset": _category("remote", "subset", "test"),
    "stimuli.categories.<name>.exclude": _category("faces", "exclude", ["Bangs"]),
    "stimuli.categories.<name>.require": _category("things", "require", ["dog"]),
    "stimuli.categories.<name>.annotations": _category("things", "annotations", "https://example.org/a.zip"),
    "stimuli.splits.train": {"stimuli.splits.train": 0.3},
    "stimuli.splits.localize": {"stimuli.splits.localize": 0.15},
    "stimuli.splits.select": {"stimuli.splits.select": 0.15},
    "stimuli.splits.test": {"stimuli.splits.test": 0.15},
    "stimuli.folds": {"stimuli.folds": 4},
    "stimuli.matching.square": {"stimuli.matching.square": True},
    "stimuli.matching.resolution": {"stimuli.matching.resolution": 32},
    "stimuli.matching.grey": {"stimuli.matching.grey": True},
    "stimuli.matching.luminance": {"stimuli.matching.luminance": "moments"},
    "stimuli.matching.jpeg": {"stimuli.matching.jpeg": 90},
    "tasks": {"tasks.detection": ["thing", "face"]},
    "models": {"models.more": {"architecture": "small_cnn", "weights": "untrained", "layers": ["conv*"]}},
    "models.<name>.architecture": {"models.own.architecture": "python:nets:other"},
    "models.<name>.revision": {"models.resnet.revision": "main"},
    "models.<name>.weights": {"models.twin.weights": "none"},
    "models.<name>.preprocessing.mode": {
        "models.own.preprocessing": {"mode": "L", "resize": 64, "crop": 64, "mean": [0.5], "std": [0.5]}
    },
    "models.<name>.preprocessing.resize": {"models.own.preprocessing.resize": 70},
    "models.<name>.preprocessing.crop": {"models.own.preprocessing.crop": 32},
    "models.<name>.preprocessing.resample": {"models.own.preprocessing.resample": "bicubic"},
    "models.<name>.preprocessing.mean": {"models.own.preprocessing.mean": [0.5, 0.5, 0.4]},
    "models.<name>.preprocessing.std": {"models.own.preprocessing.std": [0.5, 0.5, 0.4]},
    "models.<name>.untrained": {"models.resnet.untrained": "own"},
    "models.<name>.seed": {"models.twin.seed": 5},
    "models.<name>.labels": {"models.own.labels": "names.txt"},
    "models.<name>.layers": {"models.resnet.layers": ["resnet.encoder.stages.0.layers.*"]},
    "models.<name>.training.epochs": {"models.cnn.training.epochs": 3},
    "models.<name>.training.batch_size": {"models.cnn.training.batch_size": 32},
    "models.<name>.training.learning_rate": {"models.cnn.training.learning_rate": 0.001},
    "models.<name>.training.weight_decay": {"models.cnn.training.weight_decay": 0.02},
    "models.<name>.training.mirror": {"models.cnn.training.mirror": ["face", "thing"]},
    "recording.batch_size": {"recording.batch_size": 16},
    "recording.reductions": {"recording.reductions": ["mean"]},
    "recording.responses": {"recording.responses": ["mean"]},
    "recording.splits": {"recording.splits": ["localize", "select", "test"]},
    "recording.shards": {"recording.shards": 3},
    "recording.significant_bits": {"recording.significant_bits": 10},
    "recording.faster": {"recording.faster": ["channels_last"]},
    "recording.tolerance": {"recording.tolerance": 0.01},
    "recording.validate": {"recording.validate": True},
    "contrasts": {"contrasts.more": {"preferred": ["mine"], "other": ["faces"]}},
    "contrasts.<name>.preferred": {"contrasts.faces.preferred": ["faces", "listed"]},
    "contrasts.<name>.other": {"contrasts.faces.other": ["things"]},
    "contrasts.<name>.each": {"contrasts.faces.each": True},
    "localizers": {"localizers.more": {"contrast": "faces", "fraction": 0.2}},
    "localizers.<name>.contrast": {"localizers.middle.contrast": "faces"},
    "localizers.<name>.statistic": {"localizers.faces.statistic": "d"},
    "localizers.<name>.sign": {"localizers.faces.sign": "absolute"},
    "localizers.<name>.fraction": {"localizers.faces.fraction": 0.2},
    "localizers.<name>.count": {"localizers.things.count": 30},
    "localizers.<name>.q": {"localizers.sure.q": 0.02},
    "localizers.<name>.percentile": {"localizers.middle.percentile": [30, 50]},
    "localizers.<name>.scope": {"localizers.faces.scope": "layer"},
    "localizers.<name>.task": {"localizers.sure.task": "kind"},
    "ablation.value": {"ablation.value": "resample"},
    "ablation.values": {"ablation.values": ["zero", "resample"]},
    "ablation.mean": {"ablation.mean": "scalar"},
    "ablation.background": {"ablation.background": "zero"},
    "ablation.controls": {"ablation.controls": 150},
    "ablation.matching": {"ablation.matching": "response"},
    "ablation.bins": {"ablation.bins": 5},
    "ablation.compare": {"ablation.compare": ["bottom", "shuffled"]},
    "ablation.shuffles": {"ablation.shuffles": 5},
    "ablation.fractions": {"ablation.fractions": [0.1, 0.3]},
    "ablation.keep": {"ablation.keep": False},
    "ablation.layers": {"ablation.layers": False},
    "ablation.series_controls": {"ablation.series_controls": 90},
    "ablation.batch_size": {"ablation.batch_size": 64},
    "ablation.jobs": {"ablation.jobs": 2},
    "inference.alpha": {"inference.alpha": 0.1},
    "inference.confidence": {"inference.confidence": 0.9},
    "inference.resamples": {"inference.resamples": 2000},
    "inference.interval": {"inference.interval": "basic"},
    "inference.adjust": {"inference.adjust": "maximum"},
    "inference.fdr": {"inference.fdr": "benjamini_yekutieli"},
    "inference.family": {"inference.family": "layer"},
    "inference.least_d": {"inference.least_d": 0.3},
    "inference.least_performance": {"inference.least_performance": 0.2},
    "readouts": {"readouts.more": {"layer": "conv1", "classes": "category"}},
    "readouts.<name>.layer": {"readouts.kind.layer": "conv2"},
    "readouts.<name>.reduction": {"readouts.kind.reduction": "max"},
    "readouts.<name>.classes": {"readouts.kind.classes": "label"},
    "readouts.<name>.categories": {"readouts.kind.categories": ["faces", "mine"]},
    "readouts.<name>.folds": {"readouts.kind.folds": 4},
    "replicates": {"replicates.more": ["resnet", "own"]},
    "dissociations": {"dissociations": []},
    "report.title": {"report.title": "Another title"},
    "report.authors": {"report.authors": ["A. Author"]},
    "report.identifiable": {"report.identifiable": True},
    "report.published": {"report.published": [PUBLISHED]},
}


def changed(config: dict[str, Any], key: str) -> dict[str, Any]:
    """Give the study with what `CHANGES` puts in the place of a key."""
    made = copy.deepcopy(config)
    for path, value in CHANGES[key].items():
        *outer, last = path.split(".")
        part = made
        for name in outer:
            part = part.setdefault(name, {})
        part[last] = value
    return made
