"""The configuration: defaults are filled in, and every mistake is named with a way out."""

from __future__ import annotations

import copy
import datetime
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from deeplocalizer import configuration
from deeplocalizer.configuration.schema import keys
from deeplocalizer.configuration.spelling import flow
from deeplocalizer.configuration.words import allowed_text
from deeplocalizer.stimuli import people

ROOT = Path(__file__).parents[1]
SCHEMA = configuration.load_schema(ROOT / "workflow/schemas/config.schema.yaml")
DEMO = yaml.safe_load((ROOT / "config/demo.yaml").read_text(encoding="utf-8"))
STUDIES = sorted((ROOT / "config").glob("*.yaml"))
MODEL = "models.dual_task_cnn"
DELETED = object()
# phrases by which jsonschema and Python give themselves away
LEAKS = ("is not valid under", "does not match", "is not of type", "Additional properties", "were unexpected")
LEAKS += ("required property", "non-unique", "NoneType", "OrderedDict")


def place(path: str, value: Any, base: Any = DEMO) -> dict[str, Any]:
    """Copy a configuration with one value placed (or `DELETED`) at a path of dots."""
    changed = copy.deepcopy(base)
    inner = changed
    *parents, last = path.split(".")
    for key in parents:
        inner = inner.setdefault(key, {})
    if value is DELETED:
        del inner[last]
    else:
        inner[last] = value
    return changed


def own(**preprocessing: Any) -> dict[str, Any]:
    """Give a model of the researcher's own."""
    known = {"resize": 32, "crop": 32, "mean": [0.5] * 3, "std": [0.5] * 3}
    return {"architecture": "python:mine:build", "layers": ["**"], "preprocessing": known | preprocessing}


def problems(given: Any) -> tuple[str, ...]:
    """Give what is wrong with a configuration that must be refused."""
    with pytest.raises(configuration.ConfigurationError) as caught:
        configuration.resolve(given, SCHEMA)
    assert not [leak for leak in LEAKS if leak in str(caught.value)]
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def test_schema_is_valid():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_studies_resolve(path):
    resolved = configuration.resolve(yaml.safe_load(path.read_text(encoding="utf-8")), SCHEMA)
    Draft202012Validator(SCHEMA).validate(resolved)


def test_defaults_are_filled_in_at_every_depth():
    resolved = configuration.resolve(DEMO, SCHEMA)
    assert resolved["models"]["dual_task_cnn"]["training"]["epochs"] == 30
    assert resolved["localizers"]["faces"]["sign"] == "positive"
    ablation = resolved["ablation"]
    assert [ablation[key] for key in ("value", "controls", "batch_size", "jobs")] == ["zero", 200, 256, 1]
    assert resolved["stimuli"]["folds"] == 8
    assert resolved["report"] == {
        "title": "Face units and digit units in one small network",
        "authors": [],
        "identifiable": False,
        "published": [],
    }


def test_every_default_of_the_schema_is_filled_in():
    resolved = configuration.resolve(DEMO, SCHEMA)
    for key in keys(SCHEMA):
        inside_a_choice = "preprocessing" in key.path  # which a network of the workflow cannot have
        if "default" in key.schema and not inside_a_choice:
            assert reach(resolved, key.path), key.path


def reach(value: Any, path: tuple[str, ...]) -> list[Any]:
    """Find all values at a path, whatever names stand at its placeholders."""
    found = [value]
    for part in path:
        inner = [mapping.values() if part == "<name>" else [mapping[part]] for mapping in found]
        found = [value for values in inner for value in values]
    return found


def test_what_was_given_is_kept():
    given = place(f"{MODEL}.training", {"epochs": 3})
    resolved = configuration.resolve(given, SCHEMA)
    assert resolved["models"]["dual_task_cnn"]["training"]["epochs"] == 3
    assert list(resolved["stimuli"]["categories"]) == list(DEMO["stimuli"]["categories"])


def test_optional_keys_without_a_default_stay_out():
    resolved = configuration.resolve(DEMO, SCHEMA)
    assert "count" not in resolved["stimuli"]["categories"]["faces"]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_resolving_twice_changes_nothing(path):
    once = configuration.resolve(yaml.safe_load(path.read_text(encoding="utf-8")), SCHEMA)
    assert configuration.resolve(once, SCHEMA) == once


def test_arguments_are_not_changed():
    given, schema = copy.deepcopy(DEMO), copy.deepcopy(SCHEMA)
    resolved = configuration.resolve(given, schema)
    resolved["stimuli"]["categories"]["faces"]["label"] = "changed"
    resolved["dissociations"][0].append("changed")
    resolved["recording"]["reductions"].append("changed")
    assert (given, schema) == (DEMO, SCHEMA)


