"""Responses of a few units among very many.

read             read some stimuli of some units, and of the file only the chunks that they lie in
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from deeplocalizer import units
from deeplocalizer.store.large import STIMULI, UNITS

SLAB = 1 << 24  # bytes of responses that are read at once


def read(activations: xr.Dataset, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Read some stimuli of some units, and of the file only the chunks that they lie in.

    Parameters
    ----------
    activations : Dataset
        ``activation`` (stimulus, unit); may be opened lazily.
    rows : ndarray of int
        Positions of the stimuli, in the order wanted.
    columns : ndarray of int
        Positions of the units, ascending.

    Returns
    -------
    ndarray (row, column)
        Of the type of the file.

    Raises
    ------
    ValueError
        If a response is not finite, naming the unit and the stimulus.
    """
    activation = activations["activation"].transpose("stimulus", "unit")
    high, wide = activation.encoding.get("chunksizes") or (STIMULI, UNITS)
    values = np.empty((len(rows), len(columns)), dtype=activation.dtype)
    # units of one chunk are read together
    for some in np.split(np.arange(len(columns)), np.flatnonzero(np.diff(columns // wide)) + 1):
        if not len(some):
            continue
        first, last = int(columns[some[0]]), int(columns[some[-1]])
        step = high * max(1, SLAB // (high * (last + 1 - first) * activation.dtype.itemsize))
        for start in range(0, activation.sizes["stimulus"], step):
            mine = np.flatnonzero((rows >= start) & (rows < start + step))
            if len(mine):
                block = activation[start : start + step, first : last + 1].values
                values[np.ix_(mine, some)] = block[np.ix_(rows[mine] - start, columns[some] - first)]
    _refuse_infinite(activations, values, rows, columns)
    return values


def _refuse_infinite(activations: xr.Dataset, values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        unit = units.label(activations[[*units.COORDINATES]].isel(unit=columns[[column]]))[0]
        stimulus = str(activations["stimulus"].values[rows[row]])
        raise ValueError(
            f"the response of unit {unit} to stimulus {stimulus!r} is {values[row, column]}; expected a finite number"
        )
