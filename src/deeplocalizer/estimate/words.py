"""An estimate in words.

told             the lines that a reader sees
size             bytes as they are read
duration         seconds as they are read
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deeplocalizer.estimate.speed import Speed
from deeplocalizer.estimate.workload import Workload

_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def told(
    config: Mapping[str, Any],
    counts: Mapping[str, int],
    loads: Mapping[str, Workload],
    speeds: Mapping[str, Speed],
    fetched: Mapping[str, int],
    cores: int,
    device: str,
) -> list[str]:
    """Tell what a study will take.

    Parameters
    ----------
    config : mapping
    counts : mapping of int
        Stimuli by category.
    loads, speeds : mapping
        By model.
    fetched : mapping of int
        Bytes by what is fetched.
    cores : int
    device : str
        On which the speeds were measured.

    Returns
    -------
    list of str
    """
    listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    lines = [f"The study {config['study']}: {sum(counts.values()):,} stimuli ({listed})"]
    total, longest = 0.0, 0.0
    for name, load in loads.items():
        one, other = load.recorded * speeds[name].recorded, load.ablated * speeds[name].ablated
        jobs = len(config["localizers"])
        total += one + other
        longest = max(longest, one + other / jobs)
        lines += [
            f"  {name}",
            f"    recording   {_passes(load.recorded, speeds[name].recorded)}",
            f"    ablation    {_passes(load.ablated, speeds[name].ablated)}"
            f"   ({load.interventions:,} runs in {jobs} job{'s' if jobs > 1 else ''})",
            f"    on disk     {size(load.bytes)} before compression (inputs {size(load.inputs)}, activations "
            f"{size(load.activations)}, moments {size(load.moments)}, masks {size(load.masks)})",
        ]
    passes = sum(load.recorded + load.ablated for load in loads.values())
    parts = ", ".join(f"{name} {size(number)}" for name, number in fetched.items())
    on_disk = sum(load.bytes for load in loads.values())
    lines += [
        f"  Passes    {passes:,}",
        f"  To fetch  about {size(sum(fetched.values()))} ({parts}), less what {config['downloads']}/ has already"
        if fetched
        else "  To fetch  nothing",
        f"  On disk   at most {size(on_disk)}",
    ]
    # jobs of one network share one accelerator; on the CPU each has a core
    elapsed = total if device != "cpu" else max(total / cores, longest)
    where = f"on one {device}" if device != "cpu" else f"on {cores} core{'s' if cores > 1 else ''}"
    work = "" if device != "cpu" else f" ({total / 3600:.1f} core-hours)"
    lines.append(f"  Time      about {duration(elapsed)} {where}{work}, besides downloads and training")
    return lines


def _passes(count: int, seconds: float) -> str:
    return f"{count:>11,} passes   {1e3 * seconds:7.1f} ms each   {duration(count * seconds)}"


def size(number: float) -> str:
    """Write bytes: ``1.2 GB``."""
    for scale, unit in _UNITS:
        if number >= scale:
            return f"{number / scale:.3g} {unit}"
    return f"{number:.0f} B"


def duration(seconds: float) -> str:
    """Write a time: ``3.2 h``, ``12 min`` or ``40 s``."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
