"""The report itself, from studies of several kinds."""

import copy
import html
import math
import re
import shutil
from pathlib import Path

import pytest

from deeplocalizer import summaries, units
from deeplocalizer.rendering import render
from deeplocalizer.report.loading import VARIABLE, jobs, load
from tests import synthetic
from tests.report import whole
from tests.report.browser import resources
from tests.report.defaults import completed
from tests.report.studies import spoken

REPORT = Path(__file__).parents[2] / "report"


def rendered(folder, config, harm=None, intact=0.95, layers=None, count=40):
    """Write a study, render its report without Quarto; return the study and the page."""
    return page_of(synthetic.write(folder, completed(config), harm, intact, True, layers, count), folder)


def page_of(written, folder):
    """Render the report of a study that was written."""
    output = folder / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "which", lambda *_: None)
        render(REPORT / "report.qmd", output, {VARIABLE: str(written.description)}, [*resources(), written.figures])
    return written, output.read_text(encoding="utf-8")


def text_of(page):
    """Take what a reader sees of a page."""
    body = re.sub(r"<(style|script)\b.*?</\1>", " ", page[page.index("<body") :], flags=re.DOTALL)
    return spoken(re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body))))


PERFORMANCE = (
    r"(?i)accuracy|\bharm|performance|\btasks?\b|(?<!by )chance"  # words that mean nothing where there are no tasks
)


def told(text):
    """Take what a report says by itself, without its configuration and its references."""
    return (
        text[: text.rindex(" Configuration ")].replace("The study has no tasks", "").replace("There are no tasks", "")
    )


def check(written, page):
    """Check what is true of every report."""
    text = text_of(page)
    assert not re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)
    assert not re.search(r"\bNone\b", text)
    for name in written.models:
        assert f"results/{name}/effects.nc" in text
    study = load(written.description)
    seen = len(study.views)
    shown = len({study.first_alike(model).name for model in study.models})
    assert page.count("data:image/svg+xml;base64,") == 2 + seen + shown + 4 * len(written.models)
    assert str(written.description.parent) not in page
    return text


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    config = synthetic.configuration(
        report={
            "title": "Faces & *digits* <in> one_network",
            "authors": ["A. One", "B. Two"],
            "identifiable": False,
            "published": [],
        }
    )
    return rendered(tmp_path_factory.mktemp("full"), config)


def test_a_study_with_everything(full):
    written, page = full
    text = check(written, page)
    assert "Faces & *digits* <in> one_network" in text
    assert "A. One B. Two" in text
    parts = (
        "Stimuli|Network|Preferences of units|Selected units|What silencing them does|Limits|Methods|Reproducibility"
    )
    for heading in [*parts.split("|"), "Configuration", "References"]:
        assert re.search(rf"<h\d[^>]*>(<span[^>]*>[\d.]+</span>\s*)?{heading}</h\d>", page), heading
    assert "doubly dissociate" in text


def test_its_numbers_are_those_of_the_artefacts(full):
    written, page = full
    text = text_of(page)
    effects = written.models["network"]["effects"]
    for task in effects["task_name"].values:
        intact = summaries.find(effects, "intact", "correct", task=task)
        shown = f"{100 * intact.estimate:.1f} % [{100 * intact.low:.1f}, {100 * intact.high:.1f}]"
        assert shown in text
    for name, task in (("faces", "face_detection"), ("digits", "digit_recognition")):
        found = summaries.find(effects, "advantage", "correct", localizer=name, task=task)
        assert f"{100 * found.estimate:.1f} percentage points [{100 * found.low:.1f}, {100 * found.high:.1f}]" in text


def test_a_study_with_every_series_control_and_readout(tmp_path):
    written, page = page_of(whole.write(tmp_path), tmp_path)
    text = text_of(page)
    assert not re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)
    for heading in ("How preferences repeat", "More and fewer units", "What can still be read out", "Over networks"):
        assert re.search(rf"<h\d[^>]*>(<span[^>]*>[\d.]+</span>\s*)?{heading}</h\d>", page), heading
    assert page.count("data:image/svg+xml;base64,") == len(set(re.findall(r'id="(fig-\w+)"', page))) == 14
    for kind in ("fig-reliability", "fig-curves", "tbl-controls", "tbl-readouts", "tbl-curves", "tbl-replicates-seeds"):
        assert page.count(f'id="{kind}"') == 1
    for name in ("reliability", "curves", "readouts"):
        assert f"results/network/{name}.nc" in text
    assert "results/replicates/replicates.nc" in text
    made = written.models["network"]["reliability"]
    assert f"r = {float(made['correlation'].sel(localizer='faces').mean()):.2f} on average" in text
    intact = summaries.find(written.models["network"]["effects"], "intact", "correct", task="face_or_digit")
    assert f"with a balanced accuracy of {100 * intact.estimate:.1f} %" in text
    assert "they harm it more than do" in text
    assert re.search(r"only Section \d does", text)


@pytest.mark.slow
def test_a_network_without_tasks_has_readouts_that_dissociate(tmp_path):
    written, page = page_of(whole.write_without_tasks(tmp_path), tmp_path)
    text = re.sub(r" ([,.])", r"\1", text_of(page))
    assert not re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)
    assert "the decision changes for" in text
    effects = written.models["network"]["effects"]
    found = summaries.find(effects, "advantage", "correct", localizer="faces", task="face_detection")
    ends = f"[{100 * found.low:.1f}, {100 * found.high:.1f}]"
    assert "balanced accuracy in the readout face detection falls from" in text
    assert f"(difference {100 * found.estimate:.1f} percentage points {ends}" in text
    assert "doubly dissociate" in text
    assert "In the readout face detection, silencing the faces units does more harm" in text
    assert "double dissociation, scaled" in text
    assert "what follows is about readouts" in text


