"""The real DAG, from nothing to the report."""

import json
import os
import re
import subprocess
import sys
import sysconfig

import numpy as np
import pytest
import scipy.stats

from deeplocalizer import store, units
from tests.workflow.conftest import arrays, command, small, snakemake

MODEL = "results/small/dual_task_cnn"


def test_every_artefact_explains_itself(study):
    found = sorted((study / "results").rglob("*.nc"))
    kinds = {store.open(path).attrs["artefact"] for path in found}
    assert kinds == {
        "drawn", "stimuli", "inputs", "confounds", "architecture", "activations", "moments", "contrast", "reliability",
        "masks", "series", "maps", "readouts", "outcomes", "effects", "curves", "nulls", "extremes", "changes",
    }  # fmt: skip
    for path in found:
        dataset = store.open(path)
        assert {
            "title",
            "parameters",
            "configuration_digest",
            "sources",
            "software",
            "content_digest",
        } <= dataset.attrs.keys()
        for name, variable in dataset.variables.items():
            assert variable.attrs, (path.name, name)


def test_units_and_sources_agree_along_the_way(study):
    one_by_one = ("contrasts/faces", "masks/faces", "series/masks/faces")
    names = ("activations", "moments", *one_by_one, "contrast", "masks", "outcomes/faces", "series/faces")
    opened = {name: store.open(study / MODEL / f"{name}.nc") for name in names}
    units.align(*(opened[name] for name in names[:7]))
    chain = (
        ("contrasts/faces", "moments"),
        ("masks/faces", "contrasts/faces"),
        ("series/masks/faces", "contrasts/faces"),
    )
    whole = ("contrast", "contrasts/faces"), ("masks", "masks/faces"), ("masks", "contrast")
    for child, parent in (*chain, *whole, ("outcomes/faces", "masks/faces"), ("series/faces", "series/masks/faces")):
        assert json.loads(opened[child].attrs["sources"])[parent] == opened[parent].attrs["content_digest"]


def test_splits_are_disjoint_and_the_test_split_is_not_used_to_select(study):
    inputs = store.open(study / MODEL / "inputs.nc")
    groups = inputs[["group", "split"]].reset_coords().to_dataframe().groupby("group")["split"].nunique()
    assert (groups == 1).all()
    outcomes = store.open(study / MODEL / "outcomes" / "faces.nc")
    assert set(outcomes["split"].values) == {"test"}
    contrast = store.open(study / MODEL / "contrast.nc")
    localize = inputs["category"].values[inputs["split"].values == "localize"]
    assert int(contrast["n_preferred"].sel(contrast="faces")) == np.sum(localize == "faces")
    assert int(contrast["n_other"].sel(contrast="faces")) == np.sum(localize != "faces")


def test_the_contrast_can_be_recomputed_from_the_activations(study):
    recorded, contrast = (store.open(study / MODEL / f"{name}.nc") for name in ("activations", "contrast"))
    values = recorded["activation"].values.astype(float)
    category, split = recorded["category"].values, recorded["split"].values
    one, two = (values[(split == "localize") & ((category == "faces") == side)] for side in (True, False))
    alive = ~contrast["dead"].sel(contrast="faces").values
    expected = scipy.stats.ttest_ind(one, two, equal_var=False).statistic
    np.testing.assert_allclose(contrast["t"].sel(contrast="faces").values[alive], expected[alive], rtol=1e-6)


def test_the_effects_can_be_recomputed_from_the_outcomes(study):
    effects = store.open(study / MODEL / "effects.nc")
    tasks = small()["tasks"]
    for localizer in ("faces", "digits"):
        outcomes = store.open(study / MODEL / "outcomes" / f"{localizer}.nc")
        label, correct = outcomes["label"].values, outcomes["correct"].values
        for task, names in tasks.items():
            accuracy = np.mean([correct[:, label == name].mean(axis=1) for name in names], axis=0)
            kind = outcomes["kind"].values
            harm = accuracy[0] - accuracy[np.isin(kind, ["localizer", "random"])]
            assert (kind[1], len(harm)) == ("localizer", 41)
            row = effects.sel(comparison=f"harm/{localizer}/{task}/raw", outcome="correct")
            assert float(row["estimate"]) == pytest.approx(harm[0], abs=1e-12)
            advantage = effects.sel(comparison=f"advantage/{localizer}/{task}/raw", outcome="correct")
            rank = (1 + np.sum(harm[1:] >= harm[0] - 1e-9)) / len(harm)
            assert float(advantage["p"]) == pytest.approx(max(rank, float(effects["p_able"].sel(task_name=task))))


