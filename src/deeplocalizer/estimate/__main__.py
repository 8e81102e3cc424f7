"""Print the passes, bytes and hours that a study will take: ``python -m deeplocalizer.estimate SCHEMA STUDY``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deeplocalizer.configuration import ConfigurationError, load_schema, read, resolve
from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.estimate import speed, words, workload
from deeplocalizer.models import network
from deeplocalizer.models.description import describe
from deeplocalizer.stimuli import sources


def main(arguments: Sequence[str] | None = None) -> None:
    """Estimate a study.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m deeplocalizer.estimate", description=__doc__)
    parser.add_argument("schema", type=Path, help="the JSON schema of configurations, as YAML")
    parser.add_argument("study", type=Path, help="the configuration of the study")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="cores that Snakemake will be given")
    given = parser.parse_args(arguments)
    try:
        config = resolve(read(given.study), load_schema(given.schema))
        print("\n".join(estimate(config, given.cores)))
    except (ConfigurationError, DownloadError, OSError, ValueError) as error:
        sys.exit(f"{given.study}: {error}")


def estimate(config: Mapping[str, Any], cores: int) -> list[str]:
    """Estimate a study, as lines to be read.

    Parameters
    ----------
    config : mapping
        With every default.
    cores : int
    """
    counts = {name: _count(name, category, config) for name, category in config["stimuli"]["categories"].items()}
    numbers = workload.stimuli(counts, config["stimuli"]["splits"])
    labels = [label for labels in config["tasks"].values() for label in labels] or list(counts)
    device = network.pick_device(1)
    models, speeds = {}, {}
    for name, settings in config["models"].items():
        keys = ("architecture", "revision", "weights", "preprocessing", "labels")
        known = {key: settings[key] for key in keys if key in settings}
        built = network.initial(describe(**known, task_labels=labels, downloads=config["downloads"]), seed=0)
        pretrained = settings["weights"] == "pretrained"
        models[name] = speed.examine(built, config, settings["layers"], pretrained)
        speeds[name] = speed.measure(built, config, settings["layers"], device)
    loads = {name: workload.workload(config, model, numbers) for name, model in models.items()}
    fetched = workload.downloads(config["stimuli"]["categories"], counts, list(models.values()))
    return words.told(config, counts, loads, speeds, fetched, cores, str(device))


def _count(name: str, category: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    """Count the stimuli of a category, of its own files where nothing else says how many there are."""
    count = workload.known_size(category)
    if count is not None:
        return count
    if category["source"] in ("folder", "table"):
        shares = config["stimuli"]["splits"]
        return len(sources.draw(name, category, config["seed"], shares, Path(config["downloads"])).records)
    raise ValueError(
        f"stimuli.categories.{name}: takes all that {category['source']} has, which is known only when it was "
        "fetched; give a count to have the study estimated"
    )


if __name__ == "__main__":
    main()
