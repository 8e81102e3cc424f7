"""A conda channel of what is installed here: this interpreter, and every distribution beside it, by their conda names.

build            write the channel into a folder, and index it
Package          what goes into one file of the channel

Nothing is downloaded or copied: a package holds symbolic links to what pip installed, so that 5 GB of PyTorch and its
libraries take no time, and a job still finds them under the prefix of its environment. Only the interpreter is a real
file, because it resolves links to find out where it lives. Versions and requirements are those of the installed
distributions. So the channel serves this machine alone, as long as what it links to is there.

Quarto is not on PyPI: here it is an empty package, and the report is rendered by pandoc.
"""

import asyncio
import hashlib
import io
import json
import os
import platform
import posixpath
import subprocess
import sys
import sysconfig
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conda.declared import PYPI

SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
PYTHON = f"python {sys.version_info.major}.{sys.version_info.minor}.*"
CONDA = {pypi: conda for conda, pypi in PYPI.items()}
WITNESS = Path(__file__).with_name("witness.py")
PANDOC = "pypandoc/files/pandoc"


@dataclass
class Package:
    """What goes into one file of the channel: links by where they lie in a prefix, and files that are copied."""

    name: str
    version: str
    depends: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    copies: dict[str, Path] = field(default_factory=dict)


def build(channel: Path) -> None:
    """Write the channel into a folder, and index it."""
    from rattler import Subdir
    from rattler.index import index_fs

    subdir = str(Subdir.current())
    (channel / subdir).mkdir(parents=True)
    (channel / "noarch").mkdir()
    for package in [_python(), Package("quarto", "1.5"), *_installed()]:
        _pack(package, channel / subdir, subdir)
    asyncio.run(index_fs(channel, write_zst=False, write_shards=False))


def places(wanted: Iterable[Distribution]) -> dict[str, dict[str, str]]:
    """Return where in a prefix to link what, by distribution: whole folders where only one of them has files."""
    files = {canonicalize_name(each.name): dict(_files(each)) for each in wanted}
    owners = defaultdict(set)
    for name, found in files.items():
        for place in found:
            for folder in Path(place).parents:
                owners[folder.as_posix()].add(name)
    linked: dict[str, dict[str, str]] = {}
    for name, found in files.items():
        links = linked[name] = {}
        for place, source in found.items():
            above = [folder.as_posix() for folder in reversed(Path(place).parents)]
            whole = next((one for one in above if one.startswith(f"{SITE}/") and owners[one] == {name}), place)
            links[whole] = source.removesuffix(place.removeprefix(whole))
    return linked


def needed(given: Distribution, extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """Give what a distribution requires here, with its extras."""
    for requirement in map(Requirement, given.requires or []):
        if not requirement.marker or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement
            if requirement.extras:  # which conda does not know
                yield from needed(distribution(requirement.name), requirement.extras)


def _files(given: Distribution) -> Iterator[tuple[str, str]]:
    """Give where in a prefix each file of a distribution goes, and where it is; programs are left out."""
    for file in given.files or []:
        place = posixpath.normpath(f"{SITE}/{file}")
        if not place.startswith("bin/") and "/__pycache__/" not in place:
            yield place, os.path.normpath(given.locate_file(file))


def _installed() -> Iterator[Package]:
    found = {canonicalize_name(each.name): each for each in distributions()}
    found.pop("deeplocalizer", None)  # which no environment has
    for name, links in places(found.values()).items():
        if name == "pypandoc-binary":
            yield _pandoc(found[name])
        else:
            depends = sorted({_spec(requirement) for requirement in needed(found[name])})
            yield Package(CONDA.get(name, name), found[name].version, [PYTHON, *depends], links)


def _spec(requirement: Requirement) -> str:
    name = canonicalize_name(requirement.name)
    return f"{CONDA.get(name, name)} {requirement.specifier}".strip()


def _pandoc(bundle: Distribution) -> Package:
    """Take the program out of the package on PyPI that has it inside."""
    program = os.path.normpath(bundle.locate_file(PANDOC))
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    return Package("pandoc", version, links={"bin/pandoc": program})


def _python() -> Package:
    """Take this interpreter: its standard library and shared library as links, and the witness to what jobs import."""
    binary = Path(os.path.realpath(sys._base_executable))  # type: ignore[attr-defined]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sysconfig.get_path("stdlib"))
    links = {f"lib/{version}/{each.name}": str(each) for each in library.iterdir() if each.name != "site-packages"}
    links |= {f"lib/{each.name}": str(each) for each in Path(sys.base_prefix, "lib").glob("libpython*.so*")}
    links |= {"bin/python": version, "bin/python3": version}
    copies = {f"bin/{version}": binary, f"{SITE}/sitecustomize.py": WITNESS}
    return Package("python", platform.python_version(), links=links, copies=copies)


def _pack(package: Package, folder: Path, subdir: str) -> None:
    build = "0" if package.name == "python" else f"py{sys.version_info.major}{sys.version_info.minor}_0"
    about = {"name": package.name, "version": package.version, "build": build, "build_number": 0, "subdir": subdir}
    paths = [{"_path": place, "path_type": "softlink"} for place in package.links]
    for place, source in package.copies.items():
        content = source.read_bytes()
        said = {"sha256": hashlib.sha256(content).hexdigest(), "size_in_bytes": len(content)}
        paths.append({"_path": place, "path_type": "hardlink", **said})
    with tarfile.open(folder / f"{package.name}-{package.version}-{build}.tar.bz2", "w:bz2", compresslevel=1) as packed:
        _add(packed, "info/index.json", json.dumps(about | {"depends": package.depends}))
        _add(packed, "info/paths.json", json.dumps({"paths": paths, "paths_version": 1}))
        _add(packed, "info/files", "".join(f"{path['_path']}\n" for path in paths))
        for place, target in package.links.items():
            link = tarfile.TarInfo(place)
            link.type, link.linkname = tarfile.SYMTYPE, target
            packed.addfile(link)
        for place, source in package.copies.items():
            packed.add(source, place)


def _add(packed: tarfile.TarFile, name: str, content: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content.encode())
    packed.addfile(entry, io.BytesIO(content.encode()))
