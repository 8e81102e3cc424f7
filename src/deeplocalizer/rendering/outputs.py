"""What cells show, as Markdown.

markdown         the outputs of a cell, in a labelled div if the cell has a caption
fenced           text in a fence
"""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deeplocalizer.rendering import qmd
from deeplocalizer.rendering.errors import RenderError

#: The representations of a value that the page can show, best first.
RICHEST_FIRST = (
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/latex",
    "text/plain",
)
IMAGE_SUFFIXES = {"image/svg+xml": ".svg", "image/png": ".png", "image/jpeg": ".jpg"}
FIGURES = "cell-figures"


def markdown(cell: qmd.Cell, outputs: list[Any], texts: Mapping[str, str], folder: Path, where: str) -> list[str]:
    """Return the outputs as Markdown, in a labelled div if the cell has a caption."""
    shown = [
        _one_output(output, cell, index, texts.get("fig-alt"), folder)
        for index, output in enumerate(outputs, start=1)
        if cell.options["warning"] or output.get("name") != "stderr"
    ]
    shown = [part for part in shown if part.strip()]
    if cell.kind is None:
        return shown
    if not shown:
        raise RenderError(f"{where}: the cell has a caption but shows nothing")
    caption = " ".join(texts[f"{cell.kind}-cap"].split())
    return [f"::: {{#{cell.label}}}", *shown, caption, ":::"]


def _one_output(output: Any, cell: qmd.Cell, index: int, alt: str | None, folder: Path) -> str:
    """Return one output of a cell as Markdown."""
    if output.output_type == "stream":
        if output.name == "stdout" and cell.options["output"] == "asis":
            return str(output.text)
        return _output_div(f"cell-output-{output.name}", fenced(output.text.rstrip("\n")))
    mime = next((mime for mime in RICHEST_FIRST if mime in output.data), None)
    if mime is None:
        return ""
    data = output.data[mime]
    if mime in IMAGE_SUFFIXES:
        path = _saved_image(data, mime, f"{cell.label or f'cell-{cell.number}'}-{index}", folder)
        return _image(path, alt, output.metadata.get(mime, {}))
    if mime == "text/html":
        html = fenced(data, "{=html}")
        return html if cell.kind else _output_div("cell-output-display", html)
    if mime == "text/plain":
        return _output_div("cell-output-display", fenced(data))
    return str(data)


def _saved_image(data: str, mime: str, stem: str, folder: Path) -> str:
    """Save an image beside the document and return its path from there."""
    path = folder / FIGURES / f"{stem}{IMAGE_SUFFIXES[mime]}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data.encode() if mime == "image/svg+xml" else base64.b64decode(data))
    return f"{FIGURES}/{path.name}"


def _image(path: str, alt: str | None, size: Mapping[str, Any]) -> str:
    """Return the Markdown that shows an image, in the size in pixels that its cell asked for, if it did."""
    attributes = [f'fig-alt="{_attribute(alt)}"'] if alt else []
    attributes += [f"{key}={size[key]}" for key in ("width", "height") if key in size]
    return f"![]({path})" + (f"{{{' '.join(attributes)}}}" if attributes else "")


def _attribute(text: str) -> str:
    """Write text so that it can stand between quotes in a Markdown attribute."""
    # A backslash is left alone: it escapes what inline code put there, and pandoc takes it away again.
    return " ".join(text.split()).replace('\\"', '"').replace('"', '\\"')


def fenced(text: str, info: str = "") -> str:
    """Fence text with more backticks than it contains."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence} {info}".rstrip() + f"\n{text}\n{fence}"


def _output_div(kind: str, content: str) -> str:
    return f"::: {{.cell-output .{kind}}}\n\n{content}\n\n:::"
