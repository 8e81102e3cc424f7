"""Title, authors and abstract of a document that are known only when its cells run.

Quarto evaluates no inline code in front matter. A cell may print a metadata block instead, which pandoc merges with the
front matter, so that Quarto and the rendering without it both take what is printed: a later block overrides an earlier
one, and Quarto gives pandoc the front matter as if it stood before the text.
"""

import math
from collections.abc import Sequence

import yaml

from deeplocalizer.rendering.escaping import escape


def write(title: str, authors: Sequence[str], abstract: str) -> str:
    """Write a metadata block, to be printed by a cell with ``output: asis``.

    The front matter must not name authors: Quarto keeps those it finds there.

    Parameters
    ----------
    title : str
        Text; no character of it is read as Markdown.
    authors : sequence of str
        Text, too.
    abstract : str
        Markdown, of any number of paragraphs.
    """
    # pandoc reads a text that ends with a line as paragraphs, any other as one line
    values = {"title": escape(title), "author": [escape(author) for author in authors], "abstract": f"{abstract}\n"}
    # in quotes and without folding, every value stays on its line, whatever stands in it
    quoted = yaml.safe_dump(values, default_style='"', width=math.inf, allow_unicode=True, sort_keys=False)
    return f"\n---\n{quoted}---\n"
