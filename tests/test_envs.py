"""The conda environments agree with pyproject.toml, with the rules and with what the jobs of a rule import."""

import ast
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
SOURCES = sorted((ROOT / "src/deeplocalizer/stimuli/sources").glob("*.py"))
LIBRARIES = sorted((ROOT / "src/deeplocalizer/models/libraries").glob("*.py"))
RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))

# name on conda-forge: name on PyPI, where they differ
PYPI = {
    "huggingface_hub": "huggingface-hub",
    "matplotlib-base": "matplotlib",
    "pypandoc": "pypandoc-binary",
    "pytorch": "torch",
    "typst-py": "typst",
}
# what PyPI does not have, or what a package there brings along
CONDA_ONLY = {"pandoc", "quarto"}
# name in an import statement: name on PyPI where it differs, or of the package that brings it along
IMPORTED = {
    "IPython": "ipykernel",
    "PIL": "pillow",
    "huggingface_hub": "huggingface-hub",
    "jupyter_client": "nbclient",
    "jupyter_core": "nbclient",
    "netCDF4": "netcdf4",
    "pypandoc": "pypandoc-binary",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def dependencies(env):
    """Return the packages of an environment: name on conda-forge, version bound."""
    listed = yaml.safe_load(env.read_text())["dependencies"]
    assert all(isinstance(line, str) for line in listed), f"{env.name} installs with something else than conda"
    return {name: bound for name, bound in (re.fullmatch(r"(\S+)(?: +(\S+))?", line).groups() for line in listed)}


def provided(env):
    """Return the names on PyPI of the packages of an environment."""
    return {PYPI.get(name, name) for name in dependencies(env)}


def bounds():
    """Return the version bound of every dependency in pyproject.toml by its name on PyPI."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = chain(project["dependencies"], *project["optional-dependencies"].values())
    return {requirement.name: requirement.specifier for requirement in map(Requirement, listed)}


def rules():
    """Return (rule, environment, script) of every rule that runs one; None for what a rule lacks."""
    found = []
    for path in RULES:
        for name, body in re.findall(r"^(?:rule|checkpoint) (\w+):\n((?:[ \t]+.*\n|\n)*)", path.read_text(), re.M):
            conda, script = (
                re.search(rf'^    {directive}:\s*"(.+?)"', body, re.M) for directive in ("conda", "script")
            )
            if script or re.search(r"^    (shell|run|notebook|wrapper):", body, re.M):
                found.append(
                    pytest.param(
                        conda and (path.parent / conda[1]).resolve(),
                        script and (path.parent / script[1]).resolve(),
                        id=name,
                    )
                )
    return found


def module_file(name):
    """Return the file of a module of deeplocalizer, or None if there is no such module."""
    stem = ROOT / "src" / name.replace(".", "/")
    return next((path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()), None)


def imports(code):
    """Return the names that code imports, at its top or later, with everything it may mean by them."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def packages(code):
    """Return the PyPI names of what code imports, through every room of deeplocalizer that it enters."""
    seen, waiting = set(), imports(code)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting |= {name.rpartition(".")[0]} - seen - {""}  # the packages that a module lies in are run, too
        if name.startswith("deeplocalizer.") and (file := module_file(name)):
            waiting |= imports(file.read_text()) - seen
    top = {name.partition(".")[0] for name in seen} - {"deeplocalizer", *sys.stdlib_module_names}
    return {IMPORTED.get(name, name) for name in top}


def cells(document):
    """Return the Python code of a Quarto document."""
    return "\n".join(re.findall(r"^```\{python\}\n(.*?)^```", document.read_text(), re.M | re.S))


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_an_environment_comes_from_conda_forge_alone(env):
    assert yaml.safe_load(env.read_text())["channels"] == ["conda-forge", "nodefaults"]
    assert "pip" not in dependencies(env)


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_an_environment_has_the_bounds_of_the_project(env):
    wanted = bounds()
    listed = dependencies(env)
    assert listed.pop("python") == ">=3.11,<3.14"
    for name in CONDA_ONLY & set(listed):
        assert listed.pop(name), f"{name} has no bound"
    assert {name: SpecifierSet(bound or "") for name, bound in listed.items()} == {
        name: wanted.get(PYPI.get(name, name)) for name in listed
    }


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_an_environment_has_a_rule(env):
    assert env in [rule.values[0] for rule in rules()]


@pytest.mark.parametrize(("env", "script"), rules())
def test_a_rule_has_an_environment_with_what_its_script_imports(env, script):
    assert env in ENVS
    if script:
        assert packages(script.read_text()) <= provided(env)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_stimuli_have_what_a_source_imports(source):  # sources are imported by name
    assert packages(source.read_text()) <= provided(ROOT / "envs/images.yaml")


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.stem)
def test_networks_have_what_a_library_imports(library):  # libraries are imported by name
    assert packages(library.read_text()) <= provided(ROOT / "envs/torch.yaml")


@pytest.mark.parametrize("document", sorted((ROOT / "report").glob("*.qmd")), ids=lambda document: document.name)
def test_the_report_has_what_its_document_imports(document):
    assert packages(cells(document)) <= provided(ROOT / "envs/report.yaml")
