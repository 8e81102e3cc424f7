"""Whether artefacts belong together.

attributes       what is written of an artefact, without its values
related          refuse artefacts of which one was made of another than the one that is there
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deeplocalizer import store


def attributes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what is written of an artefact, without its values.

    Raises
    ------
    FileNotFoundError, ArtefactError
        As `store.lazy`.
    """
    with store.lazy(path, verify=False) as dataset:
        return dict(dataset.attrs)


def related(paths: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse artefacts of which one was made of another than the one that is there.

    An artefact notes the content digests of what it was computed from. Where a file of that name is among the given,
    from its own folder or one around it, or as the outcomes of a localizer, it must be the one.

    Parameters
    ----------
    paths : iterable of path
        The artefacts of a study.

    Raises
    ------
    ArtefactError
        If one does not fit, naming both; or as `attributes`.
    """
    known = {Path(path): attributes(path) for path in paths}
    for path, described in known.items():
        for name, digest in json.loads(str(described.get("sources", "{}"))).items():
            source = next((place for place in _places(path, name, str(described["artefact"])) if place in known), None)
            if source is not None and known[source]["content_digest"] != digest:
                raise store.ArtefactError(
                    f"{path}: was made of another {source} than the one that is there now; one of them was replaced, "
                    "with a time that says nothing of it: delete both and run again"
                )


def _places(path: Path, name: str, kind: str) -> list[Path]:
    """Say where the source of an artefact may lie."""
    if kind in ("effects", "changes"):
        return [path.parent / "outcomes" / f"{name}.nc"]
    if kind == "curves":
        return [path.parent / "series" / f"{name}.nc"]
    if kind == "stimuli":
        return [path.parent / "drawn" / f"{name}.nc"]
    return [folder / f"{name}.nc" for folder in list(path.parents)[:3]]
