"""The few commands of conda that Snakemake calls, on rattler: a real solver and a real linker, but not conda itself.

Runs as the program `conda` that `stand_in.set_up` writes; told by STAND_IN_CHANNELS where the channels lie.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import yaml
from rattler import Channel, Gateway, MatchSpec, Subdir, VirtualPackage, install, solve

HOME = Path(os.environ["STAND_IN_HOME"])


def wanted(file: Path) -> tuple[list[Channel], list[MatchSpec]]:
    """Read an environment, or the list of exactly the packages that it has."""
    if file.name.endswith(".pin.txt"):
        addresses = [line for line in file.read_text().splitlines() if line.startswith("file:")]
        names = [address.rpartition("/")[2].removesuffix(".tar.bz2").rsplit("-", 2) for address in addresses]
        channels = dict.fromkeys(address.rsplit("/", 2)[0] for address in addresses)
        exactly = [MatchSpec(f"{name}=={version}={build}") for name, version, build in names]
        return [Channel(one) for one in channels], exactly
    said = yaml.safe_load(file.read_text())
    channels = [f"file://{os.environ['STAND_IN_CHANNELS']}/{name}" for name in said["channels"] if name != "nodefaults"]
    return [Channel(one) for one in channels], [MatchSpec(line) for line in said["dependencies"]]


async def create(file: Path, prefix: str) -> None:
    """Solve an environment and link it; each of its channels is a folder of its name."""
    channels, specs = wanted(file)
    records = await solve(
        channels,
        specs,
        gateway=Gateway(cache_dir=HOME / "repodata"),
        virtual_packages=VirtualPackage.detect(),
        platforms=[str(Subdir.current()), "noarch"],
    )
    await install(records, prefix, cache_dir=HOME / "packages", show_progress=False)


def after(words: list[str], option: str) -> Path:
    """Return the path that follows an option."""
    return Path(words[words.index(option) + 1])


def main(words: list[str]) -> None:
    """Do what a command says."""
    match words:
        case ["--version"]:
            print("conda 24.7.1 (stand-in)")
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": str(HOME), "platform": str(Subdir.current())}))
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["clean", *_]:
            pass
        case ["env", "create", *_] | ["create", *_]:
            asyncio.run(create(after(words, "--file"), str(after(words, "--prefix"))))
        case ["list", "--explicit", *_]:
            records = sorted((after(words, "--prefix") / "conda-meta").glob("*.json"))
            print("@EXPLICIT", *(json.loads(record.read_text())["url"] for record in records), sep="\n")
        case _:
            raise SystemExit(f"the stand-in for conda does not know: conda {' '.join(words)}")


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # a thread of rattler can crash the interpreter at its end
