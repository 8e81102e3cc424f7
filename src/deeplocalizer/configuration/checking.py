"""Look at a configuration without running anything: ``python -m deeplocalizer.configuration.checking SCHEMA STUDY``.

main             name its mistakes, or the code and the folders that it names
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deeplocalizer.configuration.reading import read
from deeplocalizer.configuration.resolution import ConfigurationError, resolve
from deeplocalizer.configuration.schema import load_schema

CODE = "python:"


def main(arguments: Sequence[str] | None = None) -> None:
    """Name the mistakes of a configuration, or the code and the folders that it names."""
    parser = argparse.ArgumentParser(prog="python -m deeplocalizer.configuration.checking", description=__doc__)
    parser.add_argument("schema", type=Path, help="the JSON schema of configurations, as YAML")
    parser.add_argument("study", type=Path, help="the configuration of a study")
    given = parser.parse_args(arguments)
    try:
        print("\n".join(told(resolve(read(given.study), load_schema(given.schema)))))
    except ConfigurationError as error:
        sys.exit(str(error))


def told(config: Mapping[str, Any]) -> Iterator[str]:
    """Say what a configuration runs, reads and writes beyond its study.

    Parameters
    ----------
    config : mapping
        With every default.
    """
    yield f"study {config['study']}: writes to results, logs and benchmarks here, and to {config['downloads']}"
    for name, category in config["stimuli"]["categories"].items():
        places = category.get("path") or category.get("repository")
        if places:
            yield f"category {name}: reads {', '.join([places] if isinstance(places, str) else places)}"
    for name, model in config["models"].items():
        runs = "RUNS THE CODE OF" if model["architecture"].startswith(CODE) else "is"
        yield f"model {name}: {runs} {model['architecture']}, weights {model['weights']}"


if __name__ == "__main__":
    main()
