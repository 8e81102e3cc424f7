"""What the shipped profile asks Slurm for, rule by rule: as Snakemake evaluates it, not as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT, command, demo

PROFILE = ROOT / "profiles/slurm/config.yaml"
BOUNDS = Path(__file__).parent / "bounds.py"
# what only a profile may say: it is true of one cluster
PLACES = [
    "slurm_account",
    "slurm_partition",
    "slurm_extra",
    "gres",
    "gpu_model",
    "constraint",
    "qos",
    "mem_mb",
    "runtime",
]
NETWORK = {"batch_size", "validate", "record", "maps", "ablate", "ablate_series", "ablate_values"}
DEFAULTED = {  # what the default of the profile is meant for: a second or two, and memory by what is read
    "draw", "stimuli", "confounds", "effects", "effects_of_values", "curves", "changes", "gather_outcomes",
    "replicates", "robustness",
}  # fmt: skip


def everything() -> dict:
    """Give a study in which every rule has a job."""
    config = demo()
    config["models"]["other"] = {**config["models"]["dual_task_cnn"], "seed": 1}
    config["replicates"] = {"both": ["dual_task_cnn", "other"]}
    config["recording"] = {"shards": 2, "validate": True}
    config["ablation"]["jobs"] = 2
    return config


def edited(folder: Path, **values: object) -> Path:
    """Copy the profile and edit what it says is to be edited."""
    text = PROFILE.read_text()
    for name, value in values.items():
        text, found = re.subn(rf"(?m)^  {name}: \S+", f"  {name}: {json.dumps(value)}", text)
        assert found == 1, f"the head of the profile has no {name}"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(text)
    return folder


def asked(folder: Path, *arguments: str) -> dict:
    """Give the resources of every rule under a profile."""
    program, *options = command(folder / "study", everything())[2:]
    assert program == "snakemake"
    targets = ["results/demo/report.html", "results/demo/report.pdf"]
    words = [sys.executable, BOUNDS, *options, *arguments, "--forceall", "--", *targets]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(next(line for line in ran.stdout.splitlines() if line.startswith('{"jobs"')))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> dict:
    """Ask the profile as it is."""
    return asked(tmp_path_factory.mktemp("shipped"), "--profile", str(PROFILE.parent))


def submitted(told: dict) -> dict:
    return {name: job["made"] for name, job in told["jobs"].items() if not job["local"]}


@pytest.mark.slow
def test_every_rule_is_bounded(shipped):
    assert set(shipped["rules"]) == set(shipped["jobs"]) - {"all"}, "a rule of no study of this test"
    rules = submitted(shipped)
    assert set(rules) >= NETWORK | DEFAULTED
    for name, made in rules.items():
        for attempts in made.values():
            for bound, least in (("mem_mb", 1000), ("runtime", 10)):
                first, second, third = (int(attempt[bound]) for attempt in attempts)
                assert least <= first < second < third, f"{bound} of {name}: {first}, {second}, {third}"
        small, large = (made[size][0]["mem_mb"] for size in ("1", "1000"))
        assert large > 1000 + small, f"{name} gets no more memory for larger files"


@pytest.mark.slow
def test_rules_that_are_not_named_are_meant_for_the_default(shipped):
    text = PROFILE.read_text().partition("set-resources:")[2]
    named = set(re.findall(r"(?m)^  (\w+):", text))
    assert set(submitted(shipped)) - named == DEFAULTED
    assert named <= set(shipped["rules"]), "the profile names rules that are not there"


@pytest.mark.slow
def test_figures_and_tables_are_made_where_snakemake_runs(shipped):
    local = {name for name, job in shipped["jobs"].items() if job["local"]} - {"all"}
    assert local == {name for name in shipped["rules"] if name.endswith(("_figure", "_table"))} | {
        "report", "pdf", "rulegraph",
    }  # fmt: skip


@pytest.mark.slow
def test_only_what_runs_a_network_asks_for_an_accelerator(shipped):
    rules = submitted(shipped)
    assert {name for name, made in rules.items() if made["1"][0].get("gpu")} == NETWORK
    # nobody's account or partition, and nothing that a cluster may not know
    assert not {
        key for made in rules.values() for key in made["1"][0] if key.startswith("slurm_") or key == "gpu_model"
    }


@pytest.mark.slow
def test_one_place_says_where_jobs_go(tmp_path):
    profile = edited(
        tmp_path / "mine",
        **{"account": "lab", "partition": "all", "gpu_partition": "gpu", "gpu_model": "a100"},
        **{"longest": 600, "largest": 7000},
    )
    for name, made in submitted(asked(tmp_path, "--profile", str(profile))).items():
        for attempt in made["1"]:
            assert attempt["slurm_account"] == "lab"
            assert attempt["slurm_partition"] == ("gpu" if name in NETWORK else "all")
            assert attempt.get("gpu_model") == ("a100" if name in NETWORK else None)
            assert attempt["runtime"] <= 600 and attempt["mem_mb"] <= 7000


@pytest.mark.slow
def test_a_cluster_without_accelerators_is_asked_for_none(tmp_path):
    profile = edited(tmp_path / "mine", gpus=0, gpu_model="a100")
    for made in submitted(asked(tmp_path, "--profile", str(profile))).values():
        assert not made["1"][0].get("gpu") and "gpu_model" not in made["1"][0]


def test_no_rule_says_where_it_runs():
    for path in [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]:
        for place in PLACES:
            assert not re.search(rf"\b{place}\s*=", path.read_text()), f"{path.name} says {place}"
