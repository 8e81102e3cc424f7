"""The page without Quarto: executed Markdown to one HTML file, by pandoc and what this package adds to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deeplocalizer.report import crossref, execution, pandoc, qmd, structure
from deeplocalizer.report.errors import RenderError
from deeplocalizer.report.pandoc import Element, Tree

#: Read here, not by pandoc: they choose what is done, and are no metadata of the page.
OPTIONS = (
    "format",
    "execute",
    "engine",
    "jupyter",
    "css",
    "toc",
    "toc-depth",
    "number-sections",
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
        HTML that holds its stylesheets and images.

    Raises
    ------
    RenderError
        If a reference or citation is unknown, a file is missing, or pandoc warns of anything.
    """
    options = {**front_matter, **qmd.html_options(front_matter)}
    tree = pandoc.read(execution.write_markdown(_metadata(options), body), folder)
    tree = structure.shape(tree, folder)
    tree = crossref.link(tree, bool(options.get("number-sections")))
    tree = pandoc.embed_images(tree, folder)
    tree, shift = _under_title(tree)
    tree = _with_reference_list(tree, options)
    tree = _framed(tree, _stylesheets(options, folder))
    return pandoc.write_page(tree, folder, _arguments(options, shift))


def _metadata(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what pandoc is told of the document."""
    metadata = {key: value for key, value in options.items() if key not in OPTIONS}
    defaults = {"lang": "en", "toc-title": "Contents", "link-citations": True}
    metadata = {**defaults, **metadata, "document-css": False}
    if "author" in metadata:
        metadata["author"] = _authors(metadata["author"])
    return metadata


def _authors(given: Any) -> list[str]:
    """Return the authors as lines of text, whatever form Quarto allows them to have."""
    return [_author(author) for author in (given if isinstance(given, list) else [given])]


def _author(author: Any) -> str:
    if not isinstance(author, dict):
        return str(author)
    affiliations = author.get("affiliations") or author.get("affiliation") or []
    listed = affiliations if isinstance(affiliations, list) else [affiliations]
    names = [str(item.get("name", "")) if isinstance(item, dict) else str(item) for item in listed]
    return ", ".join([str(author.get("name", "")), *names])


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


def _with_reference_list(tree: Tree, options: Mapping[str, Any]) -> Tree:
    """Add a heading and a place for the references, unless the document has its own."""
    cited, places = _citations_and_places(tree)
    if "bibliography" not in options:
        if cited:
            raise RenderError(f"the document cites '@{cited[0]}' but names no bibliography")
        return tree
    if places or not (cited or options.get("nocite")):
        return tree
    heading = {"t": "Header", "c": [2, ["references", ["unnumbered"], []], pandoc.words("References")]}
    return {**tree, "blocks": [*tree["blocks"], heading, pandoc.div([], [], "refs")]}


def _citations_and_places(tree: Tree) -> tuple[list[str], list[Element]]:
    """Return the keys that are cited and the divs where a document wants its references."""
    cited: list[str] = []
    places: list[Element] = []

    def collect(element: Element) -> None:
        if element["t"] == "Cite":
            cited.extend(citation["citationId"] for citation in element["c"][0])
        elif element["t"] == "Div" and element["c"][0][0] == "refs":
            places.append(element)

    pandoc.rewrite(tree, collect)
    return cited, places


def _framed(tree: Tree, style: str) -> Tree:
    """Put the blocks into the main element of the page, and the stylesheets into its head."""
    frame = [pandoc.raw_html('<main class="report">'), *tree["blocks"], pandoc.raw_html("</main>")]
    head = {"t": "MetaBlocks", "c": [pandoc.raw_html(f"<style>\n{style}\n</style>")]}
    return {**tree, "meta": {**tree["meta"], "header-includes": head}, "blocks": frame}


def _stylesheets(options: Mapping[str, Any], folder: Path) -> str:
    names = options.get("css") or []
    return "\n".join(_read(str(name), folder) for name in (names if isinstance(names, list) else [names]))


def _read(name: str, folder: Path) -> str:
    path = folder / name
    if not path.is_file():
        raise RenderError(f"the stylesheet '{name}' is not among the files given to the report")
    return path.read_text(encoding="utf-8")


def _arguments(options: Mapping[str, Any], shift: int) -> list[str]:
    arguments = []
    if options.get("toc"):
        depth = int(options.get("toc-depth", DEFAULT_TOC_DEPTH)) + shift
        arguments += ["--toc", f"--toc-depth={depth}"]
    if "bibliography" in options:
        arguments.append("--citeproc")
    return arguments
