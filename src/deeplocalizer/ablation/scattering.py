"""Scatter the masks of a localizer over jobs.

group_size       how many masks share a pass
part             the masks of one job
gather           put the outcomes of the jobs together
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr


def group_size(stimuli: int, batch_size: int) -> int:
    """Say how many masks share a pass: as many as fit when there are fewer stimuli than rows in a batch."""
    if batch_size < 1:
        raise ValueError(f"the batch size is {batch_size}; expected 1 or more")
    return max(1, batch_size // max(stimuli, 1))


def part(masks: int, size: int, job: int, jobs: int) -> slice:
    """Give the masks of one of several jobs, cut between groups: results are the same as of one job, bit by bit.

    Parameters
    ----------
    masks : int
        Number of masks.
    size : int
        Number of masks that share a pass, as `group_size` gives it.
    job : int
        From 0.
    jobs : int

    Returns
    -------
    slice
        Neighbours; none if there are more jobs than groups.

    Raises
    ------
    IndexError
        If there is no such job.
    """
    if not 0 <= job < jobs:
        raise IndexError(f"there is no job {job}; there are {jobs}, the first of them 0")
    groups = -(-masks // size)
    start, stop = (min(number * groups // jobs * size, masks) for number in (job, job + 1))
    return slice(start, stop)


def gather(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put the outcomes of several jobs of one localizer together.

    Parameters
    ----------
    parts : sequence of Dataset
        Each as `ablate` makes it, in the order of the jobs, with an intact run of its own.

    Returns
    -------
    Dataset
        With one intact run, the first.

    Raises
    ------
    ValueError
        If there are no parts, they ran other stimuli, their intact runs differ, or a mask is there twice.
    """
    if not parts:
        raise ValueError("there are no outcomes to gather")
    first = parts[0]
    for part in parts[1:]:
        if not np.array_equal(part["stimulus"].values, first["stimulus"].values):
            raise ValueError("the outcomes of the jobs are of different stimuli")
        if set(part.data_vars) != set(first.data_vars):
            odd = sorted({str(name) for name in set(part.data_vars) ^ set(first.data_vars)})
            raise ValueError(f"the outcomes of the jobs differ: {odd[0]!r} is not in all of them")
        for name in first.data_vars:
            _refuse_other_intact(str(name), first, part)
    names = [str(name) for part in parts for name in part["intervention"].values[1:]]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(f"mask {twice[0]!r} is in the outcomes of two jobs")
    ablated = [part.isel(intervention=slice(1, None)) for part in parts[1:]]
    return xr.concat([first, *ablated], "intervention", coords="minimal", compat="override", data_vars="minimal")


def _refuse_other_intact(name: str, first: xr.Dataset, part: xr.Dataset) -> None:
    some = [one[name].isel(intervention=0) if "intervention" in one[name].dims else one[name] for one in (first, part)]
    one, other = (each.values for each in some)
    # equal on one device; jobs may have run on two
    numbers = one.dtype.kind == "f"
    same = np.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True) if numbers else np.array_equal(one, other)
    if not same:
        raise ValueError(f"the intact runs of the jobs differ in {name!r}")
