"""The report: one Quarto document, rendered to one self-contained page.

Holds ``render``, the only thing a caller needs, and ``RenderError``, the only thing it raises of its own.
A document is parsed (``qmd``), its cells are executed in a kernel of this interpreter (``execution``), the
resulting Markdown is converted by Quarto (``quarto``) or, without Quarto, by pandoc alone (``pandoc``,
``structure``, ``crossref``), and the page is checked (``completeness``) before anyone sees it.
"""

from deeplocalizer.report.errors import RenderError
from deeplocalizer.report.render import render

__all__ = ["RenderError", "render"]
