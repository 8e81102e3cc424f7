"""Check that a page is complete: it holds all it shows, and no markup was left unread.

check            refuse a page that is not complete
check_typst      refuse typst markup with something left in it

Both renderers only warn of such things, if at all, and the reader of a report does not see their warnings.
"""

import base64
import re
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

from deeplocalizer.rendering import leaks
from deeplocalizer.rendering.errors import RenderError

#: Attributes that make a browser load something, by element; a link that waits to be clicked is none.
LOADING = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "embed": ("src",),
    "audio": ("src",),
    "video": ("src", "poster"),
    "input": ("src",),
    "object": ("data",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
    "link": ("href",),
}
PASSIVE_LINKS = frozenset({"canonical", "license", "author", "alternate", "next", "prev"})
_STYLE_LOADS = re.compile(r"@import\s+['\"]?(?!url)([^'\";\s]+)|url\(\s*['\"]?([^'\")]+)", re.IGNORECASE)
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
# A listing is shown as it is; formulas know 'inf' as an operator.
_QUOTED = frozenset({"script", "style", "pre", "annotation"})
_FORMULA = "math"
_DESCRIBING = ("alt", "aria-label", "title")  # attributes that are read out
_CODE_OF_TYPST = re.compile(r"(`{3,}).*?\1|`[^`\n]*`|\"(?:[^\"\\\n]|\\.)*\"|(?<!\\)\$[^$]*\$", re.DOTALL)


def check(page: str) -> None:
    """Refuse a page that is not complete.

    Parameters
    ----------
    page : str
        HTML.

    Raises
    ------
    RenderError
        If the page would load anything from elsewhere, or shows markup, an unresolved reference, an unknown citation
        or a missing value, such as ``nan``; listings of code may hold anything.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    _refuse(reader.problems, "the rendered page is not complete")


def check_typst(markup: str) -> None:
    """Refuse typst markup that shows what no page may show.

    Parameters
    ----------
    markup : str
        What pandoc or Quarto wrote; code, formulas and strings in it may hold anything.

    Raises
    ------
    RenderError
        If it shows markup, an unresolved reference or a missing value.
    """
    text = _CODE_OF_TYPST.sub(" ", markup)
    _refuse([*leaks.markup(text), *leaks.values(text)], "the printed pages are not complete")


def _refuse(problems: list[str], what: str) -> None:
    if problems:
        listed = "\n".join(f"- {problem}" for problem in dict.fromkeys(problems))
        raise RenderError(f"{what}:\n{listed}")


class _Reader(HTMLParser):
    """Collect what a page loads and what it should not show."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        # The elements that are open, each with its class.
        self._open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        if tag not in _VOID:
            self._open.append((tag, attributes.get("class", "")))
        passive = tag == "link" and attributes.get("rel") in PASSIVE_LINKS
        for key in () if passive else LOADING.get(tag, ()):
            if key in attributes:
                self._require_inside(attributes[key], f"<{tag} {key}>")
        self._check_style(attributes.get("style", ""))
        for key in _DESCRIBING:
            text = attributes.get(key, "")
            self.problems += leaks.markup(text) + leaks.values(text)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        # Elements whose end tag is optional, such as <p>, are closed by their parent's.
        if tag in self._open_names():
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        names = self._open_names()
        if "style" in names:
            self._check_style(data)
        if names & _QUOTED:
            return
        if "code" in names:
            # In a sentence or a table, code that is nothing but a missing value is no code.
            self.problems += leaks.values(data) if data.strip() in leaks.WORDS else []
            self.problems += leaks.markup(data) if data.lstrip().startswith("{python}") else []
            return
        if "strong" in names and data.endswith("?") and ("span", "citation") in self._open:
            self.problems.append(f"the citation '{data[:-1]}' is not in the bibliography")
        self.problems += leaks.markup(data) + ([] if _FORMULA in names else leaks.values(data))

    def _open_names(self) -> set[str]:
        return {name for name, _ in self._open}

    def _check_style(self, style: str) -> None:
        for found in _STYLE_LOADS.finditer(style):
            self._require_inside(found[1] or found[2], "a style")

    def _require_inside(self, address: str, where: str) -> None:
        """Note an address that leads out of the page, or a stylesheet within it that does."""
        if address.startswith("data:text/css"):
            self._check_style(_content(address))
        elif address and not address.startswith(("data:", "#", "about:")):
            self.problems.append(f"{where} loads '{address[:120]}'")


def _content(address: str) -> str:
    """Return the text that a data address holds."""
    head, _, content = address.partition(",")
    data = unquote_to_bytes(content)
    return (base64.b64decode(data) if head.endswith(";base64") else data).decode("utf-8", "replace")
