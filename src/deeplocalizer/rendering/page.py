"""The page without Quarto: executed Markdown to one HTML file, by pandoc and what this package adds to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deeplocalizer.rendering import bylines, crossref, dark, execution, pandoc, qmd, references, structure
from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.pandoc import Element, Tree

#: Read here, not by pandoc: they choose what is done, and are no metadata of the page.
OPTIONS = (
    "format",
    "execute",
    "engine",
    "jupyter",
    "css",
    "include-after-body",
    "toc",
    "toc-depth",
    "toc-location",
    "number-sections",
    "respect-user-color-scheme",
    "theme",
    "minimal",
)
DEFAULT_TOC_DEPTH = 3


def convert(front_matter: Mapping[str, Any], body: str, folder: Path) -> str:
    """Convert executed Markdown to a page.

    Parameters
    ----------
    front_matter : mapping
        The front matter.
    body : str
        Markdown without code to execute.
    folder : Path
        Where images, stylesheets and the bibliography are.

    Returns
    -------
    str
        HTML that holds its stylesheets, scripts and images. Vector images follow the reader's light or dark setting.

    Raises
    ------
    RenderError
        If a reference or citation is unknown, a file is missing, or pandoc warns of anything.
    """
    options = {**front_matter, **qmd.html_options(front_matter)}
    tree = pandoc.read(execution.write_markdown(_metadata(options), body), folder)
    tree = structure.shape(tree, folder)
    tree = crossref.link(tree, bool(options.get("number-sections")))
    tree = structure.scrolling(pandoc.embed_images(tree, folder, dark.adapt))
    tree, shift = _under_title(tree)
    tree = references.with_list(tree, options, level=2)
    tree = _framed(tree, _files(options, "css", folder), _files(options, "include-after-body", folder))
    return pandoc.write_page(tree, folder, _arguments(options, shift))


def _metadata(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what pandoc is told of the document."""
    metadata = {key: value for key, value in options.items() if key not in OPTIONS}
    defaults = {"lang": "en", "toc-title": "Contents", "link-citations": True}
    metadata = {**defaults, **metadata, "document-css": False}
    if "author" in metadata:
        metadata["author"] = bylines.write(metadata["author"])
    return metadata


def _under_title(tree: Tree) -> tuple[Tree, int]:
    """Move headings one level down if they start at the level of the title: a page has one title."""
    levels: list[int] = []
    pandoc.rewrite(tree["blocks"], lambda e: levels.append(e["c"][0]) if e["t"] == "Header" else None)
    if min(levels, default=2) > 1:
        return tree, 0

    def visit(element: Element) -> list[Element] | None:
        if element["t"] != "Header":
            return None
        level, attributes, inlines = element["c"]
        return [{"t": "Header", "c": [min(level + 1, 6), attributes, inlines]}]

    return {**tree, "blocks": pandoc.rewrite(tree["blocks"], visit)}, 1


def _framed(tree: Tree, style: str, script: str) -> Tree:
    """Put the blocks into the main element of the page, the stylesheets into its head and scripts to its end."""
    ends = [pandoc.raw_html(script)] if script else []
    frame = [pandoc.raw_html('<main class="report">'), *tree["blocks"], pandoc.raw_html("</main>"), *ends]
    head = {"t": "MetaBlocks", "c": [pandoc.raw_html(f"<style>\n{style}\n</style>")]}
    return {**tree, "meta": {**tree["meta"], "header-includes": head}, "blocks": frame}


def _files(options: Mapping[str, Any], key: str, folder: Path) -> str:
    """Read the files that an option of the front matter names, one or many."""
    names = options.get(key) or []
    return "\n".join(_read(str(name), key, folder) for name in (names if isinstance(names, list) else [names]))


def _read(name: str, key: str, folder: Path) -> str:
    path = folder / name
    if not path.is_file():
        what = "stylesheet" if key == "css" else f"file of '{key}'"
        raise RenderError(f"the {what} '{name}' is not among the files given to the report")
    return path.read_text(encoding="utf-8")


def _arguments(options: Mapping[str, Any], shift: int) -> list[str]:
    arguments = []
    if options.get("toc"):
        depth = int(options.get("toc-depth", DEFAULT_TOC_DEPTH)) + shift
        arguments += ["--toc", f"--toc-depth={depth}"]
    if "bibliography" in options:
        arguments.append("--citeproc")
    return arguments
