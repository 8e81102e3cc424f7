"""What a change runs again: exactly the rules that docs/reruns.md names, and nothing where nothing was changed."""

import os
import re
import shutil

import pytest
import yaml

from deeplocalizer.configuration import load_schema, sources
from deeplocalizer.configuration.schema import keys
from deeplocalizer.stimuli.sources import SOURCES
from tests.workflow.conftest import ROOT, command
from tests.workflow.everything import CHANGES, LOCALIZERS, changed, everything
from tests.workflow.planning import first, planned, pretend, told

COSTLY = {"draw", "weights", "record", "ablate"}
NOTHING = "Nothing to be done"
# as much of conda as Snakemake asks for when it runs dry
CONDA = """#!/bin/sh
case "$1" in
info) echo '{"conda_prefix": "/nowhere", "root_prefix": "/nowhere", "platform": "linux-64"}' ;;
--version) echo "conda 25.1.0" ;;
config) echo '{"get": {"channel_priority": "strict"}}' ;;
esac
"""


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """Read the table of the documentation: by key the rules that run first, and what is costly of all that run."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for row in re.findall(r"^\| (`.*) \|$", (ROOT / "docs/reruns.md").read_text(), re.MULTILINE):
        names, *cells = (set(re.findall(r"`([^`]+)`", cell)) for cell in row.split(" | "))
        assert not names & found.keys(), names
        found |= dict.fromkeys(names, tuple(cells))
    return found


def test_every_key_of_the_schema_has_a_row_and_a_change():
    known = {
        ".".join(key.path)
        for key in keys(load_schema(ROOT / "workflow/schemas/config.schema.yaml"))
        if "properties" not in key.schema
    }
    assert documented().keys() == CHANGES.keys() == known


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study in which every key decides on something, and that looks finished."""
    folder = tmp_path_factory.mktemp("everything")
    config = everything(folder)
    assert not pretend(folder, config)
    return folder, config


def owner(key):
    """Name the model or category that a change is of, if it is of one."""
    places = {tuple(path.split(".")[:3]) for path in CHANGES[key]}
    mine = {place[1] for place in places if place[0] == "models" and "<name>" in key}
    return mine | {place[2] for place in places if place[:2] == ("stimuli", "categories") and "<name>" in key}


def touched(key):
    """Name the localizers that a change is of, if it is of some: those of a contrast, too."""
    places = {tuple(path.split(".")[:2]) for path in CHANGES[key]}
    of_contrasts = {
        localizer for localizer, settings in LOCALIZERS.items() if ("contrasts", settings["contrast"]) in places
    }
    return of_contrasts | {place[1] for place in places if place[0] == "localizers"}


@pytest.mark.slow
@pytest.mark.parametrize("key", CHANGES)
def test_a_change_runs_what_depends_on_it(finished, key):
    jobs = planned(finished[0], changed(finished[1], key))
    begun = first(jobs)
    ran = {job.rule for job in jobs}
    rules, costly = documented()[key]
    if rules == {"all"}:  # of another study or a further model, and no other model's
        assert ran >= COSTLY - ({"draw"} if key == "models" else set())
        assert {dict(job.wildcards).get("model", "more") for job in jobs if key == "models"} <= {"more"}
        return
    assert ({job.rule for job in begun}, ran & COSTLY) == (rules, costly)
    if owner(key):  # of the others of its kind, nothing begins
        known = [dict(job.wildcards) for job in begun]
        assert {job.get("model") or job["category"] for job in known if {"model", "category"} & set(job)} == owner(key)
    if touched(key):  # no mask of another localizer is ablated
        ablating = [dict(job.wildcards) for job in jobs if job.rule.startswith("ablate")]
        assert {job["localizer"] for job in ablating} <= touched(key)