def test_a_whole_float_becomes_an_integer():
    # JSON Schema: "1.0" is an integer
    seed = configuration.resolve(place("seed", 3.0), SCHEMA)["seed"]
    assert (seed, type(seed)) == (3, int)


def test_a_number_stays_what_it_is():
    assert configuration.resolve(place("stimuli.splits.train", 0.25), SCHEMA)["stimuli"]["splits"]["train"] == 0.25


def test_every_key_is_described_and_has_a_default_or_says_that_it_may_be_left_out():
    for key in keys(SCHEMA):
        assert key.schema.get("description"), key.path
        assert key.required or "default" in key.schema or "without it" in key.schema["description"], key.path


def test_defaults_are_allowed():
    for key in keys(SCHEMA):
        if "default" in key.schema:
            Draft202012Validator({"$defs": SCHEMA["$defs"], **key.schema}).validate(key.schema["default"])


def test_patterns_are_explained():
    explained = [allowed_text(key.schema, SCHEMA) for key in keys(SCHEMA) if "pattern" in key.schema]
    assert explained
    assert all("^" not in text and re.search("letters, digits|as in|begins with", text) for text in explained)


def test_categories_need_no_contrast():
    given = place("contrasts.faces.other", ["backgrounds"])
    given["contrasts"]["digits"] = {"preferred": ["digits"], "other": ["backgrounds"]}
    configuration.resolve(given, SCHEMA)


@pytest.mark.parametrize(("localizers", "controls"), [(1, 19), (2, 39), (3, 59), (7, 139)])
def test_smallest_number_of_controls(localizers, controls):
    # p is at least 1 / (controls + 1), and Bonferroni asks for 0.05 / localizers
    family = {f"l{index}": {"contrast": "faces", "fraction": 0.1} for index in range(localizers)}
    given = {**DEMO, "localizers": family, "dissociations": [], "ablation": {"controls": controls}}
    configuration.resolve(given, SCHEMA)
    given["ablation"] = {"controls": controls - 1}
    [problem] = problems(given)
    assert "ablation.controls" in problem
    assert f"at least {controls}," in problem


def test_import_is_light():
    heavy = {"torch", "numpy", "scipy", "xarray", "pandas", "matplotlib"}
    code = f"import sys, deeplocalizer.configuration; print(sorted({heavy!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


