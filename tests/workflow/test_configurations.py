"""A mistake in the configuration is named before any job starts; keys never leak."""

import re
import subprocess
import sys

import numpy as np
import pandas
import pytest
import yaml
from PIL import Image

from tests.workflow.conftest import ROOT, small, snakemake


def test_the_default_configuration_is_the_paper_and_dry_runs(tmp_path):
    result = snakemake(tmp_path, None, "--configfile", str(ROOT / "config/config.yaml"), "--dry-run", "--forceall")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "results/paper/report.html" in result.stdout + result.stderr
    bare = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--forceall"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "results/paper/report.html" in bare.stdout + bare.stderr, bare.stdout + bare.stderr


@pytest.mark.parametrize("name", ["legacy", "demo"])
def test_the_other_studies_dry_run(tmp_path, name):
    result = snakemake(tmp_path, yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()), "--dry-run")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"results/{name}/report.html" in result.stdout + result.stderr


def test_fetching_needs_no_more_than_what_comes_from_outside(tmp_path):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    result = snakemake(tmp_path, config, "--dry-run", "fetch")
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    counted = dict(re.findall(r"^(\w+) +(\d+)$", said, re.MULTILINE))
    assert counted.keys() - {"total"} == {"fetch", "draw", "model", "architecture", "weights"}


@pytest.mark.slow
def test_an_image_that_is_added_or_changed_draws_anew_and_else_nothing_does(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (9, 8, 8), dtype=np.uint8)
    (tmp_path / "faces").mkdir()
    for number, pixels in enumerate(pictures[:7]):
        Image.fromarray(pixels).save(tmp_path / "faces" / f"{number}.png")
    config = small()
    config["stimuli"]["categories"]["faces"] = {"source": "folder", "path": "faces", "label": "face"}
    target = "results/small/drawn/faces.nc"
    for change in (7, None, 8, None, 0, None):
        if change is not None:
            Image.fromarray(pictures[change][::-1]).save(tmp_path / "faces" / f"{change}.png")
        result = snakemake(tmp_path, config, target)
        said = result.stdout + result.stderr
        assert result.returncode == 0, said
        assert ("Nothing to be done" in said) == (change is None), said


def test_own_files_that_change_are_noticed(tmp_path):
    """A table, a folder of images, weights of one's own: each change gives another fingerprint."""
    (tmp_path / "faces").mkdir()
    from deeplocalizer.configuration import own

    category = {"source": "folder", "path": str(tmp_path / "faces")}
    empty = own.listing(category)
    (tmp_path / "faces" / "a.png").write_bytes(b"x")
    one = own.listing(category)
    (tmp_path / "faces" / "a.png").write_bytes(b"xy")
    assert len({empty, one, own.listing(category)}) == 3
    (tmp_path / "beside").mkdir()
    (tmp_path / "faces" / "more").symlink_to(tmp_path / "beside")
    linked = own.listing(category)
    (tmp_path / "beside" / "b.png").write_bytes(b"x")
    (tmp_path / "beside" / "back").symlink_to(tmp_path / "faces")  # a ring
    assert own.listing(category) != linked
    assert own.listing({"source": "digits"}) == ""
    for name, content in (("t.csv", b"id;file\n1;faces/a.png\n2;gone.png\n"), ("t.parquet", None)):
        table = tmp_path / name
        if content is None:
            pandas.DataFrame({"file": ["faces/a.png", "gone.png"]}).to_parquet(table)
        else:
            table.write_bytes(content)
        asked = {"source": "table", "path": str(table), "columns": {"image": "file"}, "root": ""}
        before = own.listing(asked)
        (tmp_path / "faces" / "a.png").write_bytes(b"x" * (table.stat().st_size % 97 + 7))
        assert own.listing(asked) != before
    assert own.of_category({"source": "table", "path": "t.csv"}) == ["t.csv"]
    assert own.weights({"weights": "mine.pt"}) == ["mine.pt"]
    assert own.weights({"weights": "none"}) == []


def test_keys_of_the_default_configuration_do_not_leak(tmp_path):
    config = small()
    del config["report"], config["dissociations"], config["stimuli"]["categories"]["patches"]
    config["contrasts"] = {"faces": {"preferred": ["faces"], "other": ["digits"]}}
    config["localizers"] = {"only": {"contrast": "faces", "fraction": 0.1, "task": "face_detection"}}
    result = snakemake(tmp_path, config, "--dry-run", "results/small/dual_task_cnn/outcomes/only.nc")
    assert result.returncode == 0, result.stdout + result.stderr
    refused = snakemake(tmp_path, config, "--dry-run", "results/small/dual_task_cnn/outcomes/digits.nc")
    assert refused.returncode != 0
    # the whole of it too: what the demo sets and this one leaves out has its default
    result = snakemake(tmp_path, config, "--dry-run", "--config", "seed=3", "--printshellcmds")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "patches" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("recording", "shown"),
    [({}, True), ({"reductions": ["position"]}, False), ({"reductions": ["mean"], "responses": []}, False)],
)
def test_without_stored_responses_nothing_is_shown_of_what_units_respond_to(tmp_path, recording, shown):
    result = snakemake(tmp_path, small() | {"recording": recording, "readouts": {}}, "--dry-run")
    assert result.returncode == 0, result.stdout + result.stderr
    assert bool(re.search(r"^extremes +1$", result.stdout, re.M)) == shown


def broken(change):
    config = small()
    change(config)
    return config


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(sed=c.pop("study")), ["sed", "study"]),
        (lambda c: c["ablation"].update(contrls=5), ["ablation.contrls", "controls"]),
        (
            lambda c: c["models"]["dual_task_cnn"].update(weights="trainde"),
            ["models.dual_task_cnn.weights", "trainde", "trained"],
        ),
        (lambda c: c.update(seed="one"), ["seed", "'one'", "integer"]),
        (
            lambda c: c["localizers"]["faces"].update(contrast="face"),
            ["localizers.faces.contrast", "'face'", "faces"],
        ),
        (lambda c: c["localizers"]["faces"].update(fraction=2), ["localizers.faces.fraction", "2"]),
        (lambda c: c["ablation"].update(controls=10), ["ablation.controls", "39"]),
        (lambda c: c["stimuli"]["splits"].update(train=0.9), ["stimuli.splits"]),
        (
            lambda c: c["stimuli"]["categories"]["faces"].update(source="lfw_face"),
            ["stimuli.categories.faces.source", "lfw_faces"],
        ),
        (lambda c: c.pop("contrasts"), ["contrasts"]),
    ],
)
def test_a_broken_configuration_is_named_before_any_job(tmp_path, change, words):
    result = snakemake(tmp_path, broken(change))
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert not (tmp_path / "results").exists()
