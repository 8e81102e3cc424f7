"""List the layers of a model: their names, shapes and axes."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# an entry point stands above all floors
import deeplocalizer.architecture as architecture_room
from deeplocalizer.configuration import read
from deeplocalizer.models.description import describe
from deeplocalizer.models.network import initial

COLUMNS = ("layer", "module", "call", "shape", "axes", "parameters", "note")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for each output of each module, in the order in which they run."""
    parser = argparse.ArgumentParser(prog="python -m deeplocalizer.models", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    layers = commands.add_parser(
        "layers",
        help=__doc__,
        description="List the layers of a model in the order in which they run. The weights are not fetched.",
    )
    layers.add_argument(
        "architecture",
        nargs="?",
        help="as in a configuration, for example torchvision:resnet34 or transformers:microsoft/resnet-34",
    )
    layers.add_argument("--revision", default="", help="commit, tag or branch of a repository on the Hub")
    layers.add_argument("--pattern", action="append", help="only these, for example 'layer4.*'; may be repeated")
    layers.add_argument("--config", type=Path, help="a configuration that holds the model")
    layers.add_argument("--model", help="its name there; not needed where there is only one")
    layers.add_argument("--downloads", default="resources", help="folder that keeps what is found out on the Hub")
    options = parser.parse_args(arguments)
    if (options.architecture is None) == (options.config is None):
        layers.error("give either an architecture or --config")
    try:
        rows = _rows(options)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"{layers.prog}: {error}")
    try:
        print("\n".join(_aligned(rows)), flush=True)
    except BrokenPipeError:
        # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _rows(options: argparse.Namespace) -> list[architecture_room.Row]:
    model: Mapping[str, Any] = {"architecture": options.architecture, "revision": options.revision}
    if options.config is not None:
        model = _configured(options.config, options.model)
    own = ":" not in model["architecture"]
    # a function of the researcher's own is taken as it is: only an untrained control must not load weights
    weights = "pretrained" if model["architecture"].startswith("python:") else "none"
    described = describe(
        model["architecture"],
        model.get("revision") or "",
        weights,
        model.get("preprocessing"),
        model.get("labels"),
        ("one", "other") if own else (),
        options.downloads,
    )
    return architecture_room.listing(initial(described, seed=0), options.pattern or ("**",))


def _configured(path: Path, name: str | None) -> Mapping[str, Any]:
    content = read(path)
    models = content.get("models") if isinstance(content, dict) else None
    if not isinstance(models, dict) or not models:
        raise ValueError(f"{path}: has no models")
    if name is None and len(models) > 1:
        raise ValueError(f"{path}: has several models ({', '.join(models)}); choose one with --model")
    chosen = next(iter(models)) if name is None else name
    found = models.get(chosen)
    if not isinstance(found, dict) or not isinstance(found.get("architecture"), str):
        raise ValueError(f"{path}: has no model {chosen!r} with an architecture; there are {', '.join(models)}")
    return found


def _aligned(rows: Sequence[architecture_room.Row]) -> list[str]:
    table = [COLUMNS, *(tuple(_text(getattr(row, column)) for column in COLUMNS) for row in rows)]
    widths = [max(len(line[place]) for line in table) for place in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
