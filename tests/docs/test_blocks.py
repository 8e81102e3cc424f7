"""Every block of Python on the pages runs, every block of YAML is valid, and none escapes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_argument_parser

from deeplocalizer.configuration import refuse_repeated, resolve
from tests import synthetic
from tests.docs.pages import PAGES, ROOT, SCHEMA, SHELLS, blocks, fenced, whole
from tests.test_brainio import REQUIREMENTS, recorded

KNOWN = {"python", "yaml", "text", "{toctree}", "{include}", *SHELLS}


def test_every_block_says_its_language():
    odd = [str(block) for page in PAGES for block in fenced(page) if block.language not in KNOWN]
    assert not odd
    assert len(blocks("python")) >= 9 and len(blocks("yaml")) >= 12 and len(blocks(*SHELLS)) >= 8


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    """Write what the blocks open: the artefacts of a study of the demo's shape."""
    folder = tmp_path_factory.mktemp("demo")
    synthetic.write(folder, synthetic.configuration())
    (folder / "results/demo").mkdir()
    (folder / "results/demo/dual_task_cnn").symlink_to(folder / "results/network")
    (folder / "stimuli.nc").symlink_to(folder / "results/stimuli.nc")
    return folder


def elsewhere(block) -> bool:
    """Whether a block needs an environment of its own, as BrainIO does."""
    return "from brainio." in block.text


@pytest.mark.parametrize("block", [block for block in blocks("python") if not elsewhere(block)], ids=str)
def test_every_python_block_runs(block, demo, tmp_path, monkeypatch):
    for path in demo.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    exec(compile(block.text, str(block), "exec"), {"__name__": "block"})


@pytest.mark.slow
def test_the_blocks_of_brainio_run_where_it_is_installed(demo, tmp_path, monkeypatch):
    """In the order of the page: the command, the images, and BrainIO in an environment of its own."""
    theirs = next(block for block in blocks("python") if elsewhere(block))
    ours = next(block for block in fenced(theirs.page) if block.language == "python" and not elsewhere(block))
    python = tmp_path / "brainio/bin/python"
    subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    words = [python, "-m", "pip", "install", "--quiet", "--only-binary", "numpy,pandas,netcdf4", *REQUIREMENTS]
    installed = subprocess.run(words, check=False, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"pip cannot install {' '.join(REQUIREMENTS)}: {installed.stderr.strip().splitlines()[-1]}")
    assert all(f'"{one}"' in theirs.page.read_text() for one in REQUIREMENTS)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stimuli.nc").symlink_to(demo / "stimuli.nc")
    exec(compile(ours.text, str(ours), "exec"), {})
    images = sorted(os.listdir("images"))
    made = recorded([synthetic.units.Layer("layer4.1.conv2", 0, (3, 2, 2))], stimuli=len(images))
    made.assign_coords(stimulus=images).to_netcdf("activations.nc", engine="h5netcdf")
    command = "activations.nc assembly.nc --stimulus-set Faces2026 --stimuli stimuli.csv"
    assert f"python -m deeplocalizer.brainio {command}\n" in theirs.page.read_text()
    subprocess.run([sys.executable, "-m", "deeplocalizer.brainio", *command.split()], check=True)
    ran = subprocess.run([python, "-c", theirs.text], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_every_yaml_block_is_valid(block, tmp_path):
    """A whole study as it stands, an excerpt laid over its page's study, a profile by Snakemake's options."""
    shown = yaml.safe_load(block.text)
    (tmp_path / "block.yaml").write_text(block.text)
    refuse_repeated(tmp_path / "block.yaml")
    if shown.keys() <= SCHEMA["properties"].keys():
        resolve(shown if "study" in shown else whole(block.page) | shown, SCHEMA)
    elif "__variables__" in shown:  # the part of the shipped profile that is to be edited
        shipped = (ROOT / "profiles/slurm/config.yaml").read_text()
        assert block.text in shipped and shown["__variables__"] == yaml.safe_load(shipped)["__variables__"]
    else:
        options = {word.lstrip("-") for action in get_argument_parser()._actions for word in action.option_strings}
        assert block.file.startswith("profiles/"), f"{block} is no configuration and does not say which file it is"
        assert shown.keys() <= options
