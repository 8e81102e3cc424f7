"""What a user has who runs Snakemake with conda: the program, and an environment that holds Snakemake alone.

conda            write the programs `conda` and `activate` into a folder
snakemake        make a virtual environment of Snakemake and what it requires, of what is installed here
"""

import os
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.conda.channel import SITE, needed, places

PROGRAM = Path(__file__).with_name("program.py")
CONDA = """#!/bin/sh
STAND_IN_HOME='{home}' STAND_IN_CHANNELS='{channels}' exec '{python}' '{program}' "$@"
"""
# sourced by Snakemake in the shell of a job, with the prefix of the environment
ACTIVATE = """export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"
unset PYTHONHOME
"""


def conda(home: Path, channels: Path) -> Path:
    """Write the programs `conda` and `activate`, and return the folder to put on the path."""
    programs = home / "bin"
    programs.mkdir(parents=True)
    made = programs / "conda"
    made.write_text(CONDA.format(home=home, channels=channels, python=sys.executable, program=PROGRAM))
    made.chmod(0o755)
    (programs / "activate").write_text(ACTIVATE)
    return programs


def snakemake(folder: Path, *extras: str) -> Path:
    """Make a virtual environment of Snakemake and what it requires, and return its interpreter."""
    venv.create(folder, symlinks=True, with_pip=False)
    found = {"snakemake": distribution("snakemake")}
    waiting = list(needed(found["snakemake"], extras))
    while waiting:
        name = canonicalize_name(waiting.pop().name)
        if name not in found:
            found[name] = distribution(name)
            waiting += needed(found[name])
    for links in places(found.values()).values():
        for place, source in links.items():
            if place.startswith(SITE):
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                os.symlink(source, folder / place)
    return folder / "bin" / "python"