def test_a_further_contrast_with_its_localizer_ablates_that_alone(finished):
    folder, config = finished
    more = config | {
        "contrasts": config["contrasts"] | {"mine": {"preferred": ["mine"], "other": ["listed"]}},
        "localizers": config["localizers"] | {"mine": {"contrast": "mine", "fraction": 0.1}},
    }
    jobs = [(job.rule, dict(job.wildcards)) for job in planned(folder, more)]
    assert not {rule for rule, _ in jobs} & {"draw", "weights", "inputs", "record", "maps", "readouts"}
    for rule in ("mask", "series", "ablate", "ablate_series", "ablate_values"):
        assert {known["localizer"] for name, known in jobs if name == rule} == {"mine"}, rule
    assert {known["contrast"] for name, known in jobs if name == "contrast"} == {"mine"}


def rewritten(config):
    """Give the same configuration with all defaults written out, other notations, and sections in another order."""
    from deeplocalizer.configuration import resolve

    full = resolve(config, load_schema(ROOT / "workflow/schemas/config.schema.yaml"))
    sections = ("stimuli", "recording", "ablation", "inference", "report")
    full |= {name: dict(reversed(full[name].items())) for name in sections}
    for model in full["models"].values():
        model["training"] = dict(reversed(model["training"].items()))
    full["models"] = {name: dict(reversed(model.items())) for name, model in full["models"].items()}
    full["localizers"] = {name: dict(reversed(each.items())) for name, each in full["localizers"].items()}
    return dict(reversed(full.items()))


@pytest.mark.slow
def test_the_same_configuration_in_other_words_runs_nothing(finished):
    folder, config = finished
    assert not planned(folder, rewritten(config))
    words = command(folder, config)[3:]
    path = folder / "elsewhere" / "other.yml"
    path.parent.mkdir(exist_ok=True)
    text = yaml.safe_dump(config, sort_keys=False).replace("fraction: 0.1", "fraction: 1.0e-1 # a tenth")
    assert "1.0e-1" in text
    path.write_text(f"# a comment\n{text}")
    assert NOTHING in told(folder, config, "--configfile", str(path), "--dry-run"), words


@pytest.mark.slow
def test_what_was_touched_moved_or_copied_runs_nothing(finished, tmp_path):
    folder, config = finished
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied, symlinks=True)
    for path in ("stimuli.nc", "cnn/weights.safetensors", "cnn/activations.nc", "cnn/masks.nc", "rulegraph.json"):
        os.utime(copied / "results/everything" / path)
    os.utime(copied / "listed.csv")
    assert not planned(copied, config)
    copied.rename(tmp_path / "moved")
    assert not planned(tmp_path / "moved", config)


@pytest.mark.slow
def test_another_checkout_runs_nothing(finished, tmp_path):
    """A fresh clone, whose scripts, environments and rules are newer than the results."""
    folder, config = finished
    clone = tmp_path / "clone"
    for name in ("workflow", "src", "report", "profiles", "envs"):
        shutil.copytree(ROOT / name, clone / name, copy_function=shutil.copyfile)
    shutil.copyfile(ROOT / "Snakefile", clone / "Snakefile")
    assert NOTHING in told(folder, config, "--snakefile", str(clone / "Snakefile"), "--dry-run")
    (clone / "report/report.qmd").write_text("Another text.")
    assert [job.rule for job in planned(folder, config, snakefile=clone / "Snakefile")] == ["report"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["--cores", "7"], ["--executor", "slurm", "--jobs", "3"], ["--software-deployment-method", "conda"]]
)
def test_how_the_workflow_is_run_runs_nothing(finished, tmp_path, words):
    folder, config = finished
    (tmp_path / "conda").write_text(CONDA)
    (tmp_path / "conda").chmod(0o755)
    environment = {"PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    assert NOTHING in told(folder, config, *words, "--dry-run", environment=environment)


def test_splits_draw_anew_only_where_a_source_looks_at_them():
    folder = ROOT / "src/deeplocalizer/stimuli/sources"
    looking = re.compile(r"draw\.shares|sources\.subsets import")
    texts = {name: (folder / f"{place.split(':')[0]}.py").read_text() for name, place in SOURCES.items()}
    assert {name for name, text in texts.items() if looking.search(text)} == sources.DEALT
