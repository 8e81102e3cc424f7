"""Memory that this process has used; without PyTorch, so that jobs of numbers can ask."""

from __future__ import annotations

import resource
from pathlib import Path


def peak() -> float:
    """Give the peak of the memory of this process, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # a child begins with the ru_maxrss of its parent, but with a VmHWM of its own
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # in bytes on macOS
