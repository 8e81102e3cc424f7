"""What starts often starts fast: the workflow is read, and scripts begin, without libraries that they do not need."""

import ast
import re
import subprocess
import sys

import pytest

from tests.workflow.conftest import ROOT

RULES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
NETWORKS = {"torch", "torchvision", "transformers", "timm", "datasets", "sklearn"}
NEEDLESS = {
    "statistics": {*NETWORKS, "matplotlib", "PIL", "netCDF4"},
    "plots": {*NETWORKS, "matplotlib.pyplot"},
    "images": {*NETWORKS, "matplotlib", "scipy.stats"},
}


def scripts(environment):
    """Name the scripts of the rules of an environment."""
    of_rule = r'^ +"\.\./\.\./envs/(\w+)\.yaml"$(?:(?!^ *(?:rule|use rule) ).)*?^ +"\.\./scripts/([\w/]+\.py)"$'
    found = [pair for path in RULES for pair in re.findall(of_rule, path.read_text(), re.MULTILINE | re.DOTALL)]
    return {ROOT / "workflow" / "scripts" / script for name, script in found if name == environment}


def loaded(lines):
    """Run lines of imports and name all modules that are there then."""
    code = "\n".join([f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})", *lines, "print(*sys.modules)"])
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_every_script_is_one_of_a_rule():
    named = set().union(*map(scripts, (*NEEDLESS, "torch", "report")))
    assert named == set((ROOT / "workflow" / "scripts").rglob("*.py"))


@pytest.mark.parametrize("environment", NEEDLESS)
def test_scripts_import_no_more_than_they_need(environment):
    lines = []
    for path in sorted(scripts(environment)):
        body = ast.parse(path.read_text()).body
        imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        lines += [ast.unparse(node) for node in imports if "snakemake" not in ast.unparse(node)]
    assert any("deeplocalizer" in line for line in lines)
    assert not NEEDLESS[environment] & loaded(lines)


def test_the_workflow_is_read_without_libraries_of_numbers():
    texts = [path.read_text() for path in (ROOT / "Snakefile", *RULES)]
    whole = r"^from deeplocalizer\S* import (?:\([^)]*\)|.*)$"
    lines = [line for text in texts for line in re.findall(whole, text, re.MULTILINE)]
    assert any("configuration" in line for line in lines)
    needless = {"numpy", "scipy", "pandas", "xarray", "pyarrow", "h5py", "torch", "PIL"}
    assert not needless & loaded(lines)
