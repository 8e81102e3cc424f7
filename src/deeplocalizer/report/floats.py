"""Numbered figures and tables of a document, in Markdown.

figure           an image with its caption
table            an HTML table with its caption
"""

from __future__ import annotations

from deeplocalizer.rendering.outputs import fenced


def figure(path: str, label: str, caption: str, alt: str) -> str:
    """Show an image.

    Parameters
    ----------
    path : str
        Where it lies, from the document.
    label : str
        What references call it, such as ``fig-masks``.
    caption : str
        Markdown.
    alt : str
        What the image shows, for those who do not see it.
    """
    described = alt.replace("\\", "\\\\").replace('"', '\\"')
    return f'\n![{_line(caption)}]({path}){{#{label} fig-alt="{_line(described)}"}}\n'


def table(html: str, label: str, caption: str) -> str:
    """Show a table.

    Parameters
    ----------
    html : str
    label : str
        What references call it, such as ``tbl-layers``.
    caption : str
        Markdown.
    """
    return f"\n::: {{#{label}}}\n\n{fenced(html, '{=html}')}\n\n{_line(caption)}\n:::\n"


def _line(text: str) -> str:
    """Put text on one line, as captions must be."""
    return " ".join(text.split())
