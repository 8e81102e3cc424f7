"""The PDF without Quarto: executed Markdown to typst markup, by pandoc, and typst markup to pages."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deeplocalizer.rendering import (
    bylines,
    completeness,
    crossref,
    execution,
    pandoc,
    references,
    structure,
    typesetting,
)
from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.pandoc import Element, Tree

PREAMBLE = ("tables.typ", "print.typ")  # how tables and pages look; among the files given to the report
SHOWN = ("title", "author", "abstract", "bibliography", "lang", "nocite", "csl")
SOURCE = "printed.typ"


def convert(front_matter: Mapping[str, Any], body: str, folder: Path) -> bytes:
    """Convert executed Markdown to a PDF.

    Parameters
    ----------
    front_matter : mapping
        The front matter.
    body : str
        Markdown without code to execute.
    folder : Path
        Where images, the preamble and the bibliography are.

    Returns
    -------
    bytes
        A PDF with its fonts and images; equal documents give equal bytes.

    Raises
    ------
    RenderError
        If a reference or citation is unknown, a file is missing, markup is left, or pandoc or typst complains.
    """
    markup = write(front_matter, body, folder)
    completeness.check_typst(markup)
    path = folder / SOURCE
    path.write_text(preamble(folder) + markup, encoding="utf-8")
    return _compile(path, folder)


def write(front_matter: Mapping[str, Any], body: str, folder: Path) -> str:
    """Write executed Markdown as typst markup, which needs the preamble before it."""
    metadata = {key: value for key, value in front_matter.items() if key in SHOWN}
    if "author" in metadata:
        metadata["author"] = bylines.write(metadata["author"])
    metadata = {"lang": "en", "link-citations": True, **metadata}
    body = typesetting.body_for_print(body, folder)
    tree = structure.shape(pandoc.read(execution.write_markdown(metadata, body), folder), folder)
    tree = crossref.link(tree, bool(front_matter.get("number-sections")), typesetting.LAYOUT)
    tree = pandoc.rewrite(tree, lambda element: _for_paper(element, folder))
    tree = references.with_list(tree, front_matter, level=1)
    tree = {**tree, "blocks": [*_title(tree), *tree["blocks"]]}
    cited = ["--citeproc"] if "bibliography" in front_matter else []
    return pandoc.write_typst(tree, folder, cited)


def preamble(folder: Path, names: Sequence[str] = PREAMBLE) -> str:
    """Read the typst functions that give tables and pages their look."""
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise RenderError(f"a PDF needs '{missing[0]}' among the files given to the report")
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def _for_paper(element: Element, folder: Path) -> list[Element] | None:
    """Return what stands for an element on paper: boxes for callouts, elements for HTML, images that are there."""
    kind, content = element["t"], element.get("c", [])
    if kind == "Table":
        return typesetting.styled(element)
    if kind == "Image":
        pandoc.find_image(content[2][0], folder)
        return [_image(element)]
    elif kind in ("RawBlock", "RawInline") and content[0] == "html":
        read = pandoc.read_html(content[1], folder)
        return read if kind == "RawBlock" else [inline for block in read for inline in block["c"]]
    elif kind == "Div" and "callout" in content[0][1]:
        return _callout(element, folder)
    elif kind == "Span" and "caption-label" in content[0][1]:
        return [{"t": "Strong", "c": content[1]}]
    return None


def _image(element: Element) -> Element:
    """Return an image with what it shows in words, which pandoc's writer of typst leaves out."""
    (_, _, pairs), words, (address, _) = element["c"]
    given = dict(pairs)
    described = given.get("fig-alt", given.get("alt", pandoc.text_of(words)))
    arguments = [_quoted(unquote(address)), *([f"alt: {_quoted(described)}"] if described else [])]
    arguments += [f"{side}: {_length(given[side])}" for side in ("width", "height") if side in given]
    return {"t": "RawInline", "c": ["typst", f"#image({', '.join(arguments)})"]}


def _length(size: str) -> str:
    """Write the size of an image in a unit that typst knows: a pixel is three quarters of a point."""
    pixels = size.removesuffix("px")
    return f"{0.75 * float(pixels):g}pt" if pixels.replace(".", "", 1).isdigit() else size


def _callout(element: Element, folder: Path) -> list[Element]:
    (identifier, classes, _), (title, body) = element["c"]
    kind = next(name.removeprefix("callout-") for name in classes if name.startswith("callout-"))
    shown = pandoc.rewrite(body["c"][1], lambda inner: _for_paper(inner, folder))
    label = f" <{identifier}>" if identifier else ""
    opening = typesetting.raw(f'#report-callout("{kind}")[')
    return [opening, *title["c"][1], typesetting.raw("]["), *shown, typesetting.raw(f"]{label}")]


def _title(tree: Tree) -> list[Element]:
    """Return title, authors and abstract, in the order in which ``report-title`` takes them."""
    meta = tree["meta"]
    title = _inlines(meta.get("title"))
    authors = meta.get("author", {"t": "MetaList", "c": []})
    listed = authors["c"] if authors["t"] == "MetaList" else [authors]
    named = ", ".join(_quoted(pandoc.text_of(author["c"])) for author in listed)
    named += "," if listed else ""
    known = f"#set document(title: {_quoted(pandoc.text_of(title))}, author: ({named}), date: none)"
    blocks = [typesetting.raw(f"{known}\n#report-title["), pandoc.plain(title)]
    bylines_shown = [inline for author in listed for inline in [*_inlines(author), {"t": "LineBreak"}]]
    blocks += [typesetting.raw("]["), pandoc.plain(bylines_shown[:-1])]
    return [*blocks, typesetting.raw("]["), *_blocks(meta.get("abstract")), typesetting.raw("]")]


def _inlines(value: Element | None) -> list[Element]:
    """Return the inline elements of a text of the front matter."""
    if value is None:
        return []
    if value["t"] == "MetaBlocks":
        return [inline for block in value["c"] for inline in block["c"]]
    return list(value["c"])


def _blocks(value: Element | None) -> list[Element]:
    """Return the blocks of a text of the front matter."""
    if value is None:
        return []
    return list(value["c"]) if value["t"] == "MetaBlocks" else [{"t": "Para", "c": value["c"]}]


def _quoted(text: str) -> str:
    """Write text as a typst string, whose escapes are among those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _compile(path: Path, folder: Path) -> bytes:
    # Imported here: a page needs no typst.
    import typst

    try:
        pages: bytes = typst.compile(str(path), root=str(folder), ignore_system_fonts=True, format="pdf")
    except RuntimeError as error:
        raise RenderError(f"typst: {error}") from error
    return pages
