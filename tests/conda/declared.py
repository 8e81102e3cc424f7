"""What the environments of the rules declare.

ENVS             the files
PYPI             what a package of conda-forge is called on PyPI, where that differs
CONDA_ONLY       packages that PyPI does not have
IMPORTED         the package on PyPI that an import comes from, where it has another name
dependencies     the packages of an environment and their bounds
provided         the same by their names on PyPI
rules            every rule that runs something, with its environment and its script
"""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))

PYPI = {
    "huggingface_hub": "huggingface-hub",
    "matplotlib-base": "matplotlib",
    "pytorch": "torch",
    "typst-py": "typst",
}
CONDA_ONLY = {"pandoc", "quarto"}
IMPORTED = {
    "IPython": "ipykernel",
    "PIL": "pillow",
    "huggingface_hub": "huggingface-hub",
    "jupyter_client": "nbclient",
    "jupyter_core": "nbclient",
    "netCDF4": "netcdf4",
    "pypandoc": "pandoc",  # which PyPI has inside this package, and conda-forge by itself
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def dependencies(env: Path) -> dict[str, str | None]:
    """Return the packages of an environment: name on conda-forge, version bound."""
    listed = yaml.safe_load(env.read_text())["dependencies"]
    assert all(isinstance(line, str) for line in listed), f"{env.name} installs with something else than conda"
    found = {}
    for line in listed:
        name, _, bound = line.partition(" ")
        assert name not in found, f"{env.name} names {name} twice"
        found[name] = bound.strip() or None
    return found


def provided(env: Path) -> set[str]:
    """Return the names on PyPI of the packages of an environment."""
    return {PYPI.get(name, name) for name in dependencies(env)}


def rules() -> dict[str, tuple[Path | None, Path | None]]:
    """Return the environment and the script of every rule that runs something; None for what it lacks."""
    found: dict[str, tuple[Path | None, Path | None]] = {}
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for rule in re.finditer(_RULE, path.read_text(), re.M):
            body = rule["body"]
            conda, script = (re.search(rf'^ +{word}:\s*"(.+?)"', body, re.M) for word in ("conda", "script"))
            inherited = found.get(rule["parent"], (None, None))
            found[rule["name"]] = (
                (path.parent / conda[1]).resolve() if conda else inherited[0],
                (path.parent / script[1]).resolve() if script else inherited[1],
            )
    return found


# with all lines that are indented more, wherever in the file it stands
_RULE = (
    r"^(?P<by> *)(?:(?:rule|checkpoint)|use rule (?P<parent>\w+) as) (?P<name>\w+)(?: with)?:\n"
    r"(?P<body>(?:(?P=by) +.*\n|\n)*)"
)
