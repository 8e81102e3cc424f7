"""The moments of one block of stimuli, where the model is.

leaf             mean and sum of squared deviations of every unit

It is called inside the forward pass, on responses as large as a layer, so on a CPU it works in the core's cache: some
units at a time. Every step is one correctly rounded operation on the elements of two rows. A unit's result is therefore
the same, bit for bit, wherever its column lies, however many units are done at a time, and on any number of threads. An
accelerator does the same in a few kernels, and sums in its own order.
"""

from __future__ import annotations

import math

import torch

# bytes of work at a time: half the cache of a core, a little of a GPU's memory
SLAB = {"cpu": 1 << 20, "cuda": 1 << 28}
LEAST = 64  # units at a time, however many rows there are


def leaf(
    values: torch.Tensor, into: tuple[torch.Tensor, torch.Tensor] | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute mean and sum of squared deviations over the rows of a block.

    Parameters
    ----------
    values : Tensor (stimulus, unit)
        Floating, on any device; one row or more. Not changed.
    into : tuple of Tensor, optional
        Where to write mean and m2: both (unit,), float64, on the device of the values. New ones by default.

    Returns
    -------
    mean, m2 : Tensor (unit,), float64
        In the units of the values, and squared. An infinity or NaN among the values leaves the unit's mean not finite.

    Raises
    ------
    ValueError
        If the values are no table or have no rows, or ``into`` does not fit.

    Notes
    -----
    The first row x₀ is taken off in float64, then m2 = Σd² - (Σd)²/n with d = x - x₀ (Chan, Golub & LeVeque 1983, The
    American Statistician 37:242-247, on shifted data). The shift is one of the values, so n(mean - x₀)² ≤ n m2, and the
    difference loses at most a factor of n + 1 in precision, whatever the mean. A constant unit has d = 0, hence its
    own value as the mean and an m2 of exactly 0. Values of float32 neither overflow nor underflow when squared. The
    rows are added in pairs, which bounds the error by log₂ n roundings (Higham 1993, SIAM J. Sci. Comput. 14:783-799).
    """
    if values.ndim != 2 or len(values) == 0:
        raise ValueError(f"the values have the shape {tuple(values.shape)}; expected (stimulus, unit), one row or more")
    values = values.detach()
    rows, units = values.shape
    mean, m2 = into or (_empty(values, units), _empty(values, units))
    for name, result in (("mean", mean), ("m2", m2)):
        _refuse_other(name, result, values)
    if values.device.type != "cpu":
        _fused(values, mean, m2)
        return mean, m2
    width = max(1, min(units, max(LEAST, SLAB["cpu"] // (16 * rows))))
    room, first_row = _empty(values, 2 * rows * width), _empty(values, width)
    for start in range(0, units, width):
        slab = slice(start, min(start + width, units))
        count = slab.stop - slab.start
        if start == 0 or count < width:
            work, shift = room[: 2 * rows * count].view(2, rows, count), first_row[:count]
            pairs = _pairs(work)
        _slab(values[:, slab], work, shift, pairs, mean[slab], m2[slab])
    return mean, m2


def _slab(
    values: torch.Tensor,
    work: torch.Tensor,
    shift: torch.Tensor,
    pairs: list[tuple[torch.Tensor, torch.Tensor]],
    mean: torch.Tensor,
    m2: torch.Tensor,
) -> None:
    """Write the moments of some units; `work` is as large as the values in float64, twice."""
    deviation, square = work[0], work[1]
    deviation.copy_(values)
    shift.copy_(deviation[0])
    deviation.sub_(shift)
    torch.mul(deviation, deviation, out=square)
    for upper, lower in pairs:
        upper.add_(lower)
    total = deviation[0]
    torch.mul(total, 1 / len(deviation), out=mean)  # a GPU divides by a number so, and a CPU does not
    torch.sub(square[0], total.mul_(mean), out=m2)
    mean.add_(shift)


def _fused(values: torch.Tensor, mean: torch.Tensor, m2: torch.Tensor) -> None:
    """Write the moments with as few kernels as there can be: launching them is what costs on an accelerator."""
    rows, units = values.shape
    width = max(LEAST, SLAB["cuda"] // (8 * rows))
    for start in range(0, units, width):
        slab = slice(start, min(start + width, units))
        shift = values[0, slab].double()
        variance, offset = torch.var_mean(values[:, slab] - shift, dim=0, correction=0)
        torch.mul(variance, rows, out=m2[slab])
        torch.add(shift, offset, out=mean[slab])


def _pairs(work: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Give the rows to add to which, until the first holds the sum: views, made once for all slabs."""
    pairs = []
    rows = work.shape[1]
    while rows > 1:
        half = math.ceil(rows / 2)
        pairs.append((work[:, : rows - half], work[:, half:rows]))
        rows = half
    return pairs


def _empty(values: torch.Tensor, size: int) -> torch.Tensor:
    return torch.empty(size, dtype=torch.float64, device=values.device)


def _refuse_other(name: str, result: torch.Tensor, values: torch.Tensor) -> None:
    expected = (values.shape[1:], torch.float64, values.device)
    given = (result.shape, result.dtype, result.device)
    if given != expected:
        shown = [f"{tuple(shape)} of {dtype} on {device}" for shape, dtype, device in (given, expected)]
        raise ValueError(f"the place for {name} is {shown[0]}; expected {shown[1]}")
