"""The files of a module are those that Python really loads for it."""

import json
import subprocess
import sys

import pytest

from deeplocalizer.models import own_code

FILES = {
    "alone.py": "import os, json.decoder",
    "net.py": "import parts.blocks as blocks\nfrom parts import heads\nfrom helper import *",
    "helper.py": "def late():\n    import latest\nlate()",
    "latest.py": "import net",  # a circle
    "parts/__init__.py": "from . import common",
    "parts/common.py": "",
    "parts/blocks/__init__.py": "from .deep import thing\nfrom ..norms import norm",
    "parts/blocks/deep.py": "from . import deeper\nthing = 1",
    "parts/blocks/deeper.py": "",
    "parts/norms.py": "norm = 1",
    "parts/heads.py": "import space.inner",
    "parts/unused.py": "",
    "space/inner.py": "",  # a package without __init__.py
    "both.py": "raise ImportError('Python takes the package')",
    "both/__init__.py": "import helper",
    "uses_both.py": "import both",
    "parts.py": "raise ImportError('Python takes the package')",
}
EXPECTED = {
    "alone": ["alone.py"],
    "net": [
        "helper.py",
        "latest.py",
        "net.py",
        "parts/__init__.py",
        "parts/blocks/__init__.py",
        "parts/blocks/deep.py",
        "parts/blocks/deeper.py",
        "parts/common.py",
        "parts/heads.py",
        "parts/norms.py",
        "space/inner.py",
    ],
    "parts.blocks.deep": [
        "parts/__init__.py",
        "parts/blocks/__init__.py",
        "parts/blocks/deep.py",
        "parts/blocks/deeper.py",
        "parts/common.py",
        "parts/norms.py",
    ],
    "uses_both": ["both/__init__.py", "helper.py", "latest.py", "net.py", "uses_both.py"],
}
LOADED = """
import importlib, json, os, sys
sys.path.insert(0, os.getcwd())
importlib.import_module(sys.argv[1])
found = [getattr(module, "__file__", None) for module in sys.modules.values()]
print(json.dumps(sorted(os.path.relpath(path) for path in found if path and path.startswith(os.getcwd()))))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("module", EXPECTED)
def test_they_are_what_python_loads(folder, module):
    found = own_code.files(module)
    command = [sys.executable, "-c", LOADED, module]
    loaded = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found == loaded
    assert set(EXPECTED[module]) <= set(found) and "parts/unused.py" not in found
    assert own_code.files(module, folder) == found == sorted(set(found))


def test_nothing_is_run_and_nothing_outside_is_named(folder):
    (folder / "harmful.py").write_text("raise SystemExit\nimport numpy, helper_of_none, missing.part\nfrom .. import x")
    assert own_code.files("harmful") == ["harmful.py"]
    assert own_code.files("numpy") == own_code.files("none.at.all") == []
    # what is no Python is named; importing it says why it is none
    (folder / "broken.py").write_text("def (")
    (folder / "null.py").write_bytes(b"import net\0")
    assert own_code.files("broken") == ["broken.py"] and own_code.files("null") == ["null.py"]


def test_the_encoding_of_a_file_is_its_own(folder):
    (folder / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = '\xe9'\nimport alone\n")
    assert own_code.files("latin") == ["alone.py", "latin.py"]


def test_only_the_standard_library_is_needed():
    code = (
        "import sys; from deeplocalizer.models import specification;"
        "sys.exit(bool({'torch', 'numpy', 'xarray'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
