"""Number figures, tables and sections, and resolve the references to them, as Quarto does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deeplocalizer.report import pandoc
from deeplocalizer.report.errors import RenderError
from deeplocalizer.report.pandoc import Element, Tree

NAMES = {"fig": "Figure", "tbl": "Table", "sec": "Section"}
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


@dataclass(frozen=True)
class Target:
    """What a reference leads to: a named number or, without a number, a title."""

    name: str
    number: str
    title: str = ""


@dataclass
class Numbering:
    """Counters of a document, and what they have numbered so far."""

    number_sections: bool
    top_level: int
    counts: dict[str, int] = field(default_factory=lambda: {"fig": 0, "tbl": 0})
    sections: list[int] = field(default_factory=list)
    targets: dict[str, Target] = field(default_factory=dict)

    def add(self, identifier: str, target: Target) -> None:
        """Remember a target.

        Raises
        ------
        RenderError
            If its name is taken: a reference could not tell the two apart.
        """
        if identifier in self.targets:
            raise RenderError(f"the label '{identifier}' is used twice")
        self.targets[identifier] = target

    def next_float(self, identifier: str) -> Target:
        """Number a figure or a table."""
        kind = _kind_of(identifier)
        self.counts[kind] += 1
        target = Target(NAMES[kind], str(self.counts[kind]))
        self.add(identifier, target)
        return target

    def next_section(self, level: int) -> str:
        """Return the number of the next heading at a level."""
        depth = level - self.top_level + 1
        self.sections = (self.sections + [0] * depth)[:depth]
        self.sections[-1] += 1
        return ".".join(map(str, self.sections))


def link(tree: Tree, number_sections: bool) -> Tree:
    """Number what can be referred to, in order, and turn every reference into a link.

    Parameters
    ----------
    tree : Tree
        The document, callouts and tab sets shaped.
    number_sections : bool
        Whether headings get numbers; if not, a reference to a section shows its title.

    Raises
    ------
    RenderError
        If a reference leads nowhere, a label is used twice, or a labelled figure has no caption.
    """
    numbering = Numbering(number_sections, _top_level(tree))
    blocks = _number(tree["blocks"], numbering)
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


def _number(blocks: list[Element], numbering: Numbering, inside: str = "") -> list[Element]:
    """Number the headings, figures and tables among some blocks and the blocks in them."""

    def visit(element: Element) -> list[Element] | None:
        kind = element["t"]
        if kind == "Header":
            return [_header(element, numbering)]
        if kind == "Table" and not _kind_of(element["c"][0][0]):
            return None if _kind_of(inside) == "tbl" else [_scrolling([element])]
        if kind not in ("Figure", "Table", "Div") or not _kind_of(element["c"][0][0]):
            return None
        return _float(element, numbering, inside)

    numbered: list[Element] = pandoc.rewrite(blocks, visit)
    return numbered


def _kind_of(identifier: str) -> str:
    """Return ``fig`` or ``tbl`` if an identifier labels one."""
    kind, _, rest = identifier.partition("-")
    return kind if kind in ("fig", "tbl") and rest else ""


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


def _float(element: Element, numbering: Numbering, inside: str) -> list[Element]:
    """Return a figure or table with its number in its caption."""
    identifier = element["c"][0][0]
    if inside:
        raise RenderError(f"'{identifier}' is inside '{inside}'; parts of a figure cannot be numbered here")
    target = numbering.next_float(identifier)
    caption, blocks = _caption_and_content(element)
    if not pandoc.text_of(caption):
        raise RenderError(f"'{identifier}' has no caption")
    inner = _number(blocks, numbering, inside=identifier) if element["t"] == "Div" else blocks
    inner = [_without_paragraph(block) for block in inner]
    label = pandoc.span("caption-label", f"{target.name}{NO_BREAK}{target.number}:")
    numbered = [label, {"t": "Space"}, *caption]
    if _kind_of(identifier) == "tbl":
        return _table(identifier, numbered, inner)
    attributes = [identifier, *element["c"][0][1:]] if element["t"] == "Figure" else [identifier, [], []]
    return [{"t": "Figure", "c": [attributes, [None, [pandoc.plain(numbered)]], inner]}]


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


def _table(identifier: str, caption: list[Element], blocks: list[Element]) -> list[Element]:
    """Return a table whose caption stays in place while a wide table scrolls under it."""
    name = pandoc.escape(identifier)
    return [
        pandoc.raw_html(f'<figure id="{name}" class="table">\n<figcaption id="{name}-caption">'),
        pandoc.plain(caption),
        pandoc.raw_html("</figcaption>"),
        _scrolling(blocks, aria_labelledby=f"{identifier}-caption"),
        pandoc.raw_html("</figure>"),
    ]


def _scrolling(blocks: list[Element], **name: str) -> Element:
    """Return blocks in a region that scrolls sideways, by the keyboard too: it takes the focus."""
    return pandoc.div(["table-scroll"], blocks, tabindex="0", role="region", **(name or {"aria_label": "Table"}))


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
