"""Read a Quarto document: front matter, prose, verbatim blocks and Python cells.

Only what Quarto and the renderer without Quarto both understand is accepted; anything else is refused here,
by name and line, so that a report cannot look complete in one of them and lose something in the other.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from deeplocalizer.rendering.errors import RenderError

#: What a cell does unless it, or ``execute`` in the front matter, says otherwise; the same as in Quarto.
DEFAULT_OPTIONS: Mapping[str, Any] = {
    "eval": True,
    "echo": True,
    "output": True,
    "warning": True,
    "include": True,
}
TEXT_OPTIONS = ("label", "fig-cap", "fig-alt", "tbl-cap")
DIAGRAM_LANGUAGES = ("mermaid", "dot")

INLINE = re.compile(r"(?<!`)`\{python\}\s+([^`]+?)\s*`")
_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<mark>`{3,}|~{3,})(?P<info>.*)$")
_CELL_INFO = re.compile(r"^\s*\{(?P<language>[A-Za-z][\w+-]*)(?P<rest>[ ,].*)?\}\s*$")


@dataclass(frozen=True)
class Text:
    """Markdown whose inline code is evaluated; ``line`` is where it starts in the document."""

    source: str
    line: int


@dataclass(frozen=True)
class Verbatim:
    """A fenced block that is shown as it is."""

    source: str
    line: int


@dataclass(frozen=True)
class Cell:
    """A Python cell, without its option lines."""

    source: str
    options: Mapping[str, Any]
    line: int
    number: int

    @property
    def label(self) -> str | None:
        """The label, if the cell has one."""
        return self.options.get("label")

    @property
    def kind(self) -> str | None:
        """What a cross-reference calls the cell's output: ``fig``, ``tbl`` or nothing."""
        return next((kind for kind in ("fig", "tbl") if (self.label or "").startswith(f"{kind}-")), None)

    @property
    def place(self) -> str:
        """The cell as a message names it."""
        name = f"'{self.label}'" if self.label else str(self.number)
        return f"cell {name} (line {self.line})"


Block = Text | Verbatim | Cell


@dataclass(frozen=True)
class Document:
    """A parsed document; ``name`` is the file name that messages use."""

    name: str
    front_matter: dict[str, Any]
    blocks: list[Block] = field(default_factory=list)


def parse(text: str, name: str) -> Document:
    """Parse a Quarto document.

    Parameters
    ----------
    text : str
        The document.
    name : str
        Its file name, for messages.

    Returns
    -------
    Document

    Raises
    ------
    RenderError
        If the front matter is missing or malformed, a fence is not closed, or a cell or one of its options is
        outside the common subset.
    """
    lines = text.splitlines()
    front_matter, start = _front_matter(lines, name)
    defaults = _execute_defaults(front_matter, name)
    document = Document(name, front_matter)
    prose_start = position = start
    while position < len(lines):
        fence = _FENCE.match(lines[position])
        if fence is None:
            position += 1
            continue
        _add_text(document, lines, prose_start, position)
        end = _closing_fence(lines, position, fence, name)
        _add_fenced(document, lines, position, end, fence, defaults)
        prose_start = position = end + 1
    _add_text(document, lines, prose_start, len(lines))
    _require_distinct_labels(document)
    return document


