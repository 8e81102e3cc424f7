"""Whether there is room for a download.

require          refuse a download that would not fit
"""

from __future__ import annotations

import shutil
from pathlib import Path

from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.unwritable import readable as readable

MARGIN = 0.05  # of what is needed: sizes are estimates
LEAST_MARGIN = 256 * 1024**2  # bytes; a full file system breaks more than a download


def require(folder: Path, needed: float, what: str) -> None:
    """Refuse a download that would fill the file system.

    Parameters
    ----------
    folder : path
        Where the download goes; it need not exist yet.
    needed : float
        Bytes that are still to come; nothing is checked where none are.
    what : str
        What is downloaded, for the message.

    Raises
    ------
    DownloadError
        If fewer bytes are free than needed, with a margin of 5 % and at least 256 MiB.
    """
    if needed <= 0:
        return
    existing = next(place for place in [folder.absolute(), *folder.absolute().parents] if place.exists())
    free = shutil.disk_usage(existing).free
    margin = max(MARGIN * needed, LEAST_MARGIN)
    if free < needed + margin:
        raise DownloadError(
            f"{what}: {readable(needed)} are to be downloaded to {folder}, with {readable(margin)} to spare, "
            f"but only {readable(free)} are free there; make room, or name another folder"
        )
