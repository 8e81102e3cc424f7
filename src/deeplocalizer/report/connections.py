"""How the recorded layers of a network are connected.

shown            whether there is anything to be shown
sentence         what feeds what, in one sentence
caption          of the figure
described        the figure for those who do not see it
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from deeplocalizer.plots import topology
from deeplocalizer.report import wording
from deeplocalizer.report.study import Model


def shown(model: Model) -> bool:
    """Whether a figure says more than the name of the only layer."""
    return bool(model.architecture.sizes["layer"] > 1)


def sentence(model: Model) -> str:
    """Say how the layers feed one another."""
    described = model.architecture
    layers, edges = described.sizes["layer"], described.sizes["edge"]
    feeds = np.bincount(described["source"].values.astype(int), minlength=layers)
    fed = np.bincount(described["target"].values.astype(int), minlength=layers)
    if layers < 2:
        return ""
    if not edges:
        return "None of them feeds another."
    if edges == layers - 1 and feeds.max() == 1 and fed.max() == 1:
        return "They form a chain."
    several = [
        f"{wording.count(int((number > 1).sum()), 'layer')} {verb if (number > 1).sum() == 1 else verbs} several others"
        for number, verb, verbs in ((feeds, "feeds", "feed"), (fed, "is fed by", "are fed by"))
        if (number > 1).any()
    ]
    told = f"They are linked by {wording.count(edges, 'connection')}"
    return f"{told}: {wording.listed(several)}." if several else f"{told}."


def caption(model: Model) -> str:
    """Say what the figure shows, and what it leaves out."""
    told = (
        "Recorded layers and how they are connected: an arrow leads from a layer to each that it feeds with no "
        "recorded layer between."
    )
    described = model.architecture
    if len(set(described["module"].values.astype(str))) > 1:
        told += " Colours are types of modules."
    left_out = described.sizes["edge"] - _arrows(described)
    if left_out:  # of very many, never a single one
        told += (
            f" {wording.count(left_out, 'connection')} that {'bypasses' if left_out == 1 else 'bypass'} other layers "
        )
        told += f"{'is' if left_out == 1 else 'are'} not drawn."
    return told


def described(model: Model) -> str:
    """Describe the figure for those who do not see it."""
    layers = wording.count(model.architecture.sizes["layer"], "box", "boxes")
    arrows = wording.count(_arrows(model.architecture), "arrow")
    return f"{layers} with the names of layers, joined by {arrows}".replace(wording.NO_BREAK, " ")


def _arrows(described: xr.Dataset) -> int:
    """Count the connections that are drawn."""
    ends = (described[end].values.astype(int).tolist() for end in ("source", "target"))
    return len(topology.drawn(described.sizes["layer"], list(zip(*ends, strict=True))))