NAMES = "letters, digits, - and _, the first a letter or digit"
BROKEN = [
    # the whole
    pytest.param(None, ["the configuration: got nothing", "a mapping with the keys study, seed"], id="nothing"),
    pytest.param([DEMO], ["the configuration: got [", "(list)", "a mapping with the keys study"], id="list"),
    pytest.param("demo", ["the configuration: got 'demo' (text)", "a mapping"], id="text"),
    # kinds
    pytest.param(
        place(f"{MODEL}.training.epochs", "twelve"),
        [f"{MODEL}.training.epochs: got 'twelve' (text)", "an integer, at least 1."],
        id="text for an integer",
    ),
    pytest.param(
        place(f"{MODEL}.training.epochs", "12"),
        [f"{MODEL}.training.epochs: got '12' (text)", "an integer", "Write it without quotes: 12."],
        id="quoted integer",
    ),
    pytest.param(
        place(f"{MODEL}.training.learning_rate", "1e-3"),
        [f"{MODEL}.training.learning_rate: got '1e-3' (text)", "a number, more than 0", "write 0.001."],
        id="exponent that YAML does not know",
    ),
    pytest.param(
        place(f"{MODEL}.training.learning_rate", "1e-7"),
        [f"{MODEL}.training.learning_rate", "'1e-7' (text)", "write 1.0e-07."],
        id="exponent of a small number",
    ),
    pytest.param(place("seed", True), ["seed: got true (boolean)", "an integer, at least 0"], id="boolean"),
    pytest.param(place("seed", 1.5), ["seed: got 1.5 (number)", "an integer, at least 0"], id="fraction"),
    pytest.param(
        place("stimuli.splits.test", float("nan")),
        ["stimuli.splits.test: got .nan (not a number)", "a number, more than 0, less than 1"],
        id="not a number",
    ),
    pytest.param(
        place(f"{MODEL}.training.weight_decay", float("inf")),
        [f"{MODEL}.training.weight_decay: got .inf (infinity)", "a number, at least 0"],
        id="infinity",
    ),
    pytest.param(
        place(f"{MODEL}.training", None),
        [f"{MODEL}.training: got nothing", "a mapping with the keys epochs", "Leave the key out"],
        id="key without a value",
    ),
    pytest.param(
        place("contrasts.faces.preferred", "faces"),
        ["contrasts.faces.preferred: got 'faces' (text)", "a list of at least 1 item", "as a list: [faces]"],
        id="text for a list",
    ),
    pytest.param(
        place("tasks.digit_recognition", [0, "1"]),
        ["tasks.digit_recognition[0]: got 0 (integer)", "text (not empty)", 'Write it in quotes: "0".'],
        id="label without quotes",
    ),
    pytest.param(
        place("tasks.digit_recognition", list(range(10))),
        ["tasks.digit_recognition: got the items 0 (integer), 1", "7 more", "each item text", 'quotes: "0".'],
        id="labels without quotes",
    ),
    pytest.param(
        place("stimuli.categories.faces.label", False),
        ["stimuli.categories.faces.label: got false (boolean)", "text", "YAML reads yes, no", "in quotes"],
        id="no for a label",
    ),
    pytest.param(
        place("study", datetime.date(2024, 1, 31)),
        ["study: got 2024-01-31 (date)", NAMES, 'in quotes: "2024-01-31"'],
        id="date",
    ),
    # ranges
    pytest.param(
        place("localizers.faces.fraction", 1),
        ["localizers.faces.fraction: got 1 (integer)", "a number, more than 0, less than 1"],
        id="whole share",
    ),
    pytest.param(place("seed", 2**32), ["seed: got 4294967296 (integer)", "at most 4294967295"], id="large seed"),
    pytest.param(
        place("recording.reductions", ["mean", "mean"]),
        [
            "recording.reductions: got [mean, mean] (list)",
            "all different",
            "mean stands there more than once",
        ],
        id="repeated item",
    ),
    pytest.param(
        place("dissociations", [["faces"]]),
        ["dissociations[0]: got [faces] (list)", "a list of exactly 2 items"],
        id="pair of one",
    ),
    pytest.param(place("models", {}), ["models: got {} (mapping)", "at least 1 name"], id="no model"),
    # names
    pytest.param(
        place("study", "my study"),
        ["study: got 'my study' (text)", NAMES, "at most 64 characters", "For example: my_study."],
        id="blank in a name",
    ),
    pytest.param(place("study", "demo\n"), ["study: got 'demo\\n' (text)", NAMES], id="line break in a name"),
    pytest.param(place("study", "x" * 65), ["study: got 'xxx", "at most 64 characters"], id="long name"),
    pytest.param(
        place("contrasts", {**DEMO["contrasts"], 1: DEMO["contrasts"]["faces"]}),
        ["contrasts.1: 1 (integer) cannot be a name", NAMES, 'Write it in quotes: "1".'],
        id="number for a name",
    ),
    pytest.param(
        place("models", {True: DEMO["models"]["dual_task_cnn"]}),
        ["models.true: true (boolean) cannot be a name", NAMES, "YAML reads yes, no"],
        id="yes for a name",
    ),
    pytest.param({**DEMO, 1: "x"}, ["1: there is no such key", "the keys study, seed"], id="number for a key"),
    pytest.param(
        place("localizers.Faces", DEMO["localizers"]["faces"], place("ablation.values", [])),
        ["localizers.Faces: this name differs from faces in capitals only", "names that differ in more"],
        id="names that differ in capitals",
    ),
    pytest.param(
        place("stimuli.categories.None", {"source": "folder", "path": "x"}),
        ["stimuli.categories.None: 'None' (text) could not be told from a missing number in tables", "other names"],
        id="category that reads as missing",
    ),
    pytest.param(
        place("contrasts.NaT", DEMO["contrasts"]["faces"]),
        ["contrasts.NaT: 'NaT' (text) could not be told from a missing number"],
        id="contrast that reads as missing",
    ),
    pytest.param(
        place("models.Tables", DEMO["models"]["dual_task_cnn"]),
        ["models.Tables: 'Tables' (text) is a folder of the study beside those of its models", "other names"],
        id="model that has the name of a folder",
    ),
    pytest.param(
        place("localizers.intact", DEMO["localizers"]["faces"], place("ablation.values", [])),
        ["localizers.intact: 'intact' (text) is the run of the network without a mask"],
        id="localizer that has the name of the intact run",
    ),
    pytest.param(
        place("stimuli.categories.all", {"source": "folder", "path": "x"}),
        ["stimuli.categories.all: 'all' (text) is what tables call all categories together"],
        id="category that has the name of all together",
    ),
    # keys and words
    pytest.param(
        place(f"{MODEL}.trainin", {}),
        [f"{MODEL}.trainin: there is no such key", "architecture, revision, weights", "Did you mean training?"],
        id="misspelt key",
    ),
    pytest.param(
        place("colour", "red"),
        ["colour: there is no such key", "the keys study, seed, downloads, stimuli"],
        id="odd key",
    ),
    pytest.param(
        place(f"{MODEL}.epochs", 3),
        [f"{MODEL}.epochs: there is no such key", "architecture", "belongs at models.<name>.training.epochs"],
        id="key at the wrong place",
    ),
    pytest.param(
        place("localizers.faces.fraction", DELETED),
        [
            "localizers.faces.fraction: this key is missing",
            "a number, more than 0",
            "share of the eligible units",
        ],
        id="missing key",
    ),
    pytest.param(
        place(f"{MODEL}.weights", "Traned"),
        [
            f"{MODEL}.weights: got 'Traned' (text)",
            "one of pretrained, none, untrained, trained",
            "Did you mean trained?",
        ],
        id="misspelt word",
    ),
    pytest.param(
        place("stimuli.categories.faces.source", "lfw-faces"),
        ["stimuli.categories.faces.source: got 'lfw-faces'", "one of lfw_faces", "Did you mean lfw_faces?"],
        id="misspelt source",
    ),
    pytest.param(
        place(f"{MODEL}.architecture", "torchvison:resnet18"),
        [
            f"{MODEL}.architecture: got 'torchvison:resnet18'",
            "transformers:microsoft/resnet-34",
            "Did you mean torchvision?",
        ],
        id="misspelt library",
    ),
    pytest.param(
        place(f"{MODEL}.architecture", "transformers:"),
        [f"{MODEL}.architecture: got 'transformers:'", "For example: transformers:microsoft/resnet-34."],
        id="library without a name",
    ),
    # values that do not fit together
    pytest.param(
        place(f"{MODEL}.architecture", "torchvision:resnet18"),
        [f"{MODEL}.weights: got 'trained' (text) for torchvision:resnet18", "trains only small_cnn"],
        id="training another network",
    ),
    pytest.param(
        place(f"{MODEL}.weights", "pretrained"),
        [f"{MODEL}.weights: got 'pretrained' (text) for small_cnn", "trained, none or a file"],
        id="pretrained small network",
    ),
    pytest.param(
        place(f"{MODEL}.revision", "main"),
        [f"{MODEL}.revision: got 'main' (text) for small_cnn", "only for a model of timm or transformers"],
        id="revision of a network without any",
    ),
    pytest.param(
        place("models.own", own(mean=[0.5])),
        ["models.own.preprocessing.mean: got [0.5] (list)", "3 numbers, one for each channel of RGB"],
        id="mean of too few channels",
    ),
    pytest.param(
        place("models.own", own(crop=64)),
        ["models.own.preprocessing.crop: got 64 (integer), more than resize 32"],
        id="crop beyond the image",
    ),
    pytest.param(
        place("stimuli.categories.faces.path", "images"),
        ["stimuli.categories.faces.path: lfw_faces has no such key", "It is a key of folder and table."],
        id="key of another source",
    ),
    pytest.param(
        place("stimuli.categories.extra", {"source": "folder"}),
        ["stimuli.categories.extra.path: this key is missing", "what folder needs to know: its path"],
        id="key that a source needs",
    ),
    pytest.param(
        place("stimuli.categories.extra", {"source": "coco", "subset": "train"}),
        ["stimuli.categories.extra.subset: got 'train' (text)", "a list of the data set's splits"],
        id="subset of another kind",
    ),
    pytest.param(
        place("stimuli.categories.extra", {"source": "table", "path": ["a.csv", "b.csv"]}),
        ["stimuli.categories.extra.path: got", "one file"],
        id="two tables",
    ),
    pytest.param(
        place("stimuli.categories.extra", {"source": "hub", "repository": "a/b", "columns": {"split": "s"}}),
        ["stimuli.categories.extra.columns.split: got 's'", "named by subset"],
        id="split column of a data set on the hub",
    ),
    pytest.param(
        place("localizers.faces.count", 5),
        ["localizers.faces.count: stands beside fraction", "one of fraction, count, q, percentile"],
        id="share and number",
    ),
    pytest.param(
        place("recording", {"reductions": ["mean"], "responses": ["mean", "position"]}),
        ["recording.responses[1]: got 'position' (text)", "not recorded", "one of recording.reductions: mean"],
        id="responses of what is not recorded",
    ),
    pytest.param(
        place("recording", {"splits": ["select", "test"]}),
        ["recording.splits: got [select, test] (list)", "localize, where units are found"],
        id="recording without localize",
    ),
    pytest.param(
        place(
            "report.published",
            [{"localizer": "face", "sample": "face_detection", "outcome": "kept", "value": 1, "source": "s"}],
        ),
        ["report.published[0].localizer: got 'face'", "Did you mean faces?"],
        id="published numbers of nothing",
    ),
    pytest.param(
        place("contrasts.faces.other", ["backgronds"]),
        [
            "contrasts.faces.other[0]: got 'backgronds' (text)",
            "(faces, backgrounds",
            "Did you mean backgrounds?",
        ],
        id="unknown category",
    ),
    pytest.param(
        place("contrasts.faces.other", ["digits", "faces"]),
        ["contrasts.faces.other[1]: got 'faces' (text)", "contrasts.faces.preferred", "one side only"],
        id="category on both sides",
    ),
    pytest.param(
        place("localizers.faces.contrast", "fcaes"),
        ["localizers.faces.contrast: got 'fcaes' (text)", "(faces, digits)", "Did you mean faces?"],
        id="unknown contrast",
    ),
    pytest.param(
        place("localizers.faces.task", "face_detectoin"),
        ["localizers.faces.task: got 'face_detectoin'", "(face_detection, ", "Did you mean face_detection?"],
        id="unknown task",
    ),
    pytest.param(
        place("dissociations", [["faces", "digit"]]),
        ["dissociations[0][1]: got 'digit' (text)", "(faces, digits)", "Did you mean digits?"],
        id="unknown localizer",
    ),
    pytest.param(
        place("localizers.faces.task", DELETED),
        ["dissociations[0]: got [faces, digits]", "without localizers.faces.task", "different tasks"],
        id="dissociation without a task",
    ),
    pytest.param(
        place("localizers.faces.task", "digit_recognition"),
        ["dissociations[0]: got [faces, digits]", "both with the task digit_recognition", "different tasks"],
        id="dissociation of one task",
    ),
    pytest.param(
        place("dissociations", [["faces", "digits"], ["digits", "faces"]]),
        ["dissociations[1]: got [digits, faces]", "dissociations[0] in another order", "each pair once"],
        id="pair in both orders",
    ),
    pytest.param(
        place("tasks.digit_recognition", [*DEMO["tasks"]["digit_recognition"], "face"]),
        ["tasks.digit_recognition[10]: got 'face' (text)", "tasks.face_detection", "belong to one task"],
        id="label in two tasks",
    ),
    pytest.param(
        place("stimuli.splits.test", 0.3),
        ["stimuli.splits: got train 0.4 + localize 0.2 + select 0.2 + test 0.3 = 1.1", "at most 1"],
        id="shares",
    ),
    pytest.param(
        place("stimuli.splits.train", 0),
        [f"{MODEL}.weights: got 'trained' (text)", "stimuli.splits.train at 0", "untrained"],
        id="nothing to train on",
    ),
    pytest.param(
        place("ablation.series_controls", 18, place("ablation.values", [])),
        ["ablation.series_controls: got 18 (integer)", "1/19", "at least 19", "0.05 over 1 localizer"],
        id="too few controls of a series",
    ),
    pytest.param(
        place("ablation.series_controls", 38, place("ablation.values", ["mean"])),
        ["ablation.series_controls: got 38 (integer)", "1/39", "at least 39", "0.05 over 2 localizers"],
        id="too few controls of further values",
    ),
    pytest.param(
        place("ablation.value", "keep", place("ablation.values", ["mean"])),
        ["ablation.values[0]: got 'mean' (text)", "ablation.value is keep", "ablation.background"],
        id="further values of masks that are kept",
    ),
    pytest.param(
        place(
            "ablation",
            {"mean": "scalar", "values": ["mean"]},
            place("recording.reductions", ["max"], place("readouts.face_or_digit.reduction", "max")),
        ),
        ["ablation.mean: got scalar, and recording.reductions is [max]", "map, or the reduction mean"],
        id="further value that is a mean that is not recorded",
    ),
    pytest.param(
        place("inference.adjust", "maximum", place("ablation.controls", 18)),
        ["ablation.controls: got 18 (integer)", "1/19", "at least 19", "0.05 over 2 localizers"],
        id="too few controls for the maximum over a family",
    ),
    pytest.param(
        place("contrasts.faces.preferred", {"faces": 1, "scenes": 2}),
        ["contrasts.faces.preferred.scenes: got 'scenes' (text)", "a category (faces,"],
        id="weight of a category that there is not",
    ),
    pytest.param(
        place("contrasts.faces.preferred", {"faces": 0}),
        ["contrasts.faces.preferred.faces: got 0 (integer)", "a number, more than 0"],
        id="weight of nothing",
    ),
    pytest.param(
        place("localizers.faces.percentile", [90, 80], place("localizers.faces.fraction", DELETED)),
        ["localizers.faces.percentile: got [90, 80] (list)", "the second more than the first"],
        id="percentiles upside down",
    ),
    pytest.param(
        place("localizers.faces.fraction", DELETED, place("localizers.faces.q", 1)),
        ["localizers.faces.q: got 1 (integer)", "a number, more than 0, less than 1"],
        id="false discovery rate of one",
    ),
    pytest.param(
        place("readouts.face_or_digit.categories", ["faces", "digit"]),
        ["readouts.face_or_digit.categories[1]: got 'digit' (text)", "Did you mean digits?"],
        id="readout of a category that there is not",
    ),
    pytest.param(
        place("readouts.faces", {"layer": "hidden", "classes": "category"}),
        ["readouts.faces: this name is that of a category", "to tell their effects apart"],
        id="readout named as a category",
    ),
    pytest.param(
        place("readouts.face_or_digit.categories", ["faces"]),
        ["readouts.face_or_digit.classes: got category, and faces is the only one", "label or attributes"],
        id="readout of one category",
    ),
    pytest.param(
        place("readouts.face_or_digit.classes", ["Male"]),
        ["readouts.face_or_digit.classes: got [Male] (list), and no source of faces, digits has attributes", "celeba"],
        id="readout of attributes that there are not",
    ),
    pytest.param(
        place("readouts.face_or_digit.classes", "label", place("readouts.face_or_digit.categories", ["faces"])),
        ["readouts.face_or_digit.classes: got label, and the stimuli have not two labels"],
        id="readout of one label",
    ),
    pytest.param(
        place(
            "ablation.mean",
            "scalar",
            place("recording.reductions", ["max"], place("readouts.face_or_digit.reduction", "max")),
        ),
        ["ablation.mean: got scalar, and recording.reductions is [max]", "map, or the reduction mean"],
        id="a mean that is not recorded",
    ),
    pytest.param(
        place("localizers.faces.sign", "absolute"),
        ["ablation.compare[1]: got opposite, and localizers.faces.sign is absolute"],
        id="the opposite of an absolute preference",
    ),
    pytest.param(
        place("readouts.face_or_digit.reduction", "position"),
        ["readouts.face_or_digit.reduction: got 'position' (text)", "no responses are stored", "one of mean"],
        id="readout of responses that are not stored",
    ),
    pytest.param(
        place("ablation.compare", ["bottom", "random"]),
        ["ablation.compare[1]: got 'random' (text)", "ablation.matching layer"],
        id="random masks beside the random masks",
    ),
    pytest.param(
        place("ablation.compare", ["untrained"]),
        ["ablation.compare[0]: got untrained", "no model has an untrained twin", "models.<name>.untrained"],
        id="untrained without a twin",
    ),
    pytest.param(
        place(f"{MODEL}.untrained", "dual_task_cnn"),
        [f"{MODEL}.untrained: got 'dual_task_cnn' (text)", "another model"],
        id="a model that is its own twin",
    ),
    pytest.param(
        place("replicates", {"seeds": ["dual_task_cnn", "dual_task_cnm"]}),
        ["replicates.seeds[1]: got 'dual_task_cnm' (text)", "a model (dual_task_cnn)", "Did you mean dual_task_cnn?"],
        id="replicates that are no model",
    ),
    pytest.param(
        place("ablation.controls", 38),
        ["ablation.controls: got 38 (integer)", "1/39", "at least 39", "0.05 over 2 localizers"],
        id="too few controls",
    ),
    pytest.param(
        place("stimuli.categories.patches.count", DELETED),
        [
            "stimuli.categories.patches.count: this key is missing",
            "an integer",
            "photograph_patches has no end",
        ],
        id="source without end",
    ),
    pytest.param(
        place("stimuli.categories.backgrounds.source", "lfw_faces"),
        ["stimuli.categories.backgrounds.source: got 'lfw_faces' (text)", "the source of faces", "once"],
        id="source used twice",
    ),
]


