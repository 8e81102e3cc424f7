"""Execute the cells and the inline code of a document; what comes out is plain Markdown.

The Markdown is what Quarto itself reads: a captioned output becomes a fenced div with the cell's label, its
last paragraph the caption. So one execution serves both renderers, and inline code works where Quarto's own
execution leaves it alone: in the front matter and in the captions of cells.
"""

import ast
import base64
import copy
import os
import re
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import yaml
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_async, run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from deeplocalizer.report import qmd
from deeplocalizer.report.errors import RenderError

#: The representations of a value that the page can show, best first.
RICHEST_FIRST = (
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/latex",
    "text/plain",
)
IMAGE_SUFFIXES = {"image/svg+xml": ".svg", "image/png": ".png", "image/jpeg": ".jpg"}
FIGURES = "cell-figures"

# NumPy 2 writes np.float64(0.5); a sentence wants 0.5. By name, so that NumPy is not imported for its sake.
_NUMPY_SCALARS = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)))
_NUMPY_SCALARS += ("float16", "float32", "float64")
_SHOW_AS_NUMBERS = (
    "[get_ipython().display_formatter.formatters['text/plain'].for_type_by_name("
    "'numpy', name, lambda value, printer, cycle: printer.text(str(value))) "
    f"for name in {_NUMPY_SCALARS}]"
)
_TRACEBACK_LINES = 12
_ANSI_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

Bundle = Mapping[str, Any]


