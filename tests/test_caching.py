"""What studies share is told apart by everything that it depends on."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deeplocalizer import caching, provenance

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "src" / "deeplocalizer"
SCRIPTS = ROOT / "workflow" / "scripts"


@pytest.fixture
def library(tmp_path):
    """A copy of the library, to be changed."""
    shutil.copytree(LIBRARY, tmp_path / "deeplocalizer", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "deeplocalizer"


def fingerprint(library, script="record"):
    for known in (caching._tree, caching._imported, caching._digest):
        known.cache_clear()
    return caching.code(SCRIPTS / f"{script}.py", library)


@pytest.mark.parametrize(
    "path", ["recording/__init__.py", "store/whole.py", "moments/__init__.py", "models/network.py"]
)
def test_code_that_a_script_reaches_counts_and_words_about_it_do_not(library, path):
    before, file = fingerprint(library), library / path
    text = file.read_text()
    lines = text.splitlines()
    assert lines[0].startswith('"""')
    file.write_text("# a comment\n" + text.replace(lines[0], '"""Something else.', 1) + "\n\n")
    assert fingerprint(library) == before
    file.write_text(text + "\nUNUSED = 1\n")
    assert fingerprint(library) != before


def test_code_that_a_script_does_not_reach_does_not_count(library):
    before = {script: fingerprint(library, script) for script in ("draw", "record", "contrast")}
    for room in ("report", "effects", "plots", "masks"):
        with (library / room / "__init__.py").open("a") as file:
            file.write("\nUNUSED = 1\n")
    assert {script: fingerprint(library, script) for script in before} == before
    with (library / "recording" / "__init__.py").open("a") as file:
        file.write("\nUNUSED = 1\n")
    changed = {script for script in before if fingerprint(library, script) != before[script]}
    assert changed == {"record"}


@pytest.mark.parametrize(
    ("script", "late"),
    [
        ("draw", ["stimuli.sources.digits", "stimuli.sources.coco", "stimuli.sources.listed"]),
        ("weights", ["models.libraries.timm_models", "models.libraries.transformers_models", "models.small_cnn"]),
    ],
)
def test_what_python_loads_for_a_script_is_reached(script, late):
    """Ask Python itself, also for modules that are loaded by a name that is put together."""
    imports = [
        line.strip() for line in (SCRIPTS / f"{script}.py").read_text().splitlines() if re.match("(from|import) ", line)
    ]
    wanted = [f"import deeplocalizer.{name}" for name in late if (LIBRARY / f"{name.replace('.', '/')}.py").exists()]
    asked = "; ".join([*imports, *wanted, "import sys; print(*sys.modules)"])
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT / "src")}
    )
    loaded = {name.split(".")[1] for name in done.stdout.split() if name.startswith("deeplocalizer.")}
    rooms, waiting = set(), set(caching._imported(SCRIPTS / f"{script}.py"))
    while waiting:
        room = waiting.pop()
        rooms.add(room)
        waiting |= {name for path in caching._files(LIBRARY, room) for name in caching._imported(path)} - rooms
    assert loaded and loaded <= rooms


def key(**given):
    known = {"wildcards": {"study": "one", "model": "net"}, "ordered": ["a", "b"]}
    return caching.key(SCRIPTS / "record.py", LIBRARY, **(known | {"installed": False, "accelerated": False} | given))


def test_names_order_versions_and_machines_count_and_the_study_does_not(monkeypatch, tmp_path):
    assert key() == key(wildcards={"model": "net", "study": "two"})
    others = [key(wildcards={"study": "one", "model": "other"}), key(ordered=["b", "a"]), key(installed=True)]
    assert len({key(), *others}) == 4
    version = caching.metadata.version
    monkeypatch.setattr(caching.metadata, "version", lambda name: "99" if name == "torch" else version(name))
    assert key(installed=True) != others[-1] and key(installed=False) == key()
    (tmp_path / "0").mkdir()
    monkeypatch.setattr(caching, "_GRAPHICS", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    without = key(accelerated=True)
    (tmp_path / "0" / "information").write_text("Model: \t A graphics processor\nIRQ: 1\n")
    assert key(accelerated=True) != without and key(accelerated=False) == key()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert key(accelerated=True) == without


def test_the_packages_are_those_that_artefacts_name():
    named = {provenance._DISTRIBUTIONS.get(name, name) for name in provenance.PACKAGES}
    assert set(caching.PACKAGES) == named


def test_a_folder_must_be_whole_there_and_writable(tmp_path):
    caching.refuse_folder({caching.LOCATION: str(tmp_path)})
    for given, words in (("cache", "whole path"), (str(tmp_path / "none"), "mkdir -p")):
        with pytest.raises(caching.LocationError, match=words):
            caching.refuse_folder({caching.LOCATION: given})
    with pytest.raises(caching.LocationError, match="set SNAKEMAKE_OUTPUT_CACHE"):
        caching.refuse_folder({})
