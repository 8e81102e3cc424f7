"""Render a report: execute, convert, check, publish."""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deeplocalizer.report import completeness, execution, page, pandoc, qmd, quarto
from deeplocalizer.report.errors import RenderError

logger = logging.getLogger(__name__)


def render(source: Path, output: Path, environment: Mapping[str, str], resources: Sequence[Path] = ()) -> str:
    """Render a Quarto document to one self-contained HTML page.

    Quarto converts it if it is on the path; otherwise pandoc does, with the same cross-references, callouts
    and captions. A failing Quarto is an error, not a reason to try the other: the two would be confused.

    Parameters
    ----------
    source : Path
        The ``.qmd`` document.
    output : Path
        The page to write. It appears only when it is complete; until then a former page stays as it is.
    environment : mapping
        Variables for the cells of the document, on top of those of this process. Paths in them should be
        absolute: the cells run in a temporary folder.
    resources : sequence of Path
        Files and folders the document uses, such as figures, stylesheet and bibliography. Each lies beside
        the document under its own name.

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
    executable = shutil.which("quarto")
    renderer = f"quarto {quarto.version(executable)}" if executable else f"nbclient and pandoc {pandoc.version()}"
    logger.info("Rendering %s with %s", source.name, renderer)
    with _workplace() as (folder, private):
        _gather(resources, folder)
        with execution.kernel(folder, private, environment) as kernel:
            front_matter, body = execution.execute(document, kernel, folder)
        with _naming(source.name):
            if executable:
                html = quarto.convert(front_matter, body, folder, executable, environment, source.stem)
            else:
                html = page.convert(front_matter, body, folder)
    completeness.check(html, source.name)
    _publish(html, output)
    return renderer


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


def _publish(html: str, output: Path) -> None:
    """Write a page beside its destination and rename it, so that no reader meets half a page."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        partial.write_text(html, encoding="utf-8")
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