class Kernel:
    """A running kernel: it runs code and evaluates expressions."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    def run(self, code: str) -> list[Any]:
        """Run code and return its outputs, in the notebook format.

        Raises
        ------
        CellExecutionError, DeadKernelError
            If the code raises, or takes the kernel down.
        """
        cell = nbformat.v4.new_code_cell(code)  # type: ignore[no-untyped-call]
        notebook = self._client.nb
        notebook.cells.append(cell)
        self._client.execute_cell(cell, len(notebook.cells) - 1)
        return list(cell.outputs)

    def evaluate(self, expressions: list[str]) -> list[Mapping[str, Any]]:
        """Return what the kernel says of each expression, without showing or remembering anything."""
        client = self._client
        questions = {str(index): expression for index, expression in enumerate(expressions)}

        async def ask() -> Any:
            assert client.kc is not None
            message = await ensure_async(
                client.kc.execute("", silent=True, store_history=False, user_expressions=questions)
            )
            return await client.async_wait_for_reply(message)

        answers = run_sync(ask)()["content"]["user_expressions"]
        return [answers[key] for key in questions]


@contextmanager
def kernel(folder: Path, private: Path, environment: Mapping[str, str]) -> Iterator[Kernel]:
    """Start a kernel of this interpreter and stop it at the end.

    Parameters
    ----------
    folder : Path
        The working directory of the kernel.
    private : Path
        An existing folder for the kernel's own files, so that nothing is written to the user's home.
    environment : mapping
        Variables that the kernel has on top of those of this process.
    """
    manager = AsyncKernelManager(
        kernel_name=NATIVE_KERNEL_NAME,
        # With no folders to search, 'python3' is this interpreter, not one registered by that name elsewhere.
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        connection_file=str(private / "kernel.json"),
        transport=_transport(private),
    )
    client = NotebookClient(
        nbformat.v4.new_notebook(),  # type: ignore[no-untyped-call]
        km=manager,
        timeout=None,
        # Nothing is left to say once the last output is here; a polite end waits seconds for some kernels.
        shutdown_kernel="immediate",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--InlineBackend.figure_formats={'svg'}", "--HistoryManager.enabled=False"],
    )
    variables = {**os.environ, **environment, "IPYTHONDIR": str(private)}
    with client.setup_kernel(env=variables, cleanup_kc=True):
        running = Kernel(client)
        running.evaluate([_SHOW_AS_NUMBERS])
        yield running


def _transport(private: Path) -> str:
    """Choose how to talk to the kernel: by sockets in its own folder, where no other user can listen."""
    # The path of a Unix socket is limited to about 100 bytes, and the kernel adds a suffix to it.
    return "ipc" if os.name == "posix" and len(os.fsencode(private)) < 80 else "tcp"


def execute(document: qmd.Document, kernel: Kernel, folder: Path) -> tuple[dict[str, Any], str]:
    """Execute a document from top to bottom.

    Parameters
    ----------
    document : Document
        The parsed document.
    kernel : Kernel
        Where its code runs.
    folder : Path
        Where images that cells draw are put, under ``cell-figures``.

    Returns
    -------
    front_matter : dict
        The front matter, its inline code replaced by the values at the **end** of the document: nothing has
        been computed yet where it stands.
    body : str
        Markdown without any code to execute.

    Raises
    ------
    RenderError
        If a cell or inline code fails; the message names it, with the end of the traceback.
    """
    parts = []
    for block in document.blocks:
        if isinstance(block, qmd.Cell):
            parts.append(f"\n{_executed_cell(block, kernel, folder, document.name)}\n")
        elif isinstance(block, qmd.Text):
            where = _line_finder(block, document.name)
            parts.append(_with_values(block.source, kernel, where))
        else:
            parts.append(block.source)
    front_matter = _front_matter_with_values(document, kernel)
    return front_matter, "\n".join(parts) + "\n"


def write_markdown(front_matter: Mapping[str, Any], body: str) -> str:
    """Put front matter and body together again."""
    header = yaml.safe_dump(dict(front_matter), allow_unicode=True, sort_keys=False, width=10**6)
    return f"---\n{header}---\n\n{body}"


def _executed_cell(cell: qmd.Cell, kernel: Kernel, folder: Path, name: str) -> str:
    """Run one cell; return the Markdown of its code and outputs."""
    where = f"{name}, {cell.place}"
    outputs = _run(cell, kernel, where) if cell.options["eval"] else []
    if not cell.options["include"]:
        return ""
    texts = {
        key: _with_values(cell.options[key], kernel, lambda _: where)
        for key in ("fig-cap", "tbl-cap", "fig-alt")
        if key in cell.options
    }
    parts = [_fenced(cell.source, "{.python .cell-code}")] if cell.options["echo"] and cell.source else []
    if cell.options["eval"] and cell.options["output"]:
        parts += _output_markdown(cell, outputs, texts, folder, where)
    return "\n\n".join(parts)


def _run(cell: qmd.Cell, kernel: Kernel, where: str) -> list[Any]:
    try:
        return kernel.run(cell.source)
    except CellExecutionError as error:
        raise RenderError(_failure(where, error.ename, error.evalue, error.traceback)) from error
    except DeadKernelError as error:
        raise RenderError(f"{where}: the kernel died while it ran this cell") from error


def _failure(where: str, kind: str, message: str, traceback: str) -> str:
    """Name the place and the error first: the last log line of a failed job should be enough."""
    lines = _ANSI_ESCAPE.sub("", traceback).strip().splitlines()
    return "\n".join([f"{where}: {kind}: {message}", *lines[-_TRACEBACK_LINES:]])


def _output_markdown(
    cell: qmd.Cell, outputs: list[Any], texts: Mapping[str, str], folder: Path, where: str
) -> list[str]:
    """Return the outputs as Markdown, in a labelled div if the cell has a caption."""
    shown = [
        _one_output(output, cell, index, texts.get("fig-alt"), folder)
        for index, output in enumerate(outputs, start=1)
        if cell.options["warning"] or output.get("name") != "stderr"
    ]
    shown = [part for part in shown if part.strip()]
    if cell.kind is None:
        return shown
    if not shown:
        raise RenderError(f"{where}: the cell has a caption but shows nothing")
    caption = " ".join(texts[f"{cell.kind}-cap"].split())
    return [f"::: {{#{cell.label}}}", *shown, caption, ":::"]


def _one_output(output: Any, cell: qmd.Cell, index: int, alt: str | None, folder: Path) -> str:
    """Return one output of a cell as Markdown."""
    if output.output_type == "stream":
        if output.name == "stdout" and cell.options["output"] == "asis":
            return str(output.text)
        return _output_div(f"cell-output-{output.name}", _fenced(output.text.rstrip("\n")))
    mime = next((mime for mime in RICHEST_FIRST if mime in output.data), None)
    if mime is None:
        return ""
    data = output.data[mime]
    if mime in IMAGE_SUFFIXES:
        path = _saved_image(data, mime, f"{cell.label or f'cell-{cell.number}'}-{index}", folder)
        return _image(path, alt, output.metadata.get(mime, {}))
    if mime == "text/html":
        html = _fenced(data, "{=html}")
        return html if cell.kind else _output_div("cell-output-display", html)
    if mime == "text/plain":
        return _output_div("cell-output-display", _fenced(data))
    return str(data)


def _saved_image(data: str, mime: str, stem: str, folder: Path) -> str:
    """Save an image beside the document and return its path from there."""
    path = folder / FIGURES / f"{stem}{IMAGE_SUFFIXES[mime]}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data.encode() if mime == "image/svg+xml" else base64.b64decode(data))
    return f"{FIGURES}/{path.name}"


def _image(path: str, alt: str | None, size: Mapping[str, Any]) -> str:
    """Return the Markdown that shows an image, in the size in pixels that its cell asked for, if it did."""
    attributes = [f'fig-alt="{_attribute(alt)}"'] if alt else []
    attributes += [f"{key}={size[key]}" for key in ("width", "height") if key in size]
    return f"![]({path})" + (f"{{{' '.join(attributes)}}}" if attributes else "")


def _attribute(text: str) -> str:
    """Write text so that it can stand between quotes in a Markdown attribute."""
    # A backslash is left alone: it escapes what inline code put there, and pandoc takes it away again.
    return " ".join(text.split()).replace('\\"', '"').replace('"', '\\"')


def _fenced(text: str, info: str = "") -> str:
    """Fence text with more backticks than it contains."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence} {info}".rstrip() + f"\n{text}\n{fence}"


