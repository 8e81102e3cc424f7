"""Sources of stimuli, each a function that takes a `Draw` and gives what was `Drawn`.

draw             ask the source of a category for its records

A source gives its records in a seeded order such that asking for more keeps what was there. To add one, write a module
with such a function and name it here, and name its keys in `configuration.sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from deeplocalizer.stimuli.record import Draw, Drawn

SOURCES = {
    "celeba": "celeba:celeba",
    "coco": "coco:coco",
    "digits": "digits:digits",
    "folder": "folder:folder",
    "hub": "hub_rows:hub",
    "lfw_backgrounds": "lfw:backgrounds",
    "lfw_faces": "lfw:faces",
    "photograph_patches": "photographs:patches",
    "table": "listed:listed",
}


def draw(category: str, settings: Mapping[str, Any], seed: int, shares: Mapping[str, float], downloads: Path) -> Drawn:
    """Ask the source of a category for its records.

    Parameters
    ----------
    category : str
        Its name, for messages.
    settings : mapping
        The category's part of the configuration, with its defaults.
    seed : int
    shares : mapping of float
        Share of each split of the study.
    downloads : path
        Folder of what is fetched from the network.

    Raises
    ------
    ValueError
        If there is no such source or it has too few records.
    """
    source, count = settings["source"], settings.get("count")
    if source not in SOURCES:
        raise ValueError(f"source {source!r} is unknown; allowed are {', '.join(SOURCES)}")
    module, function = SOURCES[source].split(":")
    ask = getattr(import_module(f"{__name__}.{module}"), function)
    drawn: Drawn = ask(Draw(category, settings, count, seed, shares, downloads))
    # a source that has splits of its own draws nothing for the share that no split has, and counts for itself
    dealt = not drawn.records or not all(record.split for record in drawn.records)
    if count is not None and len(drawn.records) < count and dealt:
        raise ValueError(
            f"category {category!r}: source {source!r} has {len(drawn.records)} stimuli; {count} were asked for"
        )
    return drawn
