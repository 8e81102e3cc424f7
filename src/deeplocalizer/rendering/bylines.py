"""Authors, in any form in which Quarto takes them."""

from typing import Any


def write(given: Any) -> list[str]:
    """Return each author as a line: the name, then the affiliations.

    Parameters
    ----------
    given : str, mapping or list of these
        What the front matter says under ``author``.
    """
    return [_line(author) for author in (given if isinstance(given, list) else [given])]


def _line(author: Any) -> str:
    if not isinstance(author, dict):
        return str(author)
    affiliations = author.get("affiliations") or author.get("affiliation") or []
    listed = affiliations if isinstance(affiliations, list) else [affiliations]
    names = [str(item.get("name", "")) if isinstance(item, dict) else str(item) for item in listed]
    return ", ".join([str(author.get("name", "")), *names])
