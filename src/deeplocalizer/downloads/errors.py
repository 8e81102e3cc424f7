"""What a download that failed raises."""

from __future__ import annotations


class DownloadError(RuntimeError):
    """Something could not be had from the network; the message says what, why, and how to go on."""
