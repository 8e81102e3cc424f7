"""Render a report: execute, convert, check, publish.

render           render a document to a page or to a PDF
"""

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deeplocalizer import whole
from deeplocalizer.rendering import completeness, execution, page, pandoc, printed, qmd, quarto, sheets, typesetting
from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.kernel import kernel

logger = logging.getLogger(__name__)


def render(
    source: Path,
    output: Path,
    environment: Mapping[str, str],
    resources: Sequence[Path] = (),
    tables: Path | None = None,
) -> str:
    """Render a Quarto document to one self-contained HTML page, or to a PDF.

    Quarto converts it if it is on the path (for a PDF, 1.5 or newer); otherwise pandoc does, with the same
    cross-references, callouts and captions, and for a PDF typst. A failing Quarto is an error, not a reason to try
    the other: the two would be confused.

    Parameters
    ----------
    source : Path
        The ``.qmd`` document.
    output : Path
        The page (``.html``) or the PDF (``.pdf``) to write. It appears only when it is complete; until then a former
        one stays as it is.
    environment : mapping
        Variables for the cells of the document, on top of those of this process. Paths in them should be
        absolute: the cells run in a temporary folder.
    resources : sequence of Path
        Files and folders the document uses, such as figures, stylesheet and bibliography; for a PDF ``tables.typ``
        and ``print.typ``, too. Each lies beside the document under its own name.
    tables : Path, optional
        A folder to which every labelled table of the document is written as CSV, such as ``tbl-layers.csv``.

    Returns
    -------
    str
        What converted the document: ``quarto 1.7.31`` or ``nbclient and pandoc 3.9``.

    Raises
    ------
    RenderError
        If the document is malformed, a cell fails, a reference or a file is missing, or the page is not
        complete.
    """
    document = qmd.parse(source.read_text(encoding="utf-8"), source.name)
    executable, version = _quarto(output)
    renderer = f"quarto {version}" if executable else f"nbclient and pandoc {pandoc.version()}"
    logger.info("Rendering %s with %s", source.name, renderer)
    with _workplace() as (folder, private):
        _gather(resources, folder)
        with kernel(folder, private, environment) as running:
            front_matter, body = execution.execute(document, running, folder)
        with _naming(source.name):
            by = {"executable": executable, "environment": environment, "stem": source.stem} if executable else {}
            convert = _print if output.suffix == ".pdf" else _convert
            made = convert(front_matter, body, folder, by)
            if tables is not None:
                sheets.write(body, folder, tables)
    whole.write(made, output)
    return renderer


def _quarto(output: Path) -> tuple[str | None, str]:
    """Find a Quarto that can write a file, and its version."""
    executable = shutil.which("quarto")
    version = quarto.version(executable) if executable else ""
    if executable and output.suffix == ".pdf" and not quarto.prints(version):
        logger.info("The PDF is made without quarto %s, whose typst is too old for its tables", version)
        return None, ""
    return executable, version


def _convert(front_matter: Mapping[str, Any], body: str, folder: Path, by_quarto: Mapping[str, Any]) -> bytes:
    """Convert executed Markdown to a page, and check it."""
    if by_quarto:
        html = quarto.convert(front_matter, body, folder, **by_quarto)
    else:
        html = page.convert(front_matter, body, folder)
    completeness.check(html)
    return html.encode("utf-8")


def _print(front_matter: Mapping[str, Any], body: str, folder: Path, by_quarto: Mapping[str, Any]) -> bytes:
    """Convert executed Markdown to a PDF; the markup that it is set from is checked on the way."""
    if by_quarto:
        return quarto.print_pages(front_matter, typesetting.body_for_print(body, folder), folder, **by_quarto)
    return printed.convert(front_matter, body, folder)


@contextmanager
def _workplace() -> Iterator[tuple[Path, Path]]:
    """Make a temporary folder for the document and one for the kernel's own files."""
    with TemporaryDirectory(prefix="report-") as temporary:
        folder, private = Path(temporary, "document"), Path(temporary, "kernel")
        folder.mkdir()
        private.mkdir()
        yield folder, private


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Put the document's name before the message of an error that does not know it."""
    try:
        yield
    except RenderError as error:
        raise RenderError(f"{name}: {error}") from error


def _gather(resources: Sequence[Path], folder: Path) -> None:
    """Copy what the document uses to where it lies."""
    for resource in resources:
        target = folder / resource.name
        if target.exists():
            raise RenderError(f"two resources of the report are both called '{resource.name}'")
        if resource.is_dir():
            shutil.copytree(resource, target)
        elif resource.is_file():
            shutil.copyfile(resource, target)
        else:
            raise RenderError(f"the resource '{resource}' of the report does not exist")
