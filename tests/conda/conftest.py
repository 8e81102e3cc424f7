"""A small study that every rule has a part in, run under conda by a Snakemake that has nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from tests.conda import channel, stand_in, witnessed
from tests.conda.declared import ROOT
from tests.workflow.conftest import small

STUDY = "everything"


def every_rule() -> dict:
    """Give a study that every rule of the workflow has a part in, and that has little to do."""
    config = small() | {"study": STUDY, "replicates": {"pair": ["one", "other"]}}
    config["recording"] = {"shards": 2, "validate": True}
    config["stimuli"]["categories"]["digits"]["count"] = 200
    network = {"architecture": "small_cnn", "layers": ["conv2", "hidden"]}
    config |= {"localizers": {"faces": config["localizers"]["faces"]}, "dissociations": []}
    config["models"] = {
        "one": network | {"weights": "trained", "training": {"epochs": 2}, "untrained": "other"},
        "other": network | {"weights": "untrained"},
    }
    config["ablation"] = {
        "values": ["mean"],
        "controls": 19,
        "compare": ["untrained"],
        "fractions": [0.2],
        "series_controls": 19,
        "jobs": 2,
    }
    config["inference"] = {"resamples": 1000, "alpha": 0.1}
    return config


@dataclass
class User:
    """Who runs Snakemake with conda: the folder of the workflow, their two programs, and where environments lie."""

    code: Path
    programs: Path
    python: Path
    environments: Path

    def shell(self, *words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command with nothing on the path but conda and what every machine has."""
        known = {"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": os.environ["HOME"], "PYTHONNOUSERSITE": "1"}
        return subprocess.run(
            words, cwd=cwd, env=known | variables, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    def snakemake(
        self, folder: Path, *words: str, config: dict | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a study in a folder; every process that runs code of the project is watched."""
        (folder / "seen").mkdir(parents=True, exist_ok=True)
        (folder / "study.yaml").write_text(yaml.safe_dump(config or every_rule(), sort_keys=False))
        command = [str(self.python), "-m", "snakemake", "--snakefile", str(self.code / "Snakefile")]
        command += [
            "--configfile",
            "study.yaml",
            "--conda-prefix",
            str(self.environments),
            "--cores",
            "2",
            "--use-conda",
        ]
        watched = {"WITNESS_OF": str(self.code), "WITNESS_IN": str(folder / "seen")}
        return self.shell(*command, *words, cwd=folder, **watched, **variables)

    def complaints(self, folder: Path) -> list[str]:
        """Say what the processes that worked in a folder did that they may not do."""
        snakemake = self.python.parents[1]
        return [
            complaint
            for process in witnessed.read(folder / "seen")
            for complaint in witnessed.complaints(process, self.code, snakemake)
        ]


@pytest.fixture(scope="session")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Set up conda, with a channel of what is installed here, and Snakemake alone."""
    pytest.importorskip("rattler", reason="py-rattler, which stands in for conda, is not installed")
    folder = tmp_path_factory.mktemp("conda")
    channel.build(folder / "channels" / "conda-forge")
    programs = stand_in.conda(folder / "home", folder / "channels")
    return User(ROOT, programs, stand_in.snakemake(folder / "snakemake", "reports"), folder / "environments")


@pytest.fixture(scope="session")
def under_conda(user: User, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the whole study under conda."""
    folder = tmp_path_factory.mktemp("under_conda")
    result = user.snakemake(folder, "all", f"results/{STUDY}/report.pdf")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture
def changed(user: User, tmp_path: Path) -> Callable[[dict[str, str]], User]:
    """Give the workflow with some lines put in front of some scripts."""

    def change(lines: dict[str, str]) -> User:
        code = tmp_path / "code"
        for name in ("envs", "workflow", "profiles", "report", "config"):
            shutil.copytree(ROOT / name, code / name)
        shutil.copy(ROOT / "Snakefile", code)
        (code / "src").symlink_to(ROOT / "src")
        for script, line in lines.items():
            path = code / "workflow" / "scripts" / script
            path.write_text(f"{line}\n{path.read_text()}")
        return replace(user, code=code)

    return change
