"""Whether artefacts belong together.

attributes       what is written of an artefact, without its values
related          refuse artefacts of which one was made of another than the one that is there
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
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
            kind = str(described["artefact"])
            source = next((place for place in _places(path, name, kind) if _meant(known.get(place), name, kind)), None)
            if source is not None and known[source]["content_digest"] != digest:
                raise store.ArtefactError(
                    f"{path}: was made of another {source} than the one that is there now; one of them was replaced, "
                    "with a time that says nothing of it: delete both and run again"
                )


# of these, each source is named after what it is of; of the others, after its kind or its place in a folder
_NAMED: Mapping[str, str] = {"effects": "outcomes", "changes": "outcomes", "curves": "series", "stimuli": "drawn"}


def _meant(found: Mapping[str, Any] | None, name: str, kind: str) -> bool:
    """Say whether an artefact is the source of a name: a contrast may be called moments."""
    return found is not None and (kind in _NAMED or "/" in name or found["artefact"] == name)


def _places(path: Path, name: str, kind: str) -> list[Path]:
    """Say where the source of an artefact may lie."""
    if kind in _NAMED:
        return [path.parent / _NAMED[kind] / f"{name}.nc"]
    return [folder / f"{name}.nc" for folder in list(path.parents)[:3]]
