"""Pandoc, and its document tree as plain lists and dictionaries.

A tree is what ``pandoc -t json`` writes: ``{"meta": ..., "blocks": [...]}``, every element a dictionary with
its type under ``t`` and its content under ``c`` (pandoc-types, ``Text.Pandoc.Definition``).
"""

import base64
import functools
import html
import json
import mimetypes
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deeplocalizer.rendering.errors import RenderError

Element = dict[str, Any]
Tree = dict[str, Any]

#: The extension that reads ``: caption {#tbl-x}``; a pandoc that lacks it is too old in other ways too.
NEEDED_EXTENSION = "+table_attributes"

QUOTES = {"SingleQuote": ("\u2018", "\u2019"), "DoubleQuote": ("\u201c", "\u201d")}


@functools.cache
def executable() -> str:
    """Find pandoc: the one that comes with pypandoc, or the one on the path."""
    try:
        # Imported here, since where pandoc is installed as a program there may be no pypandoc.
        import pypandoc

        return str(pypandoc.get_pandoc_path())
    except (ImportError, OSError):
        found = shutil.which("pandoc")
    if found is None:
        raise RenderError(
            "the report needs quarto or pandoc, and neither is on the path; 'pypandoc-binary' brings pandoc"
        )
    return found


@functools.cache
def version() -> str:
    """Return pandoc's version, having made sure that it is new enough."""
    found = _run(["--version"], "", Path.cwd()).split()[1]
    if NEEDED_EXTENSION not in _run(["--list-extensions=markdown"], "", Path.cwd()).split():
        raise RenderError(f"pandoc {found} is too old for the report: it cannot read labels of tables")
    return found


def read(markdown: str, folder: Path) -> Tree:
    """Read Markdown into a tree; a warning of pandoc, such as an unclosed div, is an error."""
    tree: Tree = json.loads(_run(["-f", "markdown", "-t", "json", "--fail-if-warnings"], markdown, folder))
    return tree


def read_html(html: str, folder: Path) -> list[Element]:
    """Read HTML into blocks."""
    return list(json.loads(_run(["-f", "html", "-t", "json", "--fail-if-warnings"], html, folder))["blocks"])


def read_inlines(text: str, folder: Path) -> list[Element]:
    """Read one line of Markdown, such as a title, into inline elements."""
    blocks = read(text, folder)["blocks"]
    return list(blocks[0]["c"]) if blocks else []


def write_page(tree: Tree, folder: Path, arguments: Sequence[str]) -> str:
    """Write a tree as a standalone HTML page; a warning, such as an unknown citation, is an error."""
    fixed = ["-f", "json", "-t", "html5", "--standalone", "--mathml", "--wrap=none", "--fail-if-warnings"]
    # The stylesheet colours code: pandoc's own colours are for light backgrounds only.
    return _run([*fixed, "--variable", "highlighting-css=", *arguments], json.dumps(tree), folder)


def write_typst(tree: Tree, folder: Path, arguments: Sequence[str] = ()) -> str:
    """Write a tree as typst markup, without a preamble; a warning, such as an unknown citation, is an error."""
    fixed = ["-f", "json", "-t", "typst", "--wrap=none", "--fail-if-warnings"]
    return _run([*fixed, *arguments], json.dumps(tree), folder)


