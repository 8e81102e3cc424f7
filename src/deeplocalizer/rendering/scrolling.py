"""Tables of a page that scrolls: a wide one moves under its caption.

labelled         a table with its caption
bare             a table without one
"""

from deeplocalizer.rendering import pandoc
from deeplocalizer.rendering.pandoc import Element


def labelled(identifier: str, caption: list[Element], blocks: list[Element]) -> list[Element]:
    """Return a table whose caption stays in place while a wide table scrolls under it."""
    name = pandoc.escape(identifier)
    return [
        pandoc.raw_html(f'<figure id="{name}" class="table">\n<figcaption id="{name}-caption">'),
        pandoc.plain(caption),
        pandoc.raw_html("</figcaption>"),
        _scrolling(blocks, aria_labelledby=f"{identifier}-caption"),
        pandoc.raw_html("</figure>"),
    ]


def bare(table: Element) -> list[Element]:
    """Return a table that has no label."""
    return [_scrolling([table])]


def _scrolling(blocks: list[Element], **name: str) -> Element:
    """Return blocks in a region that scrolls sideways, by the keyboard too: it takes the focus."""
    return pandoc.div(["table-scroll"], blocks, tabindex="0", role="region", **(name or {"aria_label": "Table"}))
