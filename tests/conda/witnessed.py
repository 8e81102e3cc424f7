"""What the witness in every environment wrote down, and what is wrong with it.

Process          one interpreter that ran code of the project
read             the processes that left a file in a folder
complaints       what a process did that it may not do in its environment
"""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.conda.declared import ENVS, IMPORTED, provided, rules

Files = dict[str, str | None]


@dataclass
class Process:
    """One interpreter: its prefix, its rule, what the project imported, and what was loaded in the end.

    A kernel of the report is killed, and says nothing of the end.
    """

    prefix: Path
    arguments: list[str]
    asked: Files
    rule: str | None = None
    path: list[str] | None = None
    loaded: Files | None = None

    @property
    def environment(self) -> Path:
        """The file that the environment was made from, of which Snakemake leaves a copy beside it."""
        made = self.prefix.with_name(f"{self.prefix.name}.yaml").read_text()
        (file,) = (env for env in ENVS if env.read_text() == made)
        return file


def read(folder: Path) -> list[Process]:
    """Return the processes that left a file in a folder."""
    return [_process([json.loads(line) for line in file.read_text().splitlines()]) for file in folder.glob("*.jsonl")]


def _process(lines: list[dict]) -> Process:
    asked = {line["package"]: line["from"] for line in lines if "package" in line}
    end = lines[-1] if "loaded" in lines[-1] else {}
    return Process(Path(lines[0]["prefix"]), lines[0]["arguments"], asked, **end)


def complaints(process: Process, code: Path, snakemake: Path) -> list[str]:
    """Say what a process did that it may not do.

    Parameters
    ----------
    code : Path
        The folder of the Snakefile, whose `src` is the one to import.
    snakemake : Path
        The virtual environment of Snakemake, which puts itself on the path of every script.
    """
    env = process.environment
    who = f"{process.rule or process.arguments} in {env.stem}"
    said = []
    if process.rule and rules()[process.rule][0] != env:
        said.append(f"{who}: declares {rules()[process.rule][0]}")
    for name, file in process.asked.items():
        home = code / "src" if name == "deeplocalizer" else process.prefix
        if file is None or not Path(file).is_relative_to(home):
            said.append(f"{who}: imported {name} from {file}")
        elif name != "deeplocalizer" and IMPORTED.get(name, name) not in provided(env):
            said.append(f"{who}: imported {name}, which is not declared")
    homes = [process.prefix, code / "src", snakemake]
    for name, file in (process.loaded or {}).items():
        if file and name != "__main__" and not any(Path(file).is_relative_to(home) for home in homes):
            said.append(f"{who}: loaded {name} from {file}")
    for folder in process.path or []:
        if "site-packages" in folder and not any(Path(folder).is_relative_to(home) for home in homes):
            said.append(f"{who}: searches {folder}")
    return said
