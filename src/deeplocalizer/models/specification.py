"""What a model is, in words that rebuild it without a network. Importing this room does not import torch.

Specification    library, name, revision, configuration, labels and preprocessing of a model
parse            the library and the name behind an architecture
write            keep a specification as a file, whole or not at all
read             a specification that `write` kept
unique           labels in which no two are the same
read_labels      the labels in a file, one a line
local_files      the files of the researcher's own that a model is made of
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from deeplocalizer import whole
from deeplocalizer.models import own_code

logger = logging.getLogger(__name__)
OWN = "deeplocalizer"  # the library of the networks of `catalogue`
LIBRARIES = ("torchvision", "timm", "transformers", "python")
FORMAT = 1  # of the file; another number is another format
UNCHANGED = ("pretrained", "none", "untrained", "trained")  # weights that are no file


@dataclass(frozen=True)
class Specification:
    """What a model is.

    Parameters
    ----------
    library : str
        One of `LIBRARIES`, or `OWN`.
    name : str
        Its name there: ``resnet34``, ``microsoft/resnet-34``, ``module:function``.
    revision : str
        The commit of its repository; empty where there is none.
    config : mapping
        What the library rebuilds the network from; JSON can hold it.
    labels : tuple of str
        The label of each output.
    preprocessing : mapping
        What `models.pipelines.pipeline` rebuilds the preprocessing from; JSON can hold it.
    """

    library: str
    name: str
    revision: str
    config: Mapping[str, Any]
    labels: tuple[str, ...]
    preprocessing: Mapping[str, Any]

    @property
    def architecture(self) -> str:
        """Its name in a configuration."""
        return self.name if self.library == OWN else f"{self.library}:{self.name}"

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an input."""
        height, width = self.preprocessing["size"]
        return len(self.preprocessing["mean"]), int(height), int(width)

    def to_json(self) -> str:
        """Write it as JSON, keys sorted."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Specification:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            If it is no JSON, of another format, or lacks something.
        """
        try:
            known = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"not readable as JSON (truncated?): {error}") from error
        return cls.from_mapping(known)

    @classmethod
    def from_mapping(cls, known: Any) -> Specification:
        """Take what JSON holds of a specification.

        Raises
        ------
        ValueError
            If it is of another format, or lacks something.
        """
        if not isinstance(known, Mapping) or known.get("format") != FORMAT:
            raise ValueError(f"not the description of a model of this version (expected format {FORMAT})")
        missing = [field.name for field in fields(cls) if field.name not in known]
        if missing:
            raise ValueError(f"the description of the model lacks {', '.join(missing)}")
        values = {field.name: known[field.name] for field in fields(cls)}
        return cls(**{**values, "labels": tuple(values["labels"])})


def parse(architecture: str) -> tuple[str, str]:
    """Split an architecture into its library and its name there.

    Raises
    ------
    ValueError
        If there is no such library.
    """
    library, colon, name = architecture.partition(":")
    if not colon:
        return OWN, architecture
    if library not in LIBRARIES or not name:
        raise ValueError(
            f"architecture {architecture!r}: expected small_cnn, or a name behind one of "
            f"{', '.join(f'{known}:' for known in LIBRARIES)}"
        )
    return library, name


def write(specification: Specification, path: str | os.PathLike[str]) -> None:
    """Write a specification beside its destination, then rename."""
    whole.write(specification.to_json() + "\n", path)


def read(path: str | os.PathLike[str]) -> Specification:
    """Read a specification.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is truncated or something else.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    try:
        return Specification.from_json(source.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{source}: {error}; {whole.again(source)}") from error


def unique(labels: Sequence[str]) -> tuple[str, ...]:
    """Tell labels of one name apart by their output: ImageNet has two cranes.

    Returns
    -------
    tuple of str
        With `` [517]`` behind each name that occurs twice, the index of its output.
    """
    counts = Counter(labels)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        logger.info("several outputs have one name and are told apart by their index: %s", ", ".join(twice))
    return tuple(f"{name} [{index}]" if counts[name] > 1 else name for index, name in enumerate(labels))


def read_labels(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Read a file of labels: one a line, in the order of the outputs.

    Raises
    ------
    ValueError
        If there is no such file, or a line is empty or a name occurs twice.
    """
    source = Path(os.path.expanduser(path))
    if not source.is_file():
        raise ValueError(f"labels: there is no file {source}; expected a text file with one name a line")
    try:
        names = [line.strip() for line in source.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError(f"labels: {source} is no text in UTF-8: {error}") from error
    while names and not names[-1]:
        names.pop()
    if not names:
        raise ValueError(f"labels: {source} is empty; expected one name a line")
    for number, name in enumerate(names, start=1):
        if not name:
            raise ValueError(f"labels: line {number} of {source} is empty; every output needs a name")
        if names.index(name) != number - 1:
            raise ValueError(f"labels: {name!r} stands on lines {names.index(name) + 1} and {number} of {source}")
    return tuple(names)


def local_files(model: Mapping[str, Any]) -> list[str]:
    """Name the files of the researcher's own that a model is made of, so that a change of them can be noticed.

    Parameters
    ----------
    model : mapping
        ``models/<name>`` of a configuration.

    Returns
    -------
    list of str
        Sorted: the file of labels; the file of a python model and those of all that it imports, where they lie in the
        working directory; the configuration of a local folder. Not the file of weights. A leading ``~`` is replaced
        by the home folder, since Snakemake takes none.
    """
    library, name = parse(model["architecture"])
    found = [Path(os.path.expanduser(model["labels"])).as_posix()] if model.get("labels") else []
    if library == "python":
        found += own_code.files(name.partition(":")[0])
    if library in ("transformers", "timm"):
        folder = Path(os.path.expanduser(name))
        found += [path.as_posix() for path in map(folder.joinpath, FOLDER_FILES) if path.is_file()]
    return sorted(set(found))


FOLDER_FILES = ("config.json", "preprocessor_config.json")
