"""What masks have in common.

overlaps         units shared by the targets, and how controls match their target
"""

from __future__ import annotations

import numpy as np
import xarray as xr


def overlaps(masks: xr.Dataset) -> xr.Dataset:
    """Say which units the targets share, and how controls match their target.

    Parameters
    ----------
    masks : Dataset
        As `table` makes it.

    Returns
    -------
    Dataset
        On (target, against), for every pair of target masks: ``shared`` (units in both), ``dice``
        (2 |A and B| / (|A| + |B|); Dice 1945, Ecology 26:297-302) and ``jaccard`` (|A and B| / |A or B|; Jaccard 1912,
        New Phytol 11:37-50). On (localizer, kind), for the controls: ``controls`` (how many), ``held`` (mean share of
        the target's units that they hold), ``imbalance`` and ``worst_imbalance`` (mean, and largest absolute,
        standardised difference of the mean |response|, target minus control); not a number where there are none.
    """
    role, kind, owner = (masks[name].values.astype(str) for name in ("role", "kind", "localizer"))
    targets = np.flatnonzero(role == "target")
    selected = masks["selected"].values
    sizes = [int(selected[row].sum()) for row in targets]
    shared = np.array([[int(np.sum(selected[a] & selected[b])) for b in targets] for a in targets], dtype=np.int64)
    shared = shared.reshape(len(targets), len(targets))
    both = np.add.outer(sizes, sizes)
    kinds = list(dict.fromkeys(kind[role == "control"].tolist()))
    columns: dict[str, np.ndarray] = {
        name: np.full((len(targets), len(kinds)), np.nan) for name in ("held", "imbalance", "worst_imbalance")
    }
    found = np.zeros((len(targets), len(kinds)), dtype=np.int32)
    for i, target in enumerate(targets):
        for j, each in enumerate(kinds):
            rows = np.flatnonzero((role == "control") & (kind == each) & (owner == owner[target]))
            found[i, j] = len(rows)
            if not len(rows):
                continue
            held = [np.sum(selected[row] & selected[target]) / sizes[i] for row in rows]
            off = masks["imbalance"].values[rows]
            columns["held"][i, j] = np.mean(held)
            columns["imbalance"][i, j] = off.mean()
            columns["worst_imbalance"][i, j] = np.abs(off).max()
    pair, cell = ("target", "against"), ("localizer", "kind")
    names = masks["mask"].values[targets].astype(str)
    return xr.Dataset(
        {
            "shared": (pair, shared, {"long_name": "units in both masks"}),
            "dice": (pair, 2 * shared / both, {"long_name": "Dice coefficient of two masks"}),
            "jaccard": (pair, shared / (both - shared), {"long_name": "Jaccard index of two masks"}),
            "controls": (cell, found, {"long_name": "number of control masks"}),
            "held": (cell, columns["held"], {"long_name": "mean share of the target's units that a control holds"}),
            "imbalance": (
                cell,
                columns["imbalance"],
                {"long_name": "mean standardised difference of the mean |response|, target minus control"},
            ),
            "worst_imbalance": (
                cell,
                columns["worst_imbalance"],
                {"long_name": "largest absolute standardised difference of the mean |response|"},
            ),
        },
        coords={
            "target": ("target", names, {"long_name": "target mask"}),
            "against": ("against", names, {"long_name": "target mask that it is compared with"}),
            "localizer": ("localizer", owner[targets], {"long_name": "localizer of the target"}),
            "kind": ("kind", np.array(kinds, dtype=str), {"long_name": "kind of control"}),
        },
    )
