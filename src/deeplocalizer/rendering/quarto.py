"""The page and the PDF by Quarto.

version          which Quarto it is
prints           whether its typst knows the tables of the report
convert          executed Markdown to a page
print_pages      executed Markdown to a PDF
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deeplocalizer.rendering import completeness, execution, outputs, qmd
from deeplocalizer.rendering.errors import RenderError

#: What makes Quarto's page self-contained.
REQUIRED = {"embed-resources": True, "html-math-method": "mathml"}
#: What would make Quarto execute: every cell has been executed already, so its engine is plain Markdown.
EXECUTION = ("engine", "execute", "jupyter")


def version(executable: str) -> str:
    """Return Quarto's version."""
    return _run([executable, "--version"], Path.cwd(), {}).stdout.strip()


def prints(version: str) -> bool:
    """Say whether a version of Quarto can print: tables with heads and wide cells need typst 0.11, so Quarto 1.5."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is None or (int(found[1]), int(found[2])) >= (1, 5)


#: What a PDF by Quarto looks like, unless the document says otherwise; its markup is kept, to be checked.
PRINTED = {
    "papersize": "a4",
    "margin": {"x": "2.2cm", "y": "2.3cm"},
    "mainfont": "Libertinus Serif",
    "fontsize": "10.5pt",
    "toc": True,
    "toc-depth": 2,
}
#: Files that are HTML or styles of it: a document may name them for all formats, yet they are of the page alone.
OF_THE_PAGE = ("css", "include-in-header", "include-before-body", "include-after-body")
TABLES = "tables.typ"  # the look of tables; among the files given to the report


def convert(
    front_matter: Mapping[str, Any],
    body: str,
    folder: Path,
    executable: str,
    environment: Mapping[str, str],
    stem: str,
) -> str:
    """Convert executed Markdown to a page.

    Parameters
    ----------
    front_matter : mapping
        The front matter.
    body : str
        Markdown without code to execute.
    folder : Path
        Where images, stylesheets and the bibliography are; Quarto works in it.
    executable : str
        The Quarto program.
    environment : mapping
        Variables that Quarto has on top of those of this process.
    stem : str
        Name of the document without its suffix.

    Returns
    -------
    str
        The page that Quarto wrote.

    Raises
    ------
    RenderError
        If Quarto fails, with what it said, or writes no page.
    """
    options = {"html": {**qmd.format_options(front_matter, "html"), **REQUIRED}}
    output = folder / f"{stem}.html"
    _render(_header(front_matter, options), body, output, "html", executable, environment)
    return output.read_text(encoding="utf-8")


def print_pages(
    front_matter: Mapping[str, Any],
    body: str,
    folder: Path,
    executable: str,
    environment: Mapping[str, str],
    stem: str,
) -> bytes:
    """Convert executed Markdown to a PDF, through typst.

    Parameters
    ----------
    front_matter, folder, executable, environment, stem
        As of `convert`.
    body : str
        Markdown without code to execute, its tables in typst.

    Returns
    -------
    bytes
        The PDF that Quarto wrote.

    Raises
    ------
    RenderError
        If Quarto fails, with what it said, writes no PDF, or left something in the markup that none may see.
    """
    look = folder / TABLES
    if not look.is_file():
        raise RenderError(f"a PDF needs '{TABLES}' among the files given to the report")
    options = {"typst": {**PRINTED, **qmd.format_options(front_matter, "typst"), "keep-typ": True}}
    if front_matter.get("number-sections"):
        options["typst"].setdefault("section-numbering", "1.1")
    output = folder / f"{stem}.pdf"
    header = {key: value for key, value in _header(front_matter, options).items() if key not in OF_THE_PAGE}
    defined = outputs.fenced(look.read_text(encoding="utf-8"), "{=typst}")
    _render(header, f"{defined}\n\n{body}", output, "typst", executable, environment)
    kept = folder / f"{stem}.typ"
    if not kept.is_file():
        raise RenderError(f"quarto kept no {kept.name}, without which what it printed cannot be checked")
    completeness.check_typst(kept.read_text(encoding="utf-8"))
    return output.read_bytes()


def _header(front_matter: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the front matter with what the report requires of Quarto, over what the document asks for."""
    kept = {key: value for key, value in front_matter.items() if key not in EXECUTION}
    return {"lang": "en", **kept, "engine": "markdown", "format": options}


def _render(
    header: Mapping[str, Any],
    body: str,
    output: Path,
    to: str,
    executable: str,
    environment: Mapping[str, str],
) -> None:
    """Let Quarto write a file."""
    source = output.with_suffix(".qmd")
    source.write_text(execution.write_markdown(header, body), encoding="utf-8")
    command = [executable, "render", source.name, "--to", to, "--output", output.name]
    _run(command, output.parent, environment)
    if not output.is_file():
        raise RenderError(f"quarto said nothing was wrong, yet wrote no {output.name}")


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise RenderError("\n".join([f"quarto failed with exit status {done.returncode}:", *said[-30:]]))
    return done
