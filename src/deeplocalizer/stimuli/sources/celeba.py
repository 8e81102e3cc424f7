"""Faces of CelebA with their attributes, drawn from the Hugging Face Hub.

celeba           photographs of faces, by the splits of the data set
read_attributes  the attributes of a row

The data set names no identities, but the splits of CelebA are disjoint in identity (Liu et al. 2015): a study whose
splits are drawn from different splits of CelebA shows no person in two of them. CelebA is for non-commercial research.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deeplocalizer import hub
from deeplocalizer.stimuli.images import check
from deeplocalizer.stimuli.record import Attribute, Draw, Drawn, Record, Refused
from deeplocalizer.stimuli.sources.subsets import compose, subsets

LICENCE = "CelebA: non-commercial research only (agreement of the Multimedia Laboratory, CUHK)"
IMAGE = "image"
PRESENT, ABSENT = {1}, {0, -1}  # both spellings of absent are about


def celeba(draw: Draw) -> Drawn:
    """Draw faces.

    Parameters
    ----------
    draw : Draw
        Of its settings: ``repository``, ``revision``, ``subset`` (see `subsets.compose`), ``exclude`` and ``require``:
        attributes of which a face must have none, and at least one.

    Returns
    -------
    Drawn
        Ids are ``celeba-<subset>-<number of the file>-<row in it>``, which any draw gives to the same face.

    Raises
    ------
    ValueError
        If there are too few faces, an attribute is unknown, or a column holds what is no attribute.
    HubError
        If the data set is not there or cannot be reached.
    """
    repository = str(draw.settings["repository"])
    sha = hub.resolve(repository, str(draw.settings["revision"]), draw.downloads)
    names = _attributes(draw, repository, sha)

    def opened(subset: str, expected: int) -> Iterator[Record | Refused]:
        columns = [IMAGE, *names]
        for row in hub.rows(repository, sha, subset, draw.seed, draw.downloads, columns, expected=expected):
            attributes = read_attributes(row, names, f"{repository}, split {subset!r}")
            if _is_wanted(attributes, draw.settings):
                yield _candidate(row, attributes, repository, sha, subset)

    records, refused = compose(draw, opened, lambda subset: hub.length(repository, sha, subset, draw.downloads))
    vocabulary = {name: Attribute("celeba") for name in names}
    origin = {"repository": repository, "revision": sha, "subset": ", ".join(subsets(draw))}
    return Drawn(tuple(records), tuple(refused), vocabulary, origin)


def _attributes(draw: Draw, repository: str, sha: str) -> list[str]:
    """List the columns that are attributes, the same in every split."""
    found: dict[str, list[str]] = {}
    for subset in subsets(draw):
        columns = hub.columns(repository, sha, subset, draw.downloads)
        if getattr(columns.get(IMAGE), "kind", "") != "image":
            raise ValueError(f"{repository}, split {subset!r}: it has no column {IMAGE!r} of images")
        found[subset] = [
            name for name, column in columns.items() if column.kind == "integer" and not name.startswith("__")
        ]
    names = next(iter(found.values()))
    for subset, others in found.items():
        if set(others) != set(names):
            odd = ", ".join(sorted(set(others) ^ set(names)))
            raise ValueError(f"{repository}: split {subset!r} has other attributes than the first: {odd}")
    for key in ("exclude", "require"):
        for name in draw.settings[key]:
            if name not in names:
                near = ", ".join(difflib.get_close_matches(name, names, n=3) or names)
                raise ValueError(f"category {draw.category!r}: {key} names attribute {name!r}; {repository} has {near}")
    return names


def read_attributes(row: hub.Row, names: Sequence[str], where: str) -> dict[str, int]:
    """Read the attributes of a row; one that is not there is unknown."""
    attributes: dict[str, int] = {}
    for name in names:
        value = row.values[name]
        if value is None:
            continue
        if value not in PRESENT | ABSENT:
            raise ValueError(
                f"{where}, row {row.index} of {row.file}: column {name!r} holds {value}, which is not 1, 0 or -1"
            )
        attributes[name] = int(value in PRESENT)
    return attributes


def _is_wanted(attributes: Mapping[str, int], settings: Mapping[str, Any]) -> bool:
    present = {name for name, value in attributes.items() if value}
    return present.isdisjoint(settings["exclude"]) and (
        not settings["require"] or not present.isdisjoint(settings["require"])
    )


def _candidate(row: hub.Row, attributes: Mapping[str, int], repository: str, sha: str, subset: str) -> Record | Refused:
    name = f"celeba-{subset}-{row.key}"
    image = row.values[IMAGE] or {}
    encoded = image.get("bytes")
    if not encoded:
        return Refused(name, f"{row.file}, row {row.index}: there is no image")
    try:
        check(encoded, name)
    except ValueError as error:
        return Refused(name, str(error))
    place = image.get("path") or f"{row.file} row {row.index}"
    source = f"{repository}@{sha[:7]}, {subset}, {place}"
    return Record(name, encoded, source, licence=LICENCE, attributes=attributes)