@pytest.mark.parametrize(("given", "expected"), BROKEN)
def test_broken_configuration_is_refused_with_a_way_out(given, expected):
    [problem] = problems(given)
    assert [part for part in expected if part not in problem] == []


def test_no_tasks_to_train_on():
    given = {**DEMO, "tasks": {}, "dissociations": []}
    found = "\n".join(problems(given))
    assert f"{MODEL}.weights: got 'trained' (text), without any tasks" in found
    assert "localizers.faces.task: got 'face_detection' (text), which is no task" in found


def test_an_empty_configuration_lacks_what_is_required():
    found = problems({})
    assert [problem.partition(":")[0] for problem in found] == SCHEMA["required"]
    assert all("What it is: " in problem for problem in found)


def test_untrained_models_need_no_train_split():
    given = place(f"{MODEL}.weights", "untrained")
    given["stimuli"]["splits"] = {"train": 0, "localize": 0.5, "select": 0.2, "test": 0.3}
    configuration.resolve(given, SCHEMA)
    given["stimuli"]["splits"].pop("train")
    [problem] = problems(given)
    assert "train can be 0" in problem


def test_all_mistakes_are_named_at_once():
    given = place(f"{MODEL}.training", {"epochs": "twelve", "batch_sise": 3})
    given["localizers"]["faces"]["contrast"] = "fases"
    given["stimuli"]["splits"] = {"train": 0.9}
    found = problems(given)
    starts = {
        f"{MODEL}.training.epochs",
        f"{MODEL}.training.batch_sise",
        "localizers.faces.contrast",
        "stimuli.splits",
    }
    assert {problem.partition(":")[0] for problem in found} == starts


