"""The researcher's own files that a study is made of, so that a change of them is noticed.

of_category      the table that a category is read from
listing          fingerprint of the folders that a category is read from
weights          the file of a model's weights
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deeplocalizer.configuration.networks import WEIGHTS


def of_category(category: Mapping[str, Any]) -> list[str]:
    """Name the table that a category is read from; nothing for other sources."""
    return [category["path"]] if category["source"] == "table" else []


def listing(category: Mapping[str, Any]) -> str:
    """Fingerprint the files below the folders of a category: their names, sizes and times, not their content.

    Returns
    -------
    str
        Hex SHA-256; empty for other sources.
    """
    if category["source"] != "folder":
        return ""
    sha = hashlib.sha256()
    paths = category["path"] if isinstance(category["path"], list) else [category["path"]]
    for root in map(os.path.expanduser, paths):
        for folder, inner, files in os.walk(root):
            inner.sort()
            for name in sorted(files):
                found = Path(folder, name)
                state = found.stat() if found.exists() else None
                known = (state.st_size, state.st_mtime_ns) if state else ()  # a link may lead nowhere
                sha.update(f"{found.relative_to(root)}\0{known}\n".encode(errors="surrogateescape"))
    return sha.hexdigest()


def weights(model: Mapping[str, Any]) -> list[str]:
    """Name the file of a model's weights; nothing where they come from elsewhere."""
    return [] if model["weights"] in WEIGHTS else [model["weights"]]
