"""Images of any data set on the Hugging Face Hub, by a map of its columns.

hub              images of a data set
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from deeplocalizer import hub as hugging_face
from deeplocalizer.downloads import files
from deeplocalizer.hub import Column, Row
from deeplocalizer.stimuli.images import check
from deeplocalizer.stimuli.record import Attribute, Draw, Drawn, Record, Refused
from deeplocalizer.stimuli.sources.celeba import read_attributes
from deeplocalizer.stimuli.sources.subsets import compose, subsets

SINGLE = ("image", "label", "group", "id", "licence")


@dataclass(frozen=True)
class _Source:
    """A data set at one commit, and how its rows become records."""

    repository: str
    sha: str
    columns: Mapping[str, Column]
    roles: Mapping[str, Any]
    wanted: Mapping[str, set[Any]]

    @property
    def needed(self) -> list[str]:
        """The columns that are fetched."""
        single = [self.roles[role] for role in SINGLE if self.roles[role]]
        return list(dict.fromkeys([*single, *self.roles["attributes"]]))


def hub(draw: Draw) -> Drawn:
    """Draw images of a data set on the Hub.

    Parameters
    ----------
    draw : Draw
        Of its settings: ``repository``, ``revision``, ``configuration``, ``subset`` (see `subsets.compose`);
        ``columns``, the names of the columns of ``image`` (an image, or its address), ``label``, ``group``, ``id``,
        ``licence`` and ``attributes`` (a list), empty where there is none; and ``where``, by column the value, or the
        values, that a row must have: of labels, their names or numbers.

    Returns
    -------
    Drawn
        An id is that of its column or ``<name of the data set>-<subset>-<number of the file>-<row in it>``.

    Raises
    ------
    ValueError
        If there are too few rows, a column or a label is not there, or two rows have one id.
    HubError
        If the data set is not there or cannot be reached.
    """
    settings = draw.settings
    repository, configuration = str(settings["repository"]), str(settings["configuration"])
    sha = hugging_face.resolve(repository, str(settings["revision"]), draw.downloads)
    seen: set[str] = set()

    def opened(subset: str, expected: int) -> Iterator[Record | Refused]:
        columns = hugging_face.columns(repository, sha, subset, draw.downloads, configuration)
        source = _source(draw, repository, sha, columns)
        rows = hugging_face.rows(
            repository, sha, subset, draw.seed, draw.downloads, source.needed, configuration, expected, source.wanted
        )
        for candidate in _candidates(rows, source, subset, draw, expected):
            if isinstance(candidate, Record):
                if candidate.id in seen:
                    raise ValueError(
                        f"{repository}: two rows have the id {candidate.id!r}; the column of ids must differ"
                    )
                seen.add(candidate.id)
            yield candidate

    def length(subset: str) -> int | None:
        if settings["where"]:
            return None
        return hugging_face.length(repository, sha, subset, draw.downloads, configuration)

    records, refused = compose(draw, opened, length)
    vocabulary = {name: Attribute(repository) for name in settings["columns"]["attributes"]}
    origin = {"repository": repository, "revision": sha, "subset": ", ".join(subsets(draw))}
    if configuration:
        origin["configuration"] = configuration
    return Drawn(tuple(records), tuple(refused), vocabulary, origin)


def _source(draw: Draw, repository: str, sha: str, columns: Mapping[str, Column]) -> _Source:
    roles, where = draw.settings["columns"], draw.settings["where"]
    named = {f"columns: {role}": roles[role] for role in SINGLE if roles[role]}
    named |= {f"columns: attributes[{index}]": name for index, name in enumerate(roles["attributes"])}
    named |= {f"where: {name}": name for name in where}
    for key, name in named.items():
        if name not in columns:
            near = difflib.get_close_matches(name, list(columns), n=3) or list(columns)
            raise ValueError(
                f"category {draw.category!r}: {key} names column {name!r}; {repository} has {', '.join(near)}"
            )
    if columns[roles["image"]].kind not in ("image", "text", "other"):
        raise ValueError(
            f"category {draw.category!r}: column {roles['image']!r} of {repository} holds no images "
            f"but {columns[roles['image']].kind}s"
        )
    wanted = {name: _values(draw, name, columns[name], value) for name, value in where.items()}
    return _Source(repository, sha, columns, roles, wanted)


def _values(draw: Draw, name: str, column: Column, value: Any) -> set[Any]:
    """Give the values that are wanted of a column, as the data set writes them."""
    values = value if isinstance(value, list) else [value]
    expected = {"integer": int, "text": str}.get(column.kind)
    for one in values:
        if expected and not isinstance(one, expected):
            raise ValueError(
                f"category {draw.category!r}: where: {name} names {one!r}, which no row has: the column holds "
                f"{'whole numbers' if expected is int else 'texts'}"
            )
    if column.kind != "label":
        return set(values)
    wanted = set()
    for one in values:
        if isinstance(one, str) and one in column.names:
            wanted.add(column.names.index(one))
        elif isinstance(one, int) and not isinstance(one, bool) and 0 <= one < len(column.names):
            wanted.add(one)
        else:
            near = difflib.get_close_matches(str(one), column.names, n=3) or column.names[:10]
            raise ValueError(
                f"category {draw.category!r}: where: {name} names label {one!r}; the data set has {', '.join(near)}"
            )
    return wanted


def _candidates(
    rows: Iterator[Row], source: _Source, subset: str, draw: Draw, expected: int
) -> Iterator[Record | Refused]:
    if source.columns[source.roles["image"]].kind == "text":
        yield from _by_address(rows, source, subset, draw, expected)
        return
    for row in rows:
        yield _finished(row, source, subset, _image(row, source))


def _by_address(
    rows: Iterator[Row], source: _Source, subset: str, draw: Draw, expected: int
) -> Iterator[Record | Refused]:
    """Fetch images that the data set gives the addresses of; one that cannot be had is replaced by the next."""
    known: dict[str, Row] = {}
    refused: list[Refused] = []

    def targets() -> Iterator[files.Target]:
        for row in rows:
            url = row.values[source.roles["image"]]
            if not isinstance(url, str) or not url.startswith(("http://", "https://")):
                refused.append(Refused(_id(row, source, subset), f"{row.file}, row {row.index}: {url!r} is no address"))
                continue
            name = f"{quote(subset, safe='')}-{row.key}"
            known[name] = row
            yield files.Target(name, url)

    folder = draw.downloads / "hub" / "images" / source.repository.replace("/", "--") / source.sha
    count = None if draw.count is None else expected
    limits = files.Limits(public=not hugging_face.local())
    fetched = files.fetch(targets(), count, folder, check, limits, what=f"images of {source.repository}")
    failed = [Refused(_id(known[one.name], source, subset), f"{one.url}: {one.reason}") for one in fetched.failures]
    yield from [*refused, *failed]
    for file in fetched.files:
        yield _finished(known[file.name], source, subset, file.path.read_bytes())


def _image(row: Row, source: _Source) -> bytes | None:
    value = row.values[source.roles["image"]]
    if isinstance(value, Mapping):
        value = value.get("bytes")
    return value if isinstance(value, bytes) else None


def _finished(row: Row, source: _Source, subset: str, encoded: bytes | None) -> Record | Refused:
    roles = source.roles
    name = _id(row, source, subset)
    if not encoded:
        return Refused(name, f"{row.file}, row {row.index}: column {roles['image']!r} holds no image")
    try:
        check(encoded, name)
    except ValueError as error:
        return Refused(name, str(error))
    return Record(
        name,
        encoded,
        f"{source.repository}@{source.sha[:7]}, {subset}, {row.file} row {row.index}",
        label=_text(row, source, "label"),
        group=_text(row, source, "group"),
        licence=_text(row, source, "licence"),
        attributes=read_attributes(row, roles["attributes"], f"{source.repository}, split {subset!r}"),
    )


def _id(row: Row, source: _Source, subset: str) -> str:
    return _text(row, source, "id") or f"{source.repository.split('/')[-1]}-{subset}-{row.key}"


def _text(row: Row, source: _Source, role: str) -> str:
    """Write the value of a column as text: of labels, their names; empty where there is none."""
    name = source.roles[role]
    value = row.values[name] if name else None
    column = source.columns.get(name)
    if value is None or column is None:
        return ""
    if column.kind == "label":
        return column.names[value] if 0 <= value < len(column.names) else ""
    return str(value)
