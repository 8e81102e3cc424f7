"""The researcher's own code: which files a module is made of, found without running any of it.

files            the files of a module and of all that it imports, below a folder

Only the standard library is used: the workflow asks before any job starts.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class _Module:
    """A module in a file.

    Parameters
    ----------
    name : str
        With dots.
    path : path
        Below the folder.
    package : bool
        Whether the file is the ``__init__.py`` of a package.
    """

    name: str
    path: Path
    package: bool


def files(module: str, folder: str | os.PathLike[str] = ".") -> list[str]:
    """Name the files of a module and of all that it imports, directly or not.

    Parameters
    ----------
    module : str
        Its name, with dots; looked for in the folder, as Python does that puts the folder first on its path.
    folder : path

    Returns
    -------
    list of str
        Sorted, relative to the folder; empty if the module lies elsewhere.

    Notes
    -----
    Imports are read from the source, wherever they stand in it, also ``from . import a`` and those of the packages
    around a module. One by a name that is only known when it runs, as ``importlib.import_module`` takes it, is not
    seen, and neither is anything outside the folder.
    """
    root = Path(folder)
    found: dict[Path, None] = {}
    waiting = [module]
    asked: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in asked:
            continue
        asked.add(name)
        for one in _chain(name, root):
            if one.path not in found:
                found[one.path] = None
                waiting += _imported(one, root / one.path)
    return sorted(path.as_posix() for path in found)


def _chain(name: str, root: Path) -> Iterator[_Module]:
    """Give the packages around a module, which Python runs before it, and the module."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        stem = Path(*parts[:depth])
        within = ".".join(parts[:depth])
        if (root / stem / "__init__.py").is_file():  # Python looks for a package first
            yield _Module(within, stem / "__init__.py", True)
        elif (root / stem).with_suffix(".py").is_file():
            yield _Module(within, stem.with_suffix(".py"), False)
            return
        elif not (root / stem).is_dir():
            return


def _imported(module: _Module, path: Path) -> Iterator[str]:
    """Give the names that a file may import: whether they are modules shows when they are looked for."""
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError):
        return  # importing it will say so, with the line
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module)
            if base is not None:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _base(node: ast.ImportFrom, module: _Module) -> str | None:
    """Name what ``from … import`` imports from; None where its dots lead out of every package."""
    if not node.level:
        return node.module
    package = module.name.split(".") if module.package else module.name.split(".")[:-1]
    above = node.level - 1
    if above >= len(package):
        return None
    return ".".join([*package[: len(package) - above], *([node.module] if node.module else [])])
