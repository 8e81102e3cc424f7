"""What benchmarks leave: tables, and JSON with what is known of the machine.

text             rows as a table
spread           ratios as their median, least and largest
keep             rows as JSON
machine          processor, cores, device and versions
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "xarray",
    "netcdf4",
    "h5netcdf",
    "h5py",
    "nnsight",
    "torchlens",
    "scipy",
    "scikit-learn",
)
Row = dict[str, Any]


def text(rows: Sequence[Row]) -> str:
    """Lay rows out as text; the columns stand in the order in which rows bring them."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *([_shown(row.get(key, "")) for key in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def spread(name: str, ratios: Sequence[float]) -> Row:
    """Give the median of some ratios, and how far they lie apart."""
    return {name: statistics.median(ratios), f"{name}_from": min(ratios), f"{name}_to": max(ratios)}


def keep(folder: Path, name: str, rows: Sequence[Row], claims: Sequence[Row]) -> None:
    """Write rows and targets as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"benchmark": name, "machine": machine(), "rows": [*map(_finite, rows)], "targets": [*map(_finite, claims)]}
    (folder / f"{name}.json").write_text(json.dumps(kept, indent=1, allow_nan=False) + "\n")


def machine() -> Row:
    """Describe what the figures were measured on, without its name."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load": round(os.getloadavg()[0], 2),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _finite(row: Row) -> Row:
    """Give what JSON can hold: it has no NaN and no infinity."""
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 100 else _whole(value)


def _whole(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)
