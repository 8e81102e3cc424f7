"""Every command on the pages would work: make and Snakemake are run dry, of others the options are looked up."""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.docs.pages import PAGES, ROOT, commands, world

SHOWN = [(page, one) for page in PAGES for one in dict.fromkeys(commands(page))]
TOOLS = {"git": ("git", "clone", "-h"), "cd": ()}
ELSEWHERE = ("conda", "docker")  # not here: tests/conda does what the page says, and nobody builds the image


def kind(command: str) -> str:
    """Say how a command is checked; "" if nobody knows."""
    words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
    first = words[0].rpartition("/")[2]
    if "--containerize" in words:
        return "conda"
    if first in ("make", "snakemake", *TOOLS, *ELSEWHERE):
        return first
    if re.fullmatch(r"python3?(\.\d+)?", first) and words[1] == "-m":
        return "module"
    return "script" if words[0].startswith(".ci/") else ""


def of(*kinds):
    """Give the commands of some kinds, each once for what it stands for."""
    names = {}
    for page, command in SHOWN:
        if kind(command) in kinds:
            names.setdefault(f"{page.relative_to(ROOT)}: {command.removeprefix('.venv/bin/')}", (page, command))
    return [pytest.param(*shown, id=name) for name, shown in names.items()]


def ran(words, **options):
    """Run a command as in a shell that nobody prepared."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHONPATH")}
    result = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@functools.cache
def helped(*words):
    """Give the help of a module."""
    return ran([sys.executable, "-m", *words, "--help"], cwd=ROOT)


def test_every_command_is_of_a_kind_that_is_checked():
    assert not [f"{page.name}: {command}" for page, command in SHOWN if not kind(command)]
    assert {kind(command) for _, command in SHOWN} >= {"make", "snakemake", "module"}


@pytest.mark.parametrize(("page", "command"), of("make"))
def test_make_would_do_it(page, command):
    words = shlex.split(command)
    makefile = (ROOT / "Makefile").read_text()
    for variable in re.findall(r"\b([A-Z_]+)=", command):
        assert f"$({variable})" in makefile, f"the Makefile asks for no {variable}"
    for target in [word for word in words[1:] if "=" not in word and not word.startswith("-")]:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"there is no target {target}"
    ran([*words, "--dry-run", "--old-file=.venv/.installed"], cwd=ROOT)


@pytest.mark.parametrize(("page", "command"), of("snakemake"))
def test_snakemake_would_do_it(page, command, tmp_path, monkeypatch):
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path))  # for --cache
    words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)][1:]
    folder = world(tmp_path / "world", page)
    for name in [word for word in words if word.endswith(".yaml")]:
        assert (folder / name).exists(), f"{page.name} does not say what is in {name}"
    if not shutil.which("conda"):  # Snakemake asks for it even where it runs dry
        words = [word for word in words if word not in ("--use-conda", "--conda-create-envs-only", "--unlock")]
    said = ran([sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", *words, "--dry-run"], cwd=folder)
    assert "This was a dry-run" in said and re.search(r"^total +\d+$", said, re.MULTILINE), said


@pytest.mark.parametrize(("page", "command"), of("module"))
def test_the_module_has_these_options(page, command):
    words = shlex.split(command)
    module, *rest = words[2:]
    subcommands = rest[:1] if module in ("deeplocalizer.models", "pip") else []
    said = helped(module, *subcommands)
    for option in [word for word in rest if word.startswith("--")]:
        assert re.search(rf"{re.escape(option)}\b", said), f"{module} has no {option}"


@pytest.mark.parametrize(("page", "command"), of("script", *TOOLS))
def test_the_tool_is_there(page, command):
    words = shlex.split(command)
    path = ROOT / words[0]
    assert words[0] == "cd" or shutil.which(words[0]) or (path.is_file() and os.access(path, os.X_OK))
