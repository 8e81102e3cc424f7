"""Files of a model's repository on the Hugging Face Hub, kept in the Hub's own cache.

commit           the commit that a revision means
fetch            one file of a repository at a commit, from the cache or from the Hub
configuration    the configurations of a model; gives their folder
weights          the safetensors files of a model; gives their folder
parts            the files that an index of safetensors names
refuse_without_safetensors   refuse a repository whose weights are pickled, before anything is fetched
damaged          the words for a file that cannot be read

Only these functions ask the network, and only for what is not in the cache. Pickled weights and code are never fetched.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from deeplocalizer.downloads import disk
from deeplocalizer.hub import HubError, resolve
from deeplocalizer.hub.errors import absent
from deeplocalizer.hub.remote import patiently

logger = logging.getLogger(__name__)
T = TypeVar("T")
CONFIGURATIONS = ("config.json", "preprocessor_config.json", "processor_config.json")
SAFE = ("model.safetensors",)
INDEX = "model.safetensors.index.json"
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
PART = re.compile(r"\w[\w.-]*\.safetensors", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}")


def commit(repository: str, revision: str, downloads: Path) -> str:
    """Find out the commit that a revision means.

    Parameters
    ----------
    repository : str
        ``owner/name``.
    revision : str
        Commit, branch or tag; empty for ``main``.
    downloads : path
        Where what was found out is kept.

    Raises
    ------
    HubError
        If the Hub does not know it; if the network is off and it was never asked, with the command that helps.
    """
    revision = revision or constants.DEFAULT_REVISION
    try:
        return resolve(repository, revision, downloads, "model")
    except HubError:
        if not constants.HF_HUB_OFFLINE:
            raise
        # `hf download` notes in the cache which commit a branch meant
        cached = try_to_load_from_cache(repository, CONFIGURATIONS[0], revision=revision)
        if isinstance(cached, str):
            return Path(cached).parent.name
        raise _offline(repository, revision, CONFIGURATIONS[0]) from None


def fetch(repository: str, sha: str, name: str) -> Path | None:
    """Give one file of a repository, from the cache or from the Hub.

    Parameters
    ----------
    repository : str
    sha : str
        As `commit` gives it.
    name : str
        Path within the repository.

    Returns
    -------
    path or None
        None if the repository has no such file, or the network is off and the cache has none.

    Raises
    ------
    HubError
        If the Hub cannot be reached.
    ValueError
        If the file that came does not match its digest.
    """
    cached = try_to_load_from_cache(repository, name, revision=sha)
    if isinstance(cached, str):
        return Path(cached)
    if cached is not None or constants.HF_HUB_OFFLINE:
        return None
    what = f"{name} of {repository} at {sha[:12]}"

    def size() -> int | None:
        return _unless_absent(lambda: get_hf_file_metadata(hf_hub_url(repository, name, revision=sha)).size or 0)

    def download() -> str | None:
        return _unless_absent(lambda: str(hf_hub_download(repository, name, revision=sha)))

    nbytes = patiently(size, what) if name.endswith(".safetensors") else 0
    if nbytes:
        disk.require(Path(constants.HF_HUB_CACHE), nbytes, what)
        logger.info("fetching %s: %.1f MB", what, nbytes / 1e6)
    found = patiently(download, what)
    if found is None:
        return None
    _refuse_corrupt(Path(found), what)
    return Path(found)


def configuration(repository: str, sha: str) -> Path:
    """Fetch the configurations of a model; give their folder.

    Raises
    ------
    HubError
        If the repository has no ``config.json``, or the network is off and the cache has none.
    """
    found = [fetch(repository, sha, name) for name in CONFIGURATIONS]
    if found[0] is None:
        if constants.HF_HUB_OFFLINE:
            raise _offline(repository, sha, CONFIGURATIONS[0])
        raise HubError(f"{repository} at {sha[:12]} has no config.json: it is no repository of a model")
    return found[0].parent


def weights(repository: str, sha: str, names: Sequence[str] = SAFE) -> list[Path]:
    """Fetch the safetensors files of a model.

    Parameters
    ----------
    repository, sha : str
    names : sequence of str
        File names to try, the best first; then the parts that the index names.

    Raises
    ------
    HubError
        If the network is off and the cache has none.
    ValueError
        If the repository has no safetensors files.
    """
    for name in names:
        found = fetch(repository, sha, name)
        if found is not None:
            return [found]
    index = fetch(repository, sha, INDEX)
    if index is None:
        if constants.HF_HUB_OFFLINE:
            raise _offline(repository, sha, names[0])
        raise _unsafe(repository, sha)
    fetched = [(part, fetch(repository, sha, part)) for part in parts(index, f"{repository} at {sha[:12]}")]
    for part, path in fetched:
        if path is None:
            if constants.HF_HUB_OFFLINE:
                raise _offline(repository, sha, part)
            raise ValueError(f"{repository} at {sha[:12]}: {INDEX} names {part}, which is not there")
    return [path for _, path in fetched if path is not None]


def parts(index: Path, what: str) -> list[str]:
    """Read which files of safetensors an index names.

    Parameters
    ----------
    index : path
        ``model.safetensors.index.json``.
    what : str
        The model, for messages.

    Raises
    ------
    ValueError
        If it cannot be read, or names what is no file of safetensors beside it: another folder, or a pickle.
    """
    try:
        named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{what}: {INDEX} is not readable: {type(error).__name__}: {error}") from error
    for part in named:
        if not (isinstance(part, str) and PART.fullmatch(part)):
            raise ValueError(
                f"{what}: {INDEX} names {part!r}; expected the plain names of .safetensors files beside it"
            )
    return sorted(named)


def refuse_without_safetensors(repository: str, sha: str, names: Sequence[str] = SAFE) -> None:
    """Refuse a repository whose weights are pickled, before anything is fetched.

    Raises
    ------
    ValueError
        If it has no safetensors files.
    """
    if constants.HF_HUB_OFFLINE:
        return  # what is in the cache, or is not, shows when it is wanted
    for name in (*names, INDEX):
        if isinstance(try_to_load_from_cache(repository, name, revision=sha), str):
            return
    if not any(_exists(repository, sha, name) for name in (*names, INDEX)):
        raise _unsafe(repository, sha)


def damaged(path: Path, error: Exception, repository: str = "", sha: str = "") -> ValueError:
    """Put into words that a file of weights cannot be read."""
    again = f"; fetch it again: hf download {repository} --revision {sha} --force-download" if repository else ""
    return ValueError(f"{path}: not a readable safetensors file (truncated or corrupt?): {error}{again}")


def _exists(repository: str, sha: str, name: str) -> bool:
    def ask() -> bool:
        return _unless_absent(lambda: get_hf_file_metadata(hf_hub_url(repository, name, revision=sha))) is not None

    return patiently(ask, f"{name} of {repository} at {sha[:12]}")


def _unless_absent(ask: Callable[[], T]) -> T | None:
    """Ask for a file; None if the server says that it is not there, be it by the bare status 404 of a mirror."""
    try:
        return ask()
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise
    except (EntryNotFoundError, HfHubHTTPError) as error:
        # that a file could not be had is told by the same class: whether it is absent tells the cause
        if isinstance(error.__cause__, RepositoryNotFoundError | RevisionNotFoundError) or not absent(error):
            raise
        return None


def _unsafe(repository: str, sha: str) -> ValueError:
    pickled = next((name for name in PICKLED if _exists(repository, sha, name)), "")
    found = f"its weights are pickled ({pickled}), and a pickle can run any code" if pickled else "it holds no weights"
    return ValueError(
        f"{repository} at {sha[:12]} has no safetensors file: {found}. Only safetensors are loaded from the Hub; take "
        "a revision that has them (the Hub's conversion bot offers one as a pull request: refs/pr/<number>), or save "
        "them yourself and name the file in 'weights'"
    )


def _offline(repository: str, revision: str, name: str) -> HubError:
    return HubError(
        f"{name} of {repository} at revision {revision} is not in the Hub's cache ({constants.HF_HUB_CACHE}) and the "
        "network is off (HF_HUB_OFFLINE). Where there is one, run: "
        f"hf download {repository} --revision {revision}"
    )


def _refuse_corrupt(path: Path, what: str) -> None:
    """Hold a large file against its digest, by which the cache names it."""
    blob = path.resolve()
    if not SHA256.fullmatch(blob.name):
        return
    with blob.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != blob.name:
        blob.unlink()
        path.unlink(missing_ok=True)
        raise ValueError(f"{what}: what came does not match its digest and was deleted; run again")