def _output_div(kind: str, content: str) -> str:
    return f"::: {{.cell-output .{kind}}}\n\n{content}\n\n:::"


def _line_finder(block: qmd.Text, name: str) -> Callable[[int], str]:
    """Return a function that names the line of a position in a block of text."""

    def where(position: int) -> str:
        line = block.line + block.source.count("\n", 0, position)
        return f"{name}, line {line}"

    return where


def _with_values(text: str, kernel: Kernel, where: Callable[[int], str]) -> str:
    """Replace inline code by its values.

    Parameters
    ----------
    text : str
        Markdown with inline code.
    kernel : Kernel
        Where the code runs.
    where : callable
        Names the place of a position in the text, for messages.
    """
    matches = list(qmd.INLINE.finditer(text))
    if not matches:
        return text
    try:
        answers = kernel.evaluate([" ".join(match[1].split()) for match in matches])
    except DeadKernelError as error:
        raise RenderError(f"{where(matches[0].start())}: the kernel died in inline code") from error
    pieces, end = [], 0
    for match, answer in zip(matches, answers, strict=True):
        if answer["status"] != "ok":
            place = f"{where(match.start())}, inline code '{match[1]}'"
            raise RenderError(_failure(place, answer["ename"], answer["evalue"], "\n".join(answer["traceback"])))
        pieces += [text[end : match.start()], _inline_value(answer["data"])]
        end = match.end()
    return "".join(pieces) + text[end:]


def _inline_value(data: Bundle) -> str:
    """Return a value as it stands in a sentence: Markdown as it is, text escaped, numbers bare."""
    if "text/markdown" in data:
        return str(data["text/markdown"])
    if "text/html" in data:
        return f"`{data['text/html']}`{{=html}}"
    plain = str(data["text/plain"])
    try:
        value = ast.literal_eval(plain)
    except (SyntaxError, ValueError):
        return plain
    return _escaped(value) if isinstance(value, str) else plain


def _escaped(text: str) -> str:
    """Escape text so that Markdown shows every character of it."""
    return "".join(f"\\{character}" if character in string.punctuation else character for character in text)


def _front_matter_with_values(document: qmd.Document, kernel: Kernel) -> dict[str, Any]:
    """Replace inline code in every text of the front matter."""
    name = f"{document.name}, front matter"

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return _with_values(value, kernel, lambda _: name)
        if isinstance(value, list):
            return [filled(item) for item in value]
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return value

    result: dict[str, Any] = filled(copy.deepcopy(document.front_matter))
    return result
