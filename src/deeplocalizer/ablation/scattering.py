"""Scatter the masks of a localizer over jobs.

group_size       how many masks share a pass
part             the masks of one job
"""

from __future__ import annotations


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
