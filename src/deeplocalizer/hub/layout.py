"""What a split of a data set is made of.

Column           one column: what it holds, and the names of its labels
Layout           the files of a split, its columns, and where it is kept
describe         find out the layout of a split, once
columns          the columns of a split, by name
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huggingface_hub import constants, get_hf_file_metadata
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from deeplocalizer.hub.errors import HubError, absent, damaged
from deeplocalizer.hub.files import write
from deeplocalizer.hub.remote import RemoteFile, address, patiently, require_network
from deeplocalizer.hub.revisions import folder, require_sha

FORMAT = 2
STREAM_TRIES = 1  # datasets and huggingface_hub try again by themselves
MOST_SHARDS = 1024  # of a split that is not Parquet: more files than that are drawn in as many bundles


@dataclass(frozen=True)
class Column:
    """A column: ``image``, ``label``, ``integer``, ``text`` or ``other``; a label has names."""

    kind: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """The files of a split, its columns, and where it is kept.

    Parameters
    ----------
    repository, revision, configuration, subset : str
        The revision is a full sha.
    files : tuple of str
        Paths in the repository of its Parquet files; empty if it is made of other files.
    shards : int
        Number of Parquet files, or of parts that `datasets` can read on their own.
    columns : mapping of Column
        By name.
    folder : path
        Where everything of it is kept.
    """

    repository: str
    revision: str
    configuration: str
    subset: str
    files: tuple[str, ...]
    shards: int
    columns: Mapping[str, Column]
    folder: Path

    @property
    def name(self) -> str:
        """The split, for messages."""
        inner = f"{self.configuration}, " if self.configuration else ""
        return f"data set {self.repository} at {self.revision[:7]}, {inner}split {self.subset!r}"

    def file_name(self, shard: int) -> str:
        """Name a file, for messages and for readers."""
        return self.files[shard] if self.files else f"part {shard} of {self.shards}"

    def require(self, wanted: Sequence[str]) -> None:
        """Refuse columns that there are not.

        Raises
        ------
        HubError
            Naming the column and those that are spelled alike.
        """
        for name in wanted:
            if name not in self.columns:
                near = difflib.get_close_matches(name, list(self.columns), n=3) or list(self.columns)[:10]
                raise HubError(
                    f"{self.name} has no column {name!r}; {'near is' if len(near) == 1 else 'it has'} {', '.join(near)}"
                )


def columns(
    repository: str, revision: str, subset: str, downloads: Path, configuration: str = ""
) -> Mapping[str, Column]:
    """Give the columns of a split, by name."""
    return describe(repository, revision, subset, downloads, configuration).columns


def describe(repository: str, revision: str, subset: str, downloads: Path, configuration: str = "") -> Layout:
    """Find out the layout of a split; it is kept, and found out once.

    Raises
    ------
    HubError
        If there is no such data set, configuration or split (naming those there are), or it cannot be reached.
    """
    require_sha(revision)
    place = folder(downloads, repository) / revision / _safe(configuration or "default") / _safe(subset)
    path = place / "layout.json"
    if not path.exists():
        name = f"data set {repository} at {revision[:7]}, split {subset!r}"
        require_network(name)
        found = _find_out(repository, revision, subset, configuration, name)
        write(path, json.dumps({"format": FORMAT, **found}, indent=2).encode())
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            raise HubError(f"{place} was written by another version of deeplocalizer; delete that folder")
        known = {name: Column(kind, tuple(names)) for name, (kind, names) in kept["columns"].items()}
        return Layout(
            repository, revision, configuration, subset, tuple(kept["files"]), int(kept["shards"]), known, place
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HubError(f"{path} is damaged; delete the folder {place}, and it is fetched anew") from error


def stream(layout: Layout) -> Any:
    """Open a split that is not Parquet (CSV, JSON, text) as a stream of `datasets`."""
    return _stream(layout.repository, layout.revision, layout.subset, layout.configuration)


def _stream(repository: str, revision: str, subset: str, configuration: str) -> Any:
    import datasets

    # huggingface_hub has tried each request six times before these count
    datasets.config.STREAMING_READ_MAX_RETRIES = datasets.config.STREAMING_OPEN_MAX_RETRIES = 1
    return datasets.load_dataset(repository, configuration or None, split=subset, revision=revision, streaming=True)


def _find_out(repository: str, revision: str, subset: str, configuration: str, name: str) -> dict[str, Any]:
    # datasets tells neither why it was refused nor that nobody answered, so this is asked before
    patiently(lambda: _knock(repository, revision), name)
    files_of = patiently(lambda: _builder(repository, revision, configuration), name)
    data_files = files_of.config.data_files or {}
    if subset not in data_files:
        raise HubError(f"{name}: there is no such split; there are {', '.join(map(repr, data_files)) or 'none'}")
    root = f"hf://datasets/{repository}@{revision}/"
    paths = [str(path) for path in data_files[subset]]
    features = files_of.info.features
    if all(path.startswith(root) and path.endswith(".parquet") for path in paths):
        files = [path.removeprefix(root) for path in paths]
        features = features or _parquet_features(repository, revision, files[0], name)
        shards = len(files)
    else:
        files = []
        features, shards = patiently(
            lambda: _stream_features(repository, revision, subset, configuration), name, STREAM_TRIES
        )
    known = {column: _column(feature) for column, feature in features.items()}
    return {"files": files, "shards": shards, "columns": known}


def _knock(repository: str, revision: str) -> None:
    """Ask for the first file that is wanted of any data set; that there is none is fine."""
    try:
        get_hf_file_metadata(address(repository, revision, "README.md"), timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise
    except HfHubHTTPError as error:
        if not absent(error):
            raise


def _builder(repository: str, revision: str, configuration: str) -> Any:
    import datasets

    try:
        return datasets.load_dataset_builder(repository, configuration or None, revision=revision)
    except RuntimeError as error:
        if "script" in str(error):
            raise HubError(
                "it is loaded by a script, and nothing from the network is executed: set `revision` to one that has "
                "data files (many repositories have theirs as Parquet at revision refs/convert/parquet)"
            ) from error
        raise
    except ValueError as error:
        if "Config name is missing" in str(error) or "BuilderConfig" in str(error):
            raise HubError(f"set `configuration`: {' '.join(str(error).split())}") from error
        raise


def _parquet_features(repository: str, revision: str, path: str, name: str) -> Any:
    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

    what = f"{name}, file {path}"
    try:
        schema = pq.read_schema(RemoteFile(address(repository, revision, path), what))
    except (pa.ArrowException, OSError) as error:
        raise damaged(f"{what} is no readable Parquet file", error) from error
    return datasets.Features.from_arrow_schema(schema)


def _stream_features(repository: str, revision: str, subset: str, configuration: str) -> tuple[Any, int]:
    import datasets

    opened = _stream(repository, revision, subset, configuration)
    features = opened.features
    if any(isinstance(feature, datasets.Image) for feature in (features or {}).values()):
        raise HubError(
            "its images are not in Parquet files: set `revision` to refs/convert/parquet, where the Hub keeps most "
            "data sets so, or download it and use the source `folder`"
        )
    if features is None:
        first = next(iter(opened), None)
        if first is None:
            raise HubError("it has no rows")
        features = datasets.Dataset.from_list([first]).features
    return features, min(opened.num_shards, MOST_SHARDS)


def _column(feature: Any) -> tuple[str, list[str]]:
    import datasets

    match feature:
        case datasets.Image():
            return "image", []
        # what pandas or another program wrote does not say that it is an image
        case dict() if _is_image(feature):
            return "image", []
        case datasets.ClassLabel():
            return "label", list(feature.names)
        case datasets.Value() if feature.dtype.startswith(("int", "uint", "bool")):
            return "integer", []
        case datasets.Value() if "string" in feature.dtype:
            return "text", []
    return "other", []


def _is_image(fields: dict[str, Any]) -> bool:
    kinds = {name: getattr(field, "dtype", "") for name, field in fields.items()}
    return (
        set(kinds) == {"bytes", "path"}
        and "binary" in kinds["bytes"]
        and ("string" in kinds["path"] or kinds["path"] == "null")
    )


def _safe(name: str) -> str:
    return quote(name, safe="").replace(".", "%2E")
