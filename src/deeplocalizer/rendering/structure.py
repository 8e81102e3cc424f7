"""Callouts and tab sets, which Quarto knows and pandoc does not, and figures that scroll on a narrow screen.

shape            callouts and tab sets
scrolling        figures
"""

from pathlib import Path

from deeplocalizer.rendering import pandoc
from deeplocalizer.rendering.pandoc import Element, Tree

CALLOUTS = ("note", "tip", "important", "warning", "caution")


def shape(tree: Tree, folder: Path) -> Tree:
    """Turn callouts into titled notes and tab sets into sections below each other.

    Their headings are titles, not sections: they get no number and are left out of the table of contents, as
    in Quarto.
    """

    def visit(element: Element) -> list[Element] | None:
        if element["t"] != "Div":
            return None
        classes = element["c"][0][1]
        kind = next((kind for kind in CALLOUTS if f"callout-{kind}" in classes), None)
        if kind is not None:
            return [_callout(element, kind, shape_blocks(element["c"][1]), folder)]
        if "panel-tabset" in classes:
            return [_tab_set(element, shape_blocks(element["c"][1]))]
        return None

    def shape_blocks(blocks: list[Element]) -> list[Element]:
        shaped: list[Element] = pandoc.rewrite(blocks, visit)
        return shaped

    shaped_tree: Tree = pandoc.rewrite(tree, visit)
    return shaped_tree


def _callout(element: Element, kind: str, blocks: list[Element], folder: Path) -> Element:
    """Return a callout; its kind stands in words before its title, since colour alone says nothing."""
    (identifier, _, pairs), _ = element["c"]
    title = dict(pairs).get("title")
    inlines = pandoc.read_inlines(title, folder) if title else []
    if not inlines and blocks and blocks[0]["t"] == "Header":
        inlines, blocks = blocks[0]["c"][2], blocks[1:]
    word = kind.capitalize()
    heading = [pandoc.span("callout-word", f"{word}:" if inlines else word)]
    if inlines:
        heading += [{"t": "Space"}, *inlines]
    parts = [
        pandoc.div(["callout-title"], [pandoc.plain(heading)]),
        pandoc.div(["callout-body"], blocks),
    ]
    return pandoc.div(["callout", f"callout-{kind}"], parts, identifier, role="note")


def _tab_set(element: Element, blocks: list[Element]) -> Element:
    (identifier, classes, pairs), _ = element["c"]
    level = next((block["c"][0] for block in blocks if block["t"] == "Header"), None)
    stacked = [_as_tab_title(block) if _is_header(block, level) else block for block in blocks]
    return {"t": "Div", "c": [[identifier, classes, pairs], stacked]}


def _is_header(block: Element, level: int | None) -> bool:
    return bool(block["t"] == "Header" and block["c"][0] == level)


def _as_tab_title(header: Element) -> Element:
    level, (identifier, classes, pairs), inlines = header["c"]
    return {
        "t": "Header",
        "c": [level, [identifier, [*classes, "tab-title", "unnumbered", "unlisted"], pairs], inlines],
    }


def scrolling(tree: Tree) -> Tree:
    """Put what a numbered figure shows into a region that scrolls sideways, by the keyboard too: it takes the focus.

    A figure that is shrunk to a phone cannot be read. The region is called by the number of the figure.
    """

    def visit(element: Element) -> list[Element] | None:
        if element["t"] != "Figure":
            return None
        attributes, caption, blocks = element["c"]
        name = next((label for block in caption[1] if (label := _caption_label(block))), "Figure")
        region = pandoc.div(["figure-scroll"], blocks, tabindex="0", role="group", aria_label=name)
        return [{"t": "Figure", "c": [attributes, caption, [region]]}]

    scrolled: Tree = pandoc.rewrite(tree, visit)
    return scrolled


def _caption_label(block: Element) -> str:
    """Return the number that a caption begins with, such as ``Figure 1``."""
    first = block["c"][0] if block["t"] == "Plain" and block["c"] else {"t": ""}
    numbered = first["t"] == "Span" and "caption-label" in first["c"][0][1]
    return pandoc.text_of(first).rstrip(":") if numbered else ""
