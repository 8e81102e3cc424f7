"""How Sphinx makes the site: the pages beside this file, and every room of the library from its docstrings.

Nothing on it comes from elsewhere: formulas are MathML, fonts are those of the reader's computer.
"""

import ast
import importlib
import re
import shutil
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

import deeplocalizer

ROOT = Path(__file__).parents[1]
ROOMS = Path(__file__).parent / "rooms"
FLOORS = {
    4: "To be used, to be read",
    3: "Under masks, and what it comes to",
    2: "Responses, contrasts, masks, effects",
    1: "Stimuli and models",
    0: "What every room stands on",
}

project = "DeepLocalizer"
author = "The DeepLocalizer developers"
project_copyright = author
version = release = deeplocalizer.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say it, with shapes and units
napoleon_google_docstring = False
napoleon_use_rtype = False
default_role = "code"
add_module_names = False

suppress_warnings = ["ref.python"]  # two rooms may have a class of one name; their docstrings say which is meant

html_theme = "furo"
html_title = f"DeepLocalizer {version}"
html_math_renderer = "mathml"
html_static_path = ["style"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"footer_icons": []}


def setup(app: Sphinx) -> None:
    """Tell Sphinx how formulas become MathML, and to list the rooms before it reads a page."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("builder-inited", _rooms)
    app.connect("source-read", _within_the_site)
    app.connect("autodoc-process-docstring", _as_it_is_meant)


def _inline(writer, node: nodes.math) -> None:
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def _within_the_site(app: Sphinx, page: str, source: list[str]) -> None:
    """Lead a link to the configuration's page, which lies outside this folder, to its copy on the site."""
    source[0] = source[0].replace("](../config/README.md", "](configuration.md")


def _as_it_is_meant(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Set what a module holds, a name and some spaces before each line, as a list; take bars for absolute values."""
    made: list[str] = []
    column = 0  # where the texts of a list begin
    for line in lines:
        entry = re.match(r"\S.*? {2,}(?=\S)", line) if what == "module" else None
        column = (column or (entry.end() if entry else 0)) if line else 0
        texts = [line[:column].strip(), f"   {line[column:].strip()}"] if column else [line]
        made += [re.sub(r"(``.*?``)|\|", lambda found: found[1] or r"\|", text) for text in texts if text or not column]
    lines[:] = made


def _rooms(app: Sphinx) -> None:
    """Write a page for every room, floor by floor as the test of the house has them."""
    shutil.rmtree(ROOMS, ignore_errors=True)
    ROOMS.mkdir()
    lines = ["# The library, room by room", ""]
    lines += ["A room imports only from floors below its own; those of numbers never load PyTorch.", ""]
    for number, rooms in reversed(list(enumerate(_floors()))):
        lines += [f"## Floor {number}: {FLOORS[number]}", "", "| Room | What it is |", "| --- | --- |"]
        pages = [room for room in sorted(rooms) if not room.startswith("_")]
        for room in pages:
            (ROOMS / f"{room}.rst").write_text(_page(room), encoding="utf-8")
            lines.append(f"| [`{room}`]({room}.rst) | {_summary(room)} |")
        lines += ["", "```{toctree}", ":hidden:", *pages, "```", ""]
    (ROOMS / "index.md").write_text("\n".join(lines), encoding="utf-8")


def _floors() -> list[set[str]]:
    text = (ROOT / "tests" / "test_floors.py").read_text(encoding="utf-8")
    (found,) = re.findall(r"^FLOORS = (\[.*?^\])", text, re.DOTALL | re.MULTILINE)
    return ast.literal_eval(found)


def _summary(room: str) -> str:
    text = importlib.import_module(f"deeplocalizer.{room}").__doc__
    return " ".join(text.strip().split("\n\n")[0].split()).replace("|", "\\|").replace("``", "`")


def _page(room: str) -> str:
    """Give a room its page: what it hands out, or where it hands out nothing, what its modules hold."""
    module = importlib.import_module(f"deeplocalizer.{room}")
    head = [room, "=" * len(room), "", f".. automodule:: deeplocalizer.{room}"]
    names = [name for name in getattr(module, "__all__", _reexported(module)) if not name.startswith("_")]
    if names or not hasattr(module, "__path__"):
        return "\n".join([*head, "   :imported-members:" if names else "", f"   :members: {', '.join(names)}", ""])
    folder = Path(module.__path__[0])
    inner = [
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in sorted(folder.rglob("*.py"))
        if not path.stem.startswith("_")
    ]
    return "\n".join([*head, "", *(line for name in inner for line in _inner(room, name))])


def _inner(room: str, name: str) -> list[str]:
    return [name, "-" * len(name), "", f".. automodule:: deeplocalizer.{room}.{name}", ""]


def _reexported(module) -> list[str]:
    """Name what a package without ``__all__`` imports from its own modules under the same name."""
    text = Path(module.__file__).read_text(encoding="utf-8")
    return re.findall(r"^from deeplocalizer\.[\w.]+ import (\w+) as \1$", text, re.MULTILINE)
