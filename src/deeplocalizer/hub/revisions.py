"""Which commit a repository is taken at.

resolve          the full sha of a revision, found out once and kept
folder           where everything of a repository is kept
require_sha      refuse a revision that is not a full sha
"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Literal

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from deeplocalizer.hub.errors import NO_HUB, HubError, absent
from deeplocalizer.hub.files import write
from deeplocalizer.hub.remote import patiently, require_network

logger = logging.getLogger(__name__)
Kind = Literal["dataset", "model"]

SHA = re.compile(r"[0-9a-f]{40}")
ABBREVIATED = re.compile(r"[0-9a-f]{7,39}")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*")


def resolve(repository: str, revision: str, downloads: Path, kind: Kind = "dataset") -> str:
    """Find out the full sha of a revision.

    Parameters
    ----------
    repository : str
        ``owner/name``.
    revision : str
        A full sha (then the Hub is not asked), a branch, a tag, or the first seven or more digits of a sha.
    downloads : path
        What was found out is kept in ``hub/<kind>s/<owner>--<name>/revisions.json`` there: a later run takes the same
        commit, though the branch may have moved, and needs no network. Delete the file to follow the branch.
    kind : str
        ``dataset`` or ``model``.

    Raises
    ------
    HubError
        If the Hub does not know the repository or the revision, or cannot be reached.
    """
    if not REPOSITORY.fullmatch(repository):
        raise HubError(f"repository {repository!r} is no name on the Hub: it must read owner/name")
    if SHA.fullmatch(revision):
        return revision
    if not revision:
        raise HubError(f"{kind} {repository}: no revision is given; set `revision` to a commit, a branch or a tag")
    path = folder(downloads, repository, kind) / "revisions.json"
    known = _read(path)
    if revision in known:
        logger.info("%s %s: revision %r is pinned to %s by %s", kind, repository, revision, known[revision], path)
        return known[revision]
    require_network(f"{kind} {repository}: which commit revision {revision!r} is")
    sha = _ask(repository, revision, kind)
    logger.info("%s %s: revision %r is %s", kind, repository, revision, sha)
    write(path, json.dumps({**_read(path), revision: sha}, indent=2, sort_keys=True).encode())
    return sha


def folder(downloads: Path, repository: str, kind: Kind = "dataset") -> Path:
    """Say where everything of a repository is kept."""
    return downloads / "hub" / f"{kind}s" / repository.replace("/", "--")


def require_sha(revision: str) -> None:
    """Refuse a revision that is not a full sha.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not SHA.fullmatch(revision):
        raise ValueError(f"revision {revision!r} is not a full sha; resolve it first")


def _ask(repository: str, revision: str, kind: Kind) -> str:
    what = f"{kind} {repository} at revision {revision!r}"
    sha = patiently(lambda: _sha(repository, revision, kind), what)
    if sha:
        return sha
    main = _main(repository, kind, what)
    if not main:
        raise HubError(
            f"{what}: there is no such {kind} at {constants.ENDPOINT}, or it is private: check its name; for a private "
            "or gated one run `hf auth login`"
        )
    if ABBREVIATED.fullmatch(revision):
        if main.startswith(revision):
            return main
        matches = _beginning(repository, revision, kind, what, main)
        if len(matches) == 1:
            return matches.pop()
        if matches:
            raise HubError(f"{what}: {len(matches)} commits begin like this; set `revision` to the full sha")
    raise HubError(
        f"{what}: the Hub has no such revision; its main is at {main}: set `revision` to that, or to another"
    )


def _main(repository: str, kind: Kind, what: str) -> str:
    """Ask where main is; plain mirrors answer but one of the two addresses."""
    for revision in (constants.DEFAULT_REVISION, None):
        sha = patiently(lambda asked=revision: _sha(repository, asked, kind), what)  # type: ignore[misc]
        if sha:
            return str(sha)
    return ""


def _beginning(repository: str, digits: str, kind: Kind, what: str, main: str) -> set[str]:
    """List the commits whose sha begins like this."""
    try:
        commits = patiently(lambda: HfApi().list_repo_commits(repository, repo_type=kind), what)
    except HubError as error:
        raise HubError(
            f"{what}: which commit it is was not found out, as the list of commits could not be had ({error}); its "
            f"main is at {main}: set `revision` to that, or to all 40 digits of the sha"
        ) from error
    return {commit.commit_id for commit in commits if commit.commit_id.startswith(digits)}


def _sha(repository: str, revision: str | None, kind: Kind) -> str | None:
    """Ask for the sha of a revision; None if there is no such revision."""
    try:
        info = HfApi().repo_info(repository, revision=revision, repo_type=kind, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except RepositoryNotFoundError:
        raise
    except RevisionNotFoundError:
        return None
    except HfHubHTTPError as error:
        if absent(error):
            return None
        raise
    if not SHA.fullmatch(info.sha or ""):
        raise HubError(f"{constants.ENDPOINT} {NO_HUB}")
    return info.sha


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        damaged = not isinstance(known, dict) or not all(SHA.fullmatch(str(sha)) for sha in known.values())
    except (ValueError, UnicodeDecodeError):
        damaged = True
    if damaged:
        raise HubError(f"{path} is damaged; delete it, and revisions are found out anew")
    return dict(known)