def test_alternatives_are_put_in_words():
    schema = {
        "type": "object",
        "properties": {"x": {"anyOf": [{"type": "integer"}, {"enum": ["all", "none"]}]}},
    }
    with pytest.raises(
        configuration.ConfigurationError, match=r"x: got 1\.5 \(number\); allowed: an integer, or one of"
    ):
        configuration.resolve({"x": 1.5}, schema)


def test_a_list_is_no_schema(tmp_path):
    (tmp_path / "schema.yaml").write_text("- a\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"schema\.yaml is no JSON schema"):
        configuration.load_schema(tmp_path / "schema.yaml")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Walk through the paths of all values below the top."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, content in inner:
        yield (*path, key)
        yield from places(content, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


PLACES = list(places(DEMO))
# nothing refers to this model and this readout by their names, so any name will do
FREE = [("models", "dual_task_cnn"), ("readouts", "face_or_digit")]
KEYS = [path for path in PLACES if isinstance(path[-1], str) and path not in FREE]
KNOWN = {key.path for key in keys(SCHEMA)}  # a slip can make one key of another: ablation.value of ablation.values


@st.composite
def misspellings(draw: st.DrawFn) -> tuple[tuple[Any, ...], str]:
    """Draw a key of the demo and a slip of the finger in it."""
    path = draw(st.sampled_from(KEYS))
    key = path[-1]
    index = draw(st.integers(0, len(key) - 1))
    letter = draw(st.sampled_from(string.ascii_lowercase + "_"))
    inserted, deleted = key[:index] + letter + key[index:], key[:index] + key[index + 1 :]
    swapped = key[:index] + key[index : index + 2][::-1] + key[index + 2 :]
    return path, draw(st.sampled_from([inserted, deleted, swapped]))


@given(misspellings())
def test_any_misspelt_key_is_refused_at_its_place(slip):
    path, misspelt = slip
    given = copy.deepcopy(DEMO)
    parent = at(given, path[:-1])
    assume(misspelt not in parent and (*path[:-1], misspelt) not in KNOWN)
    content = parent.pop(path[-1])
    parent[misspelt] = content
    found = problems(given)
    if len(path) > 1 and path[-2] in ("categories", "tasks", "contrasts", "localizers"):
        # a free name: refused where it was referred to
        assert any(f"got '{path[-1]}' (text)" in problem for problem in found)
    else:
        shown = ".".join([*path[:-1], misspelt])
        assert any(problem.startswith(f"{shown}: there is no such key") for problem in found)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.booleans() | st.none(), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=3))
