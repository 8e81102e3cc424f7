"""Images that a report must not show, because they show people who were not asked.

withheld         the categories whose images a report must not show
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

WHERE = ("source", "repository", "configuration", "path", "root")  # what may tell that a category is of CelebA


def withheld(
    categories: Mapping[str, Mapping[str, Any]], identifiable: bool, sources: Iterable[tuple[str, str]] = ()
) -> list[str]:
    """Name the categories whose images a report must not show: faces of real people who were not asked.

    Parameters
    ----------
    categories : mapping
        ``stimuli.categories`` of the configuration.
    identifiable : bool
        Whether the researcher wants them shown all the same.
    sources : iterable of (str, str), optional
        For each stimulus its category and its source, as the table of stimuli has them.

    Returns
    -------
    list of str
        Categories drawn from CelebA, whose terms allow research and no redistribution, in whichever way they came: a
        repository, a folder, a table or a single file that is named after it tells. Copies under other names do not.
    """
    if identifiable:
        return []
    told = {category for category, source in sources if _of_celeba(source)}
    return [name for name, one in categories.items() if name in told or any(_of_celeba(one.get(key)) for key in WHERE)]


def _of_celeba(value: Any) -> bool:
    """Whether a name or a path, or one of several, is CelebA's: ``celeb_a``, ``CelebA-HQ``, ``img_align_celeba``."""
    values = value if isinstance(value, list) else [value]
    return any("celeba" in re.sub(r"[\s._-]", "", str(one)).lower() for one in values)
