"""What goes wrong with the Hub, in the words of the person who must put it right.

HubError         something is not on the Hub, or did not come from it
DamagedError     what came cannot be read
damaged          the words for that
explain          why a call of huggingface_hub or datasets failed
transient        whether trying again may help, and how long the server asks to wait
absent           whether the server said that something is not there
Truncated        fewer bytes came than were asked for
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from huggingface_hub import constants, errors
from huggingface_hub.utils import httpx

from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.downloads.patience import retry_after

OFFLINE = "run the same command once without HF_HUB_OFFLINE=1"
NO_HUB = "does not answer as a Hub does: check HF_ENDPOINT and the network (a sign-in page?)"
RETRIED = (408, 425, 429, 500, 502, 503, 504)


class HubError(DownloadError):
    """Something is not on the Hub, or did not come from it; the message says what to do."""


class DamagedError(HubError):
    """A file came as the Hub has it, and cannot be read: coming again would not help."""


class Truncated(OSError):
    """Fewer bytes came than were asked for, or they came too slowly."""


def explain(error: BaseException) -> str:
    """Say in one line why a call failed, and what helps."""
    for cause in _chain(error):
        reason = _reason(cause)
        if reason:
            return reason
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def damaged(what: str, error: BaseException) -> HubError:
    """Put into words that a file of the Hub cannot be read, unless something else hid behind it."""
    if any(isinstance(cause, HubError) for cause in _chain(error)):
        return HubError(f"{what}: {explain(error)}")
    return DamagedError(
        f"{what} ({' '.join(str(error).split())}): the Hub's own copy is damaged, or a proxy alters it; trying again "
        "will not help: set `revision` to another one, or tell the owner of the repository"
    )


def transient(error: BaseException) -> tuple[bool, float]:
    """Say whether trying again may help, and how many seconds the server asks to wait (0: it does not say)."""
    for cause in _chain(error):
        if isinstance(cause, HubError | errors.OfflineModeIsEnabled):
            return False, 0.0
        if isinstance(cause, Truncated | httpx.TimeoutException | httpx.NetworkError | httpx.RemoteProtocolError):
            return True, 0.0
        status = _status(cause)
        if status:
            return status in RETRIED, _asked_wait(cause)
    return False, 0.0


def absent(error: BaseException) -> bool:
    """Say whether the server said that something is not there: mirrors give the status 404 and no more."""
    return next((status for status in map(_status, _chain(error)) if status), 0) == 404


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what led to it; libraries hide their causes, so contexts count too."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _reason(error: BaseException) -> str:
    status = _status(error)
    match error:
        case HubError():
            return str(error)
        case errors.OfflineModeIsEnabled():
            return f"it is not here yet and the network is off; {OFFLINE}"
        case errors.GatedRepoError():
            return f"access is refused (status {status}): accept its terms on the Hub, then run `hf auth login`"
        case errors.RepositoryNotFoundError():
            return (
                f"the Hub has no such repository, or it is private (status {status}): check its name; for a private "
                "or gated one run `hf auth login`"
            )
        case errors.RevisionNotFoundError():
            return (
                "the Hub has no such revision (any more?): set `revision` to one that it has; if it is a branch or a "
                "tag that was found out before, delete revisions.json in the repository's folder of the downloads"
            )
        case errors.RemoteEntryNotFoundError():
            return "the Hub has no such file at this revision"
        case errors.FileMetadataError():
            return f"{constants.ENDPOINT} {NO_HUB}"
        case Truncated():
            return f"the connection broke: {error}"
        case httpx.TooManyRedirects():
            return "the server redirects without end: check HF_ENDPOINT and proxies"
        case httpx.TimeoutException() if "bytes came" in str(error):
            return f"the connection broke: {error}"
        case OSError() if "Consistency check failed" in str(error):
            return (
                "what came has another size than the file (a page instead of it, or a part): check HF_ENDPOINT and the "
                "network (a sign-in page?), then run the same command again"
            )
        case httpx.TimeoutException():
            return f"the server stalled: nothing came in {constants.HF_HUB_DOWNLOAD_TIMEOUT} seconds"
        case httpx.ConnectError():
            return f"{constants.ENDPOINT} cannot be reached: {error}"
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return f"the connection broke: {error}"
        case json.JSONDecodeError():
            return f"{constants.ENDPOINT} answers with a page instead of data: check HF_ENDPOINT and the network"
    if status == 404:
        return (
            f"there is no such repository, revision or file at {constants.ENDPOINT}, or it is private (status 404): "
            "check its name; for a private one run `hf auth login`"
        )
    if status in (401, 403):
        return f"access is refused (status {status}): run `hf auth login`, and accept the terms if it is gated"
    if status == 429:
        return "the server asks for fewer requests (status 429): wait some minutes; `hf auth login` raises the limit"
    return f"the server answered with status {status}" if status else ""


def _status(error: BaseException) -> int:
    response = getattr(error, "response", None)
    return int(getattr(response, "status_code", 0) or 0)


def _asked_wait(error: BaseException) -> float:
    headers = getattr(getattr(error, "response", None), "headers", {})
    asked = str(headers.get("Retry-After", "")).strip()
    return retry_after(asked) or 0.0