def _run(arguments: Sequence[str], text: str, folder: Path) -> str:
    """Run pandoc in a folder; raise with what it says if it fails."""
    done = subprocess.run(
        [executable(), *arguments], input=text, cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        # The document is on standard input; its own complaints come before the closing remark.
        complaints = [line for line in done.stderr.strip().splitlines() if not line.startswith("Failing because")]
        raise RenderError("pandoc: " + "\n".join(dict.fromkeys(complaints)))
    return done.stdout


def rewrite(part: Any, visit: Callable[[Element], list[Element] | None]) -> Any:
    """Return a copy of a part of a tree with some elements replaced.

    Parameters
    ----------
    part : list, dict or scalar
        A tree, a list of elements, or anything inside one.
    visit : callable
        Given an element, returns what replaces it, or None to keep it and go on inside it. What it returns is
        not visited again.
    """
    if isinstance(part, list):
        result: list[Any] = []
        for item in part:
            replacement = visit(item) if isinstance(item, dict) and "t" in item else None
            result += [rewrite(item, visit)] if replacement is None else replacement
        return result
    if isinstance(part, dict):
        return {key: rewrite(value, visit) for key, value in part.items()}
    return part


def text_of(part: Any) -> str:
    """Return the plain text of a part of a tree."""
    pieces: list[str] = []

    def collect(element: Element) -> list[Element] | None:
        kind = element["t"]
        if kind == "Quoted":
            opening, closing = QUOTES[element["c"][0]["t"]]
            pieces.append(opening)
            rewrite(element["c"][1], collect)
            pieces.append(closing)
            return []
        if kind == "Str":
            pieces.append(element["c"])
        elif kind in ("Code", "Math"):
            pieces.append(element["c"][1])
        elif kind in ("Space", "SoftBreak", "LineBreak"):
            pieces.append(" ")
        return None

    rewrite(part, collect)
    return "".join(pieces).strip()


def words(text: str) -> list[Element]:
    """Return text as inline elements."""
    return [{"t": "Str", "c": text}]


def span(kind: str, text: str) -> Element:
    """Return text with a class."""
    return {"t": "Span", "c": [["", [kind], []], words(text)]}


def raw_html(text: str) -> Element:
    """Return HTML as a block that pandoc copies."""
    return {"t": "RawBlock", "c": ["html", text]}


def div(classes: Sequence[str], blocks: list[Element], identifier: str = "", **attributes: str) -> Element:
    """Return a division of the page."""
    pairs = [[key.replace("_", "-"), value] for key, value in attributes.items()]
    return {"t": "Div", "c": [[identifier, list(classes), pairs], blocks]}


def plain(inlines: list[Element]) -> Element:
    """Return inline elements as a block without a paragraph around them."""
    return {"t": "Plain", "c": inlines}


def escape(text: str) -> str:
    """Escape text for HTML."""
    return html.escape(text)


def embed_images(tree: Tree, folder: Path, dress: Callable[[str], str] | None = None) -> Tree:
    """Put every image into the page itself, with its alternative text.

    Pandoc can do this too, but then a vector image loses its ``alt``, and remote images are fetched without a
    word.

    Parameters
    ----------
    tree : Tree
    folder : Path
        Where the images lie.
    dress : callable, optional
        Given the markup of a vector image, returns that of the image as the page shows it.

    Raises
    ------
    RenderError
        If an image is remote or missing.
    """

    def visit(element: Element) -> list[Element] | None:
        if element["t"] != "Image":
            return None
        (identifier, classes, pairs), inlines, (address, title) = element["c"]
        described = ["alt" if key == "fig-alt" else key for key, _ in pairs]
        attributes = [[key, value] for key, (_, value) in zip(described, pairs, strict=True)]
        image = [[identifier, classes, attributes], inlines, [_data_address(address, folder, dress), title]]
        return [{"t": "Image", "c": image}]

    embedded: Tree = rewrite(tree, visit)
    return embedded


def find_image(address: str, folder: Path) -> Path:
    """Find the file of an image.

    Raises
    ------
    RenderError
        If the image is remote or missing.
    """
    if re.match(r"([a-z][a-z0-9+.-]*:)?//", address, re.IGNORECASE):
        raise RenderError(f"the image '{address}' is remote; the report must hold all it shows")
    path = folder / unquote(address)
    if not path.is_file():
        raise RenderError(f"the image '{address}' is not among the files given to the report")
    return path


def _data_address(address: str, folder: Path, dress: Callable[[str], str] | None) -> str:
    """Return the address that holds the image itself."""
    if address.startswith("data:"):
        return address
    path = find_image(address, folder)
    content = path.read_bytes()
    if dress is not None and path.suffix == ".svg":
        content = dress(content.decode("utf-8")).encode("utf-8")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
