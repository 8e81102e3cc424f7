"""The machine that a job runs on.

machine          processor, memory and operating system, in one line
accelerator      the graphics processor that PyTorch used, if it did
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
# where processors of several makers tell their name
_NAMES = ("model name", "Model", "cpu model", "cpu")


def machine() -> str:
    """Describe the machine.

    Returns
    -------
    str
        Processor, logical cores, memory in GiB and operating system, apart by semicolons; what the system does not tell
        is left out. The same text on every call; the name on the network is no part of it.
    """
    cores = os.cpu_count() or 1
    memory = _memory()
    parts = [
        processor(),
        f"{cores} logical {'core' if cores == 1 else 'cores'}",
        f"{memory / 2**30:.0f} GiB of memory" if memory else "",
        _system(),
    ]
    return "; ".join(" ".join(part.replace(";", ",").split()) for part in parts if part.strip())


def processor(cpuinfo: Path = _CPUINFO) -> str:
    """Name the processor.

    Parameters
    ----------
    cpuinfo : path, optional
        Where Linux tells about processors.
    """
    if cpuinfo.exists():
        lines = (line.partition(":") for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines())
        told = {key.strip(): value.strip() for key, _, value in reversed(list(lines))}
        named = next((told[key] for key in _NAMES if told.get(key)), "")
        if named:
            return named
    if sys.platform == "darwin":
        asked = subprocess.run(["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        if asked.stdout.strip():
            return asked.stdout.strip()
    return platform.processor() or platform.machine()


def accelerator() -> str:
    """Name the graphics processor that PyTorch used.

    Returns
    -------
    str
        Empty where PyTorch was not imported or did not use one: neither is done here.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return ""
    return str(torch.cuda.get_device_name())


def _memory() -> int:
    """Find the size of the memory in bytes, 0 where it is not told."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf, others need not know the names
        return 0


def _system() -> str:
    """Name the operating system and the version of its kernel."""
    kernel = f"{platform.system()} {platform.release()}".strip()
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}, {kernel}"
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {kernel}"
    except (KeyError, OSError):
        return kernel
