"""The place of the reference list."""

from collections.abc import Mapping
from typing import Any

from deeplocalizer.rendering import pandoc
from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.pandoc import Element, Tree


def with_list(tree: Tree, options: Mapping[str, Any], level: int) -> Tree:
    """Add a heading and a place for the references, unless the document has its own.

    Parameters
    ----------
    tree : Tree
        The document, its cross-references resolved: what still cites, cites literature.
    options : mapping
        The front matter.
    level : int
        Of the heading.

    Raises
    ------
    RenderError
        If the document cites but names no bibliography.
    """
    cited, places = _citations_and_places(tree)
    if "bibliography" not in options:
        if cited:
            raise RenderError(f"the document cites '@{cited[0]}' but names no bibliography")
        return tree
    if places or not (cited or options.get("nocite")):
        return tree
    heading = {"t": "Header", "c": [level, ["references", ["unnumbered"], []], pandoc.words("References")]}
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