def test_the_report_states_the_numbers_of_the_files(study):
    html = (study / "results" / "small" / "report.html").read_text()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
    effects = store.open(study / MODEL / "effects.nc")
    for task in small()["tasks"]:
        intact = float(effects["estimate"].sel(comparison=f"intact/{task}/raw", outcome="correct"))
        assert re.search(rf"\b{100 * intact:.1f} ?%|\b{intact:.3f}\b", text), task
    assert not re.search(r'(src|href)="https?://[^"]+\.(js|css|png|svg|woff2?)"', html)
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_logs_and_benchmarks_are_there_for_every_rule(study):
    rules = {
        "stimuli",
        "inputs",
        "architecture",
        "weights",
        "record",
        "contrast",
        "reliability",
        "masks",
        "series",
        "readouts",
        "maps",
        "ablate",
        "curves",
        "effects",
        "nulls",
        "extremes",
        "changes",
        "rulegraph",
        "report",
    }
    for folder in ("logs", "benchmarks"):
        names = " ".join(str(path.relative_to(study)) for path in (study / folder).rglob("*") if path.is_file())
        assert all(rule in names for rule in rules), (folder, names)


def test_a_second_run_does_nothing(study):
    result = snakemake(study, small())
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout + result.stderr


def planned(result):
    """Name the rules that a dry run would run."""
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    return set(re.findall(r"^(\w+) +\d+$", said, re.MULTILINE)) - {"total"}


def test_another_title_writes_the_report_anew_and_nothing_else(study):
    changed = small()
    changed["report"]["title"] = "Another title"
    assert planned(snakemake(study, changed, "--dry-run")) == {"all", "report"}


def test_what_only_statistics_ask_for_runs_nothing_but_statistics(study):
    """Another level draws no rules anew, and no stimulus, training or recording is repeated."""
    changed = small() | {"inference": {"resamples": 1000, "alpha": 0.06}}
    found = planned(snakemake(study, changed, "--dry-run"))
    assert {"nulls", "masks", "effects", "report"} <= found
    assert not found & {"draw", "stimuli", "inputs", "weights", "record", "contrast", "rulegraph", "rules_figure"}


def test_a_python_that_moved_runs_nothing_anew(study, tmp_path):
    """The same environment under another path, as after a folder was renamed."""
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    environment = os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")}
    words = [str(link), *command(study, small())[1:], "--cores", "2", "--dry-run"]
    result = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    said = result.stdout + result.stderr
    assert result.returncode == 0 and "Nothing to be done" in said, said


@pytest.mark.slow
def test_another_seed_and_an_untrained_network_run(study, tmp_path):
    changed = small() | {"seed": 7}
    changed["models"]["dual_task_cnn"]["weights"] = "untrained"
    result = snakemake(tmp_path, changed, f"{MODEL}/effects.nc")
    assert result.returncode == 0, result.stdout + result.stderr
    effects = store.open(tmp_path / MODEL / "effects.nc")
    assert not (effects["p"].sel(outcome="correct").values[effects["kind"].values == "advantage"] <= 0.05).any()
    found, before = arrays(tmp_path), arrays(study)
    assert {path for path in found if found[path] == before[path]} == {f"{MODEL}/architecture.nc"}


@pytest.mark.slow
def test_a_failing_job_says_why_in_the_last_line_of_its_log(tmp_path):
    config = small()
    config["models"]["dual_task_cnn"]["layers"] = ["conv9"]
    result = snakemake(tmp_path, config)
    assert result.returncode != 0
    log = (tmp_path / "logs" / "small" / "dual_task_cnn" / "architecture.log").read_text().strip()
    assert re.match(r"ValueError: layer 'conv9' matches no module .*near it are: conv", log.splitlines()[-1])
    assert "architecture.log" in result.stdout + result.stderr
    # a layer that does not exist is found out before anything is trained
    assert not (tmp_path / "results" / "small" / "dual_task_cnn" / "weights.safetensors").exists()


def test_snakemakes_own_report_works(study, tmp_path):
    result = snakemake(study, small(), "--report", str(tmp_path / "snakemake.html"))
    assert result.returncode == 0, result.stdout + result.stderr
    html = (tmp_path / "snakemake.html").read_text()
    assert "Ablation" in html