def html_options(front_matter: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``format: html:`` in the front matter holds; it may be absent, or just a name."""
    return format_options(front_matter, "html")


def format_options(front_matter: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what the front matter holds for a format, such as ``typst``; it may be absent, or just a name."""
    chosen = front_matter.get("format")
    nested = chosen.get(name) if isinstance(chosen, dict) else None
    return dict(nested) if isinstance(nested, dict) else {}


def _front_matter(lines: list[str], name: str) -> tuple[dict[str, Any], int]:
    """Return the front matter and the index of the first line after it."""
    if not lines or lines[0].rstrip() != "---":
        raise RenderError(f"{name}: no front matter: the first line must be '---', followed by YAML and '---'")
    end = next((i for i, line in enumerate(lines) if i and line.rstrip() in ("---", "...")), None)
    if end is None:
        raise RenderError(f"{name}: the front matter that starts on line 1 is never closed by '---'")
    values = _load_yaml("\n".join(lines[1:end]), name, first_line=2, what="front matter")
    if not isinstance(values, dict):
        raise RenderError(f"{name}: the front matter is not a list of 'key: value' lines")
    if not values.get("title"):
        raise RenderError(f"{name}: the front matter has no title")
    return values, end + 1


def _load_yaml(text: str, name: str, first_line: int, what: str) -> Any:
    """Load YAML; a mistake is reported with its line in the document."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark else 0)
        problem = getattr(error, "problem", None) or str(error)
        raise RenderError(f"{name}, line {line}: malformed YAML in the {what}: {problem}") from error


def _execute_defaults(front_matter: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the options that every cell starts from."""
    execute = front_matter.get("execute") or {}
    if not isinstance(execute, dict):
        raise RenderError(f"{name}: 'execute' in the front matter must hold options, such as 'echo: false'")
    # These three say how Quarto keeps a kernel or a cache; cells are always executed afresh here.
    given = {key: value for key, value in execute.items() if key not in ("daemon", "cache", "freeze")}
    _check_options(given, tuple(DEFAULT_OPTIONS), f"{name}: 'execute' in the front matter")
    return {**DEFAULT_OPTIONS, **given}


def _add_text(document: Document, lines: list[str], start: int, end: int) -> None:
    if start < end:
        document.blocks.append(Text("\n".join(lines[start:end]), start + 1))


def _closing_fence(lines: list[str], start: int, fence: re.Match[str], name: str) -> int:
    """Return the index of the line that closes the fence opened at ``start``."""
    mark = fence["mark"]
    closing = re.compile(rf"^[ \t]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
    for position in range(start + 1, len(lines)):
        if closing.match(lines[position]):
            return position
    raise RenderError(f"{name}, line {start + 1}: the block opened by '{lines[start].strip()}' is never closed")


def _add_fenced(
    document: Document,
    lines: list[str],
    start: int,
    end: int,
    fence: re.Match[str],
    defaults: Mapping[str, Any],
) -> None:
    """Add a fenced block: a cell if it names a language in braces, verbatim otherwise."""
    info = _CELL_INFO.match(fence["info"])
    if info is None:
        document.blocks.append(Verbatim("\n".join(lines[start : end + 1]), start + 1))
        return
    where = f"{document.name}, line {start + 1}"
    if fence["indent"]:
        raise RenderError(f"{where}: a cell must start at the left margin")
    if info["language"] in DIAGRAM_LANGUAGES:
        body = "\n".join(lines[start + 1 : end])
        mark = fence["mark"]
        document.blocks.append(Verbatim(f"{mark} {{.{info['language']}}}\n{body}\n{mark}", start + 1))
        return
    if info["language"] != "python":
        raise RenderError(f"{where}: cells must be {{python}}, not {{{info['language']}}}")
    if info["rest"]:
        raise RenderError(f"{where}: write options as '#| key: value' lines, not as '{info['rest'].strip()}'")
    number = 1 + sum(isinstance(block, Cell) for block in document.blocks)
    document.blocks.append(_cell(lines[start + 1 : end], start + 1, number, document.name, defaults))


def _cell(body: list[str], line: int, number: int, name: str, defaults: Mapping[str, Any]) -> Cell:
    """Split a cell into its option lines and its code."""
    count = next((i for i, text in enumerate(body) if not text.startswith("#|")), len(body))
    option_lines = [text[2:] for text in body[:count]]
    # The space after '#|' is not part of the YAML; indentation beyond it is.
    option_text = "\n".join(text.removeprefix(" ") for text in option_lines)
    where = f"{name}, cell {number} (line {line})"
    given = _load_yaml(option_text, name, line + 1, f"options of cell {number}") or {}
    if not isinstance(given, dict):
        raise RenderError(f"{where}: the '#|' lines are not 'key: value' options")
    _check_options(given, (*DEFAULT_OPTIONS, *TEXT_OPTIONS), where)
    cell = Cell("\n".join(body[count:]).strip("\n"), {**defaults, **given}, line, number)
    _check_captions(cell, where)
    return cell


def _check_options(given: Mapping[Any, Any], allowed: tuple[str, ...], where: str) -> None:
    """Refuse an option that is unknown or has a value of the wrong kind."""
    for key, value in given.items():
        if key not in allowed:
            raise RenderError(f"{where}: unknown option '{key}'; allowed are {', '.join(allowed)}")
        if key in TEXT_OPTIONS:
            if not isinstance(value, str):
                raise RenderError(f"{where}: option '{key}' must be text, not {value!r}")
        elif not isinstance(value, bool) and not (key == "output" and value == "asis"):
            choices = "true, false or asis" if key == "output" else "true or false"
            raise RenderError(f"{where}: option '{key}' must be {choices}, not {value!r}")


def _check_captions(cell: Cell, where: str) -> None:
    """Refuse a label without its caption, or the other way round."""
    for kind in ("fig", "tbl"):
        has_caption = f"{kind}-cap" in cell.options
        if has_caption and cell.kind != kind:
            raise RenderError(f"{where}: {kind}-cap needs a label that starts with '{kind}-'")
        if cell.kind == kind and not has_caption:
            raise RenderError(f"{where}: label '{cell.label}' needs {kind}-cap")


def _require_distinct_labels(document: Document) -> None:
    seen: dict[str, Cell] = {}
    for cell in (block for block in document.blocks if isinstance(block, Cell) and block.label):
        label = str(cell.label)
        if label in seen:
            raise RenderError(
                f"{document.name}: label '{label}' is used twice, on lines {seen[label].line} and {cell.line}"
            )
        seen[label] = cell
