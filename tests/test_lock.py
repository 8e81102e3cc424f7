"""requirements.lock pins what pyproject.toml asks for, by version and hash, and names no place to get it from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BLOCKS = re.split(r"\n(?=\S)", LOCK.strip())


def asked():
    """Return every requirement of the project and its extras, with the extras that it names resolved."""
    waiting = [*PROJECT["dependencies"], f"deeplocalizer[{','.join(PROJECT['optional-dependencies'])}]"]
    found = {}
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.name == "deeplocalizer":
            extras = [extra for extra in requirement.extras if extra not in found]
            found |= dict.fromkeys(extras)
            waiting += [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
        else:
            found[str(requirement)] = requirement
    return [requirement for requirement in found.values() if requirement]


def test_the_lock_names_no_place():
    assert not re.search(r"://|[/@]|^-|\bfile:", LOCK, re.M)


def test_every_requirement_is_pinned_with_hashes():
    for block in BLOCKS:
        first, *hashes = block.split(" \\\n")
        assert re.fullmatch(r"[a-z0-9-]+==[^\s;,]+( ; .+)?", first), first
        assert hashes, first
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", line) for line in hashes), first


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_every_direct_dependency_is_pinned_within_its_bound(python, system):
    environment = {
        "implementation_name": "cpython",
        "platform_machine": "x86_64" if system == "linux" else "arm64",
        "platform_python_implementation": "CPython",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": system,
    }
    pinned = {}
    for pin in (Requirement(block.partition("\\")[0]) for block in BLOCKS):
        if not pin.marker or pin.marker.evaluate(environment):
            assert pin.name not in pinned, f"{pin.name} is pinned twice"
            (pinned[pin.name],) = (specifier.version for specifier in pin.specifier)
    for requirement in asked():
        assert requirement.specifier.contains(pinned[requirement.name]), requirement
