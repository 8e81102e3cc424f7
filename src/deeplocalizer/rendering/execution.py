"""Execute the cells and the inline code of a document; what comes out is plain Markdown.

execute          run a document from top to bottom
write_markdown   put front matter and body together again

The Markdown is what Quarto itself reads: a captioned output becomes a fenced div with the cell's label, its
last paragraph the caption. So one execution serves both renderers, and inline code works where Quarto's own
execution leaves it alone: in the front matter and in the captions of cells.
"""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from nbclient.exceptions import CellExecutionError, DeadKernelError

from deeplocalizer.rendering import outputs, qmd, values
from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.kernel import Kernel, failure


def execute(document: qmd.Document, running: Kernel, folder: Path) -> tuple[dict[str, Any], str]:
    """Execute a document from top to bottom.

    Parameters
    ----------
    document : Document
        The parsed document.
    running : Kernel
        Where its code runs.
    folder : Path
        Where images that cells draw are put, under ``cell-figures``.

    Returns
    -------
    front_matter : dict
        The front matter, its inline code replaced by the values at the **end** of the document: nothing has
        been computed yet where it stands.
    body : str
        Markdown without any code to execute.

    Raises
    ------
    RenderError
        If a cell or inline code fails; the message names it, with the end of the traceback.
    """
    parts = []
    for block in document.blocks:
        if isinstance(block, qmd.Cell):
            parts.append(f"\n{_executed_cell(block, running, folder, document.name)}\n")
        elif isinstance(block, qmd.Text):
            where = _line_finder(block, document.name)
            parts.append(values.fill(block.source, running, where))
        else:
            parts.append(block.source)
    front_matter = _front_matter_with_values(document, running)
    return front_matter, "\n".join(parts) + "\n"


def write_markdown(front_matter: Mapping[str, Any], body: str) -> str:
    """Put front matter and body together again."""
    header = yaml.safe_dump(dict(front_matter), allow_unicode=True, sort_keys=False, width=10**6)
    return f"---\n{header}---\n\n{body}"


def _executed_cell(cell: qmd.Cell, running: Kernel, folder: Path, name: str) -> str:
    """Run one cell; return the Markdown of its code and outputs."""
    where = f"{name}, {cell.place}"
    shown = _run(cell, running, where) if cell.options["eval"] else []
    if not cell.options["include"]:
        return ""
    texts = {
        key: values.fill(cell.options[key], running, lambda _: where)
        for key in ("fig-cap", "tbl-cap", "fig-alt")
        if key in cell.options
    }
    parts = [outputs.fenced(cell.source, "{.python .cell-code}")] if cell.options["echo"] and cell.source else []
    if cell.options["eval"] and cell.options["output"]:
        parts += outputs.markdown(cell, shown, texts, folder, where)
    return "\n\n".join(parts)


def _run(cell: qmd.Cell, running: Kernel, where: str) -> list[Any]:
    try:
        return running.run(cell.source)
    except CellExecutionError as error:
        raise RenderError(failure(where, error.ename, error.evalue, error.traceback)) from error
    except DeadKernelError as error:
        raise RenderError(f"{where}: the kernel died while it ran this cell") from error


def _line_finder(block: qmd.Text, name: str) -> Callable[[int], str]:
    """Return a function that names the line of a position in a block of text."""

    def where(position: int) -> str:
        line = block.line + block.source.count("\n", 0, position)
        return f"{name}, line {line}"

    return where


def _front_matter_with_values(document: qmd.Document, running: Kernel) -> dict[str, Any]:
    """Replace inline code in every text of the front matter."""
    name = f"{document.name}, front matter"

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return values.fill(value, running, lambda _: name)
        if isinstance(value, list):
            return [filled(item) for item in value]
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return value

    result: dict[str, Any] = filled(copy.deepcopy(document.front_matter))
    return result
