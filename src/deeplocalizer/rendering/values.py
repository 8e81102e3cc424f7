"""Inline code, and the values that take its place.

fill             replace the inline code of a text by its values
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from nbclient.exceptions import DeadKernelError

from deeplocalizer.rendering import qmd
from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.escaping import escape
from deeplocalizer.rendering.kernel import Kernel, failure

Bundle = Mapping[str, Any]


def fill(text: str, running: Kernel, where: Callable[[int], str]) -> str:
    """Replace inline code by its values.

    Parameters
    ----------
    text : str
        Markdown with inline code.
    running : Kernel
        Where the code runs.
    where : callable
        Names the place of a position in the text, for messages.
    """
    matches = list(qmd.INLINE.finditer(text))
    if not matches:
        return text
    try:
        answers = running.evaluate([" ".join(match[1].split()) for match in matches])
    except DeadKernelError as error:
        raise RenderError(f"{where(matches[0].start())}: the kernel died in inline code") from error
    pieces, end = [], 0
    for match, answer in zip(matches, answers, strict=True):
        if answer["status"] != "ok":
            place = f"{where(match.start())}, inline code '{match[1]}'"
            raise RenderError(failure(place, answer["ename"], answer["evalue"], "\n".join(answer["traceback"])))
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
    return escape(value) if isinstance(value, str) else plain
