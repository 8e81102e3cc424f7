"""The page by Quarto."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deeplocalizer.report import execution, qmd
from deeplocalizer.report.errors import RenderError

#: What makes Quarto's page self-contained.
REQUIRED = {"embed-resources": True, "html-math-method": "mathml"}
#: What would make Quarto execute: every cell has been executed already, so its engine is plain Markdown.
EXECUTION = ("engine", "execute", "jupyter")


def version(executable: str) -> str:
    """Return Quarto's version."""
    return _run([executable, "--version"], Path.cwd(), {}).stdout.strip()


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
    source, output = folder / f"{stem}.qmd", folder / f"{stem}.html"
    source.write_text(execution.write_markdown(_self_contained(front_matter), body), encoding="utf-8")
    _run([executable, "render", source.name, "--to", "html", "--output", output.name], folder, environment)
    if not output.is_file():
        raise RenderError(f"quarto said nothing was wrong, yet wrote no {output.name}")
    return output.read_text(encoding="utf-8")


def _self_contained(front_matter: Mapping[str, Any]) -> dict[str, Any]:
    """Return the front matter with what the report requires of Quarto, over what the document asks for."""
    options = {**qmd.html_options(front_matter), **REQUIRED}
    kept = {key: value for key, value in front_matter.items() if key not in EXECUTION}
    return {"lang": "en", **kept, "engine": "markdown", "format": {"html": options}}


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
