"""Quarto documents, rendered to one self-contained page or to a PDF, with Quarto or without.

Holds ``render``, the only thing a caller needs, and ``RenderError``, the only thing it raises of its own.
A document is parsed (``qmd``), its cells are executed in a kernel of this interpreter (``execution``), the
resulting Markdown is converted by Quarto (``quarto``) or, without Quarto, by pandoc alone (``pandoc``,
``structure``, ``crossref``), and the page is checked (``completeness``) before anyone sees it.
"""

from deeplocalizer.rendering.errors import RenderError
from deeplocalizer.rendering.render import render

__all__ = ["RenderError", "render"]
