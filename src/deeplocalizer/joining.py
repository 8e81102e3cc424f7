"""Tables that were made in parts, put together.

along            datasets of the same units, one after another along another dimension
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from deeplocalizer import units


def along(dimension: str, parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put datasets of the same units one after another along a dimension.

    Parameters
    ----------
    dimension : str
        Such as ``contrast`` or ``mask``; the first axis of every variable that has it.
    parts : sequence of Dataset
        At least one; each with the same variables. They may be lazy: beside the result, one variable of one of them is
        held at a time.

    Returns
    -------
    Dataset
        What has not that dimension, attributes too, is taken from the first part.

    Raises
    ------
    ValueError
        If there are no parts, their variables differ, naming one, or a label of the dimension is in two of them.
    UnitsMismatchError
        If they are of other units.
    """
    if not parts:
        raise ValueError(f"there are no parts to put together along {dimension!r}")
    units.align(*parts)
    first = parts[0]
    for part in parts[1:]:
        odd = sorted(str(name) for name in set(part.variables) ^ set(first.variables))
        if odd:
            raise ValueError(f"the parts along {dimension!r} differ: {odd[0]!r} is not in all of them")
    variables = {name: _joined(name, dimension, parts) for name in first.variables}
    counted = Counter(variables[dimension].values.astype(str).tolist())
    twice = [label for label, count in counted.items() if count > 1]
    if twice:
        raise ValueError(f"{dimension} {twice[0]!r} is in two of the parts")
    return xr.Dataset(
        {name: variables[name] for name in first.data_vars},
        {name: variables[name] for name in first.coords},
        first.attrs,
    )


def _joined(name: Hashable, dimension: str, parts: Sequence[xr.Dataset]) -> xr.Variable:
    """Join one variable; how it lies in the files of the parts is left behind."""
    variable = parts[0][name].variable
    if dimension not in variable.dims:
        return xr.Variable(variable.dims, variable.values, variable.attrs)
    edges = np.cumsum([0, *(part.sizes[dimension] for part in parts)])
    values = np.empty((edges[-1], *variable.shape[1:]), dtype=np.result_type(*(part[name].dtype for part in parts)))
    for part, start, stop in zip(parts, edges[:-1], edges[1:], strict=True):
        values[start:stop] = part[name].values
    return xr.Variable(variable.dims, values, variable.attrs)
