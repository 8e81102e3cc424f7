"""The kernel in which the cells of a document run.

Kernel           runs code and evaluates expressions
kernel           start one of this interpreter, for as long as a context lasts
failure          what a message says of code that failed
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_async, run_sync
from nbclient import NotebookClient

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


def failure(where: str, kind: str, message: str, traceback: str) -> str:
    """Name the place and the error first: the last log line of a failed job should be enough."""
    lines = _ANSI_ESCAPE.sub("", traceback).strip().splitlines()
    return "\n".join([f"{where}: {kind}: {message}", *lines[-_TRACEBACK_LINES:]])
