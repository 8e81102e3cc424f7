"""Number figures, tables, equations and sections, and resolve the references to them, as Quarto does.

link             number what can be referred to, and turn every reference into a link
Layout           how tables are laid out: differently on a page that scrolls and on paper
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deeplocalizer.rendering import pandoc, scrolling
from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.numbering import NAMES, Numbering, Target, kind_of
from deeplocalizer.rendering.pandoc import Element, Tree

# What Quarto takes for a cross-reference; '@eq-1' is never a citation, so it must not pass for one here.
QUARTO_KINDS = frozenset(
    [
        "fig",
        "tbl",
        "sec",
        "lst",
        "eq",
        "tip",
        "nte",
        "wrn",
        "imp",
        "cau",
        "thm",
        "lem",
        "cor",
        "prp",
        "cnj",
        "def",
        "exm",
        "exr",
        "sol",
        "rem",
        "alg",
    ]
)
NO_BREAK = "\N{NO-BREAK SPACE}"
_EQUATION = re.compile(r"\{#(eq-[\w-]+)\}")


@dataclass(frozen=True)
class Layout:
    """How tables are laid out.

    Parameters
    ----------
    labelled : callable
        Given an identifier, the inlines of the caption with its number, and the blocks of a table, returns what
        stands for it.
    bare : callable
        Given a table that cannot be referred to, returns what stands for it.
    """

    labelled: Callable[[str, list[Element], list[Element]], list[Element]]
    bare: Callable[[Element], list[Element]]


PAGE = Layout(scrolling.labelled, scrolling.bare)


def link(tree: Tree, number_sections: bool, layout: Layout = PAGE) -> Tree:
    """Number what can be referred to, in order, and turn every reference into a link.

    Parameters
    ----------
    tree : Tree
        The document, callouts and tab sets shaped.
    number_sections : bool
        Whether headings get numbers; if not, a reference to a section shows its title.
    layout : Layout, optional
        How tables are laid out; as on a page that scrolls, unless told otherwise.

    Raises
    ------
    RenderError
        If a reference leads nowhere, a label is used twice, or a labelled figure has no caption.
    """
    numbering = Numbering(number_sections, _top_level(tree))
    blocks = _number(tree["blocks"], numbering, layout)
    numbered = {**tree, "blocks": blocks}
    resolved: Tree = pandoc.rewrite(numbered, lambda element: _resolve(element, numbering.targets))
    return resolved


def _top_level(tree: Tree) -> int:
    levels: list[int] = []

    def collect(element: Element) -> None:
        if element["t"] == "Header" and "unlisted" not in element["c"][1][1]:
            levels.append(element["c"][0])

    pandoc.rewrite(tree["blocks"], collect)
    return min(levels, default=1)


def _number(blocks: list[Element], numbering: Numbering, layout: Layout, inside: str = "") -> list[Element]:
    """Number the headings, figures and tables among some blocks and the blocks in them."""

    def visit(element: Element) -> list[Element] | None:
        kind = element["t"]
        if kind == "Header":
            return [_header(element, numbering)]
        if kind == "Table" and not kind_of(element["c"][0][0]):
            return None if kind_of(inside) == "tbl" else layout.bare(element)
        if kind in ("Para", "Plain"):
            return _equations(element, numbering)
        if kind not in ("Figure", "Table", "Div") or not kind_of(element["c"][0][0]):
            return None
        return _float(element, numbering, layout, inside)

    numbered: list[Element] = pandoc.rewrite(blocks, visit)
    return numbered


def _header(element: Element, numbering: Numbering) -> Element:
    level, attributes, inlines = element["c"]
    identifier, classes, _ = attributes
    number = ""
    if numbering.number_sections and "unnumbered" not in classes:
        number = numbering.next_section(level)
    if identifier.startswith("sec-"):
        numbering.add(identifier, Target(NAMES["sec"], number, pandoc.text_of(inlines)))
    if not number:
        return element
    span = pandoc.span("header-section-number", number)
    return {"t": "Header", "c": [level, attributes, [span, {"t": "Space"}, *inlines]]}


def _float(element: Element, numbering: Numbering, layout: Layout, inside: str) -> list[Element]:
    """Return a figure or table with its number in its caption."""
    identifier = element["c"][0][0]
    if inside:
        raise RenderError(f"'{identifier}' is inside '{inside}'; parts of a figure cannot be numbered here")
    target = numbering.next(identifier)
    caption, blocks = _caption_and_content(element)
    if not pandoc.text_of(caption):
        raise RenderError(f"'{identifier}' has no caption")
    inner = _number(blocks, numbering, layout, inside=identifier) if element["t"] == "Div" else blocks
    inner = [_without_paragraph(block) for block in inner]
    label = pandoc.span("caption-label", f"{target.name}{NO_BREAK}{target.number}:")
    numbered = [label, {"t": "Space"}, *caption]
    if kind_of(identifier) == "tbl":
        return layout.labelled(identifier, numbered, inner)
    attributes = [identifier, *element["c"][0][1:]] if element["t"] == "Figure" else [identifier, [], []]
    return [{"t": "Figure", "c": [attributes, [None, [pandoc.plain(numbered)]], inner]}]


def _equations(element: Element, numbering: Numbering) -> list[Element] | None:
    """Number the displayed formulas of a paragraph that a label such as ``{#eq-effect}`` follows."""
    inlines: list[Element] = []
    for inline in element["c"]:
        named = _EQUATION.fullmatch(inline["c"]) if inline["t"] == "Str" else None
        formula = inlines.pop() if named and inlines else None
        while formula and formula["t"] in ("Space", "SoftBreak"):
            formula = inlines.pop() if inlines else None
        if named is None:
            inlines.append(inline)
        elif formula is None or not _is_display(formula):
            raise RenderError(f"the label '{named[1]}' follows no displayed formula")
        else:
            number = numbering.next(named[1]).number
            shown = {"t": "Math", "c": [formula["c"][0], rf"{formula['c'][1]} \qquad({number})"]}
            inlines.append({"t": "Span", "c": [[named[1], ["equation"], []], [shown]]})
    return None if len(inlines) == len(element["c"]) else [{"t": element["t"], "c": inlines}]


def _is_display(element: Element) -> bool:
    return bool(element["t"] == "Math" and element["c"][0]["t"] == "DisplayMath")


def _without_paragraph(block: Element) -> Element:
    """Return an image that stands alone without the paragraph that Markdown puts it in."""
    alone = block["t"] == "Para" and all(inline["t"] == "Image" for inline in block["c"])
    return pandoc.plain(block["c"]) if alone else block


def _caption_and_content(element: Element) -> tuple[list[Element], list[Element]]:
    """Take the caption off a figure, a table, or a div whose last paragraph is the caption."""
    if element["t"] == "Figure":
        _, (_, caption), blocks = element["c"]
        return _inlines(caption), blocks
    if element["t"] == "Table":
        (_, classes, pairs), (_, caption), *rest = element["c"]
        return _inlines(caption), [{"t": "Table", "c": [["", classes, pairs], [None, []], *rest]}]
    blocks = element["c"][1]
    if len(blocks) < 2 or blocks[-1]["t"] != "Para":
        return [], blocks
    return blocks[-1]["c"], blocks[:-1]


def _inlines(blocks: list[Element]) -> list[Element]:
    """Return the text of a caption, which pandoc keeps as blocks."""
    return [inline for block in blocks if block["t"] in ("Plain", "Para") for inline in block["c"]]


def _resolve(element: Element, targets: Mapping[str, Target]) -> list[Element] | None:
    """Turn a citation into links if it is a cross-reference."""
    if element["t"] != "Cite":
        return None
    citations = element["c"][0]
    references = [citation for citation in citations if _is_reference(citation["citationId"])]
    if not references:
        return None
    if len(references) < len(citations):
        names = ", ".join(f"@{citation['citationId']}" for citation in citations)
        raise RenderError(f"cross-references and citations cannot share brackets: [{names}]")
    links: list[Element] = []
    for citation in citations:
        links += [*pandoc.words(","), {"t": "Space"}] if links else []
        links += [_link(citation, targets), *citation["citationSuffix"]]
    return links


def _is_reference(identifier: str) -> bool:
    kind, _, rest = identifier.partition("-")
    return bool(rest) and kind.lower() in QUARTO_KINDS


def _link(citation: Mapping[str, Any], targets: Mapping[str, Target]) -> Element:
    """Return the link of one reference: 'Figure 1', '1' without its name, or with another word before it."""
    identifier = citation["citationId"]
    identifier = identifier[0].lower() + identifier[1:]
    target = targets.get(identifier)
    if target is None:
        known = ", ".join(f"@{name}" for name in targets) or "none"
        raise RenderError(f"unknown reference '@{identifier}'; the document defines {known}")
    text = pandoc.words(target.number or target.title)
    if citation["citationPrefix"]:
        text = [*citation["citationPrefix"], *pandoc.words(NO_BREAK), *text]
    elif target.number and citation["citationMode"]["t"] != "SuppressAuthor":
        text = pandoc.words(f"{target.name}{NO_BREAK}{target.number}")
    return {"t": "Link", "c": [["", ["quarto-xref"], []], text, [f"#{identifier}", ""]]}