def test_any_junk_is_refused_in_words_or_resolved(changes):
    given = copy.deepcopy(DEMO)
    for path, junk in changes:
        try:
            at(given, path[:-1])[path[-1]] = copy.deepcopy(junk)
        except (TypeError, KeyError, IndexError):
            continue  # an earlier change took the place away
    before = repr(given)
    try:
        resolved = configuration.resolve(given, SCHEMA)
    except configuration.ConfigurationError:
        resolved = None
    assert repr(given) == before
    if resolved is not None:
        assert configuration.resolve(resolved, SCHEMA) == resolved


@given(JUNK)
def test_a_value_is_spelled_on_one_line(value):
    assert "\n" not in flow(value)


@given(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(string.printable, max_size=8))
def test_yaml_reads_a_spelled_value_back(value):
    assert yaml.safe_load(flow([value])) == [value]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda c: c["stimuli"]["categories"]["patches"].update(label="non-fce"),
            ["stimuli.categories.patches.label", "'non-fce'", "non-face"],
        ),
        (lambda c: c["tasks"]["face_detection"].append("cat"), ["tasks.face_detection[2]", "'cat'", "no category has"]),
        (
            lambda c: c["models"]["dual_task_cnn"]["training"].update(mirror=["fase"]),
            ["models.dual_task_cnn.training.mirror[0]", "'fase'", "face"],
        ),
        (lambda c: c["stimuli"]["categories"]["faces"].update(count=200), ["stimuli.categories.faces.count", "100"]),
        (
            lambda c: (c.update(inference={"alpha": 0.0005, "resamples": 1000}), c.update(ablation={"controls": 4000})),
            ["inference.resamples", "at least 2000"],
        ),
        (lambda c: c.update(inference={"confidence": 0.9999}), ["inference.resamples", "at least 100000"]),
    ],
)
def test_labels_and_numbers_must_meet(change, words):
    broken = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
    change(broken)
    with pytest.raises(configuration.ConfigurationError) as caught:
        configuration.resolve(broken, SCHEMA)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_key_that_stands_twice_is_named(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("study: a\nlocalizers:\n  faces: {}\n  faces: {}\nstudy: b\n")
    with pytest.raises(configuration.ConfigurationError) as caught:
        configuration.refuse_repeated(path)
    assert "line 4: the key 'faces' stands in line 3 already" in str(caught.value)
    assert "line 5: the key 'study' stands in line 1 already" in str(caught.value)
    configuration.refuse_repeated(ROOT / "config" / "demo.yaml")


def test_sources_have_what_the_configuration_takes_them_for(tmp_path):
    from deeplocalizer.configuration.sources import SOURCES
    from deeplocalizer.stimuli import sources

    assert SOURCES.keys() == sources.SOURCES.keys()
    for name, source in SOURCES.items():
        if source.single:
            settings = {"source": name} | ({"count": 30} if source.endless else {})
            records = sources.draw("a", settings, 0, {"localize": 1.0}, tmp_path).records
            assert source.size is None or len(records) == source.size
            assert sorted({record.label for record in records} - {""}) == sorted(source.labels)


def test_defaults_depend_on_the_source_and_the_architecture():
    given = place("stimuli.categories.faces", {"source": "celeba", "count": 100})
    given["stimuli"]["categories"]["things"] = {"source": "table", "path": "t.csv", "columns": {"label": "kind"}}
    given["models"]["other"] = {"architecture": "transformers:microsoft/resnet-34", "layers": ["**"]}
    del given["tasks"], given["dissociations"]
    for localizer in given["localizers"].values():
        del localizer["task"]
    del given["stimuli"]["categories"]["backgrounds"]["label"], given["stimuli"]["categories"]["patches"]["label"]
    given["models"]["dual_task_cnn"] |= {"weights": "none", "training": {}}
    resolved = configuration.resolve(given, SCHEMA)
    categories, models = resolved["stimuli"]["categories"], resolved["models"]
    assert categories["faces"]["repository"] == "tpremoli/CelebA-attrs"
    assert categories["faces"]["subset"]["select"] == "validation"
    assert categories["things"]["columns"]["image"] == "path"
    assert categories["things"]["columns"]["label"] == "kind"
    assert categories["digits"] == {"source": "digits"}
    assert (models["other"]["weights"], models["other"]["revision"]) == ("pretrained", "main")
    assert "revision" not in models["dual_task_cnn"]
    assert configuration.resolve(resolved, SCHEMA) == resolved


@pytest.mark.parametrize("name", ["nan", "NAN", "inf", "Infinity", "NONE", "nat", "NA", "null"])
@pytest.mark.parametrize(
    "path", ["stimuli.categories", "tasks", "models", "contrasts", "localizers", "readouts", "replicates"]
)
def test_no_name_can_be_read_as_a_missing_number(path, name):
    """What pandas reads as missing or endless is no name, in any capitals."""
    said = problems(place(f"{path}.{name}", ["a", "b"] if path in ("tasks", "replicates") else {}))
    assert [one for one in said if one.startswith(f"{path}.{name}: ")], said


def test_a_label_is_not_read_as_a_missing_number():
    """A lower-case none is a label like any other; what would be read as missing is not."""
    said = [one for one in problems(place("tasks.smile", ["none", "NaN"])) if "missing number" in one]
    assert len(said) == 1 and said[0].startswith("tasks.smile[1]: got 'NaN' (text) could not be told from a missing")
    [said] = [one for one in problems(place("stimuli.categories.faces.label", "None")) if "missing number" in one]
    assert said.startswith("stimuli.categories.faces.label: got 'None' (text)")


@pytest.mark.parametrize(
    "category",
    [
        {"source": "celeba"},
        {"source": "hub", "repository": "somebody/celeb-a-hq"},
        {"source": "folder", "path": "~/data/img_align_celeba"},
        {"source": "folder", "path": ["mine", "/data/CelebA/faces"]},
        {"source": "table", "path": "faces.csv", "root": "/data/Celeb_A"},
        {"source": "table", "path": "celeba.csv", "root": ""},
    ],
)
def test_faces_of_celeba_are_withheld_however_they_come(category):
    both = {"people": category, "things": {"source": "digits"}}
    assert people.withheld(both, False) == ["people"]
    assert people.withheld(both, True) == []


def test_a_single_file_of_celeba_withholds_its_category():
    categories = {"people": {"source": "table", "path": "t.csv", "root": ""}, "things": {"source": "digits"}}
    sources = [
        ("things", "digits 3"),
        ("people", "mine/1.jpg"),
        ("people", "t.csv row 3 (img_align_celeba/000001.jpg)"),
    ]
    assert people.withheld(categories, False, sources) == ["people"]
    assert people.withheld(categories, False, sources[:2]) == []
    assert people.withheld(categories, True, sources) == []


def test_the_main_value_is_no_further_one():
    further = configuration.resolve(place("ablation.values", ["mean", "zero"]), SCHEMA)["ablation"]
    assert (further["value"], further["values"]) == ("zero", ["mean"])