@pytest.mark.slow
def test_a_study_without_tasks(tmp_path):
    config = synthetic.configuration(tasks={}, dissociations=[])
    for localizer in config["localizers"].values():
        localizer.pop("task")
    config["models"]["network"]["weights"] = "untrained"
    written, page = rendered(tmp_path, config)
    text = check(written, page)
    assert "decisions" in text
    assert not re.search(PERFORMANCE, told(text))
    assert "Made with DeepLocalizer" in text


@pytest.mark.slow
def test_two_networks_one_localizer_and_nothing_to_be_found(tmp_path):
    config = synthetic.configuration(dissociations=[])
    config["localizers"] = {"faces": config["localizers"]["faces"]}
    config["models"]["second_network"] = copy.deepcopy(config["models"]["network"]) | {"weights": "untrained"}
    written, page = rendered(tmp_path, config, harm={}, intact=0.5)
    text = check(written, page)
    assert "nothing is claimed" in text
    assert "dissociat" not in text.split("Methods")[-1].split("Reproducibility")[0]
    assert re.search(r"<h\d[^>]*>second network</h\d>", page)
    assert 'id="fig-effects-second_network"' in page


def test_jobs_are_read_where_there_are_any(tmp_path):
    assert jobs(tmp_path / "absent") == ()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.jsonl").write_text('{"s": 1.0, "max_rss": 5}\n{"s": 2.5, "max_rss": "NA"}\n')
    (tmp_path / "empty.jsonl").write_text("\n")
    (job,) = jobs(tmp_path)
    assert (job.name, job.seconds) == ("deep/one", 2.5)
    assert math.isnan(job.memory)


def test_images_are_measured_without_reading_them_all(tmp_path):
    written = synthetic.write(tmp_path, completed(synthetic.configuration()))
    study = load(written.description)
    assert {name: spoken(size) for name, size in study.sizes.items()} == {
        "faces": "5 × 5", "objects": "6 × 6", "digits": "7 × 7",
    }  # fmt: skip
    assert study.label("fig-a", study.models[0]) == "fig-a"
    assert study.heading(study.models[0]) == ""


def without_readouts(config):
    """Leave out readouts, of which the made-up outcomes have none, and what rests on them."""
    names = set(config.get("readouts", {}))
    for localizer in config["localizers"].values():
        if localizer.get("task") in names:
            del localizer["task"]
    pairs = [pair for pair in config["dissociations"] if all(config["localizers"][one].get("task") for one in pair)]
    return config | {"readouts": {}, "dissociations": pairs, "replicates": {}}


@pytest.mark.slow
def test_the_paper_has_two_networks_and_no_tasks(tmp_path):
    config = without_readouts(synthetic.published("config"))
    layers = [units.Layer(f"resnet.encoder.stages.{i}.layers.0", 0, (64, 7, 7)) for i in range(4)]
    harm = {("faces", "faces"): 0.6}
    written, page = rendered(tmp_path, config, harm, layers=layers, count=60)
    text = check(written, page)
    assert "Made with DeepLocalizer" in text
    for words in (
        "the network `resnet34` (architecture `microsoft/resnet-34` of transformers, used as pretrained)".replace(
            "`", ""
        ),
        "left at its random initialisation",
        "they are for non-commercial research and must not be redistributed",
        "3 images of objects that were drawn were left out; Table 2 says why. Others took their places.",
        "the server answered 404 (Not Found) four times",
        "In the contrast faces, faces differ from objects in",
        "(commit 0123456789abcdef0123456789abcdef01234567 )",
        "all images were cut to their central square, brought down to 128 pixels at the shorter side, given the same",
        "It saw the same inputs as resnet34 , and the same was recorded of it.",
        "Divergence",
        "results/drawn/faces.nc",
        "results/untrained/model.json",
    ):
        assert words in re.sub(r" ([,.])", r"\1", text) or words in text, words
    assert not re.search(PERFORMANCE, told(text))
    assert "Published and here" not in text
    # of both networks one figure of what they see, and one table of their layers
    for kind in ("fig-confounds", "tbl-confounds", "tbl-layers"):
        assert page.count(f'id="{kind}-resnet34"') == 1
        assert f'id="{kind}-untrained"' not in page
    # a share is never below nothing
    assert not re.search(r"changes for \d+\.\d % \[−", text)


@pytest.mark.slow
def test_the_original_stands_beside_its_published_numbers(tmp_path):
    config = without_readouts(synthetic.published("legacy"))
    config["localizers"]["faces"]["count"] = 2500
    # 213,248 position units
    layers = [units.Layer("a.0", 0, (64, 56, 56)), units.Layer("b.0", 0, (256, 7, 7))]
    written, page = rendered(tmp_path, config, {("faces", "faces"): 0.9, ("faces", "objects"): 0.2}, layers=layers)
    text = check(written, page)
    assert len(page) < 3e6
    for words in (
        "213,248 position units, every element of the outputs of 2 layers, were recorded",
        "the 2,500 units of the whole network with the largest absolute difference of the means in the contrast faces",
        "the 2,500 that tell faces from objects most were silenced",
        "numbers published by DeepLocalizer 0.0.3, resnet34_example",
        "KL divergence, nats: faces",
        "3.1148",
        "0.2043",
        "73.5 %",
        "A position unit is one element of a layer’s output",
        "were recorded for the stimuli of localize",
        "Images of faces alone were saved anew as JPEG",
        "COCO marks a person in",
        "so is every channel unit and every selected unit; of the other position units, the 10,000 with the largest",
    ):
        assert words in re.sub(r" ([,.])", r"\1", text) or words in text, words
    assert not re.search(PERFORMANCE, told(text))
