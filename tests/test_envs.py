"""The conda environments agree with pyproject.toml, with the rules and with what the jobs of a rule import."""

import ast
import functools
import re
import sys
import tomllib
from itertools import chain

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.conda.declared import CONDA_ONLY, ENVS, IMPORTED, PYPI, ROOT, dependencies, provided, rules

# versions of these are dates, which promise nothing
CALENDAR = {"fsspec", "xarray"}
# what no import statement names: xarray reads and writes through it, the report runs it
ASKED_BY_NAME = {"netcdf4", "quarto"}
SOURCES = sorted((ROOT / "src/deeplocalizer/stimuli/sources").glob("*.py"))
DOCUMENTS = sorted((ROOT / "report").glob("*.qmd"))
LIBRARIES = sorted((ROOT / "src/deeplocalizer/models/libraries").glob("*.py"))


def bounds():
    """Return the version bound of every dependency in pyproject.toml by its name on PyPI."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = chain(project["dependencies"], *project["optional-dependencies"].values())
    return {requirement.name: requirement.specifier for requirement in map(Requirement, listed)}


def locked():
    """Return the versions of every package in requirements.lock, of which there is one for each range of Pythons."""
    found = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text(), re.M):
        found.setdefault(name, []).append(version)
    return found


@functools.cache
def module_file(name):
    """Return the file of a module of deeplocalizer, or None if there is no such module."""
    stem = ROOT / "src" / name.replace(".", "/")
    return next((path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()), None)


@functools.cache
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
    seen, waiting = set(), set(imports(code))
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
def test_an_environment_ends_before_the_next_major_version_of_what_is_locked(env):
    for name, bound in dependencies(env).items():
        capped = {one.version for one in SpecifierSet(bound or "") if one.operator == "<"}
        major = {int(version.partition(".")[0]) for version in locked().get(PYPI.get(name, name), [])}
        if name in CALENDAR:
            assert not capped
        elif name in {"python", *CONDA_ONLY}:
            assert len(capped) == 1
        else:
            assert capped == {str(max(major) + 1)}, name


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_an_environment_has_a_rule(env):
    assert env in [declared for declared, _ in rules().values()]


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_an_environment_has_nothing_that_its_rules_do_not_import(env):
    code = [script.read_text() for declared, script in rules().values() if declared == env]
    code += [path.read_text() for path in {"images": SOURCES, "torch": LIBRARIES}.get(env.stem, [])]
    code += [cells(document) for document in DOCUMENTS if env.stem == "report"]
    imported = set().union(*map(packages, dict.fromkeys(code)))
    assert provided(env) - {"python"} <= imported | ASKED_BY_NAME


@pytest.mark.parametrize(("env", "script"), rules().values(), ids=rules())
def test_a_rule_has_an_environment_with_what_its_script_imports(env, script):
    assert env in ENVS
    assert packages(script.read_text()) <= provided(env)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_stimuli_have_what_a_source_imports(source):  # sources are imported by name
    assert packages(source.read_text()) <= provided(ROOT / "envs/images.yaml")


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.stem)
def test_networks_have_what_a_library_imports(library):  # libraries are imported by name
    assert packages(library.read_text()) <= provided(ROOT / "envs/torch.yaml")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_the_report_has_what_its_document_imports(document):
    assert packages(cells(document)) <= provided(ROOT / "envs/report.yaml")
