"""What an artefact that studies share depends on, beside what Snakemake knows.

Snakemake's cache between workflows takes two jobs for the same whose scripts, parameters, own input files and jobs
before are the same. What else can change an artefact is told here.

key              fingerprint of everything else: code of this library, wildcards, versions, machine
code             fingerprint of a script and of the rooms of the library that it reaches
refuse_folder    refuse a folder that Snakemake would only stumble over when hours of work are done
LocationError    why

Snakemake asks before any job starts, so this knows the standard library only.
"""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

# those of `provenance.PACKAGES`, as they are called where they are installed
PACKAGES = (
    *("numpy", "scipy", "xarray", "netCDF4", "h5netcdf", "h5py", "pandas", "torch", "torchvision", "transformers"),
    *("timm", "datasets", "pillow", "scikit-image", "scikit-learn"),
)
LOCATION = "SNAKEMAKE_OUTPUT_CACHE"
_NAME = "deeplocalizer"
_GRAPHICS = Path("/proc/driver/nvidia/gpus")


class LocationError(ValueError):
    """The folder for shared artefacts cannot be used."""


def key(
    script: Path,
    library: Path,
    wildcards: Mapping[str, str],
    ordered: Sequence[str],
    installed: bool,
    accelerated: bool,
) -> str:
    """Fingerprint what the artefacts of a job depend on and Snakemake does not look at.

    Parameters
    ----------
    script : path
        What the job runs.
    library : path
        The folder of this package.
    wildcards : mapping of str
        Of the job; the name of the study does not count.
    ordered : sequence of str
        Names of the configuration whose order counts: Snakemake sorts those of a parameter.
    installed : bool
        Whether the job runs on the packages of this Python: then their versions count. Those of an environment
        that Snakemake makes are counted by Snakemake.
    accelerated : bool
        Whether the job computes on the accelerator, where there is one: then its kind counts.

    Returns
    -------
    str
        Hex SHA-256.
    """
    known = {name: value for name, value in wildcards.items() if name != "study"}
    parts = [code(script, library), repr(sorted(known.items())), repr(list(ordered)), platform.machine()]
    parts += _versions() if installed else []
    parts += _accelerators() if accelerated else []
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def code(script: Path, library: Path) -> str:
    """Fingerprint a script and all rooms of the library that it reaches (hex SHA-256).

    A room is a module or package at the top of the library. It counts as a whole, as parts of it may be imported by
    names that are put together when it runs. Comments, blank lines and docstrings do not count.

    Parameters
    ----------
    script : path
    library : path
        The folder of this package.
    """
    rooms, waiting = {"__init__"}, list(_imported(script))
    while waiting:
        room = waiting.pop()
        if room not in rooms:
            rooms.add(room)
            waiting += [name for path in _files(library, room) for name in _imported(path)]
    parts = [f"{path.relative_to(library)} {_digest(path)}" for room in sorted(rooms) for path in _files(library, room)]
    return hashlib.sha256("\n".join([_digest(script), *parts]).encode()).hexdigest()


def refuse_folder(environment: Mapping[str, str]) -> None:
    """Refuse a folder for shared artefacts that jobs could not write to, or links to it could not be followed from.

    Parameters
    ----------
    environment : mapping of str
        The variables of the process.

    Raises
    ------
    LocationError
        If ``SNAKEMAKE_OUTPUT_CACHE`` is not among them, or its path is relative, or no folder is there in which
        files can be made. What is no path, but in a storage of Snakemake's, is left to Snakemake.
    """
    given = environment.get(LOCATION)
    if given is None:
        raise LocationError(f"--cache needs to know a folder; set {LOCATION} to its path")
    if "://" in given:
        return
    if not os.path.isabs(given):
        raise LocationError(f"{LOCATION} is {given!r}; expected the whole path, from /: artefacts become links to it")
    if not os.path.isdir(given):
        raise LocationError(f"{LOCATION} is {given!r}, where no folder is; make it: mkdir -p {given}")
    if not os.access(given, os.R_OK | os.W_OK | os.X_OK):
        raise LocationError(
            f"{LOCATION} is {given!r}, in which you may not make files; expected a folder of your group"
        )


def _files(library: Path, room: str) -> list[Path]:
    """Name the files of a room."""
    module = library / f"{room}.py"
    return [module] if module.is_file() else sorted((library / room).rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


@cache
def _imported(path: Path) -> frozenset[str]:
    """Name the rooms of the library that a file imports, at once or later."""
    return frozenset(name.split(".")[1] for name in _modules(_tree(path)) if name.startswith(f"{_NAME}."))


def _modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _digest(path: Path) -> str:
    """Fingerprint what a file does, whatever is said about it."""
    tree = _tree(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            while node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
                node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _versions() -> list[str]:
    """Give the versions of this Python and of the packages that a stamp names."""
    found = [f"python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def _accelerators() -> list[str]:
    """Name the kinds of accelerators of this machine; asking PyTorch would take seconds."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        return []
    told = [path.read_text() for path in sorted(_GRAPHICS.glob("*/information"))]
    kinds = {line for text in told for line in text.splitlines() if line.startswith("Model:")}
    if Path("/dev/kfd").exists():
        kinds.add("ROCm")
    if sys.platform == "darwin":
        kinds.add("Metal")
    return sorted(kinds)
